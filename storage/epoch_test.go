package storage_test

import (
	"testing"

	"ruche/storage"
)

func TestEpochIsEmptyAtFirstAndAnotherAfterEachRenewal(t *testing.T) {
	dir := t.TempDir()
	db := reopen(t, dir)
	if db.Epoch() != "" {
		t.Errorf("a new store has the epoch %q", db.Epoch())
	}
	seen := map[string]bool{"": true}
	for range 3 {
		if err := db.RenewEpoch(t.Context()); err != nil {
			t.Fatal(err)
		}
		if seen[db.Epoch()] {
			t.Errorf("epoch %q for the second time", db.Epoch())
		}
		seen[db.Epoch()] = true
	}
	was := db.Epoch()
	if err := db.Check(t.Context(), func(p storage.Problem) { t.Errorf("check: %s", p) }); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if db := reopen(t, dir); db.Epoch() != was {
		t.Errorf("after opening again the epoch is %q, was %q", db.Epoch(), was)
	}
}
