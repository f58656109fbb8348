// Package blob keeps contents: immutable runs of bytes with a count of references. Small ones lie in the
// record store, larger ones are files named by their SHA-256, so that equal contents are stored once.
//
// A large content is hashed while it is written to a temporary file, synced, renamed to its name, its folder
// synced, and only then linked by a record. What was cut off before that is rubbish, which Sweep removes.
// Whoever reads gets what was stored or an error, never other bytes.
// It owns the tables content, contentcount, contentfile, contentsum and contentscrub, and the folders blobs and
// tmp.
package blob
