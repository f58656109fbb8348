package blob

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"ruche/storage"
)

const (
	blobFolder = "blobs"
	tempFolder = "tmp"
	tempPrefix = "content-"
	shards     = 256
)

// errStrange is a name that should be a content's file and is something else: a link, a folder, a device.
var errStrange = errors.New("not a plain file")

func shardName(shard int) string { return path.Join(blobFolder, fmt.Sprintf("%02x", shard)) }

func fileName(h Hash) string {
	return path.Join(shardName(int(h[0])), hex.EncodeToString(h[1:]))
}

// hashOf reads the name of a content's file back.
func hashOf(shard int, name string) (h Hash, ok bool) {
	if len(name) != 2*(len(h)-1) || strings.ToLower(name) != name {
		return h, false
	}
	h[0] = byte(shard)
	_, err := hex.Decode(h[1:], []byte(name))
	return h, err == nil
}

// makeFolders makes what is missing of blobs, its shards and tmp. When contents are recorded and a shard is
// missing, the disk that held them is not there, and nothing is made in its place.
func (s *Store) makeFolders() error {
	if err := s.makeFolder(tempFolder); err != nil {
		return err
	}
	present, err := s.presentShards()
	if err != nil || len(present) == shards {
		return err
	}
	if s.hasFiles() {
		return fmt.Errorf("%w: contents are recorded, but %d of the %d folders in %s are gone: is their disk mounted? restore them from a backup",
			storage.ErrMissing, shards-len(present), shards, path.Join(s.db.Dir(), blobFolder))
	}
	if err := s.makeFolder(blobFolder); err != nil {
		return err
	}
	for i := range shards {
		if err := s.makeFolder(shardName(i)); err != nil {
			return err
		}
	}
	return errors.Join(s.syncFolder(blobFolder), s.syncFolder("."))
}

func (s *Store) makeFolder(name string) error {
	err := s.root.Mkdir(name, 0o700)
	if errors.Is(err, fs.ErrExist) {
		info, err := s.root.Lstat(name)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%w: %s is not a folder", storage.ErrMissing, name)
		}
		return err
	}
	return err
}

func (s *Store) presentShards() (map[string]bool, error) {
	present := map[string]bool{}
	entries, err := s.list(blobFolder)
	if errors.Is(err, fs.ErrNotExist) {
		return present, nil
	}
	for _, e := range entries {
		shard := path.Join(blobFolder, e.Name())
		if e.IsDir() && len(e.Name()) == 2 && strings.Trim(e.Name(), "0123456789abcdef") == "" {
			present[shard] = true
		}
	}
	return present, err
}

func (s *Store) list(folder string) ([]fs.DirEntry, error) {
	f, err := s.root.Open(folder)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadDir(-1)
}

func (s *Store) syncFolder(name string) error {
	f, err := s.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(storage.SyncFolder(f), f.Close())
}

// openFile opens a content's file for reading. os.Root follows links that stay inside it even with
// O_NOFOLLOW, so the name is looked at first.
func (s *Store) openFile(h Hash) (*os.File, fs.FileInfo, error) {
	name := fileName(h)
	named, err := s.root.Lstat(name)
	if err != nil {
		return nil, nil, err
	}
	if !named.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s: %w", name, errStrange)
	}
	f, err := s.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", name, errStrange)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}
