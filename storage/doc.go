// Package storage keeps the records of an appliance: an ordered key-value store with transactions in one
// folder, every record with a checksum, every acknowledged change on the disk. Packages below it own the
// tables and say what the records mean; they take a *Tx and never open one. The engine is bbolt, and no type
// of it appears outside this package.
//
// The data folder holds marker (the id of the store), lock (held by the one process that uses the store),
// records.db (the records), reserve (room to delete in when the disk is full), blobs and tmp (contents, package blob), secret.key and control.sock.
package storage
