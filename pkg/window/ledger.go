// Package window keeps what happened: which connections are broken, and when each newly broke.
//
// It is pure: no goroutine, lock, clock, file, network, log or metric. Time is a parameter.
package window

import (
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

const (
	forgetFailure = 7 * 24 * time.Hour  // a failure longer ago than this does not make the next one a repeat
	forgetEntry   = 90 * 24 * time.Hour // an entry without any sign for so long leaves
	confirmAfter  = 6 * time.Hour       // an unknown cause counts when it still fails so much later,
	confirmGap    = 12 * time.Hour      // with no gap longer than this between two failures,
	confirmDays   = 3                   // or failing on so many days
	reasonShare   = 0.2                 // a source that gives a reason for fewer of its failures never says it
)

// Unknown says what a failure counts whose reason the rows do not hold.
type Unknown string

// The ways to count failures without a reason.
const (
	UnknownAuto    Unknown = "auto"    // count where an environment hardly ever says the reason, confirm elsewhere
	UnknownConfirm Unknown = "confirm" // only once it goes on for hours as no outage does
	UnknownCount   Unknown = "count"   // at once
)

// ledgerKey names a connection: webhooks know no numeric ids.
type ledgerKey struct{ Environment, Integration, Connection string }

// entry is what is known of one connection. Times are zero when nothing is known.
type entry struct {
	Worked      time.Time   // last known to work
	Failed      time.Time   // last failure of any cause, or sign of exhaustion
	Revoked     time.Time   // last failure that counted as revoked
	Misconfig   time.Time   // last failure of cause misconfigured
	Sign        time.Time   // newest of all signs
	Unconfirmed unconfirmed // failures of unknown cause that wait to be confirmed
	Exhausted   bool        // Nango has given up on it
	BeforeStart bool        // exhausted at first sight: broken before anybody watched
	Cause       nango.Cause // of the last counted failure
	Reason      string      // of the last counted failure
}

// unconfirmed is a run of failures of unknown cause without a success or a transient failure in it.
type unconfirmed struct {
	First, Last time.Time
	Days        int  // distinct UTC days with a failure
	Gap         bool // two failures were more than confirmGap apart
}

// Ledger knows the state of every connection that ever failed, and decides which failures are new. The zero value is not ready.
type Ledger struct {
	unknown Unknown
	entries map[ledgerKey]*entry
	reasons map[string]*shares // by environment
}

// NewLedger returns an empty ledger.
func NewLedger(unknown Unknown) *Ledger {
	return &Ledger{unknown: unknown, entries: map[ledgerKey]*entry{}, reasons: map[string]*shares{}}
}

// Verdict is what an event means for counting.
type Verdict struct {
	New   bool        // the connection newly broke
	Cause nango.Cause // Revoked or Misconfigured: the series it counts in; set with New only
}

// Observe takes events in the order of their release. A connection is newly broken at its first failure of a cause since it was last known to
// work, or when no failure of it is known within 7 days before; signs of exhaustion prolong the 7 days. A sign older than the newest one of
// its connection changes nothing.
func (l *Ledger) Observe(e nango.Event) Verdict {
	key := ledgerKey{e.Environment, e.Integration, e.Connection}
	if e.Kind == nango.Failure {
		l.share(e.Environment).add(e.Time, e.Cause != nango.Unknown)
	}
	n := l.entries[key]
	if n == nil {
		if e.Kind != nango.Failure && e.Kind != nango.Exhausted {
			return Verdict{} // only what failed is remembered
		}
		n = &entry{BeforeStart: e.Kind == nango.Exhausted}
		l.entries[key] = n
	}
	if e.Time.Before(n.Sign) {
		return Verdict{}
	}
	n.Sign = e.Time
	switch e.Kind {
	case nango.Failure:
		return l.failure(n, e)
	case nango.Exhausted:
		return n.exhausted(e)
	case nango.Reconnected, nango.Active:
		n.Worked, n.Unconfirmed, n.Exhausted, n.BeforeStart = e.Time, unconfirmed{}, false, false
	case nango.Deleted:
		delete(l.entries, key)
	}
	return Verdict{}
}

func (l *Ledger) failure(n *entry, e nango.Event) Verdict {
	defer func() { n.Failed = e.Time }()
	switch e.Cause {
	case nango.Revoked:
		return n.count(&n.Revoked, e, nango.Revoked)
	case nango.Misconfigured:
		return n.count(&n.Misconfig, e, nango.Misconfigured)
	case nango.Transient:
		n.Unconfirmed = unconfirmed{}
	case nango.Unknown:
		return l.unknownFailure(n, e)
	}
	return Verdict{}
}

// count records a failure of a cause and says whether it is new. last is when that cause was last seen.
func (n *entry) count(last *time.Time, e nango.Event, cause nango.Cause) Verdict {
	repeat := !last.IsZero() && last.After(n.Worked) && e.Time.Sub(n.Failed) <= forgetFailure
	repeat = repeat || n.BeforeStart && n.broken() && e.Time.Sub(n.Failed) <= forgetFailure
	*last, n.Cause, n.Reason, n.Unconfirmed = e.Time, cause, e.Reason, unconfirmed{}
	if repeat {
		return Verdict{}
	}
	return Verdict{New: true, Cause: cause}
}

// unknownFailure counts as revoked at once, or when the run it belongs to is confirmed.
func (l *Ledger) unknownFailure(n *entry, e nango.Event) Verdict {
	if n.Revoked.After(n.Worked) && e.Time.Sub(n.Failed) <= forgetFailure {
		return Verdict{} // a repeat of what is counted already
	}
	if l.unknown == UnknownCount || l.unknown == UnknownAuto && l.share(e.Environment).silent(e.Time) {
		return n.count(&n.Revoked, e, nango.Revoked)
	}
	n.Unconfirmed.add(e.Time)
	if n.Unconfirmed.confirmed() {
		return n.count(&n.Revoked, e, nango.Revoked)
	}
	return Verdict{}
}

// exhausted confirms what is broken. It is no failure of its own.
func (n *entry) exhausted(e nango.Event) Verdict {
	waiting := !n.Unconfirmed.First.IsZero()
	n.Exhausted = true
	if waiting {
		v := n.count(&n.Revoked, e, nango.Revoked)
		n.Failed = e.Time
		return v
	}
	n.Failed = e.Time
	return Verdict{}
}

func (n *entry) broken() bool { return n.Failed.After(n.Worked) }

func (u *unconfirmed) add(t time.Time) {
	day := t.UTC().Truncate(24 * time.Hour)
	switch {
	case u.First.IsZero():
		*u = unconfirmed{First: t, Days: 1}
	case t.Sub(u.Last) > forgetFailure:
		*u = unconfirmed{First: t, Days: 1}
	default:
		u.Gap = u.Gap || t.Sub(u.Last) > confirmGap
		if u.Last.UTC().Truncate(24 * time.Hour).Before(day) {
			u.Days++
		}
	}
	u.Last = t
}

func (u *unconfirmed) confirmed() bool {
	return u.Last.Sub(u.First) >= confirmAfter && (!u.Gap || u.Days >= confirmDays)
}

// Sweep forgets entries without a sign for 90 days. Called once a day it keeps the ledger bounded by who failed in that time.
func (l *Ledger) Sweep(now time.Time) {
	for key, n := range l.entries {
		if now.Sub(n.Sign) > forgetEntry {
			delete(l.entries, key)
		}
	}
}

// Broken counts the connections whose last word is a counted failure or exhaustion.
func (l *Ledger) Broken() int {
	broken := 0
	for _, n := range l.entries {
		if n.Revoked.After(n.Worked) || n.Misconfig.After(n.Worked) || n.Exhausted {
			broken++
		}
	}
	return broken
}

func (l *Ledger) share(environment string) *shares {
	s := l.reasons[environment]
	if s == nil {
		s = &shares{}
		l.reasons[environment] = s
	}
	return s
}

// shares counts, for the last 7 days, how many failures carried a reason.
type shares struct {
	days [7]struct {
		day            int64 // days since 1970
		all, explained int
	}
}

func (s *shares) add(t time.Time, explained bool) {
	day := t.Unix() / 86400
	d := &s.days[((day%7)+7)%7]
	if day < d.day {
		return // older than the week that is held
	}
	if day > d.day {
		d.day, d.all, d.explained = day, 0, 0
	}
	d.all++
	if explained {
		d.explained++
	}
}

// silent reports whether the reason is said so seldom that the source must be one that never says it.
func (s *shares) silent(t time.Time) bool {
	today := t.Unix() / 86400
	all, explained := 0, 0
	for _, d := range s.days {
		if today-d.day < 7 {
			all, explained = all+d.all, explained+d.explained
		}
	}
	return float64(explained) < reasonShare*float64(all)
}
