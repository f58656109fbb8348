// Package control is how an appliance is administered: commands on its store. They reach the appliance that is
// running through a unix socket in the data folder, or open the store themselves when none is. The socket is
// only for the user the appliance runs as; it owns no tables.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"

	"ruche/auth"
	"ruche/storage"
	"ruche/storage/blob"
)

// Store is everything that is kept, opened: what an appliance serves and what commands work on.
type Store struct {
	DB    *storage.DB
	Blobs *blob.Store
	Auth  *auth.Authenticator

	quota int64
}

// Options of OpenStore and Dial.
type Options struct {
	Dir            string
	ID             string // the id that the data folder must have; any when empty
	Quota          int64  // of new accounts
	TrustedProxies []netip.Prefix
	Log            *slog.Logger
}

// OpenStore opens the store in o.Dir, and makes a new one when the folder is absent or empty; the folder around it
// must be there, so that a disk that is not mounted is noticed. Errors are storage.ErrMissing and those of storage.Open, blob.Open and auth.LoadKey.
func OpenStore(ctx context.Context, o Options) (*Store, error) {
	if err := checkOwner(o.Dir); err != nil {
		return nil, err
	}
	if err := checkParent(o.Dir); err != nil {
		return nil, err
	}
	db, err := storage.Open(o.Dir, storage.Options{ID: o.ID, Log: o.Log})
	if err != nil {
		return nil, err
	}
	blobs, err := blob.Open(db, blob.Options{Log: o.Log})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	key, err := auth.LoadKey(ctx, db)
	if err != nil {
		return nil, errors.Join(err, blobs.Close(), db.Close())
	}
	a := auth.New(db, key, auth.Options{Log: o.Log, TrustedProxies: o.TrustedProxies})
	return &Store{DB: db, Blobs: blobs, Auth: a, quota: o.Quota}, nil
}

// Close ends the use of the store.
func (s *Store) Close() error {
	s.Auth.Close()
	return errors.Join(s.Blobs.Close(), s.DB.Close())
}

// Event is something that a long command tells while it works.
type Event struct {
	Problem  string `json:"problem,omitempty"`  // something is wrong
	Note     string `json:"note,omitempty"`     // something to know that is not wrong
	Progress string `json:"progress,omitempty"` // what it does now
}

// call is one command at work.
type call struct {
	*Store
	tell func(Event)
}

func (c *call) note(format string, args ...any) {
	c.tell(Event{Note: fmt.Sprintf(format, args...)})
}

func (c *call) progress(format string, args ...any) {
	c.tell(Event{Progress: fmt.Sprintf(format, args...)})
}

// Command is something that can be asked of a store.
type Command[In, Out any] struct{ name string }

type run func(ctx context.Context, c *call, in json.RawMessage) (out any, err error)

// commands has every command by its name, filled while the package is initialised.
var commands = map[string]run{}

func command[In, Out any](name string, fn func(ctx context.Context, c *call, in In) (Out, error)) Command[In, Out] {
	commands[name] = func(ctx context.Context, c *call, raw json.RawMessage) (any, error) {
		var in In
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, fmt.Errorf("command %s: %w: %w", name, storage.ErrInvalid, err)
		}
		return fn(ctx, c, in)
	}
	return Command[In, Out]{name}
}

// Do runs the command. An error that was to be expected is an *Error.
func (cmd Command[In, Out]) Do(ctx context.Context, c *Conn, in In) (Out, error) {
	return cmd.Watch(ctx, c, in, func(Event) {})
}

// Watch is Do for a long command: tell is called with what it tells.
func (cmd Command[In, Out]) Watch(ctx context.Context, c *Conn, in In, tell func(Event)) (out Out, err error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("command %s: %w", cmd.name, err)
	}
	answer, err := c.do(ctx, cmd.name, raw, tell)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(answer, &out)
}

// Conn is a way to run commands: through the appliance that is running, or on a store of its own.
type Conn struct {
	do    func(ctx context.Context, name string, in []byte, tell func(Event)) (json.RawMessage, error)
	close func() error
	local bool
}

// Close ends the connection, and closes the store if the connection opened it.
func (c *Conn) Close() error { return c.close() }

// Running tells whether the commands go to an appliance that is running.
func (c *Conn) Running() bool { return !c.local }

// NoStoreError is that no store is in Dir: errors.Is finds storage.ErrMissing.
type NoStoreError struct{ Dir string }

// Error implements error.
func (e *NoStoreError) Error() string { return "there is no store in " + e.Dir }

// Unwrap is storage.ErrMissing.
func (e *NoStoreError) Unwrap() error { return storage.ErrMissing }

// Find looks for a store in dir, without opening it.
//
// Errors: *NoStoreError when there is none; storage.ErrMissing for one that has lost its marker.
func Find(dir string) error {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	if _, err := os.Stat(filepath.Join(dir, "marker")); !errors.Is(err, os.ErrNotExist) {
		return nil // what else is wrong shows when it is opened
	}
	if _, err := os.Stat(filepath.Join(dir, "records.db")); err == nil {
		return fmt.Errorf("%w: %s has records but no marker: restore the file marker from a backup", storage.ErrMissing, dir)
	}
	return &NoStoreError{Dir: dir}
}

// checkParent keeps a whole tree from being made where a disk should be mounted.
func checkParent(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(abs); !errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if _, err := os.Stat(filepath.Dir(abs)); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %s is not there, and neither is the folder around it", storage.ErrMissing, abs)
	}
	return nil
}

// Identity tells one store from another.
type Identity struct{ ID string }

// Identify returns the identity of the store, which stands in its marker.
var Identify = command("identify", func(_ context.Context, c *call, _ Nothing) (Identity, error) {
	return Identity{ID: c.DB.ID()}, nil
})

// Dial returns a way to the store in o.Dir, which must exist.
//
// Errors: those of Find and of OpenStore.
func Dial(ctx context.Context, o Options) (*Conn, error) {
	if err := Find(o.Dir); err != nil {
		return nil, err
	}
	c, err := dialSocket(ctx, o.Dir)
	if err == nil || !isNobody(err) {
		return c, err
	}
	s, err := OpenStore(ctx, o)
	if errors.Is(err, storage.ErrInUse) {
		// Between the two it may have started.
		if c, again := dialSocket(ctx, o.Dir); again == nil {
			return c, nil
		}
	}
	if err != nil {
		return nil, err
	}
	c = Direct(s)
	c.close = s.Close
	return c, nil
}

// Direct runs commands on an opened store, which stays open.
func Direct(s *Store) *Conn {
	do := func(ctx context.Context, name string, in []byte, tell func(Event)) (json.RawMessage, error) {
		out, err := s.run(ctx, name, in, tell)
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}
	return &Conn{do: do, close: func() error { return nil }, local: true}
}

func (s *Store) run(ctx context.Context, name string, in json.RawMessage, tell func(Event)) (any, error) {
	fn, ok := commands[name]
	if !ok {
		return nil, fmt.Errorf("command %q: %w", name, storage.ErrNotFound)
	}
	return fn(ctx, &call{Store: s, tell: tell}, in)
}
