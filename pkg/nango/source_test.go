package nango

import (
	"slices"
	"testing"
	"time"
)

func refreshAt(n int, t time.Time, state string) string {
	return operationRow(opID(t, n), "auth", "refresh_token", state, whoOf(n), t, t)
}

// A caught-up partition moves with the clock, so that a quiet topic releases what it holds.
func TestCaughtUpMovesWithTheClock(t *testing.T) {
	at := worldStart.Add(time.Hour)
	r := newReader(Options{})
	r.Open("t/0", 0, 1)
	r.Read([]byte(refreshAt(1, at, "success")), Meta{Source: "t/0", Offset: 0, Time: at.UnixMilli()})
	if got := r.Advance(at); len(got) != 0 {
		t.Fatalf("released while behind: %v", got)
	}
	r.Progress("t/0", 1, 1, at.Add(time.Minute-time.Millisecond))
	if got := r.Advance(at); len(got) != 0 || !r.Watermark().Before(at) {
		t.Fatalf("released within the disorder: %v, W %v", got, r.Watermark())
	}
	r.Progress("t/0", 1, 1, at.Add(time.Minute))
	if got := r.Advance(at); len(got) != 1 || !r.Watermark().Equal(at) {
		t.Fatalf("got %v, W %v", got, r.Watermark())
	}
}

// A poller that ships every 5 minutes does not make its rows late.
func TestUsualDelay(t *testing.T) {
	r := newReader(Options{})
	r.Open("t/0", 0, 0)
	r.Open("t/1", 0, 0)
	clock := worldStart
	for i := range 200 {
		at := worldStart.Add(time.Duration(i) * time.Minute)
		clock = at.Add(time.Duration(i%5) * time.Minute) // shipped 0 to 4 min later
		r.Read([]byte(refreshAt(i, at, "success")), Meta{Source: "t/0", Offset: int64(i), Time: clock.UnixMilli()})
		r.Progress("t/0", int64(i), int64(i+1), clock)
	}
	backlog := worldStart.Add(-14 * 24 * time.Hour) // history shipped today is no delay
	r.Read([]byte(refreshAt(999, backlog, "success")), Meta{Source: "t/0", Offset: 200, Time: clock.UnixMilli()})
	clock = clock.Add(10 * time.Minute)
	r.Progress("t/0", 201, 201, clock)
	r.Progress("t/1", 0, 0, clock) // has no rows of its own: takes the others' word
	for _, s := range []string{"t/0", "t/1"} {
		if d := clock.Sub(r.RowTime(s)); d < 4*time.Minute || d > 5*time.Minute {
			t.Errorf("%s lags by %v, want 4 to 5 min", s, d)
		}
	}
	// A day later the old delays are forgotten.
	later := clock.Add(30 * time.Hour)
	r.Read([]byte(refreshAt(1000, later, "success")), Meta{Source: "t/0", Offset: 201, Time: later.UnixMilli()})
	r.Progress("t/0", 202, 202, later.Add(time.Hour))
	if d := later.Add(time.Hour).Sub(r.RowTime("t/0")); d > time.Second {
		t.Errorf("still lags by %v", d)
	}
}

// The slowest partition holds W; one that is far ahead waits; one that cannot be read for 10 min leaves.
func TestSlowestPartition(t *testing.T) {
	at := worldStart.Add(10 * time.Hour)
	r := newReader(Options{})
	r.Open("t/0", 0, 0)
	r.Open("t/1", 0, 0)
	r.Progress("t/0", 0, 1, at)
	r.Progress("t/1", 0, 1, at)
	r.Read([]byte(refreshAt(1, at, "success")), Meta{Source: "t/0", Offset: 0})
	if got := r.Advance(at); len(got) != 0 || !r.Watermark().IsZero() {
		t.Fatalf("W %v without a word of t/1", r.Watermark())
	}
	r.Read([]byte(refreshAt(2, at.Add(-2*time.Hour), "success")), Meta{Source: "t/1", Offset: 0})
	r.Advance(at)
	if w := r.Watermark(); !w.Equal(at.Add(-2*time.Hour - time.Minute)) {
		t.Errorf("W %v", w)
	}
	if !r.Paused("t/0") || r.Paused("t/1") {
		t.Errorf("paused %v %v, want true false", r.Paused("t/0"), r.Paused("t/1"))
	}
	var got []Event
	for m := range 12 {
		r.Progress("t/0", 1, 2, at.Add(time.Duration(m)*time.Minute))
		got = append(got, r.Advance(at.Add(time.Duration(m)*time.Minute))...)
	}
	if len(got) != 1 || r.Stats().Stalled != 1 || !r.Stalled("t/1") || r.Stalled("t/0") {
		t.Errorf("t/1 still holds back: %v, %d stalled", got, r.Stats().Stalled)
	}
	if r.Paused("t/0") {
		t.Error("paused for a lost one")
	}
	r.Progress("t/1", 1, 2, at.Add(12*time.Minute))
	if r.Advance(at.Add(12 * time.Minute)); r.Stats().Stalled != 0 || !r.Paused("t/0") {
		t.Error("t/1 is back, but not heeded")
	}
	for m := 13; m < 60; m++ { // t/0 is not asked while it waits
		now := at.Add(time.Duration(m) * time.Minute)
		r.Progress("t/1", 1, 2, now)
		r.Advance(now)
	}
	if r.Stats().Stalled != 0 {
		t.Error("a waiting source is taken for a lost one")
	}
	r.Close("t/1")
	if r.Paused("t/0") {
		t.Error("paused for a closed one")
	}
}

// An event complete only after W has passed it still comes, while it is no older than 72 h; older is counted.
func TestLate(t *testing.T) {
	clock := worldStart.Add(240 * time.Hour)
	r := newReader(Options{})
	r.Open("t/0", 0, 0)
	r.Read([]byte(clockRow(clock.Add(time.Minute))), Meta{Source: "t/0"})
	r.Advance(clock)
	for i, age := range []time.Duration{71 * time.Hour, 73 * time.Hour} {
		r.Read([]byte(refreshAt(i, clock.Add(-age), "success")), Meta{Source: "t/0", Offset: int64(i)})
	}
	got := r.Advance(clock)
	if len(got) != 1 || !got[0].Time.Equal(clock.Add(-71*time.Hour)) || r.Stats().Late != 1 {
		t.Errorf("got %v, %d late", got, r.Stats().Late)
	}
}

// A row from a clock that is ahead counts at its append time.
func TestClockAhead(t *testing.T) {
	r := newReader(Options{})
	r.Open("t/0", 0, 0)
	appended := worldStart.Add(time.Hour)
	for i, ahead := range []time.Duration{4 * time.Minute, 6 * time.Minute, 200 * 365 * 24 * time.Hour} {
		r.Read([]byte(refreshAt(i, appended.Add(ahead), "failed")), Meta{Source: "t/0", Offset: int64(i), Time: appended.UnixMilli()})
	}
	times := map[time.Duration]int{}
	for _, e := range r.Flush() {
		times[e.Time.Sub(appended)]++
	}
	if times[0] != 2 || times[4*time.Minute] != 1 || r.Stats().ClockAhead != 2 {
		t.Errorf("times after append: %v, %d ahead", times, r.Stats().ClockAhead)
	}
	if n := r.Newest(); n.After(appended.Add(5 * time.Minute)) {
		t.Errorf("newest %v", n)
	}
}

// Signs of life of one connection are told every 10 minutes, and at once after a failure.
func TestSignsOfLife(t *testing.T) {
	var values []string
	for i := range 31 {
		at := worldStart.Add(time.Duration(i) * time.Minute)
		values = append(values, operationRow(opID(at, i), "proxy", "call", "success", whoOf(1), at, at))
	}
	broken := worldStart.Add(12*time.Minute + 30*time.Second)
	id := opID(broken, 99)
	values = append(values, operationRow(id, "auth", "refresh_token", "failed", whoOf(1), broken, broken), errorLogRow(id, external, 400, `{"dataMessage":{"error":"invalid_grant"}}`, broken))
	got, st := read(t, Options{}, values...)
	var minutes []int
	for _, e := range got {
		if e.Kind == Active {
			minutes = append(minutes, int(e.Time.Sub(worldStart)/time.Minute))
		}
	}
	want := []int{0, 10, 13, 23}
	if len(minutes) != len(want) || st.Merged != int64(31-len(want)) {
		t.Fatalf("told at %v, want %v; %d merged", minutes, want, st.Merged)
	}
	for i := range want {
		if minutes[i] != want[i] {
			t.Fatalf("told at %v, want %v", minutes, want)
		}
	}
}

// A process that slept for longer than 10 min has not asked: nobody is lost by that.
func TestStandstill(t *testing.T) {
	r := newReader(Options{})
	now := worldStart.Add(10 * time.Hour)
	for _, name := range []string{"t/0", "t/1"} {
		r.Open(name, 0, 5)
		r.Progress(name, 0, 5, now)
	}
	r.Advance(now)
	now = now.Add(45 * time.Minute)
	r.Progress("t/0", 1, 5, now)
	if r.Advance(now); r.Stats().Stalled != 0 {
		t.Error("t/1 is taken for lost before it was asked")
	}
}

// A caught-up source does not run away from the rows: history that is filled in, one partition after the other, is not late.
func TestBackfillIntoCaughtUp(t *testing.T) {
	today := worldStart.AddDate(0, 0, 14)
	r := newReader(Options{})
	for _, name := range []string{"t/0", "t/1"} {
		r.Open(name, 0, 0)
		r.Progress(name, 0, 0, today)
	}
	r.Advance(today)
	released := 0
	for i := range 100 {
		name, h := []string{"t/0", "t/1"}[i/50], i*2%100+i/50 // first all even hours, then all odd ones
		at := worldStart.Add(time.Duration(h) * time.Hour)
		for _, row := range []string{refreshAt(h, at, "failed"), errorLogRow(opID(at, h), external, 400, `{"dataMessage":{"error":"invalid_grant"}}`, at)} {
			r.Read([]byte(row), Meta{Source: name, Offset: int64(i), Time: today.UnixMilli()})
		}
		r.Progress("t/0", int64(i), int64(i), today)
		r.Progress("t/1", int64(i), int64(i), today)
		released += len(r.Advance(today))
	}
	if released != 0 {
		t.Errorf("%d released while history comes in", released)
	}
	later := today.Add(6 * time.Second)
	r.Progress("t/0", 100, 100, later)
	r.Progress("t/1", 100, 100, later)
	got := r.Advance(later)
	if st := r.Stats(); st.Late != 0 || len(got) != 100 || !slices.IsSortedFunc(got, func(a, b Event) int { return a.Time.Compare(b.Time) }) {
		t.Errorf("%d released of 100, %d late", len(got), st.Late)
	}
}

// A backlog that reaches up to now comes in one partition before the other: both are waited for.
func TestBacklogIntoCaughtUp(t *testing.T) {
	now := worldStart.AddDate(0, 0, 10)
	r := newReader(Options{})
	read := func(name string, hours ...int) {
		for i, h := range hours {
			at := worldStart.Add(time.Duration(h) * time.Hour)
			for _, row := range []string{refreshAt(h, at, "failed"), errorLogRow(opID(at, h), external, 400, `{"dataMessage":{"error":"invalid_grant"}}`, at)} {
				r.Read([]byte(row), Meta{Source: name, Offset: int64(i), Time: now.UnixMilli()})
			}
		}
	}
	progress := func() []Event {
		r.Progress("t/0", 9, 9, now)
		r.Progress("t/1", 9, 9, now)
		return r.Advance(now)
	}
	r.Open("t/0", 0, 0)
	r.Open("t/1", 0, 0)
	read("t/0", 0)
	now = worldStart.Add(time.Minute)
	progress()
	now = worldStart.AddDate(0, 0, 10) // nothing came for ten days
	progress()
	read("t/0", 100, 200, 239)
	if got := progress(); len(got) != 0 {
		t.Fatalf("released %v", got)
	}
	now = now.Add(2 * time.Second)
	read("t/1", 50, 150, 238)
	now = now.Add(6 * time.Second)
	got := progress()
	now = now.Add(30 * time.Second)
	got = append(got, progress()...)
	if st := r.Stats(); st.Late != 0 || len(got) < 5 || !slices.IsSortedFunc(got, func(a, b Event) int { return a.Time.Compare(b.Time) }) {
		t.Errorf("released %v, %d late", got, st.Late)
	}
}

// What rows that have not come yet could decide stays undecided when reading is suspended.
func TestSuspend(t *testing.T) {
	at := worldStart.Add(time.Hour)
	r := newReader(Options{})
	r.Open("f", 0, -1)
	for i, v := range []string{refreshAt(1, at, "success"), refreshAt(2, at, "failed"), clockRow(at.Add(time.Hour))} {
		r.Read([]byte(v), Meta{Source: "f", Offset: int64(i) * 256})
	}
	r.Close("f")
	if got := r.Suspend(); len(got) != 1 || got[0].Kind != Reconnected || r.Stats().Held != 1 {
		t.Fatalf("released %v, %d held", got, r.Stats().Held)
	}
	if w := r.Watermark(); !w.Equal(at.Add(59 * time.Minute)) {
		t.Errorf("W %v", w)
	}
	r.Open("g", 0, -1)
	r.Read([]byte(errorLogRow(opID(at, 2), external, 400, `{"dataMessage":{"error":"invalid_grant"}}`, at)), Meta{Source: "g"})
	if got := r.Flush(); len(got) != 1 || got[0].Reason != "invalid_grant" {
		t.Errorf("the later row is lost: %v", got)
	}
}

// A failure waits for its http row only while that could still say why.
func TestWaitsOnlyWhileItHelps(t *testing.T) {
	at := worldStart.Add(time.Hour)
	id := opID(at, 1)
	op := refreshAt(1, at, "failed")
	empty := errorLogRow(id, external, 400, `{"dataMessage":null}`, at)
	h503 := httpErrorRow(id, 503, `null`, at)
	for _, tt := range []struct {
		name  string
		rows  []string
		after time.Duration
		want  string
	}{
		{"the reason is there", []string{op, errorLogRow(id, external, 400, `{"message":"DNS resolution failed."}`, at)}, 2 * time.Minute, "dns_failure"},
		{"the status may come", []string{op, empty}, 2 * time.Minute, ""},
		{"the status has come", []string{op, empty, h503}, 2 * time.Minute, "http_503"},
		{"it never came", []string{op, empty}, 6*time.Hour + 2*time.Minute, "empty_body"},
		{"nothing came", []string{op}, 6*time.Hour + 2*time.Minute, "no_reason"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newReader(Options{})
			r.Open("t/0", 0, 0)
			for i, v := range tt.rows {
				r.Read([]byte(v), Meta{Source: "t/0", Offset: int64(i)})
			}
			r.Read([]byte(clockRow(at.Add(tt.after))), Meta{Source: "t/0"})
			got, reason := r.Advance(time.Time{}), ""
			if len(got) == 1 {
				reason = got[0].Reason
			}
			if len(got) > 1 || reason != tt.want {
				t.Errorf("got %v, want reason %q", got, tt.want)
			}
		})
	}
}

func TestUnjoinedIsCounted(t *testing.T) {
	_, st := read(t, Options{}, errorLogRow(opID(worldStart, 1), external, 400, `{}`, worldStart))
	if st.Unjoined != 1 {
		t.Errorf("%+v", st)
	}
}

// Ids are remembered 78 h, bounded, oldest first; what was forgotten before it was stored is never emitted.
func TestMemory(t *testing.T) {
	m := newMemory()
	m.add([]byte("old"), 1)
	m.add([]byte("new"), 100*3600_000)
	m.forget(100 * 3600_000)
	if m.has([]byte("old")) || !m.has([]byte("new")) {
		t.Error("78 h are kept wrongly")
	}
	var keys int
	m.changes(bucketDone, func(_, _ string, value []byte) { keys++ })
	m.forget(1000 * 3600_000)
	m.changes(bucketDone, func(_, _ string, value []byte) {
		keys++
		if value != nil {
			t.Error("wrote what is forgotten")
		}
	})
	if keys != 2 {
		t.Errorf("%d keys emitted, want 2", keys)
	}
	for i := range maxMemory + 5 {
		m.add([]byte{byte(i), byte(i >> 8), byte(i >> 16)}, int64(i))
	}
	if len(m.known) != maxMemory || m.has([]byte{4, 0, 0}) || !m.has([]byte{5, 0, 0}) {
		t.Errorf("%d remembered", len(m.known))
	}
}

func TestRestoreRefusesWhatItCannotRead(t *testing.T) {
	for _, bucket := range []string{bucketReader, bucketSource, bucketJoin, bucketDone, bucketActive} {
		if newReader(Options{}).Restore(bucket, "1", []byte("{nonsense")) == nil {
			t.Errorf("%s: no error", bucket)
		}
	}
	if err := newReader(Options{}).Restore("another room", "1", []byte("x")); err != nil {
		t.Error(err)
	}
}

// Every row that tells a time is told of, once, whatever is released of it.
func TestRowTimes(t *testing.T) {
	var told []string
	r := newReader(Options{Row: func(t time.Time) { told = append(told, t.Format(time.TimeOnly)) }})
	r.Open("p", 0, -1)
	for i, value := range []string{
		`{"id":"1772413200000_Ab000001","type":"operation","operation":{"type":"auth","action":"refresh_token"},"state":"failed","createdAt":"2026-03-02T01:00:00.000Z"}`,
		`{"id":"x","type":"log","parentId":"1772413200000_Ab000001","message":"nothing of refresh_token","createdAt":"2026-03-02T01:00:05.000Z"}`,
		`garbage with refresh_token in it`,
	} {
		r.Read([]byte(value), Meta{Source: "p", Offset: int64(i)})
	}
	if want := []string{"01:00:00", "01:00:05"}; !slices.Equal(told, want) {
		t.Errorf("told of %v, want %v", told, want)
	}
}

// A pipeline may turn times into seconds; a bulk body may hold a row that matters behind one that does not.
func TestOddButReadable(t *testing.T) {
	seconds := `{"id":"x","type":"operation","operation":{"type":"auth","action":"refresh_token"},"state":"failed","environmentName":"prod","providerName":"box","integrationName":"box","connectionName":"c","createdAt":1772413200}`
	if got, s := read(t, Options{}, seconds); len(got) != 1 || got[0].Time.Unix() != 1772413200 {
		t.Errorf("seconds: %+v, %v", got, s.Quarantined)
	}
	bulk := `{"index":{"_index":"operations"}}` + "\n" + `{"id":"1772413200000_Ab000007","type":"operation","operation":{"type":"sync","action":"run"},"level":"info","state":"success","createdAt":"2026-03-02T01:00:00.000Z"}` + "\n" +
		`{"update":{"_index":"operations","_id":"1772413200000_Ab000001"}}` + "\n" + `{"doc":{"state":"success","endedAt":"2026-03-02T01:00:01.000Z"}}`
	if !relevant([]byte(bulk)) {
		t.Error("a bulk body is skipped for its first row")
	}
}
