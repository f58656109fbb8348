package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"ruche/dav/davtest"
)

// verify compares all that the server has of the account with what it acknowledged, and goes on from there. The
// request whose answer never came has been carried out as a whole or not at all.
func (w *recorder) verify(ctx context.Context) error {
	found, err := w.observe(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", w.member.name, err)
	}
	ok := w.acked.same(found) || w.unsure && w.next.same(found)
	if !ok {
		err = fmt.Errorf("%s: not what was acknowledged:\n%s", w.member.name, w.acked.differences(found))
		if w.unsure {
			err = fmt.Errorf("%w nor what it would be with the request under way:\n%s", err, w.next.differences(found))
		}
	}
	for _, wrong := range w.wrong {
		err = errors.Join(err, fmt.Errorf("%s: an answer that could not be: %s", w.member.name, wrong))
	}
	found.numbered(w.acked, w.next)
	w.acked, w.next, w.unsure, w.wrong = found, found, false, nil
	w.settle()
	return err
}

// observe reads everything: names, contents, properties, locks, the newest version of each file, the trash and
// the uploads.
func (w *recorder) observe(ctx context.Context) (state, error) {
	s := newState()
	todo := []string{""}
	for len(todo) > 0 {
		folder := todo[0]
		todo = todo[1:]
		rows, err := w.list(ctx, w.member.path(strings.TrimSuffix(w.root+"/"+folder, "/")+"/"))
		if err != nil {
			return s, err
		}
		for _, r := range rows[1:] {
			path := strings.TrimPrefix(folder+"/"+r.name, "/")
			t := thing{folder: r.folder, mark: r.mark, lock: r.lock}
			if r.folder {
				todo = append(todo, path)
			} else if t.sum, t.was, err = w.contents(ctx, r); err != nil {
				return s, err
			}
			s.things[path] = t
		}
	}
	if err := w.observeTrash(ctx, &s); err != nil {
		return s, err
	}
	return s, w.observeUploads(ctx, &s)
}

// contents returns the sum of a file's content, and of its newest version.
func (w *recorder) contents(ctx context.Context, r listed) (is, was string, err error) {
	if is, err = w.get(ctx, r.href, r.length); err != nil {
		return "", "", err
	}
	versions, err := w.list(ctx, "/dav/versions/"+w.member.name+"/versions/"+r.id+"/")
	if err != nil || len(versions) < 2 {
		return is, "", err
	}
	was, err = w.get(ctx, versions[1].href, versions[1].length)
	return is, was, err
}

// newestVersion is the href of the newest version of a file, "" when it has none.
func (w *recorder) newestVersion(ctx context.Context, path string) (string, error) {
	rows, err := w.list(ctx, w.member.path(w.root+"/"+path))
	if err != nil {
		return "", err
	}
	versions, err := w.list(ctx, "/dav/versions/"+w.member.name+"/versions/"+rows[0].id+"/")
	if err != nil || len(versions) < 2 {
		return "", err
	}
	return versions[1].href, nil
}

func (w *recorder) observeTrash(ctx context.Context, s *state) error {
	items, err := w.list(ctx, "/dav/trashbin/"+w.member.name+"/trash/")
	if err != nil {
		return err
	}
	seen := map[string]string{}
	for _, item := range items[1:] {
		line, known := w.seen[item.href]
		if !known {
			if line, err = w.trashItem(ctx, item); err != nil {
				return err
			}
		}
		seen[item.href] = line
		s.trash = append(s.trash, line)
	}
	slices.Sort(s.trash)
	w.seen = seen
	return nil
}

// trashItem reads an item of the trash with all that is in it.
func (w *recorder) trashItem(ctx context.Context, item listed) (string, error) {
	inside := map[string]string{}
	if !item.folder {
		got, err := w.get(ctx, item.href, item.length)
		inside[""] = got
		return trashLine(strings.TrimPrefix(item.location, w.root+"/"), inside), err
	}
	rows, err := w.list(ctx, item.href)
	if err != nil {
		return "", err
	}
	inside[""] = ""
	for _, r := range rows[1:] {
		if inside["/"+r.name], err = w.get(ctx, r.href, r.length); err != nil {
			return "", err
		}
	}
	return trashLine(strings.TrimPrefix(item.location, w.root+"/"), inside), nil
}

func (w *recorder) observeUploads(ctx context.Context, s *state) error {
	all := "/dav/uploads/" + w.member.name + "/"
	uploads, err := w.list(ctx, all)
	if err != nil {
		return err
	}
	for _, u := range uploads[1:] {
		s.uploads[u.name] = ""
		pieces, err := w.list(ctx, all+u.name+"/")
		if err != nil {
			return err
		}
		for _, p := range pieces[1:] {
			s.uploads[u.name+"/"+p.name] = p.length
		}
	}
	return nil
}

// get reads a content, which must be as long as it was listed, and returns its sum.
func (w *recorder) get(ctx context.Context, path, length string) (string, error) {
	a, err := w.member.try(ctx, "GET", path, nil)
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK || fmt.Sprint(len(a.body)) != length {
		return "", fmt.Errorf("%s is listed with %s bytes, and GET = %d with %d", path, length, a.status, len(a.body))
	}
	return sum(a.body), nil
}

// listed is what a PROPFIND tells of one resource.
type listed struct {
	href, name, id, length, mark, lock, location string
	folder                                       bool
}

const rowProps = `<?xml version="1.0"?><d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns" xmlns:x="urn:ruche:trust"><d:prop>` +
	`<d:resourcetype/><d:getcontentlength/><d:lockdiscovery/><oc:fileid/><x:mark/><nc:trashbin-original-location/></d:prop></d:propfind>`

// list is the resource at a path and, after it, what is in it.
func (w *recorder) list(ctx context.Context, path string) ([]listed, error) {
	a, err := w.member.try(ctx, "PROPFIND", path, strings.NewReader(rowProps), "Depth: 1")
	if err != nil {
		return nil, err
	}
	root, err := davtest.Parse(a.body)
	if err != nil || a.status != http.StatusMultiStatus {
		return nil, fmt.Errorf("PROPFIND %s = %d: %v\n%s", path, a.status, err, short(a.body))
	}
	var rows []listed
	for _, response := range root.All("{DAV:}response") {
		text := func(name string) string {
			for _, n := range response.All(name) {
				return n.Text
			}
			return ""
		}
		r := listed{
			href: text("{DAV:}href"), id: text("{http://owncloud.org/ns}fileid"), length: text("{DAV:}getcontentlength"),
			mark: text("{urn:ruche:trust}mark"), location: text("{http://nextcloud.org/ns}trashbin-original-location"),
			folder: len(response.All("{DAV:}collection")) > 0,
		}
		for _, token := range response.All("{DAV:}locktoken") {
			r.lock = token.All("{DAV:}href")[0].Text
		}
		plain, err := url.PathUnescape(strings.TrimSuffix(r.href, "/"))
		if err != nil {
			return nil, fmt.Errorf("href %q: %w", r.href, err)
		}
		r.name = plain[strings.LastIndexByte(plain, '/')+1:]
		rows = append(rows, r)
	}
	return rows, nil
}
