package tree

import (
	"fmt"

	"ruche/storage"
	"ruche/storage/blob"
)

// copier duplicates a node and what is below it, all under one number of the space's log.
type copier struct {
	tx      *storage.Tx
	seq     uint64
	shallow bool
}

// prepare makes the copy of a node for a new place, without writing it.
func (c *copier) prepare(n Node, parent uint64, name string) (Node, error) {
	id, err := c.tx.Next(nodeCounter)
	made := n
	made.ID, made.Parent, made.Name = id, parent, name
	made.Created, made.Stored, made.Versions = c.tx.Now, c.tx.Now, 0
	return made, err
}

// alone is a folder without what is in it.
func alone(n Node) Node {
	if n.Kind == Folder {
		n.Size, n.Versions, n.PropsBelow, n.Nodes, n.Height, n.Reach = 0, 0, 0, 0, 0, 0
	}
	return n
}

func (c *copier) write(from, made Node) (Node, error) {
	made.Rev = c.seq
	if made.Kind == Folder {
		made.TreeRev = c.seq
	} else if err := blob.Link(c.tx, made.Content); err != nil {
		return made, fmt.Errorf("copy node %d: %w", from.ID, err)
	}
	if err := link(c.tx, &made, nameKey(made.Name)); err != nil {
		return made, err
	}
	if made.HasProps {
		if err := copyProperties(c.tx, from.ID, made.ID); err != nil {
			return made, err
		}
	}
	if made.Kind != Folder || c.shallow {
		return made, nil
	}
	return made, c.below(from.ID, made.ID)
}

// below copies what is in a folder. The children are read before any is written: a table must not change
// while it is scanned.
func (c *copier) below(from, to uint64) error {
	after := ""
	for {
		page := make([]Node, 0, copyPage)
		err := Children(c.tx, from, after, func(n *Node) error {
			if len(page) == copyPage {
				return storage.ErrStop
			}
			page = append(page, *n)
			return nil
		})
		if err != nil {
			return err
		}
		for _, n := range page {
			if err := c.tx.Context().Err(); err != nil {
				return err
			}
			made, err := c.prepare(n, to, n.Name)
			if err != nil {
				return err
			}
			if _, err := c.write(n, made); err != nil {
				return err
			}
		}
		if len(page) < copyPage {
			return nil
		}
		after = page[len(page)-1].Name
	}
}

const copyPage = 256
