package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// createMissing makes an empty state file when there is none. It is built under another name, synced, and only then linked to its
// place, so that after a power loss there is either no file or a whole one, and two processes cannot replace each other's.
func createMissing(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // gone already when it was renamed
	if err := temp.Close(); err != nil {
		return err
	}
	if err := initialise(temp.Name()); err != nil {
		return err
	}
	switch err := os.Link(temp.Name(), path); {
	case errors.Is(err, fs.ErrExist): // another process was faster; its file is as good
		return nil
	case err != nil: // a file system without links
		if err := os.Rename(temp.Name(), path); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

// initialise writes an empty database with the format of the file; the database syncs it.
func initialise(path string) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTimeout, NoFreelistSync: true})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte(metaBucket))
		if err != nil {
			return err
		}
		stored, framed := frame(metaBucket, formatKey, []byte{format})
		return b.Put([]byte(stored), framed)
	})
	return errors.Join(err, db.Close())
}

// syncDir makes a new name in the directory survive a power loss.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// openBolt opens the database and gives its errors their names. The list of free pages is not kept in the file, where nothing would
// protect it, but found again at each opening.
func openBolt(path string, readOnly bool) (db *bolt.DB, err error) {
	err = guard(func() error {
		db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTimeout, ReadOnly: readOnly, NoFreelistSync: true, OpenFile: openExisting})
		return err
	})
	var pathError *fs.PathError
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrLocked
	case errors.As(err, &pathError), errors.Is(err, ErrCorrupt):
		return nil, err
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%w (both header pages: %w)", ErrCorrupt, err)
	}
	return nil, err
}

// openExisting never creates: a file that vanished between the check and the opening must not come back empty.
func openExisting(name string, flag int, mode os.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag&^os.O_CREATE, mode)
}

// verifyFile reads the whole file without changing it.
func verifyFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	if size := info.Size(); size < 4*4096 { // the database begins with four pages
		return fmt.Errorf("%w (%d bytes: too short)", ErrCorrupt, size)
	}
	db, err := openBolt(path, true)
	if err != nil {
		return err
	}
	err = guard(func() error { return db.View(func(tx *bolt.Tx) error { return verify(tx, path) }) })
	return errors.Join(err, db.Close())
}

// verify checks the pages first, so that reading buckets cannot go astray, then every value and every tally.
func verify(tx *bolt.Tx, path string) error {
	if err := checkPages(tx, path); err != nil {
		return err
	}
	meta := tx.Bucket([]byte(metaBucket))
	if meta == nil {
		return fmt.Errorf("%w (not a state file: no format in it)", ErrCorrupt)
	}
	stored := []byte(formatKey)
	_, content, err := unframe(metaBucket, stored, meta.Get(stored))
	switch {
	case err != nil:
		return err
	case len(content) != 1:
		return damaged(metaBucket, stored, "length")
	case content[0] > format:
		return fmt.Errorf("%w (format %d, known is %d)", ErrNewer, content[0], format)
	}
	return tx.ForEach(func(name []byte, b *bolt.Bucket) error { return verifyBucket(tx, string(name), b) })
}

func verifyBucket(tx *bolt.Tx, name string, b *bolt.Bucket) error {
	var found tally
	err := b.ForEach(func(k, v []byte) error {
		if _, _, err := unframe(name, k, v); err != nil {
			return err
		}
		found.add(v)
		return nil
	})
	if err != nil || name == metaBucket {
		return err
	}
	want, err := readTally(tx, name)
	if err == nil && want != found {
		return fmt.Errorf("%w (bucket %q: %d values, should be %d, or others than these)", ErrCorrupt, name, found.count, want.count)
	}
	return err
}
