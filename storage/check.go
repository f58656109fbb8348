package storage

// Keys is Scan without reading the records, so that damaged ones are passed too. The key is valid only
// during the call.
func (t Table[T, P]) Keys(tx *Tx, r Range, fn func(key []byte) error) error {
	return t.table.scan(tx, r, func(key, _ []byte) error { return fn(key) })
}
