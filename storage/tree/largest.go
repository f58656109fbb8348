package tree

import "ruche/storage"

// HoldsFileOf tells whether a folder or a file is, or has in it, one file of at least size bytes. It looks only into
// folders that hold so much.
func HoldsFileOf(tx *storage.Tx, n Node, size int64) (found bool, err error) {
	if n.Size < size || n.Kind == File {
		return n.Size >= size && n.Kind == File, nil
	}
	err = Children(tx, n.ID, "", func(child *Node) (err error) {
		if found, err = HoldsFileOf(tx, *child, size); found {
			return storage.ErrStop
		}
		return err
	})
	return found, err
}
