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

// restart is a feed that goes on where f stopped, with what f stored.
func (f *feed) restart() *feed {
	f.t.Helper()
	next := newFeed(f.t)
	next.follower.log = f.follower.log
	next.log, next.now, next.offset = f.log, f.now, f.offset
	f.commit()
	if err := f.store.LoadAll(next.drift.restore); err != nil {
		f.t.Fatal(err)
	}
	return next
}

// refused is a refused refresh: its operation, and its error row with a payload.
func refused(at time.Time, id, provider, payload string) []string {
	op, when := fmt.Sprintf("%d_%s", at.UnixMilli(), id), at.UTC().Format("2006-01-02T15:04:05.000Z")
	return []string{
		fmt.Sprintf(`{"message":"Token refreshed","id":%q,"operation":{"type":"auth","action":"refresh_token"},"state":"failed","source":"internal","level":"info","type":"operation","accountId":1,
			"environmentName":"prod","integrationName":%q,"providerName":%q,"connectionName":"c-%s","createdAt":%q,"endedAt":%q}`, op, provider, provider, id, when, when),
		fmt.Sprintf(`{"id":"m-%s","parentId":%q,"source":"internal","level":"error","type":"log","message":"Failed to refresh credentials","createdAt":%q,
			"meta":{"type":"refresh_token_external_error","status":400,"payload":%s}}`, op, op, when, payload),
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

// Where the share of rows is known, and many come without one, nobody waits for the window.
func TestManyForeignRecordsAreToldAtOnce(t *testing.T) {
	f := newFeed(t)
	for range 12 {
		f.now = f.now.Add(time.Minute)
		f.read(repeat(50, successRow)...)
	}
	for range 20 {
		f.read(repeat(50, foreignRow)...)
	}
	if n := f.told(zapcore.WarnLevel); n != 1 {
		t.Fatalf("%d warnings, want 1", n)
	}
	line := f.log.FilterLevelExact(zapcore.WarnLevel).All()[0].ContextMap()
	if line["kind"] != driftNoRows || line["records"].(int64) < 100 || !strings.Contains(line["next"].(string), "explain-record") {
		t.Errorf("said %v", line)
	}
}

// A topic that mixes a few rows of Nango with many of others raises nothing, neither at the first start, whatever comes first, nor after a restart.
func TestMixedTopicIsNoDrift(t *testing.T) {
	for name, mixed := range map[string]int{"others first": 0, "a row first": 1} {
		f := newFeed(t)
		hour := func() {
			for i := range 120 {
				f.now = f.now.Add(30 * time.Second)
				values := repeat(400, foreignRow)
				if i%15 == mixed%2*14 {
					values = append(values, refused(f.now, fmt.Sprintf("%08d", i), "mail", `{"dataMessage":{"error":"invalid_grant"}}`)...)
				}
				f.read(values...)
			}
		}
		hour()
		f = f.restart()
		hour()
		if n := f.told(zapcore.WarnLevel); n != 0 || f.drift.rows.Good == 0 {
			t.Errorf("%s: %d warnings: %v", name, n, f.log.FilterLevelExact(zapcore.WarnLevel).All())
		}
		for i := 0; i < 600 && f.told(zapcore.WarnLevel) == 0; i++ {
			f.now = f.now.Add(10 * time.Second)
			f.read(repeat(400, foreignRow)...)
		}
		if n := f.told(zapcore.WarnLevel); n != 1 {
			t.Errorf("%s: the rows end: %d warnings", name, n)
		}
	}
}

// What was shipped before the daemon came has shown its own window: nobody waits for another.
func TestForeignHistoryIsToldAtOnce(t *testing.T) {
	for minutes, want := range map[int]int{9: 0, 11: 1} {
		f := newFeed(t)
		var records []stream.Record
		for i, v := range repeat(200, foreignRow) {
			at := f.now.Add(-time.Duration(minutes) * time.Minute * time.Duration(200-i) / 200)
			records = append(records, stream.Record{Offset: int64(i + 2), Time: at.UnixMilli(), Value: []byte(v)})
		}
		for i := 0; i < 200; i += 50 {
			b := stream.Batch{Topic: "t", Records: records[i : i+50], Next: int64(i + 52), HighWatermark: 202, FetchedAt: f.now}
			if err := f.Batch(b); err != nil {
				t.Fatal(err)
			}
			if n := f.told(zapcore.WarnLevel); i < 150 && n != 0 || i == 150 && n != want {
				t.Errorf("%d minutes, %d records: %d warnings", minutes, i+50, n)
			}
		}
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

const reasonRow = `{"id":"m%d","parentId":"1767571200000_A2%d","source":"internal","level":"error","type":"log","message":"Failed to refresh credentials","createdAt":"2026-01-05T00:00:00.010Z",
	"meta":{"type":"refresh_token_external_error","status":400,"payload":{"dataMessage":{"error":"invalid_grant"}}}}`

const revokedPayload = `{"dataMessage":{"error":"invalid_grant"}}`

// Operations that failed, without the message rows that say why, are told a window after the first; with the first reason it is over, and the next
// time nobody waits longer than reasons take.
func TestRefreshesWithoutReasonsAreTold(t *testing.T) {
	f := newFeed(t)
	var late []string
	fail := func(n int) {
		for i := range n {
			rows := refused(f.now, fmt.Sprintf("%08d", i), "hubspot", revokedPayload)
			f.read(rows[0])
			late = append(late, rows[1])
		}
	}
	after := func(d time.Duration, warnings int, on bool) {
		t.Helper()
		f.now = f.now.Add(d)
		f.read()
		f.read()
		if n := f.told(zapcore.WarnLevel); n != warnings || f.drift.state()[driftNoCauses] != on || f.drift.state()[driftNoRows] {
			t.Errorf("%d warnings, want %d; %v", n, warnings, f.drift.state())
		}
	}
	fail(5)
	after(driftWindow-time.Second, 0, false)
	after(time.Second, 1, true)
	f.read(late[0])
	after(0, 1, false)
	if n := f.told(zapcore.InfoLevel); n != 1 {
		t.Errorf("told %d times that it is over", n)
	}
	f.drift.causes.learned = learned{Of: 100, Good: 100, Since: worldStart}
	fail(5)
	after(driftSettle-time.Second, 1, false)
	after(time.Second, 2, true)
}

// Rows that Nango renamed say nothing: the alarm comes as if there were none.
func TestErrorRowsOfAnotherFormAreTold(t *testing.T) {
	for name, change := range map[string][2]string{
		"the answer":  {`"dataMessage":{"error":"invalid_grant"}`, `"answer":{"failure":17}`},
		"the error":   {`"meta":`, `"fault":`},
		"the parents": {`"parentId":`, `"operationId":`},
	} {
		f := newFeed(t)
		for i := range 20 {
			f.now = f.now.Add(time.Minute)
			rows := refused(f.now, fmt.Sprintf("%08d", i), "hubspot", revokedPayload)
			f.read(rows[0], strings.Replace(rows[1], change[0], change[1], 1))
		}
		if n := f.told(zapcore.WarnLevel); n != 1 || !f.drift.state()[driftNoCauses] {
			t.Errorf("%s: %d warnings, %v", name, n, f.drift.state())
		}
	}
}

// A reason that is honestly unknown is no drift, neither of one dead connection for weeks nor of an outage right at the first start.
func TestUnknownReasonsAreNoDrift(t *testing.T) {
	for name, c := range map[string]struct {
		before  int
		payload string
		every   time.Duration
	}{
		"an unknown sentence, called hourly": {100, `{"message":"The external API returned an error when trying to refresh the access token. Please try again later."}`, time.Hour},
		"a page instead of JSON":             {0, `{}`, time.Minute},
		"a code that no rule knows":          {0, `{"dataMessage":{"error":"moon_full"}}`, time.Minute},
		"words that no rule knows":           {0, `{"dataMessage":{"message":"The moon is full."}}`, time.Minute},
	} {
		f := newFeed(t)
		for i := range c.before {
			f.now = f.now.Add(time.Minute)
			f.read(refused(f.now, fmt.Sprintf("a%07d", i), "mail", revokedPayload)...)
		}
		for i := range 50 {
			f.now = f.now.Add(c.every)
			f.read(refused(f.now, fmt.Sprintf("b%07d", i), "wd", c.payload)...)
		}
		if s := f.reader.Stats(); f.told(zapcore.WarnLevel) != 0 || s.Refreshes != int64(c.before)+50 || s.Reasons != int64(c.before) {
			t.Errorf("%s: %d warnings of %d refreshes with %d reasons", name, f.told(zapcore.WarnLevel), s.Refreshes, s.Reasons)
		}
	}
}

// Operations polled each minute, and their messages every twelve minutes at most, raise nothing, after a restart neither.
func TestSlowPollersAreNoDrift(t *testing.T) {
	for _, round := range []int{1, 6, 9, 12} {
		f := newFeed(t)
		var later []string
		for i := range 240 {
			if i == 130 {
				state := f.reader
				f = f.restart()
				f.reader, f.drift.read = state, state.Stats()
			}
			f.now = f.now.Add(time.Minute)
			rows := refused(f.now, fmt.Sprintf("b%07d", i), "zendesk", revokedPayload)
			f.read(rows[0])
			if later = append(later, rows[1]); i%round == round-1 {
				f.read(later...)
				later = nil
			}
		}
		if n := f.told(zapcore.WarnLevel); n != 0 {
			t.Errorf("every %d minutes: %d warnings, %d over", round, n, f.told(zapcore.InfoLevel))
		}
	}
}

// When Nango calls its refreshes by another name, reasons have no operation any more. They are told when they are given up.
func TestReasonsWithoutRefreshesAreTold(t *testing.T) {
	f := newFeed(t)
	for i := range 500 {
		f.now = f.now.Add(time.Minute)
		rows := refused(f.now, fmt.Sprintf("b%07d", i), "zendesk", revokedPayload)
		f.read(strings.Replace(rows[0], `"refresh_token"`, `"renewal"`, 1), rows[1])
	}
	if n := f.told(zapcore.WarnLevel); n != 1 || !f.drift.state()[driftNoRefreshes] {
		t.Errorf("%d warnings, %v, %+v", n, f.drift.state(), f.reader.Stats())
	}
	f.read(refused(f.now, "healthy1", "zendesk", revokedPayload)...)
	if f.told(zapcore.InfoLevel) != 1 || f.drift.state()[driftNoRefreshes] {
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
		"foreign":          {strings.Join(repeat(300, foreignRow), "\n"), "warning: of 300 records that were read none is a row of Nango's logs: `detector explain-record`"},
		"successes":        {foreignRow + "\n" + strings.Join(repeat(5, successRow), "\n"), ""},
		"no names":         {strings.NewReplacer("connectionName", "who", "connectionId", "whose").Replace(string(raw)), "warning: 5 failed refreshes, and none names its connection: `detector explain-record` says what is seen in single records"},
		"no messages":      {strings.Join(operations, "\n"), "warning: of 5 failed refreshes none has a cause: are the message rows there?"},
		"rows and reasons": {string(raw), ""},
		"no operations":    {strings.ReplaceAll(strings.Join(repeat(20, strings.ReplaceAll(reasonRow, "\n", " ")), "\n"), "\t", ""), "warning: of 20 reasons none has its operation: are the operation rows there?"},
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
	if code := command(t.Context(), []string{"learn", "--state", learned, "--input", "-"}, strings.NewReader(foreignRow), &out, &errs); code != exitFailure || !strings.Contains(errs.String(), "no row of Nango's logs") {
		t.Errorf("learn: exit code %d: %s", code, errs.String())
	}
}
