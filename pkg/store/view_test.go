package store

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// View hands out what is committed, leaves no byte of the file changed, and makes none.
func TestView(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	nothing := func(string, string, []byte) error { return nil }
	if err := View(path, nothing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	s := open(t, path)
	s.Put("ring", "a", []byte("1"))
	s.Put("fits", "b", []byte("2"))
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := View(path, nothing); !errors.Is(err, ErrLocked) {
		t.Errorf("beside a writer: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	if err := View(path, func(bucket, key string, value []byte) error { got[bucket+" "+key] = string(value); return nil }); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) || !maps.Equal(got, map[string]string{"ring a": "1", "fits b": "2"}) {
		t.Errorf("%v, read %v, the file changed: %v", err, got, !bytes.Equal(before, after))
	}
	wrong := errors.New("wrong")
	if err := View(path, func(string, string, []byte) error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("the reader's error is lost: %v", err)
	}
	if err := os.WriteFile(path, before[:3*4096], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := View(path, nothing); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a file that is too short: %v", err)
	}
}
