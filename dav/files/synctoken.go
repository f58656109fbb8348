package files

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash/fnv"
	"strconv"
	"strings"

	"ruche/storage"
	"ruche/storage/changelog"
)

// syncToken says of a folder how far a client knows each space that it shows. It is of no use for another
// folder, also for one that takes the same place, and in another epoch of the store, where its numbers may stand for
// other changes.
type syncToken struct {
	epoch string // without a dot
	top   uint64 // the folder
	marks []mark
}

// mark is how far a client knows one space: the changes up to seq, but of the last one not yet the folders from
// climb upwards, and of the listing of node, when there is one on its way, only what stands in folder up to after,
// and before that folder.
type mark struct {
	space, seq   uint64
	shown        uint64 // what name the space stands under, as a hash; 0 for the folder's own
	climb        uint64
	node, folder uint64
	after        string
}

const tokenPrefix = "urn:ruche:sync:"

func (t syncToken) find(space uint64) (mark, bool) {
	for _, m := range t.marks {
		if m.space == space {
			return m, true
		}
	}
	return mark{}, false
}

// String is the token as an absolute URI (RFC 6578, section 3.2).
func (t syncToken) String() string {
	b := []byte(tokenPrefix)
	if t.epoch != "" {
		b = append(append(b, t.epoch...), '.')
	}
	b = strconv.AppendUint(b, t.top, 36)
	for i, m := range t.marks {
		b = append(b, ":,"[min(i, 1)])
		b = strconv.AppendUint(b, m.space, 36)
		for _, n := range []uint64{m.seq, m.shown} {
			b = strconv.AppendUint(append(b, '.'), n, 36)
		}
		if m.climb == 0 && m.node == 0 {
			continue
		}
		for _, n := range []uint64{m.climb, m.node, m.folder} {
			b = strconv.AppendUint(append(b, '.'), n, 36)
		}
		b = base64.RawURLEncoding.AppendEncode(append(b, '.'), []byte(m.after))
	}
	return string(b)
}

// tokenKey is what tokens are sealed under, so that nobody asks for changes that no token of theirs was given out for:
// from before they joined a group, or below what they may see.
type tokenKey []byte

const (
	sealSize = 8 // bytes
	sealMark = "~"
)

// seal is the token as one account gets it.
func (k tokenKey) seal(t syncToken, account uint64) string {
	return k.sealed(t.String(), account)
}

// open reads a token that seal made for the account; "" is that of a client that knows nothing. Any other is
// ErrSyncToken.
func (k tokenKey) open(s string, t syncToken, account uint64) (syncToken, error) {
	if s == "" {
		return t, nil
	}
	text, _, _ := strings.Cut(s, sealMark)
	if !hmac.Equal([]byte(s), []byte(k.sealed(text, account))) {
		return t, ErrSyncToken
	}
	return parseSyncToken(text, t.epoch, t.top)
}

func (k tokenKey) sealed(text string, account uint64) string {
	h := hmac.New(sha256.New, k)
	h.Write(storage.Key(account))
	h.Write([]byte(text))
	return text + sealMark + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:sealSize])
}

// parseSyncToken reads what is sealed in a token for a folder in an epoch. Anything that String does not write for the
// folder is ErrSyncToken.
func parseSyncToken(s, epoch string, top uint64) (syncToken, error) {
	t := syncToken{epoch: epoch, top: top}
	rest, ok := strings.CutPrefix(s, t.String()+":")
	if !ok || len(s) > 16<<10 {
		return t, ErrSyncToken
	}
	for field := range strings.SplitSeq(rest, ",") {
		m, err := parseMark(field)
		if err != nil {
			return t, err
		}
		if _, twice := t.find(m.space); twice {
			return t, ErrSyncToken
		}
		t.marks = append(t.marks, m)
	}
	if t.String() != s {
		return t, ErrSyncToken
	}
	return t, nil
}

func parseMark(s string) (m mark, err error) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 && len(parts) != 7 {
		return m, ErrSyncToken
	}
	for i, into := range []*uint64{&m.space, &m.seq, &m.shown, &m.climb, &m.node, &m.folder} {
		if i >= len(parts) {
			return m, nil
		}
		if *into, err = strconv.ParseUint(parts[i], 36, 64); err != nil {
			return m, ErrSyncToken
		}
	}
	after, err := base64.RawURLEncoding.DecodeString(parts[6])
	if err != nil || m.climb == 0 && m.node == 0 {
		return m, ErrSyncToken
	}
	m.after = string(after)
	return m, nil
}

// shownAs is what a mark says of the name that a shared folder stands under in a member's root.
func shownAs(name string) uint64 {
	sum := fnv.New32a()
	sum.Write([]byte(name))
	return uint64(sum.Sum32())
}

// Token is the sync token of a folder as it is now.
func (f *Files) Token(ctx context.Context, names []string) (token string, err error) {
	err = f.View(ctx, func(tx *storage.Tx) error {
		s, err := f.Existing(tx, names)
		if err != nil {
			return err
		}
		token, err = f.token(tx, s)
		return err
	})
	return token, err
}

func (f *Files) token(tx *storage.Tx, s *Spot) (string, error) {
	t := syncToken{epoch: f.fs.db.Epoch(), top: s.Node.ID, marks: []mark{{space: s.Space}}}
	if s.isRoot() {
		mounts, err := f.Mounts(tx)
		if err != nil {
			return "", err
		}
		for _, m := range mounts {
			t.marks = append(t.marks, mark{space: m.ID, shown: shownAs(m.Mount)})
		}
	}
	for i := range t.marks {
		var err error
		if t.marks[i].seq, err = changelog.Seq(tx, t.marks[i].space); err != nil {
			return "", err
		}
	}
	return f.seal(t), nil
}

func (f *Files) seal(t syncToken) string { return f.fs.tokens.seal(t, f.id.Account) }
