package storage

import (
	"unsafe"

	"go.etcd.io/bbolt"
)

// mapped is the pages of a transaction's snapshot as the engine has them mapped. They may be used until the
// transaction ends or commits. Reading what the file has no more raises a fault, as it does in the engine.
func mapped(tx *bbolt.Tx) []byte {
	info := tx.DB().Info()
	data := *(*unsafe.Pointer)(unsafe.Pointer(&info.Data))
	return unsafe.Slice((*byte)(data), tx.Size())
}
