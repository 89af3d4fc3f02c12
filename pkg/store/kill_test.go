package store

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

const childEnv = "REVWATCH_STORE_CHILD"

// TestMain turns the test binary into the writer that TestKill9 kills.
func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		if err := commitForEver(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// commitForEver commits generation after generation to many keys of several buckets and prints each one when its commit returned.
func commitForEver(path string) error {
	s, err := Open(path)
	if err != nil {
		return err
	}
	last := 0
	if err := s.Load("b0", func(_ string, v []byte) error { last, err = strconv.Atoi(string(v)); return err }); err != nil {
		return err
	}
	for generation := last + 1; ; generation++ {
		for bucket := range 3 {
			for key := range 40 {
				s.Put(fmt.Sprint("b", bucket), fmt.Sprint("key", key), []byte(strconv.Itoa(generation)))
			}
		}
		if err := s.Commit(); err != nil {
			return err
		}
		fmt.Println(generation)
	}
}

func TestKill9(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	for round := range 12 {
		acknowledged := killAfter(t, path, 1+round%5)
		s := open(t, path)
		generations := map[string]int{}
		for bucket := range 3 {
			values := contents(t, s, fmt.Sprint("b", bucket))
			if len(values) != 40 {
				t.Fatalf("round %d: bucket %d holds %d keys", round, bucket, len(values))
			}
			for _, v := range values {
				generations[v]++
			}
		}
		s.Close()
		if len(generations) != 1 {
			t.Fatalf("round %d: generations are mixed: %v", round, generations)
		}
		for v := range generations {
			if n, err := strconv.Atoi(v); err != nil || n < acknowledged {
				t.Fatalf("round %d: generation %s, though %d was acknowledged", round, v, acknowledged)
			}
		}
	}
}

// killAfter lets a writer acknowledge n commits, kills it in the middle of whatever it does then, and returns the last one it printed.
func killAfter(t *testing.T, path string, n int) int {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last, lines := 0, bufio.NewScanner(out)
	for seen := 0; lines.Scan(); seen++ {
		if last, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
		if seen == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd.Wait() // its error is the kill
	if last == 0 {
		t.Fatal("the writer committed nothing")
	}
	return last
}
