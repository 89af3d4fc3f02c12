package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func output(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	if code := command(t.Context(), args, strings.NewReader(stdin), &out, &errs); code != exitOK {
		t.Fatalf("%v: exit code %d: %s", args, code, errs.String())
	}
	return out.String()
}

const rows = "../../testdata/rows.ndjson"

// The README shows this command; its transcript is what the program prints.
func TestReadmeTranscript(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(output(t, "", "replay", "--input", rows), "\n") {
		if !bytes.Contains(readme, []byte(strings.TrimRight(line, " "))) {
			t.Errorf("README lacks the line %q", line)
		}
	}
}

// Order of lines, split into files and wrapping by a Kafka tool change nothing.
func TestReplayIsTheSameInAnyOrder(t *testing.T) {
	want := output(t, "", "replay", "--output", "json", "--input", rows)
	raw, err := os.ReadFile(rows)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	var reversed, even, odd, kcat, value []string
	for i, line := range lines {
		reversed = append([]string{line}, reversed...)
		if i%2 == 0 {
			even = append(even, line)
		} else {
			odd = append(odd, line)
		}
		kcat = append(kcat, wrap(t, map[string]any{"topic": "t", "partition": 0, "offset": i, "ts": 1790900000000, "payload": line}))
		value = append(value, wrap(t, map[string]any{"value": line, "headers": map[string]string{"a": "b"}}))
	}
	for name, text := range map[string][]string{"reversed": reversed, "kcat": kcat, "value": value, "blank lines": strings.SplitAfter(strings.Join(lines, "\n\n"), "\x00")} {
		if got := output(t, strings.Join(text, "\n"), "replay", "--output", "json", "--input", "-"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
	other := filepath.Join(t.TempDir(), "odd")
	if err := os.WriteFile(other, []byte(strings.Join(odd, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := output(t, strings.Join(even, "\n"), "replay", "--output", "json", "--input", "-", "--input", other); got != want {
		t.Errorf("two inputs:\n%s\nwant\n%s", got, want)
	}
}

func wrap(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The JSON form is what scripts hold on to: its keys, in order.
func TestJSONForm(t *testing.T) {
	got := output(t, "", "replay", "--output", "json", "--input", rows)
	first, _, _ := strings.Cut(got, "\n")
	want := `{"type":"failure","time":"2026-10-01T09:00:01Z","environment":"prod","provider":"google-mail","integration":"google-mail-prod","connection":"conn-a","account":"","cause":"revoked","reason":"invalid_grant","operation_id":"1790845201000_aaaaaaa1","new":true}`
	if first != want {
		t.Errorf("got  %s\nwant %s", first, want)
	}
	if want := `{"type":"summary","records":16,"failures":5,"connections":3,"incidents":0,"late":0,"quarantined":0,"unjoined":0}` + "\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want it to end with %s", got, want)
	}
}

func TestOnly(t *testing.T) {
	got := output(t, "", "replay", "--output", "json", "--only", "reconnected,summary", "--input", rows)
	if n := strings.Count(got, "\n"); n != 2 || !strings.HasPrefix(got, `{"type":"reconnected"`) || !strings.Contains(got, `"failures":5`) {
		t.Errorf("got\n%s", got)
	}
	var out, errs strings.Builder
	if code := command(t.Context(), []string{"replay", "--input", rows, "--only", "failures"}, nil, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), "failure, reconnected") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

// What cannot be read is counted, and its neighbours are not lost.
func TestReplaySurvivesBadLines(t *testing.T) {
	raw, err := os.ReadFile(rows)
	if err != nil {
		t.Fatal(err)
	}
	bad := strings.Join([]string{"garbage refresh_token", `{"type":"operation","id":`, strings.Repeat(`{"message":`, 10000), "\xff\xfe_token", "null", "[]", `{"value":7,"payload":null}`,
		`{"value":"` + strings.Repeat("refresh_token ", 700_000) + `"}`}, "\n")
	got := output(t, bad+"\n"+string(raw)+bad, "replay", "--output", "json", "--input", "-")
	want := output(t, "", "replay", "--output", "json", "--input", rows)
	cut := func(s string) string { return s[:strings.Index(s, `{"type":"summary"`)] }
	if cut(got) != cut(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var sum summaryLine
	if err := json.Unmarshal([]byte(got[len(cut(got)):]), &sum); err != nil || sum.Records != 32 || sum.Quarantined == 0 {
		t.Errorf("summary %+v, %v: want 32 records, some quarantined", sum, err)
	}
}

// One is one, and what is rare is told only where it happened.
func TestSummaryForPeople(t *testing.T) {
	const row = `{"id":"1791191701208_48EJKAa3","type":"operation","operation":{"type":"auth","action":"refresh_token"},"state":"failed","environmentName":"prod","providerName":"box","createdAt":"2026-10-05T09:15:01.208Z"`
	const webhook = `{"received_at":"2026-10-05T09:15:02Z","body":{"from":"nango","type":"auth","operation":"refresh","success":false,"connectionId":"c1","providerConfigKey":"box-prod","provider":"box","environment":"prod"}}`
	named := row + `,"integrationName":"box-prod","connectionName":"c1"}`
	for in, want := range map[string]string{
		named:                  "\n1 record: 1 failure, 1 connection newly broken, 0 incidents, 0 late, 0 unjoined, 0 not readable\n",
		row + "}":              "\n1 record: 0 failures, 0 connections newly broken, 0 incidents, 0 late, 0 unjoined, 1 unnamed, 0 not readable\n",
		named + "\n" + webhook: "\n2 records: 1 failure, 1 connection newly broken, 0 incidents, 0 late, 0 unjoined, 1 echo, 0 not readable\n",
	} {
		if got := output(t, in, "replay", "--input", "-"); !strings.Contains(got, want) {
			t.Errorf("said %s\nwant %s", got, want)
		}
	}
}

// A name in a row cannot forge a line of the table or steer the terminal.
func TestTableIsClean(t *testing.T) {
	if got, want := clean("a\n2026-10-01 b\x1b[31m\u202e\u0085"), "a?2026-10-01 b?[31m??"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestExitCodes(t *testing.T) {
	for _, test := range []struct {
		args []string
		want int
	}{
		{nil, exitUsage},
		{[]string{"nonsense"}, exitUsage},
		{[]string{"help"}, exitOK},
		{[]string{"version"}, exitOK},
		{[]string{"replay", "-h"}, exitOK},
		{[]string{"replay"}, exitUsage},
		{[]string{"replay", "--nope"}, exitUsage},
		{[]string{"replay", "--input", rows, "--output", "xml"}, exitUsage},
		{[]string{"replay", "--input", rows, "--input", rows}, exitUsage},
		{[]string{"replay", "--input", "does-not-exist"}, exitFailure},
		{[]string{"check"}, exitUsage},
		{[]string{"check", "-config", "does-not-exist"}, exitConfig},
	} {
		var out, errs strings.Builder
		if got := command(t.Context(), test.args, strings.NewReader(""), &out, &errs); got != test.want {
			t.Errorf("%v: exit code %d, want %d\n%s%s", test.args, got, test.want, out.String(), errs.String())
		}
	}
}
