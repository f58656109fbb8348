package account

import (
	"fmt"
	"time"

	"ruche/storage"
)

// Network is a network somebody signed in from, as a keyed hash: the store holds no addresses.
type Network [16]byte

// signIn is the day of the last time.
type signIn struct{ Day time.Time }

func (s *signIn) AppendRecord(b []byte) []byte { return storage.AppendTime(b, 1, s.Day) }

func (s *signIn) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		if field == 1 {
			s.Day = v.Time()
		}
		return nil
	})
}

var signIns = storage.NewTable[signIn]("signin") // account, network

// maxNetworks is how many networks of an account are remembered, those of the last days.
const maxNetworks = 16

// SignedInFrom tells on which day the account last signed in from the network, the zero time when that was not since
// a time, and whether NoteSignIn would write: once a day, and not while the clock is doubted.
func SignedInFrom(tx *storage.Tx, account uint64, n Network, since time.Time) (last time.Time, due bool, err error) {
	key := storage.Key(account, n[:])
	if !signIns.Has(tx, key) {
		return last, tx.ClockSure(), nil
	}
	s, err := signIns.Load(tx, key)
	if err != nil {
		return last, false, fmt.Errorf("sign-in of account %d: %w", account, err)
	}
	if !s.Day.Before(day(since)) {
		last = s.Day
	}
	return last, tx.ClockSure() && s.Day.Before(day(tx.Now)), nil
}

// NoteSignIn remembers that the account signed in from the network today. It fails with storage.ErrNotFound when
// the account is gone.
func NoteSignIn(tx *storage.Tx, account uint64, n Network) error {
	_, due, err := SignedInFrom(tx, account, n, tx.Now)
	if err != nil || !due {
		return err
	}
	if _, err := ByID(tx, account); err != nil {
		return err
	}
	count := 0
	var oldest []byte
	var last time.Time
	err = signIns.Scan(tx, storage.Range{Prefix: storage.Key(account)}, func(key []byte, s *signIn) error {
		if count++; oldest == nil || s.Day.Before(last) {
			oldest, last = append(oldest[:0], key...), s.Day
		}
		return nil
	})
	if err != nil {
		return err
	}
	key := storage.Key(account, n[:])
	if count >= maxNetworks && !signIns.Has(tx, key) {
		if err := signIns.Delete(tx, oldest); err != nil {
			return err
		}
	}
	return signIns.Store(tx, key, &signIn{Day: day(tx.Now)})
}

// forgetSignIns forgets all networks of an account.
func forgetSignIns(tx *storage.Tx, account uint64) error {
	var keys [][]byte
	err := signIns.Scan(tx, storage.Range{Prefix: storage.Key(account)}, func(key []byte, _ *signIn) error {
		keys = append(keys, append([]byte(nil), key...))
		return nil
	})
	for _, key := range keys {
		if err == nil {
			err = signIns.Delete(tx, key)
		}
	}
	return err
}
