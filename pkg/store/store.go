// Package store keeps the whole state of the program in one file, so that every commit is all or nothing.
//
// It knows buckets, keys and values and nothing of what the bytes mean. Every value carries a format version and a CRC-32C over its
// bucket, key and content; every bucket carries the number and the sum of its checksums. Both are checked when the file is opened, so
// that a damaged file is refused whole and never half-loaded.
package store

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

var (
	// ErrCorrupt says that the file is damaged; nothing of it was handed out. The message names the bucket and the key where it is known.
	ErrCorrupt = errors.New("state file is damaged")
	// ErrNewer says that a later version of the program wrote the file.
	ErrNewer = errors.New("state file is of a newer version")
	// ErrGone says that the file was removed or replaced while it was open: what is written to it now would be lost.
	ErrGone = errors.New("state file was removed or replaced while it is in use: put it back, or start again")
	// ErrLocked says that another process has the file open.
	ErrLocked = errors.New("state file is in use")
)

// lockTimeout is how long Open waits for another process to let go of the file.
const lockTimeout = time.Second

// Store is an open state file. Put, Commit and Load belong to one goroutine; Write and Close may be called from any.
type Store struct {
	db      *bolt.DB
	path    string
	file    os.FileInfo                  // what path named when it was opened
	pending map[string]map[string][]byte // bucket → stored key → framed value, nil deletes
}

// Open opens the state file at path, and creates it when there is none. The whole file is verified first.
// Errors wrap ErrLocked, ErrNewer or ErrCorrupt where one of these is the reason; their messages say what to do.
func Open(path string) (*Store, error) {
	if path == "" {
		return nil, errors.New("store: no path given for the state file")
	}
	if err := createMissing(path); err != nil {
		return nil, fmt.Errorf("store: create %s: %w", path, err)
	}
	if err := verifyFile(path); err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, explain(err))
	}
	db, err := openBolt(path, false)
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, explain(err))
	}
	file, err := os.Stat(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: open %s: %w", path, err), db.Close())
	}
	return &Store{db: db, path: path, file: file, pending: map[string]map[string][]byte{}}, nil
}

// explain adds to the reasons a person meets what to do about them.
func explain(err error) error {
	switch {
	case errors.Is(err, ErrLocked):
		return fmt.Errorf("%w: another process holds it; stop that process, or give this one another path", err)
	case errors.Is(err, ErrNewer):
		return fmt.Errorf("%w: run the newer program, or move the file aside and start again from the topic", err)
	case errors.Is(err, ErrCorrupt):
		return fmt.Errorf("%w; move the file aside and start again: what it held is learned anew from the topic", err)
	}
	return err
}

// Load calls each for every committed key of the bucket, in byte order of the stored keys. A bucket that does not exist is empty.
// The value is a copy and belongs to each. An error of each ends the load and is returned, with bucket and key named.
// each must not call the Store.
func (s *Store) Load(bucket string, each func(key string, value []byte) error) error {
	err := guard(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(bucket))
			if b == nil {
				return nil
			}
			return b.ForEach(func(k, v []byte) error {
				key, value, err := unframe(bucket, k, v)
				if err != nil {
					return err
				}
				if err := each(key, value); err != nil {
					return fmt.Errorf("bucket %q, key %q: %w", bucket, key, err)
				}
				return nil
			})
		})
	})
	if err != nil {
		return fmt.Errorf("store: load %s: %w", s.path, err)
	}
	return nil
}

// LoadAll is Load for every bucket there is, in byte order of their names.
func (s *Store) LoadAll(each func(bucket, key string, value []byte) error) error {
	var buckets []string
	err := guard(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			return tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
				if !strings.HasPrefix(string(name), reserved) {
					buckets = append(buckets, string(name))
				}
				return nil
			})
		})
	})
	if err != nil {
		return fmt.Errorf("store: load %s: %w", s.path, err)
	}
	for _, bucket := range buckets {
		if err := s.Load(bucket, func(key string, value []byte) error { return each(bucket, key, value) }); err != nil {
			return err
		}
	}
	return nil
}

// Put adds a change to the batch that the next Commit writes; the last change of a key wins. A nil value deletes the key, which need
// not exist. The value may be reused by the caller afterwards.
func (s *Store) Put(bucket, key string, value []byte) {
	changes := s.pending[bucket]
	if changes == nil {
		changes = map[string][]byte{}
		s.pending[bucket] = changes
	}
	stored, framed := frame(bucket, key, value)
	changes[stored] = framed
}

// Commit writes the batch in one transaction and returns when it is on the disk. On an error nothing was written and the batch is
// kept, so that a later Commit writes it with what was added since. An empty batch touches no disk.
func (s *Store) Commit() error {
	if len(s.pending) == 0 {
		return nil
	}
	if err := s.write(s.pending); err != nil {
		return fmt.Errorf("store: commit %s: %w", s.path, err)
	}
	s.pending = map[string]map[string][]byte{}
	return nil
}

// Write changes one key in a transaction of its own and returns when it is on the disk. A nil value deletes the key.
// It does not touch the batch of Put; a key should be written by one of the two only.
func (s *Store) Write(bucket, key string, value []byte) error {
	stored, framed := frame(bucket, key, value)
	if err := s.write(map[string]map[string][]byte{bucket: {stored: framed}}); err != nil {
		return fmt.Errorf("store: write %s: bucket %q, key %q: %w", s.path, bucket, key, err)
	}
	return nil
}

// Close lets go of the file. A batch that was not committed is lost. Closing twice is fine.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("store: close %s: %w", s.path, err)
	}
	return nil
}

// write applies the changes of all buckets in one transaction.
func (s *Store) write(changes map[string]map[string][]byte) error {
	if now, err := os.Stat(s.path); err != nil || !os.SameFile(now, s.file) {
		return ErrGone
	}
	return guard(func() error {
		return s.db.Update(func(tx *bolt.Tx) error {
			for _, bucket := range slices.Sorted(maps.Keys(changes)) {
				if err := apply(tx, bucket, changes[bucket]); err != nil {
					return fmt.Errorf("bucket %q: %w", bucket, err)
				}
			}
			return nil
		})
	})
}

// apply writes the changes of one bucket in key order, which costs fewest pages, and keeps the bucket's tally true.
func apply(tx *bolt.Tx, bucket string, changes map[string][]byte) error {
	if strings.HasPrefix(bucket, reserved) {
		return errors.New("name is reserved")
	}
	b, err := tx.CreateBucketIfNotExists([]byte(bucket))
	if err != nil {
		return err
	}
	sum, err := readTally(tx, bucket)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		k, v := []byte(key), changes[key]
		if old := b.Get(k); old != nil {
			sum.remove(old)
		}
		if v == nil {
			err = b.Delete(k)
		} else {
			sum.add(v)
			err = b.Put(k, v)
		}
		if err != nil {
			return err
		}
	}
	return writeTally(tx, bucket, sum)
}

// guard turns a panic of the database, or a fault in its mapped memory, into ErrCorrupt: both mean pages that make no sense.
func guard(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	return do()
}
