//go:build integration

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/simulate"
)

// oddPassword has what curl's configuration and a shell take for their own.
const oddPassword = `right "horse" $HOME \n %s`

// shipScript runs a script of deploy/ship.
func shipScript(t *testing.T, url, state string, args ...string) (out string, err error) {
	t.Helper()
	path, _ := filepath.Abs("../../deploy/ship/" + args[0])
	cmd := exec.CommandContext(t.Context(), path, args[1:]...)
	cmd.Env = append(os.Environ(), "NANGO_LOGS_ES_URL="+url, "NANGO_LOGS_ES_USER=elastic", "NANGO_LOGS_ES_PWD="+oddPassword, "ROWS_STATE="+state)
	var errs strings.Builder
	cmd.Stderr = &errs
	text, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, errs.String())
	}
	return string(text), err
}

// states are the rows that were printed, as id=state.
func states(t *testing.T, out string) (all []string) {
	t.Helper()
	for line := range strings.Lines(out) {
		var row struct{ ID, State string }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, row.ID+"="+row.State)
	}
	return all
}

// rows.sh prints each row once in each form, over pages and over calls, also when the store was down, and what a sweep ended.
func TestIntegrationRowsScript(t *testing.T) {
	start := time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)
	s, url := newLogStore(t, start.Add(2*time.Minute))
	state := t.TempDir()
	operation := func(i int, status string, updated time.Time) map[string]any {
		return map[string]any{"id": fmt.Sprintf("op-%04d", i), "state": status, "updatedAt": updated.Format(rowTime), "createdAt": start.Format(rowTime),
			"expiresAt": start.Add(5 * time.Minute).Format(rowTime), "message": `he said "_scroll_id":"x"`}
	}
	var want []string
	for i := range 2500 { // seven of each millisecond: a page ends between two of one
		s.put("20250724_operations", operation(i, "running", start.Add(time.Duration(i/7)*time.Millisecond)))
		want = append(want, fmt.Sprintf("op-%04d=running", i))
	}
	s.put("20250724_operations", operation(9000, "running", s.now.Add(-30*time.Second))) // too new
	s.put("20250724_operations", operation(9001, "running", s.now.Add(time.Hour)))       // a wrong clock
	rows := func(kind string) []string {
		t.Helper()
		out, err := shipScript(t, url, state, "fluent-bit/rows.sh", kind)
		if err != nil {
			t.Fatal(err)
		}
		return states(t, out)
	}
	if got := rows("operations"); !slices.Equal(got, want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	s.now = s.now.Add(10 * time.Minute)
	s.put("20250724_operations", operation(7, "failed", s.now.Add(-2*time.Minute)))
	s.down = true
	if out, err := shipScript(t, url, state, "fluent-bit/rows.sh", "operations"); err == nil || out != "" {
		t.Errorf("no error while the store is down: %s", out)
	}
	s.down = false
	if got := rows("operations"); !slices.Equal(got, []string{"op-9000=running", "op-0007=failed"}) {
		t.Errorf("then %v", got)
	}
	if got := rows("operations"); len(got) > 0 {
		t.Errorf("again %v", got)
	}
	swept := operation(8, "timeout", start)
	s.put("20250724_operations", swept)
	if got := rows("operations"); len(got) > 0 {
		t.Errorf("a sweep touches no date, and yet: %v", got)
	}
	if got := rows("sweeps"); !slices.Equal(got, []string{"op-0008=timeout"}) {
		t.Errorf("of the sweep: %v", got)
	}
}

// export.sh and learn: from a log store to what is normal for each provider.
func TestIntegrationExportAndLearn(t *testing.T) {
	begin := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	s, url := newLogStore(t, begin.Add(15*24*time.Hour))

	simulate.New(simulate.Config{Seed: 5, Start: begin}).Until(s.now, func(r simulate.Row) {
		index := "20250724_operations"
		if r.Message {
			index = "20240528_messages"
		}
		var row map[string]any
		if err := json.Unmarshal(r.Value, &row); err != nil {
			t.Fatal(err)
		}
		s.rows[index] = append(s.rows[index], row)

	})
	dir := filepath.Join(t.TempDir(), "dump")
	if _, err := shipScript(t, url, "", "export.sh", dir); err != nil {
		t.Fatal(err)
	}
	args := []string{"learn", "-state", filepath.Join(t.TempDir(), "state.db")}
	for index, name := range map[string]string{"20250724_operations": "operations.ndjson", "20240528_messages": "messages.ndjson"} {
		path := filepath.Join(dir, name)
		raw, err := os.ReadFile(path)
		if n := strings.Count(string(raw), `"_source":`); err != nil || n != len(s.rows[index]) || n < 2000 {
			t.Errorf("%s: %d rows, want %d: %v", name, n, len(s.rows[index]), err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s may be read by others: %v", name, info.Mode())
		}
		args = append(args, "-input", path)
	}
	if left := len(s.scrolls); left > 0 {
		t.Errorf("%d scrolls were left open", left)
	}
	if out := output(t, "", args...); !strings.HasPrefix(out, "Learned ") {
		t.Errorf("learn says %s", out)
	}
}

// Where Nango names its indices, the scripts follow the names. What broke off says that it is not whole.
func TestIntegrationScriptsNamesAndFaults(t *testing.T) {
	t.Setenv("NANGO_LOGS_ES_INDEX_OPERATIONS", "ours")
	t.Setenv("NANGO_LOGS_ES_INDEX_MESSAGES", "theirs")
	start := time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)
	s, url := newLogStore(t, start.Add(2*time.Minute))
	at := start.Format(rowTime)
	s.put("20250724_ours", map[string]any{"id": "op", "state": "timeout", "createdAt": at, "updatedAt": at, "expiresAt": at})
	s.put("20240528_theirs", map[string]any{"id": "msg", "createdAt": at})
	state := t.TempDir()
	for kind, want := range map[string]string{"operations": "op", "sweeps": "op", "messages": "msg"} {
		if out, err := shipScript(t, url, state, "fluent-bit/rows.sh", kind); err != nil || !strings.Contains(out, `"id":"`+want+`"`) {
			t.Errorf("rows.sh %s prints %q: %v", kind, out, err)
		}
	}
	dir := t.TempDir()
	if _, err := shipScript(t, url, "", "export.sh", dir); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"operations.ndjson": "op", "messages.ndjson": "msg"} {
		if raw, err := os.ReadFile(filepath.Join(dir, file)); err != nil || !strings.Contains(string(raw), `"_id":"`+want+`"`) {
			t.Errorf("%s holds %q: %v", file, raw, err)
		}
	}
	if _, err := shipScript(t, "http://127.0.0.1:1/", "", "export.sh", dir); err == nil || !strings.Contains(err.Error(), "is not whole") {
		t.Errorf("of an export that breaks off: %v", err)
	}
}
