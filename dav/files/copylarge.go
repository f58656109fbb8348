package files

import (
	"context"

	"ruche/storage"
	"ruche/storage/tree"
)

// maxCopies is how many large copies are made at once: each holds a part of one in memory.
const maxCopies = 2

// copyLarge copies a folder in several transactions. Each of them checks all again, and the last one, that alone
// can be seen, makes room at the destination and puts there what the source is at that moment: it is as if the copy
// had been made in it (RFC 4918, section 9.8.3).
func (f *Files) copyLarge(ctx context.Context, from Source, to Target, req Request) (i Info, created bool, err error) {
	select {
	case f.fs.copies <- struct{}{}:
		defer func() { <-f.fs.copies }()
	case <-ctx.Done():
		return i, false, ctx.Err()
	}
	var s tree.Staging
	defer func() {
		if err != nil {
			f.fs.giveUp(ctx, s)
		}
	}()
	for done := false; !done; {
		if err := f.fs.db.Room(); err != nil {
			return i, false, err
		}
		next := s
		err := f.Update(ctx, func(tx *storage.Tx) error {
			src, dst, err := f.copySpots(tx, from, to, req)
			if err != nil {
				return err
			}
			if !dst.Found {
				if err := tree.MayHold(tx, dst.Space, src.Node); err != nil {
					return err
				}
			}
			if next, done, err = tree.Stage(tx, s, src.Node, dst.Space); err != nil || !done {
				return err
			}
			if created = !dst.Found; dst.Found {
				if _, err := tree.Remove(tx, dst.Node, f.id.Account); err != nil {
					return err
				}
			}
			if dst.Node, err = tree.Attach(tx, next, src.Node, dst.Parent, dst.Name()); err != nil {
				return err
			}
			if err := f.leave(tx, src, to); err != nil {
				return err
			}
			dst.Found = true
			i, err = f.Describe(tx, dst, Need{})
			return err
		})
		if err != nil {
			return i, false, err
		}
		s = next
	}
	return i, created, nil
}

// giveUp removes what was made of a copy. What cannot be removed now goes in the night.
func (fs *FS) giveUp(ctx context.Context, s tree.Staging) {
	ctx = context.WithoutCancel(ctx)
	err := fs.inSteps(ctx, "give up a copy", func(tx *storage.Tx) (bool, error) { return tree.Unstage(tx, s, purgeStep) })
	if err != nil {
		fs.log.WarnContext(ctx, "a copy that failed is still there in part", "err", err)
	}
}
