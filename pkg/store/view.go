package store

import (
	"errors"
	"fmt"
	"os"
)

// View calls each for every value of the state file at path, as LoadAll does, and changes nothing: the file must be there, and nobody else may
// have it open for writing. Errors are those of Open, and wrap fs.ErrNotExist where there is no file.
func View(path string, each func(bucket, key string, value []byte) error) error {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := verifyFile(path); err != nil {
		return fmt.Errorf("store: read %s: %w", path, explain(err))
	}
	db, err := openBolt(path, true)
	if err != nil {
		return fmt.Errorf("store: read %s: %w", path, explain(err))
	}
	s := &Store{db: db, path: path}
	return errors.Join(s.LoadAll(each), db.Close())
}
