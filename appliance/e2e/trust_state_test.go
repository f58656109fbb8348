package e2e_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// thing is a file or folder as it must be.
type thing struct {
	folder bool
	sum    string // of the content
	was    string // of the content before the last overwrite, which must be a version; "" when there was none
	mark   string // a dead property
	lock   string // the token of its lock; unknown when the answer to LOCK was lost
	rev    int    // grows with each content; not compared
}

// unknown stands for the token of a lock that may have been made without its token having come.
const unknown = "a token that never came"

// state is everything that one account has. A path is below the writer's folder.
type state struct {
	things  map[string]thing
	trash   []string          // "path: sum", with all that was in it for a folder
	uploads map[string]string // pieces that wait: "ID" or "ID/PIECE" -> length
}

func newState() state { return state{things: map[string]thing{}, uploads: map[string]string{}} }

func (s state) clone() state {
	return state{maps.Clone(s.things), slices.Clone(s.trash), maps.Clone(s.uploads)}
}

// lines writes a state down, to compare.
func (s state) lines() []string {
	var lines []string
	for path, t := range s.things {
		what := "file " + t.sum + " before " + cmp.Or(t.was, "none")
		if t.folder {
			what = "folder"
		}
		lines = append(lines, fmt.Sprintf("%s: %s mark %q lock %q", path, what, t.mark, t.lock))
	}
	for _, t := range s.trash {
		lines = append(lines, "trash "+t)
	}
	for path, length := range s.uploads {
		lines = append(lines, "upload "+path+": "+length)
	}
	slices.Sort(lines)
	return lines
}

// same compares a state with what was found; a lock whose token never came may have any.
func (s state) same(found state) bool {
	want := s
	for path, t := range s.things {
		if got := found.things[path]; t.lock == unknown && got.lock != "" {
			t.lock = got.lock
			want.things = maps.Clone(want.things)
			want.things[path] = t
		}
	}
	return slices.Equal(want.lines(), found.lines())
}

// numbered gives what was found the revisions of the states before it.
func (s state) numbered(before ...state) {
	for path, t := range s.things {
		for _, b := range before {
			if b.things[path].sum == t.sum {
				t.rev = max(t.rev, b.things[path].rev)
			}
		}
		s.things[path] = t
	}
}

// differences lists the lines that only one of two states has.
func (s state) differences(found state) string {
	var b strings.Builder
	want, got := s.lines(), found.lines()
	for _, l := range want {
		if !slices.Contains(got, l) {
			fmt.Fprintln(&b, "  missing", l)
		}
	}
	for _, l := range got {
		if !slices.Contains(want, l) {
			fmt.Fprintln(&b, "  instead", l)
		}
	}
	return b.String()
}

// below tells whether path is the folder or in it.
func below(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

// within lists what is at a path and below it, sorted.
func (s state) within(path string) []string {
	var found []string
	for p := range s.things {
		if below(p, path) {
			found = append(found, p)
		}
	}
	slices.Sort(found)
	return found
}

// move takes a path, with what is in it, to a name that is free. Locks do not go along.
func (s state) move(from, to string) {
	for _, p := range s.within(from) {
		t := s.things[p]
		t.lock = ""
		delete(s.things, p)
		s.things[to+strings.TrimPrefix(p, from)] = t
	}
}

// copy makes another of a path and what is in it; neither locks nor older contents are copied.
func (s state) copy(from, to string, rev int) {
	for _, p := range s.within(from) {
		t := s.things[p]
		t.lock, t.was, t.rev = "", "", rev
		s.things[to+strings.TrimPrefix(p, from)] = t
	}
}

// replace moves a file that has no older contents onto another, whose content becomes its older one.
func (s state) replace(from, onto string) {
	t := s.things[from]
	t.lock, t.was = "", s.things[onto].sum
	delete(s.things, from)
	s.things[onto] = t
}

// remove puts a path into the trash.
func (s *state) remove(path string) {
	inside := map[string]string{}
	for _, p := range s.within(path) {
		inside[strings.TrimPrefix(p, path)] = s.things[p].sum
		delete(s.things, p)
	}
	s.trash = append(s.trash, trashLine(path, inside))
	slices.Sort(s.trash)
}

// trashLine describes an item of the trash; inside has the sums of the item, as "", and of what is in it, as
// "/NAME". A folder has none.
func trashLine(path string, inside map[string]string) string {
	var b strings.Builder
	b.WriteString(path + ":")
	for _, p := range slices.Sorted(maps.Keys(inside)) {
		b.WriteString(" " + p + "=" + cmp.Or(inside[p], "folder"))
	}
	return b.String()
}
