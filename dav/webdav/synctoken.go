package webdav

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"

	"ruche/storage"
	"ruche/storage/changelog"
)

// syncToken says how far a client knows each space that a folder shows.
type syncToken []mark

// mark is how far a client knows one space: the changes up to seq, and of the node's listing, when there is
// one on its way, what stands in folder up to after, and before that folder.
type mark struct {
	space, seq   uint64
	node, folder uint64
	after        string
}

const tokenPrefix = "urn:ruche:sync:"

func (t syncToken) find(space uint64) (mark, bool) {
	for _, m := range t {
		if m.space == space {
			return m, true
		}
	}
	return mark{}, false
}

// String is the token as an absolute URI (RFC 6578, section 3.2).
func (t syncToken) String() string {
	b := []byte(tokenPrefix)
	for i, m := range t {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, m.space, 36)
		b = strconv.AppendUint(append(b, '.'), m.seq, 36)
		if m.node == 0 {
			continue
		}
		b = strconv.AppendUint(append(b, '.'), m.node, 36)
		b = strconv.AppendUint(append(b, '.'), m.folder, 36)
		b = base64.RawURLEncoding.AppendEncode(append(b, '.'), []byte(m.after))
	}
	return string(b)
}

// parseSyncToken reads a token; "" is that of a client that knows nothing. Anything that String does not
// write is ErrSyncToken.
func parseSyncToken(s string) (syncToken, error) {
	if s == "" {
		return nil, nil
	}
	rest, ok := strings.CutPrefix(s, tokenPrefix)
	if !ok || len(s) > 8<<10 {
		return nil, ErrSyncToken
	}
	var t syncToken
	for field := range strings.SplitSeq(rest, ",") {
		m, err := parseMark(field)
		if err != nil {
			return nil, err
		}
		t = append(t, m)
	}
	return t, nil
}

func parseMark(s string) (m mark, err error) {
	parts := strings.Split(s, ".")
	if len(parts) != 2 && len(parts) != 5 {
		return m, ErrSyncToken
	}
	for i, into := range []*uint64{&m.space, &m.seq, &m.node, &m.folder} {
		if i >= len(parts) {
			return m, nil
		}
		if *into, err = strconv.ParseUint(parts[i], 36, 64); err != nil {
			return m, ErrSyncToken
		}
	}
	after, err := base64.RawURLEncoding.DecodeString(parts[4])
	if err != nil || m.node == 0 {
		return m, ErrSyncToken
	}
	m.after = string(after)
	return m, nil
}

// Token is the sync token of a folder as it is now.
func (f *Files) Token(ctx context.Context, names []string) (token string, err error) {
	err = f.view(ctx, func(tx *storage.Tx) error {
		s, err := f.existing(tx, names)
		if err != nil {
			return err
		}
		token, err = f.token(tx, s)
		return err
	})
	return token, err
}

func (f *Files) token(tx *storage.Tx, s *spot) (string, error) {
	spaces := []uint64{s.space}
	if s.isRoot() {
		mounts, err := f.mounts(tx)
		if err != nil {
			return "", err
		}
		for _, m := range mounts {
			spaces = append(spaces, m.ID)
		}
	}
	var t syncToken
	for _, space := range spaces {
		seq, err := changelog.Seq(tx, space)
		if err != nil {
			return "", err
		}
		t = append(t, mark{space: space, seq: seq})
	}
	return t.String(), nil
}
