package nango

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// History may come in any order, in any number of pieces, any row any number of times.
func TestHistoryInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		values := make([]string, 0, 2*len(w.rows))
		for _, x := range w.rows {
			for range rapid.IntRange(1, 2).Draw(t, "copies") {
				values = append(values, x.value)
			}
		}
		values = rapid.Permutation(values).Draw(t, "order")
		r := newReader(Options{})
		files := rapid.IntRange(1, 3).Draw(t, "files")
		for f := range files {
			r.Open(fmt.Sprint("file", f), 0, -1)
		}
		var got []Event
		for i, v := range values {
			f := fmt.Sprint("file", rapid.IntRange(0, files-1).Draw(t, "file"))
			r.Read([]byte(v), Meta{Source: f, Offset: int64(i)})
			if rapid.IntRange(0, 9).Draw(t, "advance") == 0 {
				got = append(got, r.Advance(time.Time{})...)
			}
		}
		if len(got) != 0 || !r.Watermark().IsZero() {
			t.Fatalf("released while behind: %v %+v", r.Watermark(), got)
		}
		got = append(got, r.Flush()...)
		sameEvents(t, got, w.events)
		checkSum(t, r.Stats())
	})
}

// live reads a world from partitions, in batches of any size, partition by partition in any order.
type live struct {
	r     *Reader
	rest  [][]row
	next  []int64
	got   []Event
	store map[[2]string][]byte
}

func newLive(t *rapid.T, w world) *live {
	n := rapid.IntRange(1, 4).Draw(t, "partitions")
	l := &live{r: newReader(Options{}), rest: make([][]row, n), next: make([]int64, n), store: map[[2]string][]byte{}}
	for _, x := range shipped(t, w.rows) {
		p := rapid.IntRange(0, n-1).Draw(t, "partition")
		l.rest[p] = append(l.rest[p], x)
	}
	l.open()
	return l
}

// shipped puts rows in the order of shipping, which is that of writing or as far from it as may be: a row is a few ms younger than its operation.
func shipped(t *rapid.T, rows []row) []row {
	if !rapid.Bool().Draw(t, "out of order") {
		return rows
	}
	at := make([]time.Time, len(rows))
	for i, x := range rows {
		at[i] = x.at.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 30_000, 59_950}).Draw(t, "ms late")) * time.Millisecond)
	}
	order := indices(len(rows))
	slices.SortStableFunc(order, func(a, b int) int { return at[a].Compare(at[b]) })
	list := make([]row, len(rows))
	for i, k := range order {
		list[i] = rows[k]
	}
	return list
}

func (l *live) open() {
	for p := range l.rest {
		l.r.Open(fmt.Sprint("t/", p), l.next[p], l.next[p])
	}
}

func (l *live) done() bool {
	return !slices.ContainsFunc(l.rest, func(rows []row) bool { return len(rows) > 0 })
}

func (l *live) batch(t *rapid.T) {
	p := rapid.IntRange(0, len(l.rest)-1).Draw(t, "next")
	k := min(rapid.IntRange(1, 12).Draw(t, "batch"), len(l.rest[p]))
	for _, x := range l.rest[p][:k] {
		readOne(l.r, x, fmt.Sprint("t/", p), l.next[p])
		l.next[p]++
	}
	l.rest[p] = l.rest[p][k:]
	l.r.Progress(fmt.Sprint("t/", p), l.next[p], l.next[p]+1, worldStart)
	l.got = append(l.got, l.r.Advance(time.Time{})...)
}

// Batches and the interleaving of partitions vanish: the same events in the same order.
func TestLiveInAnyBatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		l := newLive(t, w)
		for !l.done() {
			l.batch(t)
		}
		l.got = append(l.got, l.r.Flush()...)
		sameEvents(t, l.got, w.events)
	})
}

// A restart at any point goes on as if nothing had been.
func TestRestartAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		l := newLive(t, w)
		for !l.done() {
			l.batch(t)
			switch rapid.IntRange(0, 4).Draw(t, "fortune") {
			case 0:
				l.restart(t)
			case 1:
				l.commit()
			}
		}
		l.restart(t)
		l.got = append(l.got, l.r.Flush()...)
		sameEvents(t, l.got, w.events)
	})
}

func (l *live) commit() {
	l.r.Changes(func(bucket, key string, value []byte) {
		if value == nil {
			delete(l.store, [2]string{bucket, key})
			return
		}
		l.store[[2]string{bucket, key}] = slices.Clone(value)
	})
}

func (l *live) restart(t interface{ Fatalf(string, ...any) }) {
	l.commit()
	before := l.r
	l.r = newReader(Options{})
	for k, v := range l.store {
		if err := l.r.Restore(k[0], k[1], v); err != nil {
			t.Fatalf("%v", err)
		}
	}
	if !l.r.Watermark().Equal(before.Watermark()) || !l.r.Newest().Equal(before.Newest()) || len(l.r.queue) != len(before.queue) {
		t.Fatalf("restored W %v newest %v held %d, want %v %v %d", l.r.Watermark(), l.r.Newest(), len(l.r.queue),
			before.Watermark(), before.Newest(), len(before.queue))
	}
	l.open()
}

// Rows shipped twice, the second time after everything was released, change nothing.
func TestTwiceIsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		r := newReader(Options{})
		r.Open("t/0", 0, 0)
		var got []Event
		for range 2 {
			for i, x := range w.rows {
				r.Read([]byte(x.value), Meta{Source: "t/0", Offset: int64(i)})
			}
			// Time goes on: everything that can still be joined is decided.
			r.Read([]byte(clockRow(worldStart.Add(48*time.Hour))), Meta{Source: "t/0"})
			got = append(got, r.Advance(time.Time{})...)
		}
		sameEvents(t, got, w.events)
	})
}

// clockRow is a row that says nothing but when it was written, to be read at an offset that is always looked at.
func clockRow(at time.Time) string {
	return `{"id":"` + opID(at, 99999) + `","type":"operation","operation":{"type":"sync","action":"run"},"level":"info","state":"success","createdAt":"` + stampOf(at) + `"}`
}

// What the prefilter drops would not have become anything, in whatever envelope.
func TestPrefilterDropsNothingUseful(t *testing.T) {
	var values []string
	for kind := range kinds {
		for _, x := range tell(kind, kind, worldStart).rows {
			values = append(values, x.value)
		}
	}
	for i, a := range answers(t) {
		if i%5 == 0 {
			values = append(values, a.rows(i)...)
		}
	}
	values = append(values, fixtureValues(t)...)
	for _, s := range append(signs(), updates()...) {
		values = append(values, s.rows...)
	}
	for _, op := range []string{"refresh", "override", "creation"} {
		values = append(values, `{"timestamp":"2026-03-02T00:00:01Z","level":"info","body":`+webhookBody(op, 1, true)+`}`, webhookBody(op, 1, false))
	}
	skipped := 0
	for _, v := range values {
		for _, e := range wrappers {
			v := e.wrap(v)
			if relevant([]byte(v)) {
				continue
			}
			skipped++
			r := newReader(Options{})
			r.Read([]byte(v), Meta{Source: "file", Time: worldStart.UnixMilli()}) // offset 0 is always read
			if r.useful {
				t.Errorf("dropped, but useful: %s", v)
			}
		}
	}
	if skipped == 0 {
		t.Error("nothing was skipped: this test cannot fail")
	}
}

// Whatever stands together in one value, in whatever envelope, the events are those of reading everything.
func TestPrefilterChangesNothing(t *testing.T) {
	level := around{name: "own level", holds: text, wrap: inText(`{"level":"info","ts":1772409600.5,"msg":`, `}`)}
	rapid.Check(t, func(t *rapid.T) {
		var rows []string
		for i := range rapid.IntRange(1, 8).Draw(t, "stories") {
			for _, x := range tell(rapid.IntRange(0, kinds-1).Draw(t, "kind"), i, worldStart.Add(time.Duration(i)*time.Minute)).rows {
				rows = append(rows, x.value)
			}
			rows = append(rows, noise(i))
		}
		rows = rapid.Permutation(rows).Draw(t, "order")
		filtered, all := newReader(Options{}), newReader(Options{})
		for n := int64(1); len(rows) > 0; n++ {
			k := min(rapid.IntRange(1, 3).Draw(t, "together"), len(rows))
			v := rapid.SampledFrom([]string{"[%s]", `{"data":[%s],"pagination":{}}`, `{"hits":{"hits":[%s]}}`}).Draw(t, "list")
			v = strings.Replace(v, "%s", strings.Join(rows[:k], ","), 1)
			if k == 1 {
				v = rows[0]
			}
			rows = rows[k:]
			if w := rapid.SampledFrom(append(wrappers, level)).Draw(t, "wrapper"); w.fits(around{}) {
				v = w.wrap(v)
			}
			filtered.Read([]byte(v), Meta{Source: "f", Offset: n})
			all.Read([]byte(v), Meta{Source: "f", Offset: 256 * n}) // an offset at which all is read
		}
		if d := difference(filtered.Flush(), all.Flush()); d != "" {
			t.Fatal(d)
		}
		checkSum(t, filtered.Stats())
	})
}

func TestPrefilterFindsWhatIsSpelledOddly(t *testing.T) {
	at := worldStart
	op := operationRow(opID(at, 1), "auth", "refresh_token", "failed", whoOf(1), at, at)
	for _, v := range []string{
		op, strings.ReplaceAll(op, `":"`, "\"  :\n \""), strings.ReplaceAll(op, "refresh_token", `refresh\u005ftoken`), quoted(quoted(op)), quoted(quoted(quoted(op))),
		`{"level":"info","operation":{"type" : "proxy"}}`, `{"level":"info","message":"Token manual refresh fetch was successful for x","createdAt":"2026"}`,
		`{"level":"info","doc":{"state":"success"}}`, `{"level":"info","createdAt":"2026","log":"{\"_id\":\"1\",\"doc\":{\"state\":\"success\"}}"}`, "\n\x05level createdAt",
		`{"level":"warn","createdAt":"2026","message":"HTTP 424: The refresh limit has been reached for this connection."}`, `{"level":"info","createdAt":"2026","error":"unknown_connection"}`,
		`{"level":"info","createdAt":"2026","endedAt":null}`,
		`{"values":[{"key":"level","value":{"stringValue":"error"}},{"key":"createdAt"}]}`, `{"fields":{"level":["error"],"createdAt":["2026"]}}`, `{"doc":{"state":"success"}}`, `"level": "error"`, `v`, ``,
	} {
		if !relevant([]byte(v)) {
			t.Errorf("skipped %q", v)
		}
	}
	for i := range 8 {
		if v := noise(i); relevant([]byte(v)) {
			t.Errorf("not skipped: %s", v)
		}
	}
}

// Five callers of one dead connection make five operations, their messages and their webhooks: five failures of one connection, whatever comes
// first, also when one file holds all operations and another all messages.
func TestParallelFailures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		apart := rapid.Bool().Draw(t, "operations apart")
		var values [3][]string
		for k := range 5 {
			x := told{"refused", worldStart.Add(time.Duration(k) * time.Millisecond), 1, k}
			rows := append(x.rows(), told{"hook failed", x.at.Add(time.Second), 1, 0}.rows()...)
			for i, row := range append(rows, rows[rapid.IntRange(0, 2).Draw(t, "twice")]) {
				f := i % 3
				if !apart {
					f = rapid.IntRange(0, 2).Draw(t, "file")
				}
				values[f] = append(values[f], row.value)
			}
		}
		r := newReader(Options{})
		for f := range values {
			r.Open(fmt.Sprint(f), 0, -1)
		}
		for f := range values {
			for _, v := range rapid.Permutation(values[f]).Draw(t, "order") {
				r.Read([]byte(v), Meta{Source: fmt.Sprint(f), Offset: 1})
			}
		}
		failures, connections := 0, map[string]bool{}
		for _, e := range r.Flush() {
			connections[e.Connection] = true
			if e.Kind == Failure && e.Cause == Revoked && e.OperationID != "" {
				failures++
			} else if e.Kind != Seen {
				t.Fatalf("%+v", e)
			}
		}
		if failures != 5 || len(connections) != 1 || r.Stats().Echoes != 5 {
			t.Fatalf("%d failures of %v, %d echoes", failures, connections, r.Stats().Echoes)
		}
	})
}

// A tee's flood of calls and scripts that have not ended pushes out only its own kind: a refusal still finds its reason. What is pushed out said nothing, and is not counted.
func TestFloodOfUnended(t *testing.T) {
	r := newReader(Options{JoinMax: 80})
	r.Open("t/0", 0, 0)
	id := opID(worldStart, 9999)
	r.Read([]byte(operationRow(id, "auth", "refresh_token", "running", whoOf(1), worldStart, time.Time{})), Meta{Source: "t/0"})
	for i := range 300 {
		at := worldStart.Add(time.Duration(i) * time.Millisecond)
		typ, action := "proxy", "call"
		if i%3 == 0 {
			typ, action = "sync", "run"
		}
		r.Read([]byte(operationRow(opID(at, i), typ, action, "running", whoOf(2), at, time.Time{})), Meta{Source: "t/0"})
	}
	r.Read([]byte(errorLogRow(id, external, 400, `{"dataMessage":{"error":"invalid_grant"}}`, worldStart)), Meta{Source: "t/0"})
	last := worldStart.Add(299 * time.Millisecond)
	r.Read([]byte(`{"path":"/rows/_update/`+opID(last, 299)+`","body":{"doc":{"state":"success"}}}`), Meta{Source: "t/0"})
	got := r.Flush()
	if len(got) != 2 || got[0].Cause != Revoked || got[1].Kind != Active || r.Stats().Evicted != 0 {
		t.Errorf("%+v, %d evicted", got, r.Stats().Evicted)
	}
}

// What has not ended, or failed without a word, is held as long as a refusal, but is not counted among what waits.
func TestUnendedStandBy(t *testing.T) {
	r := newReader(Options{})
	r.Open("t/0", 0, 0)
	for i, state := range []string{"running", "failed"} {
		r.Read([]byte(operationRow(opID(worldStart, i), "proxy", "call", state, "", worldStart, time.Time{})), Meta{Source: "t/0"})
	}
	r.Read([]byte(operationRow(opID(worldStart, 3), "sync", "run", "running", whoOf(1), worldStart, time.Time{})), Meta{Source: "t/0"})
	for _, x := range []struct {
		after time.Duration
		held  int
	}{{17 * time.Minute, 3}, {6 * time.Hour, 3}, {6*time.Hour + 2*time.Minute, 0}} {
		r.Read([]byte(clockRow(worldStart.Add(x.after))), Meta{Source: "t/0"})
		if got := r.Advance(time.Time{}); len(got) != 0 || len(r.entries) != x.held || len(r.idle.ids) != x.held || r.Stats().Held != 0 {
			t.Errorf("after %v: %d held, want %d; %v", x.after, len(r.entries), x.held, got)
		}
	}
}
