package nango

import "time"

// Header is a record header.
type Header = struct {
	Key   string
	Value []byte
}

// Meta is where and when a record was found.
type Meta struct {
	Source  string // the partition or file; opened with Open
	Offset  int64
	Time    int64  // append time, Unix milliseconds; <= 0 when not known
	Key     []byte // the record key; names the operation of a partial update that nothing else names
	Headers []Header
}

// Options of a Reader. The zero value of a field means its default.
type Options struct {
	Disorder      time.Duration   // how far rows may be out of order (default 1 min)
	JoinGrace     time.Duration   // how long of W an incomplete failure waits for the rest (default 6 h)
	JoinMax       int             // most operations held at a time (default 250,000)
	AccountFields []string        // where the customer account is found, first that is there
	Tags          []string        // keys of the customer tags that are kept, at most 8 (default organization_id and end_user_id; empty, not nil: none)
	Envelope      string          // one of Envelopes (default auto)
	Rules         *Rules          // default: the built-in table
	Ceiling       time.Time       // rows without append time later than this + 5 min are quarantined; zero = no limit
	Row           func(time.Time) // called by Read with the time of every row that tells one; default: nothing
}

const (
	defaultDisorder = time.Minute
	defaultGrace    = 6 * time.Hour
	defaultJoinMax  = 250_000
)

func ms(d, byDefault time.Duration) int64 {
	if d <= 0 {
		d = byDefault
	}
	return d.Milliseconds()
}
