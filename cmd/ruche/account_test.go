package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExitCodes(t *testing.T) {
	dir := newStore(t)
	must(t, dir, "", "account", "add", "ada")
	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{"version", 0, ""},
		{"--version", 0, ""},
		{"", 0, ""},
		{"account", 0, ""},
		{"account list", 0, ""},
		{"nonsense", 2, `no command "ruche nonsense"`},
		{"account nonsense", 2, `no command "ruche account nonsense"`},
		{"serv", 2, `did you mean "ruche serve"?`},
		{"account lisst", 2, `did you mean "ruche account list"?`},
		{"account group fodler", 2, `did you mean "ruche account group folder"?`},
		{"serve --lisen x", 2, "did you mean --listen?"},
		{"account list --dta x", 2, "did you mean --data?"},
		{"account nonsense", 2, "See: ruche account --help"},
		{"account group join", 2, "See: ruche account group join --help"},
		{"account add", 2, "ruche account add NAME"},
		{"account list extra", 2, "ruche account list"},
		{"serve --nonsense", 2, "nonsense"},
		{"account quota ada lots", 2, "a size is needed"},
		{"account app-passwords revoke ada x", 2, "list ada"},
		{"account password ada", 2, "--password-stdin"},
		{"account add ada", 1, "already an account with the name ada"},
		{"account add ../x", 1, "only a-z"},
		{"account quota nobody 1G", 1, "no account with the name nobody"},
		{"account list --data /nonexistent/x", 1, "there is no store"},
		{"account list --config /nonexistent.toml", 1, "no such file"},
		{"serve --listen 0.0.0.0:0", 1, "insecure_http"},
		{"serve --log-level loud", 1, "--log-level"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			out, errs, code := ruche(t, dir, "", strings.Fields(tt.args)...)
			if code != tt.code || !strings.Contains(errs, tt.says) {
				t.Errorf("exit code %d, want %d, and %q in:\n%s%s", code, tt.code, tt.says, out, errs)
			}
			if code == 0 && errs != "" {
				t.Errorf("success with complaints: %s", errs)
			}
		})
	}
}

func TestOnlyServeMakesAStore(t *testing.T) {
	for _, args := range []string{
		"account add zed", "account list", "account remove zed", "account password zed --password-stdin", "account quota zed 1G",
		"account disable zed", "account app-password zed x", "account app-passwords list zed", "account group add board",
		"account group folder add board x", "check", "check --repair",
	} {
		dir := filepath.Join(t.TempDir(), "elsewhere")
		out, errs, code := ruche(t, dir, "long enough a password\n", strings.Fields(args)...)
		if code != exitError || !strings.Contains(errs, "no store in "+dir) || !strings.Contains(errs, "--data DIR") || !strings.Contains(errs, "ruche serve") {
			t.Errorf("ruche %s = %d, %q, %q", args, code, out, errs)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("ruche %s made the folder", args)
		}
	}
}

func TestAccountAddNamesTheFolder(t *testing.T) {
	dir := newStore(t)
	if out := must(t, dir, "", "account", "add", "ada"); !strings.Contains(out, "ada is made in "+dir+".") {
		t.Errorf("printed %q", out)
	}
}

func TestHintRepeatsTheFlags(t *testing.T) {
	dir := newStore(t)
	if out := must(t, "/nonexistent", "", "account", "add", "ada", "--data", dir); !strings.Contains(out, "account app-password ada DEVICE --data "+dir+"\n") {
		t.Errorf("with --data:\n%s", out)
	}
	file := filepath.Join(t.TempDir(), "ruche.toml")
	if err := os.WriteFile(file, []byte("quota = '1G'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := must(t, dir, "", "account", "add", "bob", "--config", file); !strings.Contains(out, "account app-password bob DEVICE --config "+file+"\n") {
		t.Errorf("with --config:\n%s", out)
	}
}

func TestAppPasswordAloneOnStandardOutput(t *testing.T) {
	dir := newStore(t)
	must(t, dir, "", "account", "add", "ada")
	out, errs, code := ruche(t, dir, "", "account", "app-password", "ada", "the laptop", "--read-only")
	secret, more, ended := strings.Cut(out, "\n")
	if code != 0 || errs != "" || !ended || more != "" || len(secret) < 25 || strings.ContainsAny(secret, " :@/%") {
		t.Errorf("app-password = %d, printed %q and %q, want the secret alone", code, out, errs)
	}
	list := must(t, dir, "", "account", "app-passwords", "list", "ada")
	if !strings.Contains(list, "the laptop") || !strings.Contains(list, "read only") || strings.Contains(list, secret) {
		t.Errorf("list:\n%s", list)
	}
	must(t, dir, "", "account", "app-passwords", "revoke", "ada", "1")
	if list := must(t, dir, "", "account", "app-passwords", "list", "ada"); strings.Contains(list, "laptop") {
		t.Errorf("list after it was revoked:\n%s", list)
	}
}

func TestPasswordFromStandardInput(t *testing.T) {
	dir := newStore(t)
	must(t, dir, "correct horse battery\n", "account", "add", "ada", "--admin", "--display", "Ada", "--quota", "10G", "--password-stdin")
	if out := must(t, dir, "", "account", "list"); !strings.Contains(out, "Ada") || !strings.Contains(out, "10.0 GiB") || !strings.Contains(out, "admin") {
		t.Errorf("list:\n%s", out)
	}
	p := start(t, dir, "serve")
	url := p.awaits(t, serving)[1]
	if got := status(t, url, "ada", "correct horse battery"); got != 207 {
		t.Errorf("PROPFIND = %d, want 207", got)
	}
	must(t, dir, "another horse battery\n", "account", "password", "ada", "--password-stdin")
	if got := status(t, url, "ada", "correct horse battery"); got != 401 {
		t.Errorf("PROPFIND with the old password = %d, want 401", got)
	}
	if got := status(t, url, "ada", "another horse battery"); got != 207 {
		t.Errorf("PROPFIND with the new password = %d, want 207", got)
	}
	must(t, dir, "", "account", "disable", "ada")
	if got := status(t, url, "ada", "another horse battery"); got != 401 {
		t.Errorf("PROPFIND while disabled = %d, want 401", got)
	}
	must(t, dir, "", "account", "enable", "ada")
	if got := status(t, url, "ada", "another horse battery"); got != 207 {
		t.Errorf("PROPFIND when enabled again = %d, want 207", got)
	}
	if _, errs, code := ruche(t, dir, "", "account", "password", "ada", "--password-stdin"); code != exitError || !strings.Contains(errs, "standard input") {
		t.Errorf("an empty password = %d, %q", code, errs)
	}
}

func TestAccountOnATerminal(t *testing.T) {
	dir := newStore(t)
	p, answer := onTerminal(t, dir, "account", "add", "ada")
	p.awaits(t, `Password.*: `)
	answer("correct horse battery")
	p.awaits(t, `again: `)
	answer("another horse battery")
	if code := p.exit(t); code != exitError {
		t.Errorf("exit code = %d, want 1", code)
	}
	p.awaits(t, `not the same`)
	if strings.Contains(p.said(), "horse") {
		t.Error("the terminal shows the password")
	}
}

func TestGroups(t *testing.T) {
	dir := newStore(t)
	must(t, dir, "", "account", "add", "ada")
	must(t, dir, "", "account", "add", "bob")
	must(t, dir, "", "account", "group", "add", "board", "--display", "The board")
	must(t, dir, "", "account", "group", "join", "board", "ada", "--role", "manage")
	must(t, dir, "", "account", "group", "join", "board", "bob")
	must(t, dir, "", "account", "group", "folder", "add", "board", "Minutes", "--quota", "1G")
	must(t, dir, "", "account", "group", "folder", "add", "board", "Old")
	must(t, dir, "", "account", "group", "folder", "remove", "board", "Old")
	must(t, dir, "", "account", "group", "folder", "quota", "board", "Minutes", "2G")
	list := must(t, dir, "", "account", "group", "list")
	for _, want := range []string{"The board", "ada (manage)", "bob (write)", "Minutes (0 B of 2.0 GiB)", "Old (removed"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list does not have %q:\n%s", want, list)
		}
	}
	must(t, dir, "", "account", "group", "folder", "restore", "board", "Old")
	must(t, dir, "", "account", "group", "leave", "board", "bob")
	if _, errs, code := ruche(t, dir, "", "account", "group", "remove", "board"); code != exitError || !strings.Contains(errs, "folders") {
		t.Errorf("remove a group with folders = %d, %q", code, errs)
	}
}

func TestRemoveAndRestore(t *testing.T) {
	dir := newStore(t)
	must(t, dir, "", "account", "add", "ada")
	if out := must(t, dir, "", "account", "remove", "ada"); !strings.Contains(out, "30 days") {
		t.Errorf("remove does not say how long the files are kept:\n%s", out)
	}
	if out := must(t, dir, "", "account", "list"); strings.Contains(out, "ada") {
		t.Errorf("list after remove:\n%s", out)
	}
	if out := must(t, dir, "", "account", "list", "--removed"); !strings.Contains(out, "ada") {
		t.Errorf("list --removed:\n%s", out)
	}
	must(t, dir, "", "account", "restore", "ada")
	if out := must(t, dir, "", "account", "list"); !strings.Contains(out, "ada") {
		t.Errorf("list after restore:\n%s", out)
	}
}

func TestManualPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	must(t, dir, "", "man", dir)
	for _, name := range []string{"ruche", "ruche-serve", "ruche-account-app-password", "ruche-check"} {
		text, err := os.ReadFile(filepath.Join(dir, name+".1"))
		if err != nil || !strings.HasPrefix(string(text), ".TH ") || !strings.Contains(string(text), ".SH SYNOPSIS") {
			t.Errorf("page %s: %v\n%s", name, err, text)
		}
	}
}
