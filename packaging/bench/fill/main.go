// Command fill makes a data folder with an account bench and folders filled-N of N small files each, straight
// through the store, and prints an app password of the account.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"ruche/appliance/control"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/tree"
)

const (
	name      = "bench"
	perCommit = 1000
)

func main() {
	data := flag.String("data", "", "the data folder to make")
	folders := flag.String("folders", "", "how many files the folders get, comma separated")
	flag.Parse()
	secret, err := fill(context.Background(), *data, *folders)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fill:", err)
		os.Exit(1)
	}
	fmt.Println(secret)
}

func fill(ctx context.Context, data, folders string) (secret string, err error) {
	store, err := control.OpenStore(ctx, control.Options{Dir: data, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	commands := control.Direct(store)
	if _, err := control.AddAccount.Do(ctx, commands, control.NewAccount{Name: name, Quota: new(int64)}); err != nil {
		return "", err
	}
	for field := range strings.SplitSeq(folders, ",") {
		if field == "" {
			continue
		}
		n, err := strconv.Atoi(field)
		if err != nil {
			return "", err
		}
		if err := folder(ctx, store, n); err != nil {
			return "", fmt.Errorf("folder of %d: %w", n, err)
		}
	}
	password, err := control.AddAppPassword.Do(ctx, commands, control.NewAppPassword{Name: name, Label: name})
	return password.Secret, err
}

// folder makes a folder of n files.
func folder(ctx context.Context, store *control.Store, n int) error {
	var top tree.Node
	var owner uint64
	err := store.DB.Update(ctx, func(tx *storage.Tx) error {
		acc, err := account.ByName(tx, name)
		if err != nil {
			return err
		}
		owner = acc.ID
		root, err := tree.Root(tx, owner)
		if err != nil {
			return err
		}
		top, err = tree.MakeFolder(tx, root, fmt.Sprintf("filled-%d", n))
		return err
	})
	for first := 0; first < n && err == nil; first += perCommit {
		err = store.DB.Update(ctx, func(tx *storage.Tx) error {
			for i := first; i < min(n, first+perCommit); i++ {
				if err := file(ctx, tx, store, top, owner, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return err
}

// file makes the i-th file of a folder.
func file(ctx context.Context, tx *storage.Tx, store *control.Store, top tree.Node, owner uint64, i int) error {
	w := store.Blobs.Create(ctx)
	defer w.Close()
	if _, err := fmt.Fprintf(w, "This is file %d of the folder %s.\n", i, top.Name); err != nil {
		return err
	}
	pending, err := w.Commit()
	if err != nil {
		return err
	}
	defer pending.Close()
	ref, err := pending.Link(tx)
	if err != nil {
		return err
	}
	_, err = tree.Create(tx, top, fmt.Sprintf("file-%06d.txt", i), tree.Content{Ref: ref, Type: "text/plain", By: owner})
	return err
}
