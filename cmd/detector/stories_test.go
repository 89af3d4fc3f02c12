package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Some stories as shippers tell them, in a dozen envelopes and by several roads at once. The name of a connection begins with the cause that is
// true of it, or with "none" where no refresh failed. Whatever the order of the records, the same comes of them.
func TestStories(t *testing.T) {
	const stories, golden = "testdata/stories.ndjson", "testdata/stories.json"
	raw, err := os.ReadFile(stories)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	var halves [2][]string
	for i, line := range lines {
		halves[i%2] = append(halves[i%2], line)
	}
	backwards := slices.Clone(lines)
	slices.Reverse(backwards)
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, []byte(strings.Join(halves[1], "\n")), 0o600); err != nil {
		t.Fatal(err)
	}

	got := output(t, "", "replay", "--output", "json", "--input", stories)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	for order, got := range map[string]string{
		"as written":    got,
		"backwards":     output(t, strings.Join(backwards, "\n"), "replay", "--output", "json", "--input", "-"),
		"in two inputs": output(t, strings.Join(halves[0], "\n"), "replay", "--output", "json", "--input", other, "--input", "-"),
	} {
		if got != string(want) {
			t.Errorf("%s: differs from %s; got:\n%s", order, golden, got)
		}
	}
	checkLabels(t, got, string(raw))
	if got := output(t, "", "replay", "--input", stories); !strings.Contains(got, " 1 unjoined, 3 echoes, 1 not readable (not_json 1)\n") {
		t.Errorf("the end is\n%s", got[strings.LastIndex(strings.TrimSuffix(got, "\n"), "\n"):])
	}
}

// checkLabels compares the causes with what the names say: each connection that failed is told, for no other cause than its own.
func checkLabels(t *testing.T, out, rows string) {
	t.Helper()
	told := map[string]bool{}
	for s := bufio.NewScanner(strings.NewReader(out)); s.Scan(); {
		var line failureLine
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Type != "failure" {
			continue
		}
		told[line.Connection] = true
		if truth, _, _ := strings.Cut(line.Connection, "-"); line.Cause != truth {
			t.Errorf("%s is told to be %s (%s)", line.Connection, line.Cause, line.Reason)
		}
	}
	for _, name := range []string{
		"revoked-by-three-roads", "revoked-in-a-bulk-body", "revoked-seen-by-a-tee", "revoked-polled-while-it-ran", "revoked-in-an-answer", "transient-outage",
		"misconfigured-secret-expired", "unknown-body-was-no-json", "unknown-by-a-console-line", "unknown-by-a-webhook",
	} {
		if !told[name] || !strings.Contains(rows, name) {
			t.Errorf("nothing is told of %s", name)
		}
		delete(told, name)
	}
	if len(told) > 0 {
		t.Errorf("told as well: %v", told)
	}
}
