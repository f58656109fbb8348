package tree

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"ruche/storage"
)

// Lock is a write lock (RFC 4918, section 6) on a node: on the node alone, or with Infinite on all that is
// below it too. It belongs to an account and ends with its time, its node, or by Unlock.
type Lock struct {
	Token    string // "urn:uuid:…", random
	Node     uint64
	Account  uint64
	Device   uint64 // the app password it was taken with, 0 for the account's own
	Infinite bool   // Depth: infinity
	Shared   bool
	OwnerXML []byte // what the client says of the owner, as sent
	Created  time.Time
	Expires  time.Time
	Timeout  time.Duration // as granted

	Above  int  // from LocksOn: how many folders above the node asked about the lock stands
	Folder bool // what is locked is a folder
}

// AppendRecord implements storage.Record. Node and token are in the key.
func (l *Lock) AppendRecord(b []byte) []byte {
	b = storage.AppendUint(b, 1, l.Account)
	b = storage.AppendUint(b, 2, l.Device)
	b = storage.AppendBool(b, 3, l.Infinite)
	b = storage.AppendBool(b, 4, l.Shared)
	b = storage.AppendBytes(b, 5, l.OwnerXML)
	b = storage.AppendTime(b, 6, l.Created)
	b = storage.AppendTime(b, 7, l.Expires)
	b = storage.AppendInt(b, 8, int64(l.Timeout))
	return storage.AppendBool(b, 9, l.Folder)
}

// ParseRecord implements storage.Record.
func (l *Lock) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		switch field {
		case 1:
			l.Account = v.Uint()
		case 2:
			l.Device = v.Uint()
		case 3:
			l.Infinite = v.Bool()
		case 4:
			l.Shared = v.Bool()
		case 5:
			l.OwnerXML = slices.Clone(v.Bytes())
		case 6:
			l.Created = v.Time()
		case 7:
			l.Expires = v.Time()
		case 8:
			l.Timeout = time.Duration(v.Int())
		case 9:
			l.Folder = v.Bool()
		}
		return nil
	})
}

// lockKey is where a lock stands: a record that the two indexes point to.
type lockKey struct{ Node uint64 }

func (k *lockKey) AppendRecord(b []byte) []byte { return storage.AppendUint(b, 1, k.Node) }

func (k *lockKey) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(_ int, v storage.Field) error {
		k.Node = v.Uint()
		return nil
	})
}

var (
	locks      = storage.NewTable[Lock]("lock")         // node, token
	lockTokens = storage.NewTable[lockKey]("locktoken") // token
	lockOwners = storage.NewTable[lockKey]("lockowner") // account, token
)

// Bounds of locking. A client that wants a lock for longer refreshes it.
const (
	MaxLockTime  = time.Hour
	MinLockTime  = 3 * time.Minute // LibreOffice gives up refreshing what is shorter
	maxLocks     = 256             // of one account
	maxLocksHere = 16              // on one node
	maxLockOwner = 4 << 10
)

// live tells whether a lock counts. While the clock is not sure no lock ends by time.
func live(tx *storage.Tx, l *Lock) bool { return !tx.ClockSure() || tx.Now.Before(l.Expires) }

// LocksOn returns the locks that cover a node: its own, and the infinite ones of the folders that hold it.
func LocksOn(tx *storage.Tx, node uint64) ([]Lock, error) {
	chain, err := ancestors(tx, node)
	if err != nil {
		return nil, err
	}
	above, err := infiniteLocks(tx, chain[1:])
	if err != nil {
		return nil, err
	}
	return LocksAt(tx, node, above)
}

// LocksInside returns the locks that cover all that is in a folder: the infinite ones of the folder and of those
// that hold it. They are as LocksOn gives them for what is in the folder.
func LocksInside(tx *storage.Tx, folder uint64) ([]Lock, error) {
	chain, err := ancestors(tx, folder)
	if err != nil {
		return nil, err
	}
	return infiniteLocks(tx, chain)
}

// infiniteLocks returns those of the folders that hold a node, the nearest first.
func infiniteLocks(tx *storage.Tx, folders []step) ([]Lock, error) {
	var found []Lock
	for i, s := range folders {
		err := scanLocks(tx, s.ID, func(l Lock) error {
			if l.Infinite {
				l.Above = i + 1
				found = append(found, l)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// LocksAt returns what LocksOn does, of a node whose folder LocksInside was asked about. Where the node has no
// lock of its own it is that very slice.
func LocksAt(tx *storage.Tx, node uint64, inside []Lock) ([]Lock, error) {
	var own []Lock
	err := scanLocks(tx, node, func(l Lock) error {
		own = append(own, l)
		return nil
	})
	if err != nil || len(own) == 0 {
		return inside, err
	}
	return append(own, inside...), nil
}

func scanLocks(tx *storage.Tx, node uint64, fn func(Lock) error) error {
	return locks.Scan(tx, storage.Range{Prefix: storage.Key(node)}, func(key []byte, l *Lock) error {
		if !live(tx, l) {
			return nil
		}
		l.Node, l.Token = node, string(key[8:])
		return fn(*l)
	})
}

// LocksBelow returns the locks on nodes inside a folder.
func LocksBelow(tx *storage.Tx, folder uint64) ([]Lock, error) {
	var found []Lock
	err := locks.Scan(tx, storage.Range{}, func(key []byte, l *Lock) error {
		node, token := storage.KeyUint(key)
		if node == folder || !live(tx, l) {
			return nil
		}
		inside, err := Holds(tx, folder, node)
		if err == nil && inside {
			l.Node, l.Token = node, string(token)
			found = append(found, *l)
		}
		return err
	})
	return found, err
}

// TakeLock puts a lock on a node and gives it a token. l says node, account, device, depth, scope, owner and
// timeout, which is brought within bounds.
//
// Errors: *LockedError when another lock stands against it (RFC 4918, section 6.2), ErrLimit when the account
// holds too many, the node has too many, or the owner is too long.
func TakeLock(tx *storage.Tx, l Lock) (Lock, error) {
	if len(l.OwnerXML) > maxLockOwner {
		return l, fmt.Errorf("lock owner: %w", ErrLimit)
	}
	against, err := LocksOn(tx, l.Node)
	if err != nil {
		return l, err
	}
	if l.Infinite {
		below, err := LocksBelow(tx, l.Node)
		if err != nil {
			return l, err
		}
		against = append(against, below...)
	}
	here := 0
	for _, other := range against {
		if !l.Shared || !other.Shared {
			return l, &LockedError{Node: other.Node}
		}
		if other.Node == l.Node {
			here++
		}
	}
	if here >= maxLocksHere {
		return l, fmt.Errorf("locks of node %d: %w", l.Node, ErrLimit)
	}
	if err := makeRoom(tx, l.Account); err != nil {
		return l, err
	}
	l.Token = uuid.New().URN()
	l.Created = tx.Now
	return l, putLock(tx, &l)
}

func putLock(tx *storage.Tx, l *Lock) error {
	l.Timeout = min(max(l.Timeout, MinLockTime), MaxLockTime)
	l.Expires = tx.Now.Add(l.Timeout)
	at := lockKey{Node: l.Node}
	if err := locks.Store(tx, storage.Key(l.Node, l.Token), l); err != nil {
		return err
	}
	if err := lockTokens.Store(tx, storage.Key(l.Token), &at); err != nil {
		return err
	}
	return lockOwners.Store(tx, storage.Key(l.Account, l.Token), &at)
}

// makeRoom drops the account's locks that have ended, and fails when it still holds too many.
func makeRoom(tx *storage.Tx, owner uint64) error {
	held := 0
	var ended []Lock
	err := lockOwners.Scan(tx, storage.Range{Prefix: storage.Key(owner)}, func(key []byte, k *lockKey) error {
		l, err := locks.Load(tx, storage.Key(k.Node, key[8:]))
		if err != nil {
			return err
		}
		if live(tx, &l) {
			held++
			return nil
		}
		l.Node, l.Token = k.Node, string(key[8:])
		ended = append(ended, l)
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range ended {
		if err := dropLock(tx, l); err != nil {
			return err
		}
	}
	if held >= maxLocks {
		return fmt.Errorf("locks of account %d: %w", owner, ErrLimit)
	}
	return nil
}

// LockByToken returns a living lock: storage.ErrNotFound when there is none.
func LockByToken(tx *storage.Tx, token string) (Lock, error) {
	k, err := lockTokens.Load(tx, storage.Key(token))
	if err != nil {
		return Lock{}, fmt.Errorf("lock: %w", err)
	}
	l, err := locks.Load(tx, storage.Key(k.Node, token))
	if err != nil {
		return Lock{}, fmt.Errorf("lock: %w", err)
	}
	l.Node, l.Token = k.Node, token
	if !live(tx, &l) {
		return Lock{}, fmt.Errorf("the lock has ended: %w", storage.ErrNotFound)
	}
	return l, nil
}

// RefreshLock lets a lock run again from now.
func RefreshLock(tx *storage.Tx, l Lock, timeout time.Duration) (Lock, error) {
	if timeout == 0 {
		timeout = l.Timeout
	}
	l.Timeout = timeout
	return l, putLock(tx, &l)
}

// Unlock ends a lock.
func Unlock(tx *storage.Tx, l Lock) error { return dropLock(tx, l) }

func dropLock(tx *storage.Tx, l Lock) error {
	if err := locks.Delete(tx, storage.Key(l.Node, l.Token)); err != nil {
		return err
	}
	if err := lockTokens.Delete(tx, storage.Key(l.Token)); err != nil {
		return err
	}
	return lockOwners.Delete(tx, storage.Key(l.Account, l.Token))
}

// removeLocks ends every lock on a node and on all that is below it.
func removeLocks(tx *storage.Tx, node uint64) error {
	var all []Lock
	err := locks.Scan(tx, storage.Range{}, func(key []byte, l *Lock) error {
		id, token := storage.KeyUint(key)
		inside, err := Holds(tx, node, id)
		if err == nil && inside {
			l.Node, l.Token = id, string(token)
			all = append(all, *l)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, l := range all {
		if err := dropLock(tx, l); err != nil {
			return err
		}
	}
	return nil
}

// ExpireLocks forgets at most limit locks whose time is over.
func ExpireLocks(tx *storage.Tx, limit int) (int, error) {
	var ended []Lock
	err := locks.Scan(tx, storage.Range{}, func(key []byte, l *Lock) error {
		if live(tx, l) {
			return nil
		}
		if len(ended) == limit {
			return storage.ErrStop
		}
		node, token := storage.KeyUint(key)
		l.Node, l.Token = node, string(token)
		ended = append(ended, *l)
		return nil
	})
	for _, l := range ended {
		if err == nil {
			err = dropLock(tx, l)
		}
	}
	return len(ended), err
}

// Holder is who wants to write, and the lock tokens submitted with the request.
type Holder struct {
	Account uint64
	Tokens  []string
}

// opens tells whether the holder may write despite the locks that cover one node: an exclusive lock wants its
// own token, shared ones that of one of them. A token counts only for the account that holds the lock.
func (h Holder) opens(covering []Lock) bool {
	if len(covering) == 0 {
		return true
	}
	return slices.ContainsFunc(covering, func(l Lock) bool {
		return l.Account == h.Account && slices.Contains(h.Tokens, l.Token)
	})
}

// MayWrite fails with *LockedError when a lock that covers the node stands against the holder.
func MayWrite(tx *storage.Tx, node uint64, h Holder) error {
	covering, err := LocksOn(tx, node)
	if err != nil {
		return err
	}
	if !h.opens(covering) {
		return &LockedError{Node: covering[0].Node}
	}
	return nil
}

// MayRemove fails with *LockedError when a lock on the node, on its folder, or on anything in it stands
// against the holder (RFC 4918, sections 7.4 and 9.6.1).
func MayRemove(tx *storage.Tx, n Node, h Holder) error {
	if err := MayWrite(tx, n.ID, h); err != nil {
		return err
	}
	if n.Parent != 0 {
		if err := MayWrite(tx, n.Parent, h); err != nil {
			return err
		}
	}
	if n.Kind != Folder {
		return nil
	}
	below, err := LocksBelow(tx, n.ID)
	if err != nil {
		return err
	}
	for _, l := range below {
		if err := MayWrite(tx, l.Node, h); err != nil {
			return err
		}
	}
	return nil
}

// AnyLocks tells whether there is any lock at all, so that a listing need not ask for each node.
func AnyLocks(tx *storage.Tx) (bool, error) {
	any := false
	err := locks.Scan(tx, storage.Range{}, func([]byte, *Lock) error {
		any = true
		return storage.ErrStop
	})
	return any, err
}
