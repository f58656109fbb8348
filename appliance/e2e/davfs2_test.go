package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"ruche/appliance/appliancetest"
)

// davfs2Script works in the mounted folder as any program would: nothing in it knows of WebDAV.
const davfs2Script = `set -eu
cd "$MOUNT"
mkdir -p papers/2026
echo first >papers/note.txt
cp "$HOME/large" papers/large
cp papers/large papers/copy
echo second >papers/note.txt
echo third >>papers/note.txt
: >papers/empty
mv papers/note.txt "papers/2026/a note é #1 100%.txt"
mv papers/2026 papers/archive
printf 'x' | dd of=papers/copy bs=1 seek=5 conv=notrunc 2>/dev/null
truncate -s 1000 papers/copy
rm papers/empty
mkdir gone && echo x >gone/x && rm -r gone
ls -la papers papers/archive
df .
`

// davfs2 mounts the folder with its locks, and plain programs work in it; a second mount reads it all back.
func TestDavfs2(t *testing.T) {
	t.Parallel()
	program(t, "mount.davfs")
	group, err := user.LookupGroup("davfs2")
	if err != nil {
		t.Skip("davfs2: the group davfs2 of the package is missing")
	}
	fuse, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("davfs2: no /dev/fuse: %v", err)
	}
	fuse.Close()
	mayMount(t, "davfs2")

	s := appliancetest.Start(t)
	ada := member{s.URL, "ada", s.AddAccount(t, "ada")}
	d := davfs2Desk(t, ada, group)
	large := pattern("large", 3<<20)
	d.write(t, "large", string(large), 0o600)

	d.mount(t, ada)
	script := d.command(t, 2*time.Minute, "sh", "-c", davfs2Script)
	script.Env = append(script.Env, "MOUNT="+d.point())
	d.run(t, script)
	d.unmount(t)

	copied := append([]byte(nil), large[:1000]...)
	copied[5] = 'x'
	ada.wantFile(t, "papers/archive/a note é #1 100%.txt", []byte("second\nthird\n"))
	ada.wantFile(t, "papers/large", large)
	ada.wantFile(t, "papers/copy", copied)
	for _, name := range []string{"papers/empty", "papers/note.txt", "papers/2026/", "gone/"} {
		ada.do(t, codes{404}, "GET", ada.path(name), "")
	}
	ada.do(t, codes{204}, "PUT", ada.path("papers/copy"), "no lock is left behind")

	d.mount(t, ada)
	read := d.command(t, time.Minute, "cmp", d.home+"/large", d.point()+"/papers/large")
	d.run(t, read)
	d.unmount(t)
	s.Check(t)
}

// davfs2 is a desk with a mount point and what mount.davfs insists on.
type davfs2 struct{ desk }

func davfs2Desk(t *testing.T, m member, group *user.Group) davfs2 {
	t.Helper()
	home, err := os.MkdirTemp("", "davfs2") // t.TempDir is closed to the user davfs2
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	d := davfs2{desk{home, append(newDesk(t).env, "HOME="+home)}}
	gid, err := strconv.Atoi(group.Gid)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []error{
		os.Chmod(home, 0o755),
		os.Mkdir(d.point(), 0o755),
		os.Mkdir(home+"/cache", 0o775),
		os.Chown(home+"/cache", 0, gid),
		os.Chmod(home+"/cache", 0o775),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	d.write(t, "secrets", fmt.Sprintf("%s %s %s\n", m.files(), m.name, m.password), 0o600)
	// Kernels since about 6.16 ask for larger pieces of a listing than the 16 KiB of davfs2 1.6.
	d.write(t, "conf", "ask_auth 0\nuse_locks 1\ndelay_upload 0\ngui_optimize 0\ndir_refresh 1\nfile_refresh 1\nbuf_size 256\n"+
		"cache_dir "+home+"/cache\nsecrets "+home+"/secrets\n", 0o600)
	return d
}

func (d davfs2) point() string { return filepath.Join(d.home, "mnt") }

func (d davfs2) mount(t *testing.T, m member) {
	t.Helper()
	d.run(t, d.command(t, time.Minute, "mount", "-t", "davfs", "-o", "conf="+d.home+"/conf", m.files(), d.point()))
	t.Cleanup(func() {
		if err := exec.Command("mountpoint", "-q", d.point()).Run(); err == nil {
			exec.Command("umount", "-l", d.point()).Run()
		}
	})
}

// unmount waits until mount.davfs has sent everything.
func (d davfs2) unmount(t *testing.T) {
	t.Helper()
	d.run(t, d.command(t, time.Minute, "umount", d.point()))
}
