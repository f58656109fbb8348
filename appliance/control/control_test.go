package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/tree"
)

var quiet = slog.New(slog.DiscardHandler)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := OpenStore(t.Context(), Options{Dir: dir, Quota: 5 << 20, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve opens the store in dir and answers on its socket until the test ends or stop is called.
func serve(t *testing.T, dir string) (stop func()) {
	t.Helper()
	s := open(t, dir)
	srv, err := Listen(s, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve() }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		if err := errors.Join(srv.Close(context.Background()), <-ended, s.Close()); err != nil {
			t.Errorf("end of the server: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// transcript does one thing after the other over conns of its own, and writes down what came of it.
type transcript struct {
	t    *testing.T
	dir  string
	used map[string]bool
	text strings.Builder
}

func say[In, Out any](tr *transcript, cmd Command[In, Out], in In) {
	tr.t.Helper()
	tr.used[cmd.name] = true
	c, err := Dial(tr.t.Context(), Options{Dir: tr.dir, Quota: 5 << 20, Log: quiet})
	if err != nil {
		tr.t.Fatal(err)
	}
	defer c.Close()
	out, err := cmd.Do(tr.t.Context(), c, in)
	if err != nil {
		fmt.Fprintf(&tr.text, "%s: %v (%v)\n", cmd.name, err, errors.Unwrap(asError(err)))
		return
	}
	raw, _ := json.Marshal(out)
	fmt.Fprintf(&tr.text, "%s: %s\n", cmd.name, raw)
}

func story(t *testing.T, dir string) *transcript {
	tr := &transcript{t: t, dir: dir, used: map[string]bool{}}
	quota, yes := int64(1<<30), true
	say(tr, AddAccount, NewAccount{Name: "ada", Display: "Ada", Admin: true, Password: "a long enough password"})
	say(tr, AddAccount, NewAccount{Name: "bob", Quota: &quota})
	say(tr, AddAccount, NewAccount{Name: "ada"})
	say(tr, AddAccount, NewAccount{Name: "../x"})
	say(tr, SetPassword, PasswordChange{Name: "bob", Password: "another long password"})
	say(tr, SetPassword, PasswordChange{Name: "nobody", Password: "another long password"})
	say(tr, SetAccount, AccountChange{Name: "bob", Disabled: &yes, Quota: new(int64)})
	say(tr, AddAppPassword, NewAppPassword{Name: "ada", Label: "laptop", ReadOnly: true})
	say(tr, AddAppPassword, NewAppPassword{Name: "nobody", Label: "laptop"})
	say(tr, AppPasswords, Named{"ada"})
	say(tr, RevokeAppPassword, AppPasswordOf{Name: "ada", ID: 1})
	say(tr, RevokeAppPassword, AppPasswordOf{Name: "ada", ID: 99})
	say(tr, AddGroup, NewGroup{Name: "board", Display: "The board"})
	say(tr, AddGroup, NewGroup{Name: "board"})
	say(tr, Join, Joining{Group: "board", Name: "ada", Role: "manage"})
	say(tr, Join, Joining{Group: "board", Name: "ada", Role: "emperor"})
	say(tr, Join, Joining{Group: "nogroup", Name: "ada", Role: "read"})
	say(tr, Join, Joining{Group: "board", Name: "bob", Role: "read"})
	say(tr, AddFolder, FolderOf{Group: "board", Name: "Minutes", Quota: 1 << 20})
	say(tr, AddFolder, FolderOf{Group: "board", Name: "Minutes"})
	say(tr, SetFolder, FolderOf{Group: "board", Name: "Minutes", Quota: 2 << 20})
	say(tr, Groups, Nothing{})
	say(tr, RemoveGroup, Named{"board"})
	say(tr, RemoveFolder, FolderOf{Group: "board", Name: "Minutes"})
	say(tr, RemoveFolder, FolderOf{Group: "board", Name: "Minutes"})
	say(tr, Groups, Nothing{})
	say(tr, RestoreFolder, FolderOf{Group: "board", Name: "Other"})
	say(tr, RestoreFolder, FolderOf{Group: "board", Name: "Minutes"})
	say(tr, Leave, Joining{Group: "board", Name: "bob"})
	say(tr, Leave, Joining{Group: "board", Name: "bob"})
	say(tr, RemoveAccount, Named{"bob"})
	say(tr, RestoreAccount, Named{"ada"})
	say(tr, Accounts, AccountFilter{})
	say(tr, Accounts, AccountFilter{true})
	say(tr, RestoreAccount, Named{"bob"})
	say(tr, Check, CheckOptions{})
	say(tr, Identify, Nothing{})
	return tr
}

var changing = []string{`"Created":"`, `"Removed":"`, `"Secret":"`, `"LastUsed":"`, `"Free":`, `"Records":`, `"ID":"`}

// steady takes out of a transcript what differs each time.
func steady(s string) string {
	for _, key := range changing {
		var out strings.Builder
		for {
			before, after, found := strings.Cut(s, key)
			out.WriteString(before)
			if !found {
				break
			}
			s = after[strings.IndexAny(after, `",}`):]
			out.WriteString(key)
		}
		s = out.String()
	}
	return s
}

func TestEveryCommandWorksBothWays(t *testing.T) {
	made := filepath.Join(t.TempDir(), "data")
	if err := open(t, made).Close(); err != nil {
		t.Fatal(err)
	}
	closed := story(t, made)
	dir := t.TempDir()
	serve(t, dir)
	running := story(t, dir)
	if a, b := steady(closed.text.String()), steady(running.text.String()); a != b {
		t.Errorf("on a closed store:\n%s\nthrough the socket:\n%s", a, b)
	}
	for name := range commands {
		if !closed.used[name] {
			t.Errorf("the story does not use %s", name)
		}
	}
	for _, want := range []string{
		"there is already an account with the name ada", "there is no account with the name nobody",
		"there is already a group", "read, write or manage", "still has folders", "has no app password with the number 99",
		`"Role":"manage"`, `"Quota":5242880`, `"Removed":true`, `"Problems":0`, "(already exists)",
	} {
		if !strings.Contains(closed.text.String(), want) {
			t.Errorf("the transcript does not have %q", want)
		}
	}
	if t.Failed() {
		t.Log(closed.text.String(), slices.Sorted(maps.Keys(commands)))
	}
}

func TestSocketIsReplacedAfterAKill(t *testing.T) {
	dir := t.TempDir()
	open(t, dir).Close()
	// A socket that nobody listens on any more, as kill -9 leaves it.
	l, err := net.Listen("unix", filepath.Join(dir, socketFile))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()

	c, err := Dial(t.Context(), Options{Dir: dir, Log: quiet})
	if err != nil || c.Running() {
		t.Fatalf("dial with a dead socket: %v, want the store opened directly", err)
	}
	c.Close()
	serve(t, dir)
	c, err = Dial(t.Context(), Options{Dir: dir, Log: quiet})
	if err != nil || !c.Running() {
		t.Fatalf("dial after the server made its socket: %v, want it to be used", err)
	}
	c.Close()
}

func TestSocketIsPrivate(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir)
	info, err := os.Stat(filepath.Join(dir, socketFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v, want mode 0600", info.Mode(), err)
	}
}

func TestSocketGoesWithTheServer(t *testing.T) {
	dir := t.TempDir()
	stop := serve(t, dir)
	stop()
	if _, err := os.Lstat(filepath.Join(dir, socketFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("socket after the end: %v, want none", err)
	}
}

func TestLongDataFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40), "data")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	serve(t, dir)
	c, err := Dial(t.Context(), Options{Dir: dir, Log: quiet})
	if err != nil || !c.Running() {
		t.Fatalf("dial: %v, want the socket", err)
	}
	defer c.Close()
	if _, err := AddAccount.Do(t.Context(), c, NewAccount{Name: "ada"}); err != nil {
		t.Error(err)
	}
}

func TestNoStoreIsMadeByAccident(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if _, err := Dial(t.Context(), Options{Dir: dir, Log: quiet}); !errors.Is(err, storage.ErrMissing) {
		t.Errorf("dial: %v, want ErrMissing", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("the folder was made")
	}
}

func TestNoTreeIsMadeForAStore(t *testing.T) {
	top := filepath.Join(t.TempDir(), "unmounted")
	if _, err := OpenStore(t.Context(), Options{Dir: filepath.Join(top, "data"), Log: quiet}); !errors.Is(err, storage.ErrMissing) {
		t.Errorf("open: %v, want ErrMissing", err)
	}
	if _, err := os.Stat(top); !errors.Is(err, os.ErrNotExist) {
		t.Error("the folder around it was made")
	}
}

func TestLostMarkerIsNoAbsentStore(t *testing.T) {
	dir := t.TempDir()
	open(t, dir).Close()
	if err := os.Remove(filepath.Join(dir, "marker")); err != nil {
		t.Fatal(err)
	}
	_, err := Dial(t.Context(), Options{Dir: dir, Log: quiet})
	var none *NoStoreError
	if !errors.Is(err, storage.ErrMissing) || errors.As(err, &none) || !strings.Contains(err.Error(), "backup") {
		t.Errorf("dial: %v, want to hear of the backup", err)
	}
}

func TestStoreInUseWithoutASocket(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	if _, err := Dial(t.Context(), Options{Dir: dir, Log: quiet}); !errors.Is(err, storage.ErrInUse) {
		t.Errorf("dial: %v, want ErrInUse", err)
	}
}

func TestCheckFindsAndMendsSums(t *testing.T) {
	for _, way := range []string{"closed", "running"} {
		t.Run(way, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			var space uint64
			err := s.DB.Update(t.Context(), func(tx *storage.Tx) error {
				a, err := account.Create(tx, account.New{Name: "ada"})
				if err != nil {
					return err
				}
				space = a.ID
				if _, err := tree.CreateSpace(tx, space); err != nil {
					return err
				}
				return account.Reserve(tx, space, account.Files, 12345)
			})
			if err := errors.Join(err, s.Close()); err != nil {
				t.Fatal(err)
			}
			if way == "running" {
				serve(t, dir)
			}
			c, err := Dial(t.Context(), Options{Dir: dir, Log: quiet})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var told []Event
			tell := func(e Event) { told = append(told, e) }
			for i, want := range []CheckResult{{Problems: 1}, {Problems: 1, Repaired: 1}, {}} {
				got, err := Check.Watch(t.Context(), c, CheckOptions{Repair: i == 1}, tell)
				if err != nil || got.Problems != want.Problems || got.Repaired != want.Repaired {
					t.Errorf("check %d = %+v, %v, want %+v", i, got, err, want)
				}
				if got.Total == 0 || got.Records == 0 {
					t.Errorf("check %d does not say how full the store is: %+v", i, got)
				}
			}
			if !slices.ContainsFunc(told, func(e Event) bool { return strings.Contains(e.Problem, "12345") }) {
				t.Errorf("the wrong sum was not named: %v", told)
			}
			if !slices.ContainsFunc(told, func(e Event) bool { return e.Progress != "" }) {
				t.Error("no progress was told")
			}
		})
	}
}

func TestUnknownCommand(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir)
	c, err := Dial(t.Context(), Options{Dir: dir, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := (Command[Nothing, Nothing]{"reformat"}).Do(t.Context(), c, Nothing{}); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("an unknown command: %v, want ErrNotFound", err)
	}
}

func TestPanicInACommand(t *testing.T) {
	commands["panics"] = func(context.Context, *call, json.RawMessage) (any, error) { panic("oh") }
	defer delete(commands, "panics")
	dir := t.TempDir()
	serve(t, dir)
	c, err := Dial(t.Context(), Options{Dir: dir, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := (Command[Nothing, Nothing]{"panics"}).Do(t.Context(), c, Nothing{}); err == nil || strings.Contains(err.Error(), "oh") {
		t.Errorf("a command that panics: %v, want an error without the details", err)
	}
	if _, err := Accounts.Do(t.Context(), c, AccountFilter{}); err != nil {
		t.Errorf("the next command: %v", err)
	}
}
