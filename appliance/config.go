package appliance

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// Config is everything an owner can set. Default has what holds without any setting, Options names each key.
type Config struct {
	Data           string
	StoreID        string
	Listen         string
	InsecureHTTP   bool
	TrustedProxies []netip.Prefix
	Hosts          []string // names that proxies serve us under

	Quota       int64 // of a new account, in bytes; 0 is unlimited
	TrashDays   int
	VersionDays int

	LogLevel  slog.Level
	LogFormat LogFormat

	Limits Limits
}

// Limits protect a small machine from many or slow connections.
type Limits struct {
	Connections           int
	ConnectionsPerAddress int
	Header                time.Duration // for the whole head of a request
	Idle                  time.Duration // for a byte of a body, a step of an answer, the next request
	Grace                 time.Duration // before MinRate holds
	MinRate               int           // bytes a second of a body
	Drain                 time.Duration // for running requests at the end
}

// LogFormat is how lines of the log are written.
type LogFormat string

// LogAuto is text on a terminal and JSON elsewhere.
const (
	LogAuto LogFormat = "auto"
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Default is the configuration of somebody who set nothing: one's own machine, this folder.
func Default() Config {
	return Config{
		Data:        "ruche-data",
		Listen:      "127.0.0.1:8080",
		TrashDays:   30,
		VersionDays: 90,
		LogLevel:    slog.LevelInfo,
		LogFormat:   LogAuto,
		Limits: Limits{
			Connections:           1024,
			ConnectionsPerAddress: 256,
			Header:                10 * time.Second,
			Idle:                  60 * time.Second,
			Grace:                 30 * time.Second,
			MinRate:               1 << 10,
			Drain:                 10 * time.Second,
		},
	}
}

// Source is where the settings come from. A flag counts more than the environment, that more than the file,
// and that more than the default.
type Source struct {
	File  string                      // path of the TOML file; "" for none
	Env   func(string) (string, bool) // os.LookupEnv; nil for none
	Flags map[string]string           // key -> value, only what was given
}

// Load reads the configuration. Every error names the key and where it was set.
func Load(s Source) (Config, error) {
	c := Default()
	file, err := readFile(s.File)
	if err != nil {
		return c, err
	}
	for _, o := range options {
		name, value, given := s.lookup(o, file)
		if !given {
			continue
		}
		if err := o.set(&c, value); err != nil {
			return c, fmt.Errorf("%s = %q: %w", name, value, err)
		}
	}
	return c, c.check(s.listenName(file))
}

// listenName is how the address was set.
func (s Source) listenName(file map[string]string) string {
	for _, o := range options {
		if name, _, given := s.lookup(o, file); given && o.Key == "listen" {
			return name
		}
	}
	return "listen"
}

func (s Source) lookup(o Option, file map[string]string) (name, value string, given bool) {
	if value, given = s.Flags[o.Key]; given {
		return "--" + o.Flag(), value, true
	}
	if s.Env != nil {
		if value, given = s.Env(o.Env()); given {
			return o.Env(), value, true
		}
	}
	value, given = file[o.Key]
	return s.File + ": " + o.Key, value, given
}

func readFile(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	var raw map[string]any
	if _, err := toml.DecodeFile(path, &raw); err != nil {
		var bad toml.ParseError
		switch {
		case errors.As(err, &bad):
			return nil, fmt.Errorf("configuration %s: line %d: %s", path, bad.Position.Line, bad.Message)
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("configuration %s: there is no such file", path)
		}
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	values := map[string]string{}
	for key, v := range raw {
		if !known(key) {
			return nil, fmt.Errorf("configuration %s: unknown key %q", path, key)
		}
		text, err := plain(v)
		if err != nil {
			return nil, fmt.Errorf("configuration %s: %s: %w", path, key, err)
		}
		values[key] = text
	}
	return values, nil
}

// plain is a TOML value as one would write it in an environment variable.
func plain(v any) (string, error) {
	switch v := v.(type) {
	case string, int64, bool:
		return fmt.Sprint(v), nil
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			text, ok := item.(string)
			if !ok {
				return "", errors.New("a list of texts is needed")
			}
			parts[i] = text
		}
		return strings.Join(parts, ","), nil
	}
	return "", errors.New("a text, a whole number, true or false is needed")
}

// check refuses values that do not go together; name is how the address was set.
func (c *Config) check(name string) error {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("%s = %q: an address and a port are needed, like 127.0.0.1:8080", name, c.Listen)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%s = %q: the port is a number from 0 to 65535, like 127.0.0.1:8080", name, c.Listen)
	}
	if !isLoopback(host) && !c.InsecureHTTP {
		return fmt.Errorf("%s = %q: passwords would cross the network in the clear. Listen on 127.0.0.1:%s and put a proxy with "+
			"HTTPS in front of it, or set insecure_http = true (--insecure-http) on a network you trust", name, c.Listen, port)
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// DefaultFile is read when no other file is named and it exists.
const DefaultFile = "/etc/ruche/ruche.toml"

// FindFile is the configuration file to read: the one named by the flag, by RUCHE_CONFIG, or DefaultFile when
// it exists. RUCHE_CONFIG set to nothing means none.
func FindFile(flag string, env func(string) (string, bool)) string {
	if flag != "" {
		return flag
	}
	if path, given := env("RUCHE_CONFIG"); given {
		return path
	}
	if _, err := os.Stat(DefaultFile); err == nil {
		return DefaultFile
	}
	return ""
}
