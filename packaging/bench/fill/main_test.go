package main

import (
	"context"
	"log/slog"
	"testing"

	"ruche/appliance/control"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/tree"
)

func TestFillMakesWhatItSays(t *testing.T) {
	dir := t.TempDir()
	secret, err := fill(context.Background(), dir, "3,1001")
	if err != nil || secret == "" {
		t.Fatalf("fill = %q, %v", secret, err)
	}
	store, err := control.OpenStore(t.Context(), control.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for folder, want := range map[string]int{"filled-3": 3, "filled-1001": 1001} {
		got := 0
		err := store.DB.View(t.Context(), func(tx *storage.Tx) error {
			acc, err := account.ByName(tx, name)
			if err != nil {
				return err
			}
			root, err := tree.Root(tx, acc.ID)
			if err != nil {
				return err
			}
			top, err := tree.Resolve(tx, root, []string{folder})
			if err != nil {
				return err
			}
			return tree.Children(tx, top.ID, "", func(*tree.Node) error { got++; return nil })
		})
		if err != nil || got != want {
			t.Errorf("%s has %d files, want %d, error %v", folder, got, want, err)
		}
	}
}
