package nango

import (
	"maps"
	"strconv"

	"github.com/valyala/fastjson"
)

// Stats are plain counters since the Reader was made; Records = Skipped + Understood + Ignored + the sum of Quarantined.
type Stats struct {
	Records     int64
	Skipped     int64            // by the prefilter: cannot matter
	Understood  int64            // held at least one row that matters
	Ignored     int64            // read, but nothing in it matters
	Quarantined map[string]int64 // could not be read, by reason
	Damaged     int64            // understood in part: some row in it could not be read
	BadUTF8     int64            // understood, although not valid UTF-8

	Envelopes map[string]int64 // understood records by their outermost envelope, a name of Envelopes

	Rows     map[string]int64 // operation, update, message_log, message_http, webhook, span; other_operation, other_message: read, but of no meaning here
	Events   map[Kind]int64   // released
	Failures map[Cause]int64  // released
	Late     int64            // complete more than 72 h behind the watermark: not released

	Refreshes int64 // refused refreshes met in rows, each operation once
	Heard     int64 // of these, for how many an error row of a known form was read, were it one that does not hold the reason
	Reasons   int64 // of these, how many had a cause other than unknown
	Accounts  int   // Nango accounts seen in rows, exact up to 16: more than one share this instance

	Echoes     int64 // webhooks and spans that repeat what rows say: not released
	Unjoined   int64 // a reason whose operation never came
	Unnamed    int64 // a failure that names no connection
	Evicted    int64 // decided before its time because too many were held
	Duplicates int64 // rows of operations already released
	Merged     int64 // signs of life too close to the last one
	ClockAhead int64 // row times more than 5 min ahead of the append time

	Held    int // operations waiting for rows or for the watermark; those that only stand by, because they have not ended, are not among them
	Sources int // open
	Behind  int // open and holding everything back
	Stalled int // open and unreadable for 10 min
}

func newStats() Stats {
	return Stats{Quarantined: map[string]int64{}, Envelopes: map[string]int64{}, Rows: map[string]int64{}, Events: map[Kind]int64{}, Failures: map[Cause]int64{}}
}

// Stats returns a copy of the counters.
func (r *Reader) Stats() Stats {
	s := r.stats
	s.Held, s.Accounts = len(r.queue)-len(r.idle.ids), len(r.owners)
	for _, src := range r.sources {
		if src.open {
			s.Sources++
		}
		if src.open && src.waiting() {
			s.Behind++
		}
	}
	s.Quarantined, s.Rows, s.Envelopes = maps.Clone(s.Quarantined), maps.Clone(s.Rows), maps.Clone(s.Envelopes)
	s.Events, s.Failures = maps.Clone(s.Events), maps.Clone(s.Failures)
	return s
}

// The ways in which a refused refresh is counted, each once.
const (
	countRefused uint8 = 1 << iota
	countHeard
	countExplained
)

// judged counts an operation as a refused refresh, as one of which rows told, and as one with a reason, the first time it is.
func (r *Reader) judged(e *entry) {
	before := e.counted
	r.known(e)
	for _, c := range [...]struct {
		as uint8
		to *int64
	}{{countRefused, &r.stats.Refreshes}, {countHeard, &r.stats.Heard}, {countExplained, &r.stats.Reasons}} {
		if e.counted&^before&c.as != 0 {
			*c.to++
		}
	}
}

// known marks an entry as counted.
func (r *Reader) known(e *entry) {
	if e.Kind != opRefresh || e.State == stateSuccess {
		return
	}
	e.counted |= countRefused
	if e.Heard {
		e.counted |= countHeard
	}
	if e.cause != "" && e.cause != Unknown {
		e.counted |= countExplained
	}
}

// maxOwners bounds the Nango accounts that are told apart.
const maxOwners = 16

// owner notes the Nango account of an operation row. The store's own test rows and rows of nobody have none.
func (r *Reader) owner(v *fastjson.Value) {
	id := v.Get("accountId")
	n := id.GetInt64()
	if s := id.GetStringBytes(); s != nil {
		n, _ = strconv.ParseInt(string(s), 10, 64)
	}
	if n > 0 && len(r.owners) < maxOwners {
		r.owners[n] = struct{}{}
	}
}
