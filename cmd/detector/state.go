package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/revwatch/revwatch/pkg/store"
)

// bucketState holds when the state was last committed, under keyCommitted.
const (
	bucketState  = "state"
	keyCommitted = "committed"
)

// restorer takes back one stored value; it ignores buckets of others.
type restorer func(bucket, key string, value []byte) error

// openState opens the state file and hands every value of it to each of the restorers. committed is when it was last written, zero when it is
// new. With setAside a damaged file is renamed first, and learned again.
func openState(path string, setAside bool, to ...restorer) (s *store.Store, committed time.Time, aside string, err error) {
	s, err = store.Open(path)
	if errors.Is(err, store.ErrCorrupt) && setAside {
		aside = fmt.Sprintf("%s.damaged-%d", path, time.Now().Unix())
		if err := os.Rename(path, aside); err != nil {
			return nil, committed, "", err
		}
		s, err = store.Open(path)
	}
	if err != nil {
		return nil, committed, aside, err
	}
	err = s.LoadAll(func(bucket, key string, value []byte) error {
		if bucket == bucketState && key == keyCommitted {
			return committed.UnmarshalText(value)
		}
		for _, restore := range to {
			if err := restore(bucket, key, value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, committed, aside, errors.Join(err, s.Close())
	}
	return s, committed, aside, nil
}

// commit writes what the parts emit, in one transaction.
func commit(s *store.Store, now time.Time, parts ...func(put func(bucket, key string, value []byte))) error {
	for _, changes := range parts {
		changes(s.Put)
	}
	stamp, err := now.UTC().MarshalText()
	if err != nil {
		return err // a clock beyond the year 9999
	}
	s.Put(bucketState, keyCommitted, stamp)
	return s.Commit()
}
