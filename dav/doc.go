// Package dav is the protocol engine of WebDAV, CalDAV and CardDAV without any store: it reads paths, header
// fields and request bodies, keeps the registry of properties, and streams multistatus answers.
//
// It follows RFC 4918 (WebDAV), RFC 3744 (ACL), RFC 5689 (extended MKCOL), RFC 6578 (sync-collection) and RFC 8144
// (Prefer); what a request depends on is in package conditional. Everything that comes from the network is bounded
// before it is built. WriteError is the one place where errors become HTTP statuses. It owns no table.
package dav
