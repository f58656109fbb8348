package appliance_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ruche/appliance"
)

func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ruche.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func env(pairs ...string) func(string) (string, bool) {
	values := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return func(key string) (string, bool) { v, ok := values[key]; return v, ok }
}

func TestConfigPrecedence(t *testing.T) {
	file := configFile(t, "listen = '127.0.0.1:1'\ndata = 'file'\nquota = '2G'\n")
	for _, tt := range []struct {
		name   string
		source appliance.Source
		want   string
	}{
		{"default", appliance.Source{}, "127.0.0.1:8080"},
		{"file", appliance.Source{File: file}, "127.0.0.1:1"},
		{"environment", appliance.Source{File: file, Env: env("RUCHE_LISTEN", "127.0.0.1:2")}, "127.0.0.1:2"},
		{"flag", appliance.Source{File: file, Env: env("RUCHE_LISTEN", "127.0.0.1:2"),
			Flags: map[string]string{"listen": "127.0.0.1:3"}}, "127.0.0.1:3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := appliance.Load(tt.source)
			if err != nil {
				t.Fatal(err)
			}
			if c.Listen != tt.want {
				t.Errorf("listen = %s, want %s", c.Listen, tt.want)
			}
			if tt.source.File != "" && (c.Data != "file" || c.Quota != 2<<30) {
				t.Errorf("data = %s, quota = %d, want those of the file", c.Data, c.Quota)
			}
		})
	}
}

func TestConfigErrorsNameTheKey(t *testing.T) {
	for _, tt := range []struct {
		name, file, env, value string
		want                   []string
	}{
		{"unknown key", "lisen = 'x'", "", "", []string{"lisen", "unknown"}},
		{"table", "[limits]\nx = 1", "", "", []string{"limits", "unknown"}},
		{"wrong type", "insecure_http = 'perhaps'", "", "", []string{"insecure_http", "true or false"}},
		{"float", "trash_days = 1.5", "", "", []string{"trash_days"}},
		{"negative", "trash_days = -1", "", "", []string{"trash_days", "whole number"}},
		{"size", "quota = '10 bananas'", "", "", []string{"quota", "10G"}},
		{"level", "log_level = 'loud'", "", "", []string{"log_level"}},
		{"format", "log_format = 'xml'", "", "", []string{"log_format"}},
		{"proxy", "trusted_proxies = ['10.0.0.0/8', 'proxy']", "", "", []string{"trusted_proxies", `"proxy"`}},
		{"no port", "listen = 'localhost'", "", "", []string{"listen", "port"}},
		{"port too large", "", "RUCHE_LISTEN", "127.0.0.1:99999", []string{"RUCHE_LISTEN = ", "65535"}},
		{"port of letters", "listen = ':80a'", "", "", []string{"ruche.toml: listen = ", "65535"}},
		{"open to the network, by the environment", "", "RUCHE_LISTEN", "0.0.0.0:81", []string{"RUCHE_LISTEN = ", "--insecure-http", "127.0.0.1:81"}},
		{"duration", "idle_timeout = 60", "", "", []string{"idle_timeout", "60s"}},
		{"empty data", "data = ''", "", "", []string{"data", "empty"}},
		{"syntax", "data = \n", "", "", []string{"line 1"}},
		{"environment", "", "RUCHE_QUOTA", "lots", []string{"RUCHE_QUOTA", `"lots"`}},
		{"open to the network", "listen = '0.0.0.0:80'", "", "", []string{"listen", "insecure_http"}},
		{"open to the network, no host", "listen = ':80'", "", "", []string{"listen", "insecure_http"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := appliance.Load(appliance.Source{File: configFile(t, tt.file), Env: env(tt.env, tt.value)})
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("message %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestConfigMissingFile(t *testing.T) {
	_, err := appliance.Load(appliance.Source{File: filepath.Join(t.TempDir(), "none.toml")})
	if err == nil || !strings.Contains(err.Error(), "none.toml") {
		t.Errorf("missing file: %v, want a message with its name", err)
	}
}

func TestInsecureHTTPWhenAsked(t *testing.T) {
	c, err := appliance.Load(appliance.Source{File: configFile(t, "listen = '0.0.0.0:80'\ninsecure_http = true")})
	if err != nil || !c.InsecureHTTP {
		t.Errorf("insecure_http = %v, %v, want it accepted", c.InsecureHTTP, err)
	}
}

func TestConfigProxies(t *testing.T) {
	c, err := appliance.Load(appliance.Source{Env: env("RUCHE_TRUSTED_PROXIES", "10.1.2.3/8, ::1")})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.TrustedProxies) != 2 || c.TrustedProxies[0].String() != "10.0.0.0/8" || c.TrustedProxies[1].String() != "::1/128" {
		t.Errorf("proxies = %v", c.TrustedProxies)
	}
}

// The sample names every key with its default, and nothing else.
func TestSampleConfiguration(t *testing.T) {
	raw, err := os.ReadFile("../packaging/ruche.toml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := appliance.Load(appliance.Source{File: "../packaging/ruche.toml"}); err != nil {
		t.Errorf("as it is: %v", err)
	}
	var set strings.Builder
	for line := range strings.Lines(string(raw)) {
		if key, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(key, " ") {
			set.WriteString(key)
		}
	}
	c, err := appliance.Load(appliance.Source{File: configFile(t, set.String())})
	if err != nil {
		t.Fatalf("every key set: %v", err)
	}
	if want := appliance.Default(); !reflect.DeepEqual(c, want) {
		t.Errorf("sample gives %+v, default is %+v", c, want)
	}
	for _, o := range appliance.Options() {
		if !strings.Contains("\n"+set.String(), "\n"+o.Key+" = ") {
			t.Errorf("the sample does not show %s", o.Key)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "12B": 12, "5000000": 5000000, "10Go": 10 << 30, "10 GB": 10 << 30, "10gb": 10 << 30, "1Kio": 1 << 10, "1k": 1 << 10, "500M": 500 << 20, "10 G": 10 << 30, "2TiB": 2 << 40, "3GB": 3 << 30} {
		if got, err := appliance.ParseSize(text); err != nil || got != want {
			t.Errorf("%s = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "G", "-1", "1.5G", "99999999999T", "1X", "10", "1048575", "10BB", "10 G B"} {
		if n, err := appliance.ParseSize(text); err == nil {
			t.Errorf("%q = %d, want an error", text, n)
		}
	}
}

func TestSizeWithoutAUnit(t *testing.T) {
	if _, err := appliance.ParseSize("10"); err == nil || !strings.Contains(err.Error(), "did you mean 10G?") {
		t.Errorf("10: %v", err)
	}
}
