package control

import (
	"context"
	"errors"
	"fmt"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
	"ruche/storage/tree"
	"ruche/storage/upload"
)

// CheckOptions is what Check takes.
type CheckOptions struct {
	Repair bool // mend what can be mended without losing anything
}

// CheckResult is what Check found.
type CheckResult struct {
	Problems int
	Repaired int
	Records  int64  // bytes of the record file
	Free     uint64 // bytes of the disk
	Total    uint64
}

// Check reads everything that is kept and tells, as events, what is wrong.
var Check = command("check", func(ctx context.Context, c *call, in CheckOptions) (CheckResult, error) {
	k := checker{call: c}
	steps := []struct {
		what string
		fn   func(context.Context) error
	}{
		{"records", k.records},
		{"files and folders", k.tree},
		{"contents", k.contents},
	}
	for _, s := range steps {
		c.progress("checking %s", s.what)
		err := s.fn(ctx)
		if errors.Is(err, storage.ErrCorrupt) {
			k.broken = true
			k.wrong("%s: %v", s.what, err)
			continue
		}
		if err != nil {
			return k.CheckResult, fmt.Errorf("check %s: %w", s.what, err)
		}
	}
	if in.Repair && c.DB.Damaged() == nil {
		if err := k.dropCopies(ctx); err != nil {
			return k.CheckResult, err
		}
	}
	if err := k.leftovers(ctx, in.Repair); err != nil {
		return k.CheckResult, fmt.Errorf("check temporary files: %w", err)
	}
	if in.Repair && k.Problems > 0 {
		c.progress("repairing what loses nothing")
		if err := k.repair(ctx); err != nil {
			return k.CheckResult, fmt.Errorf("repair: %w", err)
		}
	}
	if k.DB.Damaged() != nil {
		k.note("a damaged record was met: nothing new is stored until the next start")
	}
	k.Free, k.Total, _ = c.DB.Space()
	k.Records = c.DB.RecordFile().Size
	return k.CheckResult, nil
})

type checker struct {
	*call
	CheckResult
	miscounted map[uint64]recounted // spaces whose sums are wrong
	torn       bool                 // the record file itself is damaged, not merely what is in it
	contentBad []blob.Problem
	broken     bool // the tree is not what it should be, so that its sums mean nothing
}

type recounted struct{ was, is account.Usage }

func (k *checker) wrong(format string, args ...any) {
	k.Problems++
	k.tell(Event{Problem: fmt.Sprintf(format, args...)})
}

func (k *checker) records(ctx context.Context) error {
	var found []string
	defer func() { k.wrongs(found) }()
	err := k.DB.Check(ctx, func(p storage.Problem) {
		k.broken = true
		k.torn = k.torn || p.Kind == storage.BadStructure
		found = append(found, p.String())
	})
	if err != nil {
		return err
	}
	return k.DB.View(ctx, func(tx *storage.Tx) error {
		return account.Verify(tx, func(problem string) { found = append(found, problem) })
	})
}

// wrongs tells what was found in a transaction once that has ended: whoever listens may be slow.
func (k *checker) wrongs(found []string) {
	for _, problem := range found {
		k.wrong("%s", problem)
	}
}

// tree counts all files, and compares with the sums of each space. While others write, a space may change
// between the two; it is looked at again then.
func (k *checker) tree(ctx context.Context) error {
	const attempts = 5
	var busy int
	for attempt := range attempts {
		before, err := k.usages(ctx)
		if err != nil {
			return err
		}
		var found []string
		report := func(p tree.Problem) { k.broken = true; found = append(found, p.String()) }
		if attempt > 0 {
			report = func(tree.Problem) {}
		}
		sums, err := tree.Verify(ctx, k.DB, report)
		k.wrongs(found)
		if err != nil {
			return err
		}
		uploads, err := k.uploads(ctx)
		if err != nil {
			return err
		}
		after, err := k.usages(ctx)
		if err != nil {
			return err
		}
		k.miscounted, busy = compare(before, after, sums, uploads)
		if busy == 0 {
			break
		}
	}
	for space, r := range k.miscounted {
		k.wrong("the sums of space %d are %s, counted are %s", space, sums(r.was), sums(r.is))
	}
	if busy > 0 {
		k.progress("%d spaces changed all the time, their sums were not compared", busy)
	}
	return nil
}

func sums(u account.Usage) string {
	return fmt.Sprintf("files %d, versions %d, trash %d, uploads %d, properties %d bytes, %d nodes and %d in the trash",
		u.Files, u.Versions, u.Trash, u.Uploads, u.Properties, u.Nodes, u.TrashNodes)
}

// compare returns the spaces whose sums are wrong, and how many changed meanwhile.
func compare(before, after map[uint64]account.Usage, counted map[uint64]tree.Sums, uploads map[uint64]int64) (wrong map[uint64]recounted, busy int) {
	wrong = map[uint64]recounted{}
	for space, was := range after {
		if was != before[space] {
			busy++
			continue
		}
		c := counted[space]
		is := account.Usage{
			Quota: was.Quota, Files: c.Files, Versions: c.Versions, Trash: c.Trash, Uploads: uploads[space],
			Properties: c.Properties, Nodes: c.Nodes, TrashNodes: c.TrashNodes,
		}
		if is != was {
			wrong[space] = recounted{was, is}
		}
	}
	return wrong, busy
}

func (k *checker) usages(ctx context.Context) (map[uint64]account.Usage, error) {
	all := map[uint64]account.Usage{}
	err := k.DB.View(ctx, func(tx *storage.Tx) error {
		return account.Spaces(tx, func(space uint64) error {
			u, err := account.UsageOf(tx, space)
			all[space] = u
			return err
		})
	})
	return all, err
}

func (k *checker) uploads(ctx context.Context) (all map[uint64]int64, err error) {
	err = k.DB.View(ctx, func(tx *storage.Tx) error {
		all, err = upload.Sums(tx)
		return err
	})
	return all, err
}

// References gives every reference to a content that any table holds.
func References() []blob.References { return []blob.References{tree.Contents, upload.Contents} }

func (k *checker) contents(ctx context.Context) error {
	err := k.Blobs.Verify(ctx, func(p blob.Problem) { k.contentBad = append(k.contentBad, p) }, References()...)
	k.nameContents(ctx)
	return err
}

// dropCopies removes what is left of copies of folders that a crash cut off, which is no damage.
func (k *checker) dropCopies(ctx context.Context) error {
	const step = 500
	for more := true; more; {
		err := k.DB.Update(ctx, func(tx *storage.Tx) (err error) {
			more, err = tree.DropStaged(tx, step)
			return err
		})
		if err != nil {
			return fmt.Errorf("drop unfinished copies: %w", err)
		}
	}
	return nil
}

// leftovers tells of temporary files that a process which was killed has left. They are nothing wrong.
func (k *checker) leftovers(ctx context.Context, remove bool) error {
	if remove {
		r, err := k.Blobs.SweepLeftovers(ctx, blob.RubbishAge)
		if err != nil && !errors.Is(err, blob.ErrClock) && !errors.Is(err, storage.ErrReadOnly) {
			return err
		}
		if r.Temporary > 0 {
			k.note("%d temporary files of uploads that were cut off are removed (%d bytes)", r.Temporary, r.Bytes)
		}
	}
	n, bytes, err := k.Blobs.Leftovers()
	if n > 0 {
		k.note("%d temporary files are left of uploads that were cut off (%d bytes): harmless, a night removes them once they are a day old", n, bytes)
	}
	return err
}

// repair corrects sums and counts: what is kept stays as it is. A record file that is torn is not written to
// once a damage in it was met.
func (k *checker) repair(ctx context.Context) error {
	if k.torn && k.DB.Damaged() != nil {
		k.note("the record file itself is damaged: nothing is repaired, restore it from a backup")
		return nil
	}
	changed := 0
	err := k.DB.Repair(ctx, func(tx *storage.Tx) (err error) {
		changed, err = k.Blobs.Recount(tx, References()...)
		return err
	})
	if errors.Is(err, storage.ErrCorrupt) {
		k.note("the references to contents are not corrected: %v", err)
		changed, err = 0, nil
	}
	k.Repaired += changed
	if err != nil {
		return err
	}
	var suspects []blob.Hash
	for _, p := range k.contentBad {
		if p.Kind == blob.BadSums {
			suspects = append(suspects, p.Ref.Hash)
		}
	}
	changed, err = k.Blobs.Resum(ctx, suspects...)
	k.Repaired += changed
	if err != nil || k.broken {
		return err
	}
	for space, r := range k.miscounted {
		mended := false
		err := k.DB.Repair(ctx, func(tx *storage.Tx) error {
			was, err := account.UsageOf(tx, space)
			if mended = err == nil && was == r.was; !mended {
				return err
			}
			_, err = account.Recount(tx, space, r.is)
			return err
		})
		if err != nil {
			return err
		}
		if mended {
			k.Repaired++
		}
	}
	return nil
}
