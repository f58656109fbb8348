package tree

import "ruche/storage"

// Largest returns the largest file below a folder, the zero Node when all are empty. It looks only into folders that
// hold more than the largest so far.
func Largest(tx *storage.Tx, folder Node) (most Node, err error) {
	err = largest(tx, folder.ID, &most)
	return most, err
}

func largest(tx *storage.Tx, folder uint64, most *Node) error {
	return Children(tx, folder, "", func(n *Node) error {
		switch {
		case n.Size <= most.Size:
		case n.Kind == Folder:
			return largest(tx, n.ID, most)
		default:
			*most = *n
		}
		return nil
	})
}
