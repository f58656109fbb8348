package e2e_test

import (
	"strings"
	"testing"
	"time"

	"ruche/appliance/appliancetest"
)

// gvfsScript is a session of GNOME's file manager without its window: gvfsd mounts, gio does what a hand would.
const gvfsScript = `set -eu
printf '%s\n' "$PASSWORD" | gio mount "$URL"
echo first >first.txt
gio copy first.txt "$URL/a b é.txt"
[ "$(gio cat "$URL/a b é.txt")" = first ]
echo second | gio save "$URL/a b é.txt"
[ "$(gio cat "$URL/a b é.txt")" = second ]
echo new | gio save --create "$URL/new.txt"
gio mkdir "$URL/folder"
gio move "$URL/a b é.txt" "$URL/folder/moved.txt"
gio copy "$URL/folder/moved.txt" "$URL/folder/copied.txt"
gio rename "$URL/folder/copied.txt" "renamed 100%.txt"
gio list "$URL/folder" | sort >listing
printf 'moved.txt\nrenamed 100%%.txt\n' | cmp - listing
gio info "$URL/folder/moved.txt" | tee info | grep -q 'standard::size: 7'
grep -q 'etag::value' info
grep -q 'time::modified' info
gio info -f "$URL/" | grep -q 'filesystem::'
if gio mkdir "$URL/folder" 2>again; then echo "a second mkdir was allowed"; exit 1; fi
gio copy "$URL/folder/moved.txt" back.txt
[ "$(cat back.txt)" = second ]
gio remove "$URL/folder/renamed%20100%25.txt"
if gio cat "$URL/folder/renamed%20100%25.txt" 2>gone; then echo "a removed file is still there"; exit 1; fi
gio mount -u "$URL"
echo done
`

// GNOME mounts the folder, and its programs fill, save over, move, copy, rename and remove.
func TestGVFS(t *testing.T) {
	t.Parallel()
	session := program(t, "dbus-run-session")
	program(t, "gio")
	if !executable("/usr/libexec/gvfsd-dav") && !executable("/usr/lib/gvfs/gvfsd-dav") {
		t.Skip("gvfs: gvfsd-dav (package gvfs-backends) not installed")
	}
	s := appliancetest.Start(t)
	ada := member{s.URL, "ada", s.AddAccount(t, "ada")}
	d := newDesk(t)
	script := d.write(t, "script", gvfsScript, 0o600)

	cmd := d.command(t, 2*time.Minute, session, "--", "bash", script)
	cmd.Env = append(cmd.Env,
		"URL=dav://"+ada.name+"@"+ada.host()+"/dav/files/"+ada.name, "PASSWORD="+ada.password,
		"GVFS_DISABLE_FUSE=1", "GIO_USE_VOLUME_MONITOR=unix", "NO_PROXY=127.0.0.1")
	out := d.run(t, cmd)
	if !strings.HasSuffix(out, "done") && !strings.Contains(out, "\ndone\n") {
		t.Errorf("the session did not end well:\n%s", out)
	}
	ada.wantFile(t, "folder/moved.txt", []byte("second\n"))
	ada.wantFile(t, "new.txt", []byte("new\n"))
	s.Check(t)
}
