package tree

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"

	"ruche/storage"
)

// Property is a dead property (RFC 4918, section 4): what a client stored with a node, kept as the XML
// element it sent, with the namespaces and language in force there.
type Property struct {
	Name xml.Name
	XML  []byte
}

// AppendRecord implements storage.Record. The name is in the key.
func (p *Property) AppendRecord(b []byte) []byte { return storage.AppendBytes(b, 1, p.XML) }

// ParseRecord implements storage.Record.
func (p *Property) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(_ int, v storage.Field) error {
		p.XML = bytes.Clone(v.Bytes())
		return nil
	})
}

var properties = storage.NewTable[Property]("property")

// Bounds of what clients may store beside one node.
const (
	maxProperty      = 64 << 10
	maxProperties    = 256
	maxPropertyBytes = 1 << 20 // in all
)

func propertyKey(node uint64, name xml.Name) []byte {
	return storage.Key(node, name.Space, "\x00", name.Local)
}

// Properties returns the dead properties of a node in the order of their names.
func Properties(tx *storage.Tx, node uint64) ([]Property, error) {
	var all []Property
	err := properties.Scan(tx, storage.Range{Prefix: storage.Key(node)}, func(key []byte, p *Property) error {
		var err error
		p.Name, err = propertyName(key)
		all = append(all, *p)
		return err
	})
	return all, err
}

func propertyName(key []byte) (xml.Name, error) {
	space, local, ok := bytes.Cut(key[8:], []byte{0})
	if !ok {
		return xml.Name{}, fmt.Errorf("property key %x: %w", key, storage.ErrCorrupt)
	}
	return xml.Name{Space: string(space), Local: string(local)}, nil
}

// PropertiesNamed returns those dead properties of a node that have one of the names, and reads no others.
func PropertiesNamed(tx *storage.Tx, node uint64, names []xml.Name) ([]Property, error) {
	var found []Property
	err := properties.Keys(tx, storage.Range{Prefix: storage.Key(node)}, func(key []byte) error {
		name, err := propertyName(key)
		if err != nil || !slices.Contains(names, name) {
			return err
		}
		p, err := properties.Load(tx, key)
		p.Name = name
		found = append(found, p)
		return err
	})
	return found, err
}

// SetProperty stores or replaces a dead property. The caller then calls PropertiesChanged once.
//
// Errors: ErrLimit when it is too large, or there are too many on the node.
func SetProperty(tx *storage.Tx, node uint64, p Property) error {
	key := propertyKey(node, p.Name)
	if len(p.XML) > maxProperty || len(key) > 4096 {
		return fmt.Errorf("property %s: %w", p.Name.Local, ErrLimit)
	}
	if !properties.Has(tx, key) {
		count := 0
		err := properties.Keys(tx, storage.Range{Prefix: storage.Key(node)}, func([]byte) error { count++; return nil })
		if err != nil {
			return err
		}
		if count >= maxProperties {
			return fmt.Errorf("properties of node %d: %w", node, ErrLimit)
		}
	}
	return properties.Store(tx, key, &p)
}

// RemoveProperty forgets a dead property; that there is none is no error (RFC 4918, section 9.2).
func RemoveProperty(tx *storage.Tx, node uint64, name xml.Name) error {
	return properties.Delete(tx, propertyKey(node, name))
}

// Size is what a property counts.
func (p *Property) Size() int64 { return int64(len(p.Name.Space) + len(p.Name.Local) + len(p.XML)) }

// PropertiesChanged notes on the node that its dead properties changed, in the log and in the sums that count
// their bytes. It fails with account.ErrQuota when the space has no room for them, and with ErrLimit when they have
// grown beyond what a node may have in all.
func PropertiesChanged(tx *storage.Tx, n Node) (Node, error) {
	all, err := Properties(tx, n.ID)
	if err != nil {
		return n, err
	}
	was := n.Props
	n.Props, n.HasProps = 0, len(all) > 0
	for _, p := range all {
		n.Props += p.Size()
	}
	if n.Props > max(was, maxPropertyBytes) {
		return n, fmt.Errorf("%d bytes of properties on node %d: %w", n.Props, n.ID, ErrLimit)
	}
	return touchProps(tx, n, n.Props-was)
}

// ReplaceProperties gives a node the dead properties of another, for a copy over something that exists.
func ReplaceProperties(tx *storage.Tx, from, to Node) (Node, error) {
	if err := removeProperties(tx, to.ID); err != nil {
		return to, err
	}
	if err := copyProperties(tx, from.ID, to.ID); err != nil {
		return to, err
	}
	return PropertiesChanged(tx, to)
}

func copyProperties(tx *storage.Tx, from, to uint64) error {
	all, err := Properties(tx, from)
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := properties.Store(tx, propertyKey(to, p.Name), &p); err != nil {
			return err
		}
	}
	return nil
}

func removeProperties(tx *storage.Tx, node uint64) error {
	all, err := Properties(tx, node)
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := properties.Delete(tx, propertyKey(node, p.Name)); err != nil {
			return err
		}
	}
	return nil
}
