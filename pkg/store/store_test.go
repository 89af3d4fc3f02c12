package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func contents(t testing.TB, s *Store, bucket string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := s.Load(bucket, func(key string, value []byte) error {
		got[key] = string(value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func want(t testing.TB, s *Store, bucket string, want map[string]string) {
	t.Helper()
	if got := contents(t, s, bucket); !maps.Equal(got, want) {
		t.Fatalf("bucket %q holds %q, want %q", bucket, got, want)
	}
}

func TestCommitAndReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	want(t, s, "ring", map[string]string{})

	value := []byte("first")
	s.Put("ring", "a", value)
	copy(value, "XXXXX") // the store must have taken a copy
	s.Put("ring", "b", []byte("lost"))
	s.Put("ring", "b", []byte("last write wins"))
	s.Put("ring", "never there", nil)
	s.Put("positions", "empty", []byte{})
	want(t, s, "ring", map[string]string{}) // nothing before the commit
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	s.Put("ring", "a", nil)
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	s.Put("ring", "c", []byte("not committed"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, path)
	want(t, s, "ring", map[string]string{"b": "last write wins"})
	want(t, s, "positions", map[string]string{"empty": ""})
	want(t, s, "nobody", map[string]string{})
	var all []string
	if err := s.LoadAll(func(bucket, key string, value []byte) error {
		all = append(all, fmt.Sprintf("%s %s %q", bucket, key, value))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if expected := []string{`positions empty ""`, `ring b "last write wins"`}; !slices.Equal(all, expected) {
		t.Errorf("all of it is %q, want %q", all, expected)
	}
	refused := errors.New("refused")
	if err := s.LoadAll(func(string, string, []byte) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("%v, want %v", err, refused)
	}
}

// A store behaves as a map of maps whatever the keys and the order of changes, and its file always passes its own check.
func TestAgainstMap(t *testing.T) {
	dir := t.TempDir()
	files := 0
	rapid.Check(t, func(rt *rapid.T) {
		files++
		path := filepath.Join(dir, fmt.Sprint(files))
		s, err := Open(path)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { s.Close() }()
		key := rapid.OneOf(rapid.StringN(0, 3, -1), rapid.Just(strings.Repeat("long", 20_000)), rapid.Just("\x00a"))
		model := map[string]map[string]string{"x": {}, "y": {}}
		for range rapid.IntRange(1, 4).Draw(rt, "commits") {
			for range rapid.IntRange(0, 8).Draw(rt, "changes") {
				bucket, k := rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "bucket"), key.Draw(rt, "key")
				if rapid.IntRange(0, 3).Draw(rt, "kind") == 0 {
					s.Put(bucket, k, nil)
					delete(model[bucket], k)
					continue
				}
				v := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(rt, "value")
				s.Put(bucket, k, append([]byte{}, v...))
				model[bucket][k] = string(v)
			}
			if err := s.Commit(); err != nil {
				rt.Fatal(err)
			}
		}
		s.Close()
		if s, err = Open(path); err != nil {
			rt.Fatal(err)
		}
		for bucket, want := range model {
			got := map[string]string{}
			if err := s.Load(bucket, func(k string, v []byte) error { got[k] = string(v); return nil }); err != nil {
				rt.Fatal(err)
			}
			if !maps.Equal(got, want) {
				rt.Fatalf("bucket %s: %q, want %q", bucket, got, want)
			}
		}
	})
}

func TestWriteFromAnyGoroutine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 5 {
				if err := s.Write("deliveries", fmt.Sprint(i), []byte(fmt.Sprint(j))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 5 {
		s.Put("ring", "a", []byte("1"))
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	s.Close()
	s = open(t, path) // its check would find a tally that lost a change
	want(t, s, "deliveries", map[string]string{"0": "4", "1": "4", "2": "4", "3": "4"})
}

func TestFailedCommitKeepsTheBatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	s.Put("ring", "a", []byte("1"))
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	healthy := s.db
	broken, err := bolt.Open(filepath.Join(t.TempDir(), "other"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	broken.Close()
	s.db = broken // every transaction fails now
	s.Put("ring", "a", nil)
	s.Put("ring", "b", []byte("2"))
	if err := s.Commit(); err == nil {
		t.Fatal("commit into a closed database succeeded")
	}
	s.Put("ring", "c", []byte("3"))
	s.db = healthy
	want(t, s, "ring", map[string]string{"a": "1"})
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	want(t, s, "ring", map[string]string{"b": "2", "c": "3"})
}

func TestFullDiskIsAnErrorAndRecovers(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	s.Put("ring", "a", []byte("1"))
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	s.db.MaxSize = 1 << 16 // as a disk that ends there
	s.Put("ring", "big", bytes.Repeat([]byte("x"), 1<<20))
	if err := s.Commit(); err == nil {
		t.Fatal("a commit beyond the end of the disk succeeded")
	}
	want(t, s, "ring", map[string]string{"a": "1"})
	s.db.MaxSize = 0
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, s, "ring"); len(got["big"]) != 1<<20 || got["a"] != "1" {
		t.Fatal("the kept batch was not written whole")
	}
}

// What is committed to a file that nobody can open again would be lost.
func TestRemovedWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	s.Put("b", "k", []byte("v"))
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(); !errors.Is(err, ErrGone) {
		t.Errorf("commit to a file that is gone: %v", err)
	}
	open(t, path) // another file in its place
	if err := s.Write("b", "k", []byte("v")); !errors.Is(err, ErrGone) {
		t.Errorf("write beside another file: %v", err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(); err != nil {
		t.Errorf("commit after it was put back: %v", err)
	}
	want(t, s, "b", map[string]string{"k": "v"})
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(""); err == nil {
		t.Error("no path: opened")
	}
	if _, err := Open(dir); err == nil {
		t.Error("directory: opened")
	}
	if _, err := Open(filepath.Join(dir, "no such", "state.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing directory: %v", err)
	}
	for name, content := range map[string]string{"empty": "", "short": "x", "text": strings.Repeat("not a state file\n", 1000)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
		if got, _ := os.ReadFile(path); string(got) != content {
			t.Errorf("%s: the refused file was changed", name)
		}
	}
	s := open(t, filepath.Join(dir, "state.db"))
	if err := s.Write(metaBucket, "format", []byte("x")); err == nil {
		t.Error("the store's own bucket was written")
	}
	left, err := filepath.Glob(filepath.Join(dir, ".state*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind after creation: %v %v", left, err)
	}
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	open(t, path)
	_, err := Open(path)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "stop that process") {
		t.Fatalf("second opening: %v", err)
	}
}

// edit changes the file behind the store's back.
func edit(t testing.TB, path string, change func(tx *bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(change); err != nil {
		t.Fatal(err)
	}
}

func TestNewerIsRefused(t *testing.T) {
	for _, where := range []string{"file", "value"} {
		path := filepath.Join(t.TempDir(), "state.db")
		s := open(t, path)
		if err := s.Write("ring", "a", []byte("1")); err != nil {
			t.Fatal(err)
		}
		s.Close()
		edit(t, path, func(tx *bolt.Tx) error {
			if where == "file" {
				_, framed := frame(metaBucket, formatKey, []byte{format + 1})
				return tx.Bucket([]byte(metaBucket)).Put([]byte(formatKey), framed)
			}
			_, framed := frame("ring", "a", []byte("1"))
			framed[0] = format + 1
			binary.LittleEndian.PutUint32(framed[1:], checksum("ring", "a", framed))
			return tx.Bucket([]byte("ring")).Put([]byte("a"), framed)
		})
		if _, err := Open(path); !errors.Is(err, ErrNewer) || errors.Is(err, ErrCorrupt) {
			t.Errorf("newer %s: %v", where, err)
		}
	}
}

func TestDamageIsNamed(t *testing.T) {
	damages := map[string]func(b *bolt.Bucket) error{
		"flipped":   func(b *bolt.Bucket) error { return flip(b, "key-07") },
		"moved":     func(b *bolt.Bucket) error { return b.Put([]byte("key-07"), b.Get([]byte("key-08"))) },
		"truncated": func(b *bolt.Bucket) error { return b.Put([]byte("key-07"), []byte{1, 2}) },
		"vanished":  func(b *bolt.Bucket) error { return b.Delete([]byte("key-07")) },
	}
	for name, damage := range damages {
		path := filepath.Join(t.TempDir(), "state.db")
		s := open(t, path)
		for i := range 20 {
			s.Put("ring", fmt.Sprintf("key-%02d", i), []byte("some value"))
		}
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		s.Close()
		edit(t, path, func(tx *bolt.Tx) error { return damage(tx.Bucket([]byte("ring"))) })
		_, err := Open(path)
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), `"ring"`) || !strings.Contains(err.Error(), "move the file aside") {
			t.Errorf("%s: %v", name, err)
		}
		if name != "vanished" && !strings.Contains(fmt.Sprint(err), `"key-07"`) {
			t.Errorf("%s: the key is not named: %v", name, err)
		}
	}
}

func flip(b *bolt.Bucket, key string) error {
	v := bytes.Clone(b.Get([]byte(key)))
	v[len(v)-1] ^= 1
	return b.Put([]byte(key), v)
}

// Any flipped byte anywhere in the file gives an error or one of the two last commits, whole; never a panic and never a mixture.
func TestFlippedBytes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.db")
	s := open(t, path)
	for commit := range 2 {
		for i := range 300 {
			s.Put("ring", fmt.Sprintf("key-%d", i), bytes.Repeat([]byte{byte('a' + commit)}, 30))
		}
		s.Put("positions", "p", []byte{byte('a' + commit)})
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for n := range 600 {
		damaged := bytes.Clone(whole)
		at := rng.IntN(len(damaged))
		if n%2 == 0 { // headers and element tables decide where the database walks
			at = rng.IntN(len(damaged)/4096)*4096 + rng.IntN(64)
		}
		damaged[at] ^= 1 << rng.IntN(8)
		victim := filepath.Join(dir, "victim")
		if err := os.WriteFile(victim, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(victim)
		if err != nil {
			refused++
			continue
		}
		ring, positions := contents(t, s, "ring"), contents(t, s, "positions")
		s.Close()
		want := strings.Repeat(positions["p"], 30)
		if len(ring) != 300 || len(positions) != 1 {
			t.Fatalf("byte %d: half loaded: %d values", at, len(ring))
		}
		for k, v := range ring {
			if v != want {
				t.Fatalf("byte %d: %s holds %q beside positions of %q", at, k, v, want)
			}
		}
	}
	if refused < 50 {
		t.Fatalf("only %d of 600 damaged files were refused", refused)
	}
	for n := range 20 { // and cut off anywhere
		victim := filepath.Join(dir, "cut")
		if err := os.WriteFile(victim, whole[:len(whole)*n/20], 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := Open(victim); err == nil {
			if got := len(contents(t, s, "ring")); got != 300 {
				t.Fatalf("cut at %d/20: %d values", n, got)
			}
			s.Close()
		}
	}
}
