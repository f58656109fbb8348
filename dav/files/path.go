package files

import (
	"context"

	"ruche/storage"
	"ruche/storage/tree"
)

// PathOf is the names by which the identity reaches a node: storage.ErrNotFound when it cannot.
func (f *Files) PathOf(ctx context.Context, id uint64) (names []string, err error) {
	err = f.View(ctx, func(tx *storage.Tx) (err error) {
		names, err = f.NamesOf(tx, id)
		return err
	})
	return names, err
}

// NamesOf is PathOf in a transaction.
func (f *Files) NamesOf(tx *storage.Tx, id uint64) ([]string, error) {
	path, home, err := tree.PathOf(tx, id)
	if err != nil {
		return nil, err
	}
	if home.Trashed {
		return nil, storage.ErrNotFound
	}
	if home.Space == f.id.Account {
		return path, nil
	}
	mounts, err := f.Mounts(tx)
	if err != nil {
		return nil, err
	}
	for _, m := range mounts {
		if m.ID == home.Space {
			return append([]string{m.Mount}, path...), nil
		}
	}
	return nil, storage.ErrNotFound
}
