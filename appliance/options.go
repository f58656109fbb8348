package appliance

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Option is one key of the configuration. The file knows it by Key, the environment by Env, the command line
// by Flag.
type Option struct {
	Key  string
	Help string
	set  func(c *Config, value string) error
}

// Env is the name of the environment variable.
func (o Option) Env() string { return "RUCHE_" + strings.ToUpper(o.Key) }

// Flag is the name on the command line, without its dashes.
func (o Option) Flag() string { return strings.ReplaceAll(o.Key, "_", "-") }

// Options lists every key, in the order of the sample file.
func Options() []Option { return slices.Clone(options) }

func known(key string) bool {
	return slices.ContainsFunc(options, func(o Option) bool { return o.Key == key })
}

var options = []Option{
	{"data", "folder that holds everything", func(c *Config, v string) error { return setText(&c.Data, v) }},
	{"store_id", "id that the data folder's marker must hold, so that an unmounted disk is noticed",
		func(c *Config, v string) error { c.StoreID = v; return nil }},
	{"listen", "address and port to listen on", func(c *Config, v string) error { return setText(&c.Listen, v) }},
	{"insecure_http", "allow plain HTTP on addresses that others can reach",
		func(c *Config, v string) error { return setBool(&c.InsecureHTTP, v) }},
	{"trusted_proxies", "addresses or networks of proxies whose X-Forwarded-For is believed", setProxies},
	{"hosts", "names that a proxy serves this under, when it does not hand on the one it was asked for",
		func(c *Config, v string) error { c.Hosts = splitList(v); return nil }},
	{"quota", "space of a new account, like 10G; 0 is unlimited", func(c *Config, v string) (err error) {
		c.Quota, err = ParseSize(v)
		return err
	}},
	{"trash_days", "days that deleted files can be brought back, when the quota has room for so long", func(c *Config, v string) error { return setInt(&c.TrashDays, v, 1, 36500) }},
	{"version_days", "days that older contents of a file are kept, when the quota has room for so long", func(c *Config, v string) error { return setInt(&c.VersionDays, v, 1, 36500) }},
	{"log_level", "debug, info, warn or error", func(c *Config, v string) error { return setLevel(&c.LogLevel, v) }},
	{"log_format", "auto, text or json", setFormat},
	{"max_connections", "connections at the same time", func(c *Config, v string) error { return setInt(&c.Limits.Connections, v, 8, 1<<20) }},
	{"max_connections_per_address", "connections at the same time from one address, and requests from one network (a building often shares one)",
		func(c *Config, v string) error { return setInt(&c.Limits.ConnectionsPerAddress, v, 1, 1<<20) }},
	{"idle_timeout", "how long a connection may stand still", func(c *Config, v string) error { return setDuration(&c.Limits.Idle, v) }},
	{"drain_timeout", "how long running requests may take when the server stops", func(c *Config, v string) error { return setDuration(&c.Limits.Drain, v) }},
}

func setText(to *string, v string) error {
	if v == "" {
		return errors.New("it must not be empty")
	}
	*to = v
	return nil
}

func setBool(to *bool, v string) error {
	b, err := strconv.ParseBool(v)
	if err != nil {
		return errors.New("true or false is needed")
	}
	*to = b
	return nil
}

func setInt(to *int, v string, from, upTo int) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < from || n > upTo {
		return fmt.Errorf("a whole number from %d to %d is needed", from, upTo)
	}
	*to = n
	return nil
}

func setDuration(to *time.Duration, v string) error {
	d, err := time.ParseDuration(v)
	if err != nil || d < time.Second || d > 24*time.Hour {
		return errors.New("a duration from 1s to 24h is needed, like 60s or 5m")
	}
	*to = d
	return nil
}

func setLevel(to *slog.Level, v string) error {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, v) {
		return errors.New("debug, info, warn or error is needed")
	}
	return to.UnmarshalText([]byte(v))
}

func setFormat(c *Config, v string) error {
	c.LogFormat = LogFormat(v)
	if !slices.Contains([]LogFormat{LogAuto, LogText, LogJSON}, c.LogFormat) {
		return errors.New("auto, text or json is needed")
	}
	return nil
}

// splitList reads the values between commas, without empty ones.
func splitList(v string) (list []string) {
	for part := range strings.SplitSeq(v, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

func setProxies(c *Config, v string) error {
	c.TrustedProxies = nil
	for _, part := range splitList(v) {
		network, err := netip.ParsePrefix(part)
		if a, aerr := netip.ParseAddr(part); aerr == nil {
			network, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return fmt.Errorf("%q is neither an address nor a network like 10.0.0.0/8", part)
		}
		c.TrustedProxies = append(c.TrustedProxies, network.Masked())
	}
	return nil
}

var sizePattern = regexp.MustCompile(`^([0-9]+)\s*([KMGT]?)(I?[BO])?$`)

// ParseSize reads a number of bytes: digits, and a unit like K, M, G, T, GB, GiB or Go, which are powers of 1024.
// A small number without a unit is refused: nobody means a quota of ten bytes.
func ParseSize(v string) (int64, error) {
	parts := sizePattern.FindStringSubmatch(strings.ToUpper(strings.TrimSpace(v)))
	if parts == nil {
		return 0, errSize
	}
	shift := 0
	if parts[2] != "" {
		shift = 10 * (strings.Index("KMGT", parts[2]) + 1)
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	switch {
	case err != nil || n > (1<<62)>>shift:
		return 0, errSize
	case n > 0 && n < 1<<20 && parts[2]+parts[3] == "":
		return 0, fmt.Errorf("that is %d bytes; did you mean %dG?", n, n)
	}
	return n << shift, nil
}

var errSize = errors.New("a size is needed, like 500M, 10G or 2T; 0 is unlimited")
