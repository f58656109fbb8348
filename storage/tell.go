package storage

// Tell has the listener of topic called with n once what the transaction wrote is on the disk. Without one nothing
// happens.
func (tx *Tx) Tell(topic string, n uint64) {
	if fn, ok := tx.db.listeners.Load(topic); ok {
		tx.OnCommit(func() { fn.(func(uint64))(n) })
	}
}

// Listen has fn called with what transactions tell of topic from now on, in place of an earlier listener. fn runs
// before the Update that told returns: it must not wait.
func (db *DB) Listen(topic string, fn func(n uint64)) { db.listeners.Store(topic, fn) }
