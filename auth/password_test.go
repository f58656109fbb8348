package auth

import (
	"strings"
	"testing"
)

func TestHashIsAPHCStringThatMatchesItsPassword(t *testing.T) {
	s, err := HashPassword("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %s", s)
	}
	p, err := parsePHC(s)
	if err != nil || p.String() != s {
		t.Fatalf("read back as %s, %v", p, err)
	}
	if !p.matches("correct horse") || p.matches("wrong horse") || p.matches("") {
		t.Error("it matches another password, or not its own")
	}
	if again, _ := HashPassword("correct horse"); again == s {
		t.Error("the same password has the same hash twice")
	}
}

// The reference implementation's own test value.
func TestHashOfAnotherImplementation(t *testing.T) {
	const s = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	p, err := parsePHC(s)
	if err != nil || !p.matches("password") || p.matches("differentpassword") {
		t.Errorf("read as %s, %v", p, err)
	}
}

func TestHashThatAsksTooMuchIsRefused(t *testing.T) {
	const salt, hash = "c29tZXNhbHQ", "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	for _, s := range []string{
		"", "$", "x", "$2b$10$abcdefghijklmnopqrstuv",
		"$argon2i$v=19$m=256,t=2,p=1$" + salt + "$" + hash,
		"$argon2id$v=16$m=256,t=2,p=1$" + salt + "$" + hash,
		"$argon2id$m=256,t=2,p=1$" + salt + "$" + hash,
		"$argon2id$v=19$m=1048576,t=2,p=1$" + salt + "$" + hash,
		"$argon2id$v=19$m=256,t=1000,p=1$" + salt + "$" + hash,
		"$argon2id$v=19$m=256,t=2,p=200$" + salt + "$" + hash,
		"$argon2id$v=19$m=0,t=2,p=1$" + salt + "$" + hash,
		"$argon2id$v=19$m=256,t=0,p=1$" + salt + "$" + hash,
		"$argon2id$v=19$m=256,t=2,p=0$" + salt + "$" + hash,
		"$argon2id$v=19$m=-1,t=2,p=1$" + salt + "$" + hash,
		"$argon2id$v=19$t=2,m=256,p=1$" + salt + "$" + hash,
		"$argon2id$v=19$m=256,t=2$" + salt + "$" + hash,
		"$argon2id$v=19$m=256,t=2,p=1$$" + hash,
		"$argon2id$v=19$m=256,t=2,p=1$" + salt + "$",
		"$argon2id$v=19$m=256,t=2,p=1$" + salt + "=$" + hash,
		"$argon2id$v=19$m=256,t=2,p=1$" + salt + "$" + hash + "$",
	} {
		if p, err := parsePHC(s); err == nil {
			t.Errorf("%q read as %s", s, p)
		}
	}
}

func FuzzPHC(f *testing.F) {
	f.Add(nobodys.String())
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err != nil {
			return
		}
		if p.cost.memory > 64<<10 || p.cost.time > 10 || p.cost.threads > 4 || p.cost.threads == 0 || len(p.hash) > 64 {
			t.Errorf("%q asks for %+v", s, p.cost)
		}
		again, err := parsePHC(p.String())
		if err != nil || again.String() != p.String() {
			t.Errorf("%q does not come back: %v", s, err)
		}
	})
}
