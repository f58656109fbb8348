package storage

import (
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"
)

// Schema is the number of the record format that this version writes. A change that old records do not
// survive raises it.
const Schema = 1

// checkSchema refuses a record file of a newer version, or one that is not ours.
func checkSchema(bolt *bbolt.Tx) error {
	b := bolt.Bucket(identityBucket)
	if b == nil {
		return fmt.Errorf("%w: it holds no store; restore it from a backup, nothing was changed", ErrCorrupt)
	}
	n, err := strconv.Atoi(string(b.Get(schemaKey)))
	if err != nil {
		return fmt.Errorf("%w: its schema is not a number", ErrCorrupt)
	}
	if n > Schema {
		return fmt.Errorf("%w: its schema is %d, this version knows %d", ErrNewer, n, Schema)
	}
	return nil
}

// checkID refuses the record file of another store than the folder's marker says.
func checkID(bolt *bbolt.Tx, id string) error {
	if recorded := string(bolt.Bucket(identityBucket).Get(idKey)); recorded != id {
		return fmt.Errorf("%w: it belongs to the store %s, but the folder's marker says %q; put the right one back", ErrMissing, recorded, id)
	}
	return nil
}
