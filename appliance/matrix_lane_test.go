package appliance_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ruche/appliance"
	"ruche/appliance/appliancetest"
	"ruche/appliance/control"
)

// lane is a small association of its own, so that lanes run beside one another.
type lane struct {
	server  *appliancetest.Server
	number  int
	secrets map[string]string // role, or account -> app password
	made    int               // names handed out
	tidied  map[string]bool   // accounts with a seed to bring and nothing that was brought
	gone    map[string][]string
	uses    map[string]int
	network int
	client  *http.Client
}

// account is the name that a name of the cast has in this lane.
func (l *lane) account(name string) string { return fmt.Sprintf("%s%d", name, l.number) }

func (l *lane) fresh(prefix string) string {
	l.made++
	return fmt.Sprintf("%s%d", prefix, l.made)
}

// startMatrix runs an appliance that believes where its proxy says requests come from: wrong passwords are
// throttled by house, and the matrix has far more of them than one house may try.
func startMatrix(t *testing.T) *appliancetest.Server {
	return appliancetest.Start(t, func(c *appliance.Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
}

func newLane(t *testing.T, s *appliancetest.Server, number int) *lane {
	l := &lane{
		server: s, number: number, secrets: map[string]string{}, tidied: map[string]bool{}, gone: map[string][]string{}, uses: map[string]int{},
		client: &http.Client{
			Transport:     &http.Transport{DisableCompression: true, ExpectContinueTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	t.Cleanup(l.client.CloseIdleConnections)
	appliancetest.Do(t, s, control.AddGroup, control.NewGroup{Name: l.account("board")})
	s.Folder(t, l.account("board"), "Papers")
	for _, name := range []string{"ada", "rita", "will", "mona", "lena", "stan", "rex"} {
		appliancetest.Do(t, s, control.AddAccount, control.NewAccount{Name: l.account(name), Admin: name == "rex"})
		l.secrets[name] = l.secret(t, name, false)
	}
	for _, r := range roles {
		if r.signsIn() {
			l.secrets[r.name] = l.secrets[r.account]
		}
	}
	l.secrets["owner-ro"] = l.secret(t, "ada", true)
	l.secrets["manager-ro"] = l.secret(t, "mona", true)
	for name, in := range map[string]string{"rita": "read", "will": "write", "mona": "manage", "lena": "write"} {
		l.join(t, l.account(name), in)
	}
	return l
}

func (l *lane) join(t testing.TB, name, as string) {
	appliancetest.Do(t, l.server, control.Join, control.Joining{Group: l.account("board"), Name: name, Role: as})
}

func (l *lane) secret(t testing.TB, name string, readOnly bool) string {
	in := control.NewAppPassword{Name: l.account(name), Label: "test", ReadOnly: readOnly}
	return appliancetest.Do(t, l.server, control.AddAppPassword, in).Secret
}

// credentials are the name and password that a role shows for a thing.
func (l *lane) credentials(t testing.TB, r role, th *thing) (name, secret string) {
	switch r.name {
	case "nobody":
		return "", ""
	case "wrong":
		// Not more than a few times from each house, where the maker is known.
		if l.uses["wrong"]++; l.uses["wrong"]%8 == 1 {
			l.network++
			l.do(t, l.account(th.maker), l.secrets[th.maker], "OPTIONS", "/dav/", "")
		}
		return l.account(th.maker), l.secrets["stan"]
	case "disabled", "removed":
		if l.uses[r.name]++; l.uses[r.name]%8 == 1 {
			l.network++
		}
		if l.uses[r.name]%80 == 1 { // a name is throttled after a hundred failures
			l.gone[r.name] = l.lose(t, r.name)
		}
		return l.gone[r.name][0], l.gone[r.name][1]
	}
	return l.account(r.account), l.secrets[r.name]
}

// lose makes a manager of the shared folder and takes the account away.
func (l *lane) lose(t testing.TB, how string) []string {
	name := l.fresh(how)
	appliancetest.Do(t, l.server, control.AddAccount, control.NewAccount{Name: l.account(name)})
	l.join(t, l.account(name), "manage")
	secret := l.secret(t, name, false)
	if a := l.do(t, l.account(name), secret, "PROPFIND", "/dav/files/"+l.account(name)+"/Papers/", "", "Depth: 0"); a.status != 207 {
		t.Errorf("PROPFIND of a manager = %d, want 207", a.status)
	}
	if how == "disabled" {
		appliancetest.Do(t, l.server, control.SetAccount, control.AccountChange{Name: l.account(name), Disabled: new(true)})
	} else {
		appliancetest.Do(t, l.server, control.RemoveAccount, control.Named{Name: l.account(name)})
	}
	return []string{l.account(name), secret}
}

// reply is an answer without what differs each time.
type reply struct {
	status int
	header http.Header
	body   string
}

// String is all that a client can see of it.
func (a reply) String() string {
	var b strings.Builder
	fmt.Fprintln(&b, a.status)
	for _, key := range slices.Sorted(maps.Keys(a.header)) {
		if key != "Date" {
			fmt.Fprintln(&b, key, a.header[key])
		}
	}
	return b.String() + a.body
}

func (l *lane) do(t testing.TB, name, secret, method, path, body string, header ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, l.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		r.Body = http.NoBody
	}
	if name != "" {
		r.SetBasicAuth(name, secret)
	}
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.1", l.number*8+l.network>>8, l.network&255))
	for _, line := range header {
		key, value, _ := strings.Cut(line, ": ")
		r.Header.Add(key, value)
	}
	resp, err := l.client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

// as sends a request that must work, as an account of the cast; "{me}" in the path is its name.
func (l *lane) as(t testing.TB, name, method, path, body string, header ...string) reply {
	t.Helper()
	path = strings.ReplaceAll(path, "{me}", l.account(name))
	for i := range header {
		header[i] = strings.ReplaceAll(header[i], "{me}", l.account(name))
	}
	a := l.do(t, l.account(name), l.secrets[name], method, "/dav"+path, body, header...)
	if a.status >= 300 {
		t.Fatalf("%s as %s: %s = %d %s", method, name, path, a.status, a.body)
	}
	return a
}

// second adds a group with a folder and members of its own.
func (l *lane) second(t testing.TB, group, folder string, members map[string]string) {
	appliancetest.Do(t, l.server, control.AddGroup, control.NewGroup{Name: l.account(group)})
	l.server.Folder(t, l.account(group), folder)
	for name, as := range members {
		appliancetest.Do(t, l.server, control.Join, control.Joining{Group: l.account(group), Name: l.account(name), Role: as})
	}
}
