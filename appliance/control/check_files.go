package control

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
	"ruche/storage/tree"
	"ruche/storage/upload"
)

// filesShown is how many files of one content are named.
const filesShown = 5

// nameContents tells what is wrong with contents, and which files they are.
func (k *checker) nameContents(ctx context.Context) {
	found := map[blob.Ref]*holders{}
	for _, p := range k.contentBad {
		found[bare(p.Ref)] = &holders{}
	}
	delete(found, blob.Ref{})
	var err error
	if len(found) > 0 {
		err = k.DB.View(ctx, func(tx *storage.Tx) error { return collect(tx, found) })
	}
	for _, p := range k.contentBad {
		text := p.String()
		if h := found[bare(p.Ref)]; h != nil {
			text += h.lines()
		}
		k.wrong("%s", text)
	}
	if err != nil {
		k.note("which files those are is not known completely: %v", err)
	}
}

// bare is what names a content in problems and references alike.
func bare(ref blob.Ref) blob.Ref {
	if ref.Inline != 0 {
		return blob.Ref{Inline: ref.Inline}
	}
	return blob.Ref{Hash: ref.Hash}
}

// holders is what refers to a content: the first in words, and how many.
type holders struct {
	shown []string
	count int
}

func (h *holders) add(words func() string) {
	if h.count++; h.count <= filesShown {
		h.shown = append(h.shown, words())
	}
}

func (h *holders) lines() string {
	var b strings.Builder
	for _, words := range h.shown {
		b.WriteString("\n    " + words)
	}
	if more := h.count - len(h.shown); more > 0 {
		fmt.Fprintf(&b, "\n    and %d more", more)
	}
	return b.String()
}

func collect(tx *storage.Tx, found map[blob.Ref]*holders) error {
	spaces, err := spaceNames(tx)
	if err != nil {
		return err
	}
	err = tree.References(tx, func(r tree.Reference) error {
		if h := found[bare(r.Content)]; h != nil {
			h.add(func() string { return whereIs(tx, spaces, r) })
		}
		return tx.Context().Err()
	})
	pieces := upload.References(tx, func(owner uint64, content blob.Ref) error {
		if h := found[bare(content)]; h != nil {
			h.add(func() string { return spaces[owner] + ": a piece of an upload that is not finished" })
		}
		return nil
	})
	return errors.Join(err, pieces)
}

// whereIs says where a file is, as its owner would find it.
func whereIs(tx *storage.Tx, spaces map[uint64]string, r tree.Reference) string {
	names, home, err := tree.PathOf(tx, r.Node)
	if err != nil {
		return fmt.Sprintf("node %d, whose path cannot be read: %v", r.Node, err)
	}
	words := fmt.Sprintf("%s: %q", spaces[home.Space], strings.Join(names, "/"))
	if home.Trashed {
		words += ", in the trash"
	}
	if !r.Replaced.IsZero() {
		words += ", an older version, replaced " + r.Replaced.Local().Format("2006-01-02 15:04")
	}
	return words
}

// spaceNames says whose each space is.
func spaceNames(tx *storage.Tx) (map[uint64]string, error) {
	names := map[uint64]string{}
	member := func(a *account.Account) error { names[a.ID] = "member " + a.Name; return nil }
	removed := func(a *account.Account) error { names[a.ID] = "removed member " + a.Name; return nil }
	if err := errors.Join(account.List(tx, member), account.ListRemoved(tx, removed)); err != nil {
		return nil, err
	}
	groups := map[uint64]string{}
	err := account.ListGroups(tx, func(g *account.Group) error { groups[g.ID] = g.Name; return nil })
	for id, group := range groups {
		if err != nil {
			return nil, err
		}
		var folders []account.Folder
		folders, err = account.FoldersOfGroup(tx, id)
		for _, f := range folders {
			names[f.ID] = fmt.Sprintf("shared folder %q of the group %s", f.Name, group)
		}
	}
	if err != nil {
		return nil, err
	}
	return names, account.RemovedFolders(tx, func(f *account.Folder) error {
		names[f.ID] = fmt.Sprintf("removed shared folder %q of the group %s", f.Name, groups[f.Group])
		return nil
	})
}
