package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/simulate"
	"github.com/revwatch/revwatch/pkg/store"
)

// ndjson writes rows to a file as a topic's export holds them.
func ndjson(t *testing.T, rows []simulate.Row) string {
	t.Helper()
	var text strings.Builder
	for _, r := range rows {
		text.Write(r.Value)
		text.WriteByte('\n')
	}
	path := filepath.Join(t.TempDir(), "rows.ndjson")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// explained runs detector explain and reads its JSON.
func explainedAt(t *testing.T, args ...string) (a detect.Answer) {
	t.Helper()
	text := output(t, "", append([]string{"explain", "--output", "json"}, args...)...)
	if err := json.Unmarshal([]byte(text), &a); err != nil || strings.Count(text, "\n") != 1 {
		t.Fatalf("%v in %q", err, text)
	}
	return a
}

// A replay stops at the instant: what it says is what the detector knew then, and its windows hold what replay prints.
func TestExplainReplays(t *testing.T) {
	t.Parallel()
	file := ndjson(t, history(t))
	burst := worldStart.Add(20*24*time.Hour + 9*time.Hour)
	broken := brokenConnections(t, file, "google-mail")
	for _, c := range []struct {
		at   time.Time
		open bool
	}{{burst.Add(-30 * time.Minute), false}, {burst.Add(50 * time.Minute), true}, {burst.Add(4 * 24 * time.Hour), false}} {
		a := explainedAt(t, "--input", file, "--provider", "google-mail", "--environment", "prod", "--cause", "revoked", "--at", c.at.Format(time.RFC3339))
		if a.Type != "explanation" || !a.At.Equal(c.at) || (a.State == detect.StateOpen) != c.open || (a.Incident != "") != c.open || a.BudgetDays < 90 || len(a.Verdict) == 0 {
			t.Errorf("at %v: %+v", c.at, a)
		}
		if len(a.Windows) != 5 {
			t.Fatalf("%d windows", len(a.Windows))
		}
		for _, w := range a.Windows {
			if want := distinctWithin(broken, w.From, c.at.Add(1)); w.Connections != want || w.To.Sub(w.From) != time.Duration(w.Seconds)*time.Second || c.at.Before(w.To.Add(-10*time.Minute)) || c.at.After(w.To) {
				t.Errorf("at %v: %d connections from %v to %v, replay printed %d", c.at, w.Connections, w.From, w.To, want)
			}
			if len(w.Gates) == 0 || w.Expected <= 0 {
				t.Errorf("at %v: %+v", c.at, w)
			}
		}
	}
	text := output(t, "", "explain", "--input", file, "--provider", "google-mail", "--environment", "prod", "--cause", "revoked", "--at", burst.Add(50*time.Minute).Format(time.RFC3339))
	if !strings.Contains(text, "prod google-mail revoked at 2026-01-25 09:50 UTC: incident ") || strings.Count(text, "\n  72 h") != 1 || !strings.Contains(text, "a replay of "+file) {
		t.Errorf("said\n%s", text)
	}
	if a, b := explainedAt(t, "--input", file, "--provider", "hubspot", "--cause", "revoked", "--at", "14:05"), explainedAt(t, "--input", file, "--provider", "hubspot", "--cause", "revoked"); a.At.Format("15:04") != "14:05" || b.At.Before(a.At) {
		t.Errorf("at %v, newest %v", a.At, b.At)
	}
}

// brokenConnections are the breaks that replay prints.
func brokenConnections(t *testing.T, file, provider string) (all []failureLine) {
	t.Helper()
	for line := range strings.Lines(output(t, "", "replay", "--output", "json", "--only", "failure", "--input", file)) {
		var f failureLine
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		if f.New && f.Provider == provider && f.Environment == "prod" && f.Cause != string(nango.Misconfigured) {
			all = append(all, f)
		}
	}
	return all
}

func distinctWithin(all []failureLine, from, to time.Time) int {
	names := map[string]bool{}
	for _, f := range all {
		if !f.Time.Before(from) && f.Time.Before(to) {
			names[f.Integration+" "+f.Connection] = true
		}
	}
	return len(names)
}

// What cannot be answered is refused in a sentence.
func TestExplainRefuses(t *testing.T) {
	t.Parallel()
	file := ndjson(t, history(t)[:20_000])
	quiet := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(quiet.Close)
	nowhere := write(t, "http.admin_listen: 127.0.0.1:1\nstate.path: "+filepath.Join(t.TempDir(), "none.db")+"\n")
	inUse := filepath.Join(t.TempDir(), "used.db")
	s, err := store.Open(inUse)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	used := write(t, "http.admin_listen: 127.0.0.1:1\nstate.path: "+inUse+"\n")
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--output", "xml"}, exitUsage, `--output "xml": json or text`},
		{[]string{"--at", "yesterday"}, exitUsage, `--at is not a time: "yesterday"; such as 2026-10-05T14:05:00Z, or 14:05`},
		{[]string{"--url", "localhost:9848"}, exitUsage, "a URL such as"},
		{[]string{"--url", quiet.URL, "--state", "a"}, exitUsage, "one of --input, --url, --state"},
		{[]string{"--input", file, "--state", "a"}, exitUsage, "one of --input, --url, --state"},
		{[]string{"-config", "does-not-exist"}, exitConfig, "does-not-exist"},
		{[]string{"-config", nowhere}, exitFailure, "no daemon answers at http://127.0.0.1:1, and there is no state file"},
		{[]string{"-config", used}, exitFailure, "no daemon answers at http://127.0.0.1:1, yet one has the state file " + inUse + " in use: say with --url where its API listens"},
		{[]string{"--state", inUse}, exitFailure, "state file is in use"},
		{[]string{"--state", "does-not-exist"}, exitFailure, "does-not-exist"},
		{[]string{"--url", "http://me:SECRET@127.0.0.1:1"}, exitFailure, "no daemon answers at http://me:xxxxx@127.0.0.1:1: "},
		{[]string{"--url", "http://127.0.0.1:1"}, exitFailure, "no daemon answers at http://127.0.0.1:1: "},
		{[]string{"--url", quiet.URL}, exitFailure, "is no detector of this version: status 404"},
		{[]string{"--input", file, "--provider", "acme"}, exitFailure, "google-mail"},
		{[]string{"--input", file, "--environment", "prod"}, exitFailure, "several series fit"},
		{[]string{"--input", file, "--provider", "google-mail", "--at", "2036-01-01T00:00:00Z"}, exitFailure, "2036"},
		{[]string{"--input", file, "--provider", "google-mail", "--at", "2016-01-01T00:00:00Z"}, exitFailure, "no series"},
	} {
		var out, errs strings.Builder
		if code := command(t.Context(), append([]string{"explain"}, c.args...), strings.NewReader(""), &out, &errs); code != c.code || !strings.Contains(errs.String(), c.says) || out.Len() > 0 {
			t.Errorf("%v: exit code %d, said %s%s", c.args, code, out.String(), errs.String())
		}
	}
	if _, err := os.Stat("does-not-exist"); err == nil {
		t.Error("a state file was made")
	}
}

// The daemon, its state file after it stopped, and a replay of the same rows see the same.
func TestExplainAsksTheDaemon(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	now := time.Now()
	rows := past(t, now, 14, 4*time.Hour)
	s.produce(rows)
	config := s.config()
	stop := s.start(config)
	s.awaitRead(len(rows))
	s.await("all of it counted", func() bool {
		return s.metric(`^revwatch_broken_connections_total\{.*provider="google-mail"`) >= counted
	})
	about := []string{"--provider", lost, "--environment", "prod", "--cause", "revoked", "--at", now.Add(-3 * time.Hour).UTC().Format(time.RFC3339)}
	asked := explainedAt(t, append(about, "-config", config)...)
	if asked.Windows[2].Observed < 10 || asked.Windows[2].Connections < 20 || asked.Windows[2].OncePerDays < asked.BudgetDays {
		t.Errorf("an hour after 60 revocations: %+v", asked.Windows[2])
	}
	if byURL := explainedAt(t, append(about, "--url", "http://"+s.api+"/")...); !reflect.DeepEqual(byURL.Windows, asked.Windows) {
		t.Errorf("by its URL the daemon says\n%+v\nnot\n%+v", byURL, asked)
	}
	if replayed := explainedAt(t, append(about, "--input", ndjson(t, rows))...); !reflect.DeepEqual(replayed.Windows, asked.Windows) || replayed.PerDay != asked.PerDay {
		t.Errorf("a replay says\n%+v\nthe daemon\n%+v", replayed, asked)
	}
	text := output(t, "", append([]string{"explain", "-config", config}, about...)...)
	if !strings.Contains(text, "said by the daemon at http://"+s.api) {
		t.Errorf("said\n%s", text)
	}
	var out, errs strings.Builder
	if code := command(t.Context(), []string{"explain", "-config", config, "--provider", "acme"}, nil, &out, &errs); code != exitFailure || !strings.Contains(errs.String(), "google-mail") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
	if code, body := s.at(s.api, "/api/v1/explain?at=noon"); code != http.StatusBadRequest || !strings.Contains(body, "14:05 of the newest day") {
		t.Errorf("%d %s", code, body)
	}
	running := output(t, "", "check", "-config", config)
	if code := stop(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}

	if stored := explainedAt(t, append(about, "-config", config)...); !reflect.DeepEqual(stored.Windows, asked.Windows) {
		t.Errorf("the state file says\n%+v\nthe daemon said\n%+v", stored, asked)
	}
	after := output(t, "", "check", "-config", config)
	const now1, now2 = ", by the daemon at http://", ", by the state file "
	if a, b := nowLine(running, now1), nowLine(after, now2); a == "" || a != b {
		t.Errorf("check said %q beside the daemon and %q after it, of\n%s", a, b, after)
	}
}

// nowLine is what check says of the present series, without who told it.
func nowLine(text, by string) string {
	for line := range strings.Lines(text) {
		if before, _, ok := strings.Cut(line, by); ok && strings.HasPrefix(line, "now  ") {
			return before
		}
	}
	return ""
}

// The table, in full: marks, folding, what it cannot show, and nothing in a name that steers a terminal.
func TestExplainText(t *testing.T) {
	at := time.Date(2026, 10, 5, 14, 5, 0, 0, time.UTC)
	window := func(seconds, observed, connections int, expected, once float64, needed int, gates ...detect.Gate) detect.WindowAnswer {
		to := at.Add(5 * time.Minute)
		return detect.WindowAnswer{Seconds: seconds, From: to.Add(-time.Duration(seconds) * time.Second), To: to, Observed: observed, Connections: connections,
			Expected: expected, OncePerDays: once, Needed: needed, Gates: gates}
	}
	ok := detect.Gate{Name: "min_count", Passed: true, Detail: "not to be seen"}
	a := detect.Answer{Environment: "prod", Provider: "goo\x1b[31mgle", Cause: "revoked", Signal: detect.Revocations, At: at, State: detect.StateQuiet, PerDay: 3.2, BudgetDays: 90,
		Best: 2, Verdict: []string{"Nothing opened."}, BudgetMet: false,
		Windows: []detect.WindowAnswer{
			window(600, 1, 1, .004, 0, 3, ok, detect.Gate{Name: "min_count", Detail: "1 of at least 3 breaks"}, detect.Gate{Name: "rise", Detail: "later"}),
			window(3600, 2, 2, .13, 0, 4, detect.Gate{Name: "min_connections"}),
			window(6*3600, 5, 5, .8, 20.4, 7, detect.Gate{Name: "score", Detail: "once in 20 days, and once in 90 days is needed to open"}),
			window(24*3600, 7, 40, 3.2, .5, 14, ok),
			window(72*3600, 12, 45, 9.6, 40_000, 0, ok),
		}}
	const want = `prod goo?[31mgle revoked at 2026-10-05 14:05 UTC: quiet
3.20 a day are usual; an incident opens at what chance alone would show once in 90 days; said by me

  window  since (UTC)   broke  expected  needed  once in    why not
  10 min  05 Oct 14:00      1     <0.01       3  -          1 of at least 3 breaks
  1 h     05 Oct 13:10      2      0.13       4  -          min connections
> 6 h     05 Oct 08:10      5      0.80       7  20 days    once in 20 days, and once in 90 days is needed to open
  24 h    04 Oct 14:10      7      3.20      14  12 hours   all conditions are met
  72 h    02 Oct 14:10     12      9.60       -  >100 years all conditions are met

45 connections broke in 72 h, of which 12 count: of one customer account no more than two in 24 hours do.
Its budget is not met: this series is conspicuous more often than promised, so its alerts are worth less.
Nothing opened.
`
	var out strings.Builder
	if err := newExplainAtText(&out).write(a, "me"); err != nil || out.String() != want {
		t.Errorf("%v, got\n%s", err, out.String())
	}
	out.Reset()
	narrow := newExplainAtText(&out)
	narrow.width, narrow.colour = 80, true
	if err := narrow.write(a, "me"); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(plain.ReplaceAllString(out.String(), "")) {
		if len(line) > 81 {
			t.Errorf("too long: %s", line)
		}
	}
	words := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	_, sentences, _ := strings.Cut(want, ">100 years all conditions are met\n")
	if got := words(plain.ReplaceAllString(out.String(), "")); !strings.Contains(got, words(sentences)) || !strings.Contains(out.String(), waitin+"> 6 h") {
		t.Errorf("%q\nthe most extreme window is not marked:\n%s", got, out.String())
	}
	if err := newExplainAtText(full{}).write(a, "me"); err == nil {
		t.Error("an output that is full goes unnoticed")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestDurationOfDays(t *testing.T) {
	for days, want := range map[float64]string{0: "-", -1: "-", .01: "<1 hour", .05: "2 hours", 1: "24 hours", 2.25: "2.2 days", 9.6: "9.6 days", 90: "90 days", 400: "400 days", 3650: "10.0 years", 1e300: ">100 years"} {
		if got := duration(days); got != want {
			t.Errorf("%v days: %q, want %q", days, got, want)
		}
	}
}

func TestParseInstant(t *testing.T) {
	newest := time.Date(2026, 10, 5, 23, 50, 0, 0, time.FixedZone("", -3600)) // the 6th in UTC
	for text, want := range map[string]string{
		"": "0001-01-01T00:00:00Z", "now": "0001-01-01T00:00:00Z", "14:05": "2026-10-06T14:05:00Z", "00:00": "2026-10-06T00:00:00Z",
		"2026-10-05T14:05:00+02:00": "2026-10-05T12:05:00Z", "24:00": "", "5": "", "2026-10-05": "",
	} {
		got, err := parseInstant(text, newest)
		if (err != nil) != (want == "") || err == nil && got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestDaemonAt(t *testing.T) {
	for _, c := range [][3]string{
		{"", ":9847", "http://127.0.0.1:9847"}, {"", "0.0.0.0:80", "http://127.0.0.1:80"}, {"", "[::]:80", "http://127.0.0.1:80"}, {"", "[::1]:80", "http://[::1]:80"},
		{"", "metrics.example:80", "http://metrics.example:80"}, {"https://a.example/revwatch/", ":1", "https://a.example/revwatch"},
	} {
		if got := daemonAt(c[0], c[1]).base; got != c[2] {
			t.Errorf("%q, %q: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

var errAny = errors.New("any")

// An instant that the state cannot answer for is refused by the owner of the core, as is every question while it cannot know.
func TestFollowerExplains(t *testing.T) {
	f := newFollower(t)
	explain := func() string {
		_, err := f.explain(detect.Question{}, "")
		return fmt.Sprint(err)
	}
	if got := explain(); !strings.Contains(got, "not now: this member reads nothing") {
		t.Error(got)
	}
	f.Assigned("t", 0, 10, -1)
	if got := explain(); !strings.Contains(got, "not now: the topic is not read to its end yet, 10 records are left") {
		t.Error(got)
	}
	f.behind = false
	if got := explain(); strings.Contains(got, "not now") || !strings.Contains(got, "no series") {
		t.Error(got)
	}
	f.failing = errAny
	if got := explain(); !strings.Contains(got, "not now: reading has stopped") {
		t.Error(got)
	}
}
