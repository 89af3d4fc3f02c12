package window

import (
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

const (
	confirmAfter = 6 * time.Hour  // an unknown cause counts when it still fails so much later,
	confirmGap   = 12 * time.Hour // with no gap longer than this between two failures,
	confirmDays  = 3              // or failing on so many days
	reasonShare  = 0.2            // a source that gives a reason for fewer of its failures never says it
)

// Unknown says what a failure counts whose reason the rows do not hold.
type Unknown string

// The ways to count failures without a reason.
const (
	UnknownAuto    Unknown = "auto"    // count where an environment hardly ever says the reason, confirm elsewhere
	UnknownConfirm Unknown = "confirm" // only once it goes on for hours as no outage does
	UnknownCount   Unknown = "count"   // at once
)

// unconfirmed is a run of failures of unknown cause without a success or a transient failure in it.
type unconfirmed struct {
	First, Last time.Time
	Days        int  // distinct UTC days with a failure
	Gap         bool // two failures were more than confirmGap apart
}

// unknownFailure counts as revoked at once, or when the run it belongs to is confirmed.
func (l *Ledger) unknownFailure(n *entry, e nango.Event) Verdict {
	if !n.Revoked.IsZero() && e.Time.Sub(n.Failed) <= forgetFailure {
		return Verdict{} // a repeat of what is counted already
	}
	if l.unknown == UnknownCount || l.unknown == UnknownAuto && l.share(e.Environment).silent(e.Time) {
		return n.count(&n.Revoked, e, nango.Revoked)
	}
	n.Unconfirmed.add(e.Time)
	if first := n.Unconfirmed.First; n.Unconfirmed.confirmed() {
		v := n.count(&n.Revoked, e, nango.Revoked)
		v.First = first
		return v
	}
	return Verdict{}
}

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
	Days [7]struct {
		Day            int64 // days since 1970
		All, Explained int
	}
}

func (s *shares) add(t time.Time, explained bool) {
	day := t.Unix() / 86400
	d := &s.Days[((day%7)+7)%7]
	if day < d.Day {
		return // older than the week that is held
	}
	if day > d.Day {
		d.Day, d.All, d.Explained = day, 0, 0
	}
	d.All++
	if explained {
		d.Explained++
	}
}

// silent reports whether the reason is said so seldom that the source must be one that never says it.
func (s *shares) silent(t time.Time) bool {
	today := t.Unix() / 86400
	all, explained := 0, 0
	for _, d := range s.Days {
		if today-d.Day < 7 {
			all, explained = all+d.All, explained+d.Explained
		}
	}
	return all == 0 || float64(explained) < reasonShare*float64(all)
}
