package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/revwatch/revwatch/pkg/nango"
)

var update = flag.Bool("update", false, "write the golden files anew")

// What a user reads, and what a script reads, of one record of each kind.
func TestExplainGolden(t *testing.T) {
	for name, args := range map[string][]string{"explain.txt": nil, "explain.json": {"--output", "json"}} {
		got := output(t, "", append([]string{"explain-record", "testdata/explain.ndjson"}, args...)...)
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("differs from %s; got:\n%s", path, got)
		}
		if strings.Contains(got, "jane") || strings.ContainsAny(got, "\x1b\x07") {
			t.Errorf("%s shows what it must not", path)
		}
	}
}

// In JSON, too, a name in a row does not steer the terminal, and is still the same name.
func TestExplainJSONIsQuiet(t *testing.T) {
	const name = "a\u009b31m\u202e\x7f\u2028\u2066\u0085 é \U0001f600 <&>"
	row := `{"id":"1791191701208_48EJKAa3","type":"operation","operation":{"type":"auth","action":"refresh_token"},"state":"failed","environmentName":"prod",` +
		`"providerName":"box","integrationName":"box-prod","connectionName":` + strconv.Quote("NAME") + `,"createdAt":"2026-10-05T09:15:01.208Z"}`
	row = strings.Replace(row, "NAME", name, 1)
	for _, args := range [][]string{{"explain-record", "--output", "json"}, {"replay", "--output", "json", "--input", "-"}} {
		got := output(t, row, args...)
		if strings.ContainsFunc(strings.ReplaceAll(got, "\n", ""), steers) || !strings.Contains(got, `\u009b31m\u202e`) || !strings.Contains(got, "é \U0001f600 <&>") {
			t.Errorf("%s printed %q", args[0], got)
		}
		var first struct {
			Connection string
			Rows       []struct{ Fields map[string]string }
		}
		if err := json.NewDecoder(strings.NewReader(got)).Decode(&first); err != nil {
			t.Fatal(err)
		}
		if len(first.Rows) > 0 {
			first.Connection = first.Rows[0].Fields["connection"]
		}
		if first.Connection != name {
			t.Errorf("%s says %q", args[0], first.Connection)
		}
	}
}

// On a terminal only our own colours are escapes; without them it is the same text.
func TestExplainInColour(t *testing.T) {
	file, err := os.Open("testdata/explain.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	records, err := readRecords("testdata/explain.ndjson", file, false, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	c := defaults()
	w := newExplainText(&out, &c)
	w.colour = true
	if err := explainAll(t.Context(), newEngine(&c, time.Now()).reader, records, w); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/explain.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := plain.ReplaceAllString(out.String(), ""); got != string(want) || got == out.String() {
		t.Errorf("got\n%s", out.String())
	}
}

func TestFold(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{{"a bb ccc", 0, "a bb ccc"}, {"a bb ccc", 4, "a bb|ccc"}, {"aaaaaa b", 3, "aaaaaa|b"}, {"", 3, ""}, {"äöü ä", 5, "äöü ä"}} {
		if got := strings.Join(fold(c.text, c.width), "|"); got != c.want {
			t.Errorf("%q to %d: %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

// The counts at the end, and the events, are those of replay on the same file.
func TestExplainAgreesWithReplay(t *testing.T) {
	for _, file := range []string{"testdata/explain.ndjson", rows} {
		var end explainedEnd
		lines := strings.Split(strings.TrimSpace(output(t, "", "explain-record", "--output=json", file)), "\n")
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end); err != nil {
			t.Fatal(err)
		}
		var sum summaryLine
		var failed []string
		for line := range strings.Lines(output(t, "", "replay", "--output", "json", "--only", "failure,summary", "--input", file)) {
			var f failureLine
			if err := json.Unmarshal([]byte(line), &f); err != nil {
				t.Fatal(err)
			}
			if f.Type == "failure" {
				failed = append(failed, f.Connection+" "+f.Cause+" "+f.Reason)
			} else if err := json.Unmarshal([]byte(line), &sum); err != nil {
				t.Fatal(err)
			}
		}
		var explained []string
		for _, e := range end.Events {
			if e.Kind == nango.Failure.String() {
				explained = append(explained, e.Connection+" "+e.Cause+" "+e.Reason)
			}
		}
		if end.Type != "end" || end.Records != sum.Records || end.Quarantined != sum.Quarantined || end.Unjoined != sum.Unjoined || strings.Join(explained, "\n") != strings.Join(failed, "\n") {
			t.Errorf("%s: %+v\n%v, replay says %+v\n%v", file, end, explained, sum, failed)
		}
	}
}

// However a row is handed over, it is the same row.
func TestExplainTakesWhatPeopleHave(t *testing.T) {
	raw, err := os.ReadFile(rows)
	if err != nil {
		t.Fatal(err)
	}
	row, _, _ := strings.Cut(string(raw), "\n")
	var v map[string]any
	if err := json.Unmarshal([]byte(row), &v); err != nil {
		t.Fatal(err)
	}
	pretty, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "row.json")
	if err := os.WriteFile(file, pretty, 0o600); err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^  so far .*conn-a.*$`)
	want := line.FindString(output(t, row, "explain-record"))
	if want == "" {
		t.Fatal("the row is not understood")
	}
	for name, got := range map[string]string{
		"pretty": output(t, string(pretty), "explain-record", "-"), "file": output(t, "", "explain-record", file), "file before flags": output(t, "", "explain-record", file, "-whole", "--output", "text"),
		"kcat": output(t, wrap(t, map[string]any{"topic": "t", "partition": 0, "offset": 3, "ts": 1790900000000, "payload": row}), "explain-record"), "whole": output(t, row, "explain-record", "--whole", "-"),
	} {
		if line.FindString(got) != want || !strings.Contains(got, "1 record: 1 understood, 0 skipped, 0 ignored, 0 not readable; 1 holds rows") {
			t.Errorf("%s: said\n%s\nwant %s", name, got, want)
		}
	}
}

func TestExplainOfWhatIsNoRow(t *testing.T) {
	for in, want := range map[string]string{
		`{"level":"info","status":200}`: "1 ignored, 0 not readable.\nNo record holds a row of Nango's logs. docs/rows.md says",
		"hello\nworld\n":                "2 not readable (not_json 2).\nNo record holds a row",
		"\n\x00\x01\x02":                "No record holds a row",
	} {
		if got := output(t, in, "explain-record"); !strings.Contains(got, want) {
			t.Errorf("%q: said\n%s\nwant %q", in, got, want)
		}
	}
	pinned := write(t, "envelope: logstash\n")
	if got := output(t, `{"_index":"a","_source":`+successRow+`}`+"\n7\n", "explain-record", "--config", pinned); !strings.Contains(got, "only: logstash") || !strings.Contains(got, "not_an_object: it is") {
		t.Errorf("said\n%s", got)
	}
	for _, c := range []struct {
		args []string
		want int
		says string
	}{
		{[]string{"-h"}, exitOK, "kcat -b"},
		{[]string{"does-not-exist"}, exitFailure, "does-not-exist"},
		{[]string{"a", "b"}, exitUsage, "unexpected argument"},
		{[]string{"--output", "xml"}, exitUsage, "json or text"},
		{[]string{"--config", "does-not-exist"}, exitConfig, "does-not-exist"},
		{nil, exitFailure, "is empty"},
	} {
		var out, errs strings.Builder
		if code := command(t.Context(), append([]string{"explain-record"}, c.args...), strings.NewReader(""), &out, &errs); code != c.want || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%v: exit code %d, said %s", c.args, code, errs.String())
		}
	}
}

// What a stranger would ask at this point is said there.
func TestExplainSaysWhatMatters(t *testing.T) {
	const refresh = `{"id":"1791191701208_48EJKAa3","type":"operation","operation":{"type":"auth","action":"refresh_token"},"state":"failed","environmentName":"prod","providerName":"box","createdAt":"2026-10-05T09:15:01.208Z"`
	const part = `{"method":"POST","path":"/20250724_operations/_update/179084528000%d_aaaaaaa5","body":{"doc":{"state":"failed","endedAt":"2026-10-01T09:01:20.020Z"}}}` + "\n"
	var parts string
	for i := range 5 {
		parts += fmt.Sprintf(part, i)
	}
	for in, want := range map[string][]string{
		refresh + `,"connection_name":"c1"}`: {"but        it names no connection (looked for connectionName, connectionId)", "no event   once: a failure that names no connection"},
		`{"message":` + strconv.Quote("[debug] operation("+refresh+`,"connectionName":"c1"})`) + `,"level":"debug"}`: {"console lines carry no messages; it is told as it is after 6h"},
		fmt.Sprintf(part, 7):  {"no event   once: a failed call, or a part of an operation: nothing in it says whether a connection works (1790845280007_aaaaaaa5)"},
		parts:                 {"no event   5 times: a failed call", "(1790845280000_aaaaaaa5, 1790845280001_aaaaaaa5, 1790845280002_aaaaaaa5, and 2 more)", "; 5 hold rows"},
		parts + refresh + "}": {"no event   5 times: a failed call", "once: a failure that names no connection", "_aaaaaaa5, and 2 more)"},
	} {
		got := output(t, in, "explain-record")
		for _, text := range want {
			if !strings.Contains(got, text) {
				t.Errorf("%s\nlacks %q:\n%s", in, text, got)
			}
		}
	}
	if got := output(t, refresh+`,"connectionName":"c1"}`, "explain-record"); strings.Contains(got, "names no connection") || !strings.Contains(got, "its error row, which says why") {
		t.Errorf("said\n%s", got)
	}
}

// On 80 columns no line breaks in the middle of a word.
func TestExplainIsFoldedToTheTerminal(t *testing.T) {
	file, err := os.Open("testdata/explain.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	records, err := readRecords("testdata/explain.ndjson", file, false, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	c := defaults()
	w := newExplainText(&out, &c)
	w.width = 80
	if err := explainAll(t.Context(), newEngine(&c, time.Now()).reader, records, w); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if utf8.RuneCountInString(line) > 81 {
			t.Errorf("too long: %s", line)
		}
	}
}

func TestHelpIsFoldedToTheTerminal(t *testing.T) {
	for _, name := range []string{"help", "run", "demo", "replay", "learn", "explain", "explain-record", "check"} {
		args := []string{name, "-h"}
		if name == "help" {
			args = args[:1]
		}
		var out strings.Builder
		if code := command(t.Context(), args, strings.NewReader(""), &out, &out); code != exitOK || out.Len() == 0 {
			t.Errorf("%v: exit code %d, said %s", args, code, out.String())
		}
		for line := range strings.Lines(out.String()) {
			if utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "        ")) > 81 {
				t.Errorf("%s: too long: %s", name, line)
			}
		}
	}
}
