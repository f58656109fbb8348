package files

import "testing"

func FuzzSyncToken(f *testing.F) {
	const top, epoch = 46, "bx3"
	whole := syncToken{epoch: epoch, top: top, marks: []mark{{space: 1, seq: 2}, {space: 3, seq: 4, shown: 5, climb: 6, node: 7, folder: 8, after: "é/\x00"}}}
	f.Add(whole.String())
	f.Add(whole.String() + ",")
	f.Add("urn:ruche:sync:bx3.1a:")
	f.Add("urn:ruche:sync:1a:1.2.0")
	f.Add("urn:ruche:sync:bx3.1a:1.2.0,1.3.0")
	f.Add("")
	key := tokenKey("of a test")
	f.Add(key.seal(whole, 9))
	f.Add(key.seal(whole, 8))
	f.Add(key.seal(whole, 9) + "A")
	f.Add(tokenKey("another").seal(whole, 9))
	f.Fuzz(func(t *testing.T, s string) {
		token, err := parseSyncToken(s, epoch, top)
		if err == nil && token.String() != s {
			t.Errorf("%q is read as %q", s, token)
		}
		token, err = key.open(s, syncToken{epoch: epoch, top: top}, 9)
		if err == nil && s != "" && key.seal(token, 9) != s {
			t.Errorf("%q is opened as %q", s, token)
		}
	})
}
