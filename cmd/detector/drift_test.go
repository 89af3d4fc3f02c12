package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/revwatch/revwatch/pkg/stream"
)

// When the alarm of an absence is raised and when it ends, on a visible clock.
func TestLack(t *testing.T) {
	rows := lack{least: 10, plenty: 100}
	causes := lack{least: 5, plenty: 5, settle: driftSettle}
	type step struct {
		second   int // < 0: then something was still to be read
		of, good int64
		on       bool
	}
	for name, c := range map[string]struct {
		lack  lack
		steps []step
	}{
		"never a row":                     {rows, []step{{0, 99, 0, false}, {1, 100, 0, true}, {2, 5000, 0, true}, {3, 5001, 1, false}}},
		"a few, at the end of the window": {rows, []step{{0, 4, 0, false}, {300, 12, 0, false}, {599, 20, 0, false}, {600, 20, 0, true}}},
		"too few":                         {rows, []step{{0, 5, 0, false}, {600, 9, 0, false}, {6000, 9, 0, false}, {6001, 10, 0, true}}},
		"nothing comes":                   {rows, []step{{0, 0, 0, false}, {6000, 0, 0, false}}},
		"all are rows":                    {rows, []step{{0, 100, 100, false}, {6000, 100, 100, false}, {6001, 10_000, 10_000, false}}},
		"the shape changes":               {rows, []step{{0, 1000, 1000, false}, {60, 1050, 1000, false}, {70, 1100, 1000, true}, {80, 1101, 1001, false}, {90, 1220, 1001, true}}},
		"one in a hundred is a row":       {rows, []step{{0, 50_000, 500, false}, {600, 50_900, 500, false}, {601, 50_999, 501, false}, {602, 60_998, 501, false}, {603, 61_300, 501, true}}},
		"a foreign record now and then":   {rows, []step{{0, 100, 100, false}, {60, 101, 100, false}, {700, 102, 101, false}, {1400, 103, 101, false}}},
		"reasons come a little later":     {causes, []step{{0, 50, 0, false}, {299, 50, 0, false}, {300, 50, 45, false}, {400, 90, 45, false}, {600, 90, 85, false}}},
		"no reason":                       {causes, []step{{0, 50, 0, false}, {299, 60, 0, false}, {300, 60, 0, true}, {900, 70, 0, true}, {901, 70, 1, false}}},
		"no reason, one by one":           {causes, []step{{0, 1, 0, false}, {60, 2, 0, false}, {120, 3, 0, false}, {180, 4, 0, false}, {240, 5, 0, false}, {500, 5, 0, false}, {540, 5, 0, true}}},
		"a riddle, and then an outage":    {causes, []step{{0, 1, 0, false}, {9000, 30, 0, false}, {9010, 30, 20, false}}},
		"messages are still to be read":   {causes, []step{{0, 500, 0, false}, {-1000, 500, 0, false}, {1001, 500, 480, false}}},
		"read on in the meantime":         {causes, []step{{0, 1, 0, false}, {-100, 500, 0, false}, {-1000, 500, 0, false}, {1001, 500, 0, true}}},
		"one in ten has a reason":         {causes, []step{{0, 1000, 100, false}, {1, 1040, 100, false}, {900, 1040, 100, false}, {901, 1060, 100, false}, {1201, 1060, 100, true}}},
	} {
		l := c.lack
		for i, s := range c.steps {
			m := moment{now: worldStart.Add(time.Duration(max(s.second, -s.second)) * time.Second), newest: worldStart, from: worldStart}
			if s.second >= 0 {
				m.read = m.now
			}
			was := l.on
			if changed, _ := l.saw(m, s.of, s.good); l.on != s.on || changed != (was != l.on) {
				t.Errorf("%s: step %d: on %v (changed %v), want %v", name, i, l.on, changed, s.on)
			}
		}
	}
}

// Of rows shipped long after they were written nobody has to wait for more; of a batch of a poller one does, as long as the next round may take.
func TestLackInHistory(t *testing.T) {
	for hours, want := range map[time.Duration]time.Duration{0: driftSettle, 5 * time.Minute: driftSettle, driftWindow: driftSettle / 10, 240 * time.Hour: driftSettle / 10} {
		l := lack{least: 5, plenty: 5, settle: driftSettle}
		for after := time.Duration(0); ; after += 5 * time.Second {
			m := moment{now: worldStart.Add(after), read: worldStart.Add(after), newest: worldStart, from: worldStart.Add(-hours)}
			if changed, without := l.saw(m, 50, 0); changed {
				if after != want || without != 50 {
					t.Errorf("rows of %s: told of %d after %s, want %s", hours, without, after, want)
				}
				break
			}
			if after > time.Hour {
				t.Fatalf("rows of %s: never told", hours)
			}
		}
	}
}

// feed gives batches to a follower, and has its log.
type feed struct {
	*follower
	t      *testing.T
	log    *observer.ObservedLogs
	now    time.Time
	offset int64
}

func newFeed(t *testing.T) *feed {
	core, logs := observer.New(zapcore.InfoLevel)
	f := &feed{follower: newFollower(t), t: t, log: logs, now: worldStart, offset: 1}
	f.follower.log = zap.New(core)
	f.follower.now = func() time.Time { return f.now }
	f.Assigned("t", 0, 1, -1)
	f.positions.at("t", 0).Next = 1
	return f
}

// read gives one batch that ends the log.
func (f *feed) read(values ...string) {
	f.t.Helper()
	var records []stream.Record
	for _, v := range values {
		if f.offset++; f.offset&255 == 0 { // one that is read whatever it holds
			f.offset++
		}
		records = append(records, stream.Record{Offset: f.offset, Time: f.now.UnixMilli(), Value: []byte(v)})
	}
	if err := f.Batch(stream.Batch{Topic: "t", Records: records, Next: f.offset + 1, HighWatermark: f.offset + 1, FetchedAt: f.now}); err != nil {
		f.t.Fatal(err)
	}
}

// told counts the lines about drift of a level.
func (f *feed) told(level zapcore.Level) int {
	return f.log.FilterLevelExact(level).Filter(func(e observer.LoggedEntry) bool { return strings.HasPrefix(e.Message, "schema drift") }).Len()
}

func repeat(n int, format string) (out []string) {
	for i := range n {
		out = append(out, strings.ReplaceAll(format, "%d", fmt.Sprintf("%06d", i)))
	}
	return out
}

const (
	successRow = `{"message":"Sync executed","id":"1767571200000_A1%d","operation":{"type":"sync","action":"run"},"state":"success","source":"internal","level":"info","type":"operation","createdAt":"2026-01-05T00:00:00.000Z"}`
	foreignRow = `{"level":"info","message":"request served","path":"/health","status":200,"n":%d}`
)

// A topic without Nango's rows is told once within the window, whether its records look like log lines, which the prefilter skips, or not.
func TestForeignRecordsAreTold(t *testing.T) {
	for name, format := range map[string]string{"log lines": foreignRow, "events": `{"user":%d}`, "no JSON": "user %d", "nothing": ""} {
		f := newFeed(t)
		for range 12 {
			f.read(repeat(1, format)...)
		}
		if n := f.told(zapcore.WarnLevel); n != 0 || f.drift.state()[driftNoRows] {
			t.Errorf("%s: %d warnings after 12 records", name, n)
		}
		f.now = f.now.Add(driftWindow)
		f.read()
		f.read(repeat(3, format)...)
		if n := f.told(zapcore.WarnLevel); n != 1 || !f.drift.state()[driftNoRows] {
			t.Errorf("%s: %d warnings after the window, want 1", name, n)
		}
		f.read(repeat(1, successRow)...)
		if f.told(zapcore.InfoLevel) != 1 || f.told(zapcore.WarnLevel) != 1 || f.drift.state()[driftNoRows] {
			t.Errorf("%s: not over with a row: %v", name, f.log.All())
		}
	}
}

// Where there are many, nobody waits for the window.
func TestManyForeignRecordsAreToldAtOnce(t *testing.T) {
	f := newFeed(t)
	for range 20 {
		f.read(repeat(50, foreignRow)...)
	}
	if n := f.told(zapcore.WarnLevel); n != 1 {
		t.Errorf("%d warnings, want 1", n)
	}
	line := f.log.FilterLevelExact(zapcore.WarnLevel).All()[0].ContextMap()
	if line["kind"] != driftNoRows || line["records"].(int64) < 100 || !strings.Contains(line["next"].(string), "explain-record") {
		t.Errorf("said %v", line)
	}
}

// A topic that holds only what went well is healthy, although none of its rows passes the prefilter.
func TestSuccessesAreNoDrift(t *testing.T) {
	f := newFeed(t)
	for range 30 {
		f.now = f.now.Add(time.Minute)
		f.read(repeat(20, successRow)...)
	}
	if s := f.reader.Stats(); s.Skipped != s.Records {
		t.Errorf("%d of %d were skipped: the test needs all", s.Skipped, s.Records)
	}
	if n := f.told(zapcore.WarnLevel); n != 0 {
		t.Errorf("%d warnings", n)
	}
}

// What the guard looks at changes nothing of what is counted: a record skipped stays skipped.
func TestProbesChangeNoEvent(t *testing.T) {
	c := defaults()
	p := probe{config: &c}
	for i := range 2500 {
		if got := p.row([]byte(repeat(1, successRow)[0])); !got {
			t.Fatalf("%d: not recognised", i)
		}
		if p.row([]byte(foreignRow)) {
			t.Fatalf("%d: recognised", i)
		}
	}
	if n := p.reader.Stats().Records; n > 1000 {
		t.Errorf("a probe keeps what %d records held", n)
	}
	c.envelope = "row"
	p = probe{config: &c}
	if p.row([]byte(`{"message":` + wrap(t, successRow) + `}`)) {
		t.Error("a wrapped row is recognised where rows are said to be bare")
	}
}

// Operations that failed, without the message rows that say why, are told five minutes after they came; with the first reason it is over.
func TestRefreshesWithoutReasonsAreTold(t *testing.T) {
	f := newFeed(t)
	refused := `{"message":"Token refreshed","id":"1767571200000_A2%d","operation":{"type":"auth","action":"refresh_token"},"state":"failed","source":"internal","level":"info","type":"operation",
		"accountId":1,"environmentName":"prod","integrationName":"i","providerName":"hubspot","connectionName":"c%d","createdAt":"2026-01-05T00:00:00.000Z","endedAt":"2026-01-05T00:00:00.020Z"}`
	reason := `{"id":"m%d","parentId":"1767571200000_A2%d","source":"internal","level":"error","type":"log","message":"Failed to refresh credentials","createdAt":"2026-01-05T00:00:00.010Z",
		"meta":{"type":"refresh_token_external_error","status":400,"payload":{"dataMessage":{"error":"invalid_grant"}}}}`
	f.read(repeat(20, refused)...)
	f.now = f.now.Add(driftSettle - time.Second)
	f.read()
	if n := f.told(zapcore.WarnLevel); n != 0 {
		t.Errorf("%d warnings before the reasons can have come", n)
	}
	f.now = f.now.Add(time.Second)
	f.read()
	f.read()
	if n := f.told(zapcore.WarnLevel); n != 1 || !f.drift.state()[driftNoCauses] || f.drift.state()[driftNoRows] {
		t.Errorf("%d warnings, %v", n, f.drift.state())
	}
	f.read(repeat(1, reason)...)
	if f.told(zapcore.InfoLevel) != 1 || f.drift.state()[driftNoCauses] {
		t.Errorf("not over: %v", f.log.All())
	}
}

// Names are those of one account; a second one is told once.
func TestSecondAccountIsToldOnce(t *testing.T) {
	f := newFeed(t)
	for _, step := range []struct {
		account string
		want    int
	}{{"1", 0}, {"1", 0}, {"2", 1}, {"3", 1}} {
		f.read(`{"message":"Token refreshed","id":"1767571200000_A300000A","operation":{"type":"auth","action":"refresh_token"},"state":"failed","type":"operation","level":"info",
			"accountId":` + step.account + `,"environmentName":"prod","integrationName":"i","connectionName":"c","createdAt":"2026-01-05T00:00:00.000Z"}`)
		if n := f.log.FilterMessageSnippet("more than one Nango account").Len(); n != step.want {
			t.Errorf("account %s: %d warnings, want %d", step.account, n, step.want)
		}
	}
}

// Files without a row, and rows without a cause, are told on stderr; what scripts read stays as it is.
func TestReplayDoubts(t *testing.T) {
	raw, err := os.ReadFile(rows)
	if err != nil {
		t.Fatal(err)
	}
	var operations []string
	for line := range strings.SplitSeq(strings.TrimSpace(string(raw)), "\n") {
		if !strings.Contains(line, "parentId") {
			operations = append(operations, line)
		}
	}
	for name, c := range map[string]struct{ in, want string }{
		"foreign":          {strings.Join(repeat(300, foreignRow), "\n"), "warning: of 300 records none is a row of Nango's logs: `detector explain-record`"},
		"successes":        {foreignRow + "\n" + strings.Join(repeat(5, successRow), "\n"), ""},
		"no messages":      {strings.Join(operations, "\n"), "warning: of 5 failed refreshes none has a cause: are the message rows there?"},
		"rows and reasons": {string(raw), ""},
		"nothing":          {"", ""},
	} {
		var out, errs strings.Builder
		if code := command(t.Context(), []string{"replay", "--output", "json", "--input", "-"}, strings.NewReader(c.in), &out, &errs); code != exitOK {
			t.Fatalf("%s: exit code %d: %s", name, code, errs.String())
		}
		if got := errs.String(); !strings.HasPrefix(got, c.want) || c.want == "" && got != "" || strings.Contains(out.String(), "warning") {
			t.Errorf("%s: said %q, want %q", name, got, c.want)
		}
	}
	var out, errs strings.Builder
	learned := filepath.Join(t.TempDir(), "state.db")
	if code := command(t.Context(), []string{"learn", "--state", learned, "--input", "-"}, strings.NewReader(foreignRow), &out, &errs); code != exitFailure || !strings.Contains(errs.String(), "none is a row") {
		t.Errorf("learn: exit code %d: %s", code, errs.String())
	}
}
