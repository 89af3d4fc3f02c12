package main

import (
	"hash/maphash"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// checkup is what the doctor saw of what comes in.
type checkup struct {
	engine *engine
	now    time.Time // clock at the end
	pinned string    // the one envelope that is accepted, or auto
	asks   bool      // Nango's API is asked who connections belong to
	config string    // what keeps `run` from starting; "" when nothing does
	broken []string  // files that break off

	files  int           // that were read; 0: topics
	topics []partSeen    // their partitions
	keeps  time.Duration // how long the topics keep records; 0: not known, or for ever
	group  string        // why the group of the daemon may not be used; "" when it may
	stuck  string        // why not everything was read; "" when it was
	live   time.Duration // how long it looked at what came
	fresh  int64         // records that came meanwhile

	records    int64
	kinds      map[string]int64 // rows, as Stats.Rows names them
	operations map[string]int64 // rows of operations, by what they are about
	envelopes  map[string]int64 // records with rows, by the outermost envelope
	looks      map[string]int64 // records without a row, by what they look like
	providers  map[string]int64 // rows that name them
	ended      map[string]bool  // operations, by id: were they seen to end
	copies     int64            // records of which the same bytes came before
	last       time.Time        // append time of the newest record,
	lastRow    time.Time        // and of the newest with rows of Nango
	seen       map[uint64]struct{}
	seed       maphash.Seed

	connections map[connectionName]bool // with an event; is the customer known
	events      map[nango.Kind]int64
	unheard     int64 // failures of which no error row came
	stats       nango.Stats
}

type connectionName struct{ environment, integration, connection string }

// partSeen is one partition of a topic.
type partSeen struct {
	topic       string
	partition   int
	first, end  int64     // offsets
	from        int64     // read from here on
	oldest      time.Time // there are records from before it; zero: not known
	read        int64
	reachedOnce bool
}

// Bounds on what is remembered: what is beyond is not told apart any more.
const maxRemembered = 200_000

func newCheckup(c *config) *checkup {
	f := &checkup{
		engine: newEngine(c, time.Now()), pinned: c.envelope, asks: c.nango.secretKey != "",
		kinds: map[string]int64{}, operations: map[string]int64{}, envelopes: map[string]int64{}, looks: map[string]int64{}, providers: map[string]int64{},
		ended: map[string]bool{}, seen: map[uint64]struct{}{}, seed: maphash.MakeSeed(), connections: map[connectionName]bool{}, events: map[nango.Kind]int64{},
	}
	f.engine.read, f.engine.event = f.take, f.event
	return f
}

// take reads one record and notes what is seen in it.
func (f *checkup) take(value []byte, m nango.Meta) {
	f.records++
	f.last = later(f.last, m.Time)
	f.copied(value)
	found := f.engine.reader.Explain(value, m)
	if len(found.Rows) == 0 {
		f.looks[looksLike(value, found.Why)]++
		return
	}
	f.lastRow = later(f.lastRow, m.Time)
	outer := "row"
	if len(found.Envelope) > 0 {
		outer = found.Envelope[0]
	}
	f.envelopes[outer]++
	for i := range found.Rows {
		f.row(&found.Rows[i])
	}
}

// later returns the later of t and a time in Unix ms, which is none when it is not above 0.
func later(t time.Time, ms int64) time.Time {
	if x := time.UnixMilli(ms); ms > 0 && x.After(t) {
		return x
	}
	return t
}

// copied notes whether the same bytes came before.
func (f *checkup) copied(value []byte) {
	sum := maphash.Bytes(f.seed, value)
	if _, known := f.seen[sum]; known {
		f.copies++
	} else if len(f.seen) < maxRemembered {
		f.seen[sum] = struct{}{}
	}
}

func (f *checkup) row(row *nango.FoundRow) {
	f.kinds[row.Kind]++
	if p := fieldOf(row, "provider"); p != "" && (len(f.providers) < 1000 || f.providers[p] > 0) {
		f.providers[p]++
	}
	if row.Kind != "operation" && row.Kind != "other_operation" && row.Kind != "update" {
		return
	}
	if op := fieldOf(row, "operation"); op != "" && len(f.operations) < 1000 {
		f.operations[op]++
	}
	if id, known := row.Operation, f.ended[row.Operation]; id != "" && (known || len(f.ended) < maxRemembered) {
		f.ended[id] = known || hasEnded(fieldOf(row, "state"))
	}
}

func hasEnded(state string) bool {
	return state == "success" || state == "failed" || state == "timeout" || state == "cancelled"
}

func fieldOf(row *nango.FoundRow, name string) string {
	for _, x := range row.Fields {
		if x.Name == name {
			return x.Value
		}
	}
	return ""
}

// event notes what comes of the rows.
func (f *checkup) event(e nango.Event, _ bool) {
	f.events[e.Kind]++
	if e.Kind == nango.Failure && e.Cause == nango.Unknown && e.Type == "" && e.OperationID != "" {
		f.unheard++
	}
	c := connectionName{e.Environment, e.Integration, e.Connection}
	if known := f.connections[c]; e.Connection != "" && e.Kind != nango.UnknownConnection && (known || len(f.connections) < maxRemembered) {
		f.connections[c] = known || e.Account != ""
	}
}

// end takes what is held: what the rows can say is said.
func (f *checkup) end(now time.Time) {
	f.engine.flush(now)
	f.now, f.stats, f.broken = now, f.engine.reader.Stats(), f.engine.doubt.broken
}

// The rows of a kind, or of any of several.
func (f *checkup) rows(kinds ...string) (n int64) {
	for _, k := range kinds {
		n += f.kinds[k]
	}
	return n
}

func (f *checkup) operationRows() int64 { return f.rows("operation", "update", "other_operation") }
func (f *checkup) messageRows() int64   { return f.rows("message_log", "message_http", "other_message") }
func (f *checkup) allRows() int64 {
	return f.operationRows() + f.messageRows() + f.rows("webhook", "span")
}

// console reports whether all operations come as lines of Nango's console.
func (f *checkup) console() bool {
	return f.envelopes["console"] > 0 && f.messageRows() == 0 && f.envelopes["console"] >= f.operationRows()
}

// refused counts the refused refreshes by every road.
func (f *checkup) refused() int64 { return max(f.stats.Refreshes, failures(f.stats)) }
