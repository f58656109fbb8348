package appliance_test

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"

	"ruche/appliance/appliancetest"
	"ruche/appliance/control"
)

// onSameConnection sends a request and fails when it did not go over a connection that had one before.
func (l *lane) onSameConnection(t *testing.T, name, secret, method, path string, want int) {
	t.Helper()
	reused := false
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }})
	r, err := http.NewRequestWithContext(ctx, method, l.server.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(name, secret)
	r.Header.Set("Depth", "0")
	resp, err := l.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != want {
		t.Errorf("%s %s = %d, want %d", method, path, resp.StatusCode, want)
	}
	if !reused {
		t.Errorf("%s %s went over a new connection", method, path)
	}
}

// What is taken from somebody is gone with the next request, on the connection that is open.
func TestRightsEndAtOnce(t *testing.T) {
	l := newLane(t, startMatrix(t), 1)
	shared := l.folder(t, ours)
	l.as(t, "mona", "DELETE", shared+"box/", "")
	old := l.versionOf(t, "will", shared+"a.txt")
	item := itemHref.FindStringSubmatch(l.as(t, "will", "PROPFIND", "/trashbin/{me}/trash/", "", "Depth: 1").body)[1]
	will, secret := l.account("will"), l.secrets["will"]
	at := func(path string) string { return "/dav" + strings.ReplaceAll(path, "{me}", will) }
	member := control.Joining{Group: l.account("board"), Name: will}
	paths := map[string]string{"file": at(shared + "a.txt"), "folder": at(shared), "mount": at("/files/{me}/Papers/"), "version": at(old), "trash": at("/trashbin/{me}/trash/" + item), "group": at("/principals/groups/" + l.account("board"))}
	see := func(t *testing.T, want int) {
		t.Helper()
		for _, path := range paths {
			l.onSameConnection(t, will, secret, "PROPFIND", path, want)
		}
	}

	t.Run("the role", func(t *testing.T) {
		see(t, 207)
		member.Role = "read"
		appliancetest.Do(t, l.server, control.Join, member)
		l.onSameConnection(t, will, secret, "DELETE", paths["file"], 403)
		l.onSameConnection(t, will, secret, "PROPFIND", paths["trash"], 404)
		l.onSameConnection(t, will, secret, "GET", paths["file"], 200)
		member.Role = "write"
		appliancetest.Do(t, l.server, control.Join, member)
	})
	t.Run("the membership", func(t *testing.T) {
		see(t, 207)
		appliancetest.Do(t, l.server, control.Leave, member)
		see(t, 404)
		l.onSameConnection(t, will, secret, "GET", paths["file"], 404)
		l.onSameConnection(t, will, secret, "PUT", paths["file"], 409)
		l.onSameConnection(t, will, secret, "DELETE", paths["file"], 404)
		if listing := l.as(t, "will", "PROPFIND", "/files/{me}/", "", "Depth: 1").body; strings.Contains(listing, "Papers") {
			t.Errorf("the folder is still listed:\n%s", listing)
		}
		l.as(t, "mona", "GET", shared+"a.txt", "") // stays for the others
		appliancetest.Do(t, l.server, control.Join, member)
	})
	t.Run("the folder", func(t *testing.T) {
		papers := control.FolderOf{Group: l.account("board"), Name: "Papers"}
		see(t, 207)
		appliancetest.Do(t, l.server, control.RemoveFolder, papers)
		l.onSameConnection(t, will, secret, "GET", paths["file"], 404)
		l.onSameConnection(t, will, secret, "GET", paths["version"], 404)
		appliancetest.Do(t, l.server, control.RestoreFolder, papers)
		see(t, 207)
	})
	t.Run("the app password", func(t *testing.T) {
		second := appliancetest.Do(t, l.server, control.AddAppPassword, control.NewAppPassword{Name: will, Label: "lost phone"})
		l.onSameConnection(t, will, second.Secret, "GET", paths["file"], 200)
		appliancetest.Do(t, l.server, control.RevokeAppPassword, control.AppPasswordOf{Name: will, ID: second.ID})
		l.onSameConnection(t, will, second.Secret, "GET", paths["file"], 401)
		l.onSameConnection(t, will, secret, "GET", paths["file"], 200)
	})
	t.Run("the password", func(t *testing.T) {
		appliancetest.Do(t, l.server, control.SetPassword, control.PasswordChange{Name: will, Password: "four words for now"})
		l.onSameConnection(t, will, "four words for now", "GET", paths["file"], 200)
		appliancetest.Do(t, l.server, control.SetPassword, control.PasswordChange{Name: will, Password: "four words for then"})
		l.onSameConnection(t, will, "four words for now", "GET", paths["file"], 401)
		l.onSameConnection(t, will, "four words for then", "GET", paths["file"], 200)
	})
	t.Run("the account", func(t *testing.T) {
		for _, with := range []string{secret, "four words for then"} {
			l.onSameConnection(t, will, with, "GET", paths["file"], 200)
			appliancetest.Do(t, l.server, control.SetAccount, control.AccountChange{Name: will, Disabled: new(true)})
			l.onSameConnection(t, will, with, "GET", paths["file"], 401)
			appliancetest.Do(t, l.server, control.SetAccount, control.AccountChange{Name: will, Disabled: new(false)})
			l.onSameConnection(t, will, with, "GET", paths["file"], 200)
		}
		appliancetest.Do(t, l.server, control.RemoveAccount, control.Named{Name: will})
		l.onSameConnection(t, will, secret, "GET", paths["file"], 401)
		l.onSameConnection(t, will, "four words for then", "GET", paths["file"], 401)
	})
	l.server.Check(t)
}

// Who loses the right to write while a body is on its way stores nothing.
func TestRightsEndWhileABodyArrives(t *testing.T) {
	for _, tt := range []struct {
		name string
		take func(t *testing.T, l *lane)
		back func(t *testing.T, l *lane)
	}{
		{"the membership", func(t *testing.T, l *lane) {
			appliancetest.Do(t, l.server, control.Leave, control.Joining{Group: l.account("board"), Name: l.account("will")})
		}, func(t *testing.T, l *lane) { l.join(t, l.account("will"), "write") }},
		{"the role", func(t *testing.T, l *lane) { l.join(t, l.account("will"), "read") }, func(t *testing.T, l *lane) { l.join(t, l.account("will"), "write") }},
		{"the account", func(t *testing.T, l *lane) {
			appliancetest.Do(t, l.server, control.SetAccount, control.AccountChange{Name: l.account("will"), Disabled: new(true)})
		}, func(t *testing.T, l *lane) {
			appliancetest.Do(t, l.server, control.SetAccount, control.AccountChange{Name: l.account("will"), Disabled: new(false)})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLane(t, startMatrix(t), 1)
			folder := l.folder(t, ours)
			l.as(t, "will", "MKCOL", "/uploads/{me}/up", "", "Destination: /dav/files/{me}/Papers/big")
			l.as(t, "will", "PUT", "/uploads/{me}/up/1", "piece")
			before := l.watched(t, ours, folder)
			for _, path := range []string{folder + "a.txt", folder + "new.txt", "/uploads/{me}/up/2"} {
				status := l.putInHalves(t, "will", path, func() { tt.take(t, l) })
				if status < 400 || status >= 500 {
					t.Errorf("PUT %s = %d, want a refusal", path, status)
				}
				tt.back(t, l)
			}
			tt.take(t, l)
			made := l.do(t, l.account("will"), l.secrets["will"], "MOVE", "/dav/uploads/"+l.account("will")+"/up/.file", "", "Destination: /dav/files/"+l.account("will")+"/Papers/big")
			if made.status < 400 || made.status >= 500 {
				t.Errorf("MOVE of the pieces = %d, want a refusal", made.status)
			}
			if after := l.watched(t, ours, folder); after != before {
				t.Errorf("something changed:\n%s\nwas\n%s", after, before)
			}
		})
	}
}

// putInHalves stores something, and does what it is told when the server has begun to read the body.
func (l *lane) putInHalves(t *testing.T, who, path string, between func()) (status int) {
	t.Helper()
	body, w := io.Pipe()
	path = "/dav" + strings.ReplaceAll(path, "{me}", l.account(who))
	r, err := http.NewRequestWithContext(t.Context(), "PUT", l.server.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(l.account(who), l.secrets[who])
	r.Header.Set("Expect", "100-continue") // what can be refused without the body is refused now
	answered := make(chan error, 1)
	go func() {
		resp, err := l.client.Do(r)
		if err == nil {
			status = resp.StatusCode
			resp.Body.Close()
		}
		body.Close()
		answered <- err
	}()
	if _, err := io.WriteString(w, "first half, "); err != nil {
		t.Errorf("PUT %s: the body was not wanted: %v", path, err)
	}
	between()
	_, _ = io.WriteString(w, "second half") // perhaps refused by now
	w.Close()
	if err := <-answered; err != nil {
		t.Fatalf("PUT %s: %v", path, err)
	}
	return status
}

// A body that began with an app password, or by an account, that is gone by its end is not stored: 401.
func TestWriteEndsWithItsCredentials(t *testing.T) {
	l := newLane(t, startMatrix(t), 1)
	folder, will := l.folder(t, ours), l.account("will")
	l.as(t, "will", "MKCOL", "/uploads/{me}/up", "", "Destination: /dav/files/{me}/big")
	kept := l.secrets["will"]
	for _, path := range []string{"/files/{me}/new.txt", folder + "new.txt", folder + "a.txt", "/uploads/{me}/up/1"} {
		second := appliancetest.Do(t, l.server, control.AddAppPassword, control.NewAppPassword{Name: will, Label: "lost phone"})
		l.secrets["will"] = second.Secret
		status := l.putInHalves(t, "will", path, func() {
			appliancetest.Do(t, l.server, control.RevokeAppPassword, control.AppPasswordOf{Name: will, ID: second.ID})
		})
		if status != http.StatusUnauthorized {
			t.Errorf("PUT %s with a password that was revoked meanwhile = %d, want 401", path, status)
		}
		l.secrets["will"] = kept
		status = l.putInHalves(t, "will", path, func() {
			appliancetest.Do(t, l.server, control.SetAccount, control.AccountChange{Name: will, Disabled: new(true)})
		})
		if status != http.StatusUnauthorized {
			t.Errorf("PUT %s by an account that was disabled meanwhile = %d, want 401", path, status)
		}
		appliancetest.Do(t, l.server, control.SetAccount, control.AccountChange{Name: will, Disabled: new(false)})
	}
	l.as(t, "will", "GET", folder+"a.txt", "") // another device stays
}
