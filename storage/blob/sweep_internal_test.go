package blob

import (
	"os"
	"path/filepath"
	"testing"

	"ruche/storage/storagetest"
)

// A temporary file that its writer gives its name, or removes, while the sweep looks at it is no failure.
func TestSweepMeetsAFileThatIsJustGone(t *testing.T) {
	db := storagetest.Open(t)
	s, err := Open(db, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	name := tempFolder + "/" + tempPrefix + "gone"
	path := filepath.Join(db.Dir(), name)
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	sw, err := s.newSweep(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := sw.leftover(name, info); err != nil || sw.SweepResult != (SweepResult{}) {
		t.Errorf("sweep of a file that is gone = %v, %+v, want nothing", err, sw.SweepResult)
	}
}
