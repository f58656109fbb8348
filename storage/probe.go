package storage

import "context"

// Probe returns once the store could have committed: it waits behind the commit that is running, as every change
// does, and writes nothing itself. It does not return while that commit is stuck, and not for the end of ctx. The
// error says why the store takes no changes, which no new start mends.
func (db *DB) Probe(ctx context.Context) error {
	return db.Update(ctx, func(*Tx) error { return nil })
}
