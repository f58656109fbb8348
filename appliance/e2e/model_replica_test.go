package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
)

// replica is a client that knows a folder only by the answers of sync-collection.
type replica struct {
	who   string
	top   []string
	level string
	every int // it asks after so many steps
	token string
	known map[string]row
}

func (r *replica) prefix() string {
	if len(r.top) == 0 {
		return ""
	}
	return "/" + strings.Join(r.top, "/")
}

func (r *replica) forget(path string) {
	maps.DeleteFunc(r.known, func(p string, _ row) bool { return p == path || strings.HasPrefix(p, path+"/") })
}

// sync asks, with limits of some size, until nothing is left.
func (w *world) sync(ctx context.Context, rnd *rand.Rand, r *replica) error {
	if r.known == nil {
		r.known = map[string]row{}
	}
	m := w.members[r.who]
	for range 1000 {
		limit := ""
		most := 1 << 20
		if rnd.IntN(2) == 0 {
			most = 1 + rnd.IntN(6)
			limit = fmt.Sprintf("<d:limit><d:nresults>%d</d:nresults></d:limit>", most)
		}
		body := `<d:sync-collection xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:sync-token>` + r.token + `</d:sync-token><d:sync-level>` + r.level +
			`</d:sync-level>` + limit + `<d:prop><d:getetag/><d:resourcetype/><oc:id/></d:prop></d:sync-collection>`
		a, err := m.try(ctx, "REPORT", m.path(strings.Join(r.top, "/")), strings.NewReader(body))
		if err != nil {
			return err
		}
		rows, err := w.rows(r.who, a)
		if err != nil {
			return err
		}
		more, seen := false, map[string]bool{}
		for _, row := range rows {
			if row.cut {
				more = true
				continue
			}
			if seen[row.path] || row.path == r.prefix() || !strings.HasPrefix(row.path, r.prefix()+"/") {
				return fmt.Errorf("%q stands in an answer to %s of %q that holds %v", row.path, r.who, r.top, seen)
			}
			seen[row.path] = true
			if row.gone || !row.folder {
				r.forget(row.path)
			}
			if !row.gone {
				r.known[row.path] = row
			}
		}
		if len(seen) > most {
			return fmt.Errorf("%d answers, at most %d were wanted", len(seen), most)
		}
		if r.token = inner(a.body[strings.LastIndex(a.body, "</d:response>")+1:], "d:sync-token"); r.token == "" {
			return fmt.Errorf("an answer without a sync token: %s", short(a.body))
		}
		if !more {
			return nil
		}
	}
	return fmt.Errorf("sync of %s has no end", r.who)
}

// differs compares a replica with a full listing.
func (r *replica) differs(all map[string]row) error {
	count := 0
	for path, want := range all {
		if path == r.prefix() || !strings.HasPrefix(path, r.prefix()+"/") {
			continue
		}
		if r.level == "1" && strings.Count(path, "/") > len(r.top)+1 {
			continue
		}
		count++
		if got, ok := r.known[path]; !ok || got.tag != want.tag || got.id != want.id || got.folder != want.folder {
			return fmt.Errorf("the replica %s%s of level %s knows %q as %+v, it is %+v", r.who, r.prefix(), r.level, path, got, want)
		}
	}
	if count != len(r.known) {
		return fmt.Errorf("the replica %s%s of level %s knows %d things, there are %d", r.who, r.prefix(), r.level, len(r.known), count)
	}
	return nil
}
