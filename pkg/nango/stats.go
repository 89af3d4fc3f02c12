package nango

import "maps"

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

	Unjoined   int64 // a reason whose operation never came
	Unnamed    int64 // a failure that names no connection
	Evicted    int64 // decided before its time because too many were held
	Duplicates int64 // rows of operations already released
	Merged     int64 // signs of life too close to the last one
	ClockAhead int64 // row times more than 5 min ahead of the append time

	Held    int // operations waiting for rows or for the watermark
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
	s.Held = len(r.queue)
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
