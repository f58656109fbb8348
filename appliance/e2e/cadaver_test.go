package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"ruche/appliance/appliancetest"
)

// cadaver makes a folder, fills it, locks and unlocks, moves, copies, reads back and removes.
func TestCadaver(t *testing.T) {
	t.Parallel()
	cadaver := program(t, "cadaver")
	s := appliancetest.Start(t)
	ada := member{s.URL, "ada", s.AddAccount(t, "ada")}
	d := newDesk(t)
	host, _, _ := strings.Cut(ada.host(), ":")
	d.write(t, ".netrc", fmt.Sprintf("machine %s\nlogin %s\npassword %s\n", host, ada.name, ada.password), 0o600)
	first := d.write(t, "first.txt", "the first text\n", 0o600)
	second := d.write(t, "second.txt", "the second text\n", 0o600)

	cmd := d.command(t, time.Minute, cadaver, ada.files())
	cmd.Stdin = strings.NewReader(strings.Join([]string{
		"mkcol minutes", "cd minutes",
		"put " + first + ` "a b.txt"`, "ls",
		`move "a b.txt" c.txt`, "copy c.txt d.txt",
		"lock c.txt", "discover c.txt", "put " + second + " c.txt", "unlock c.txt",
		"propnames c.txt",
		"get c.txt back.txt",
		"delete d.txt",
		"cd ..", "mkcol empty", "rmcol empty",
		"ls", "quit",
	}, "\n") + "\n")
	out := d.run(t, cmd)

	for _, bad := range []string{"failed", "Could not", "Error"} {
		if strings.Contains(out, bad) {
			t.Errorf("cadaver says %q:\n%s", bad, out)
			break
		}
	}
	if !strings.Contains(out, "urn:uuid:") || !strings.Contains(out, "Scope: exclusive") {
		t.Errorf("cadaver did not discover its lock:\n%s", out)
	}
	back, err := os.ReadFile(d.home + "/back.txt")
	if err != nil || string(back) != "the second text\n" {
		t.Errorf("cadaver got back %q, %v", back, err)
	}
	ada.wantFile(t, "minutes/c.txt", []byte("the second text\n"))
	ada.do(t, codes{404}, "GET", ada.path("minutes/d.txt"), "")
	ada.do(t, codes{404}, "GET", ada.path("empty/"), "")
	ada.do(t, codes{204}, "PUT", ada.path("minutes/c.txt"), "no lock is left behind")
	s.Check(t)
}
