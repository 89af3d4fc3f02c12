// Package window keeps what happened: which connections are broken, and when each newly broke.
//
// It is pure: no goroutine, lock, clock, file, network, log or metric. Time is a parameter.
package window

import (
	"cmp"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

const (
	forgetFailure = 7 * 24 * time.Hour  // a failure longer ago than this does not make the next one a repeat
	forgetEntry   = 90 * 24 * time.Hour // an entry without any sign for so long leaves
	forgetSign    = 4 * 24 * time.Hour  // one that never failed, and of which nothing else is known, leaves: no failure from before its sign can still come
	maxStanding   = 200_000             // entries that never failed; of more, late failures may count that a success has overtaken
	transientRest = 24 * time.Hour      // a connection fails transiently once in so long
)

// ledgerKey names a connection: webhooks know no numeric ids.
type ledgerKey struct{ Environment, Integration, Connection string }

// entry is what is known of one connection. Times are zero when nothing is known.
type entry struct {
	Provider    string      `json:",omitempty"`
	Account     string      `json:",omitempty"`
	Tags        nango.Tags  `json:",omitempty"`
	AuthMode    string      `json:",omitempty"` // how it authorizes, as Nango names it
	Created     time.Time   `json:",omitzero"`  // when its user last authorized it
	Sign        time.Time   // newest of the signs that say how it is
	Seen        time.Time   `json:",omitzero"`  // newest of those that say only that it is, and whose
	Worked      time.Time   `json:",omitzero"`  // last known to work
	Itself      bool        `json:",omitempty"` // it was broken then, and nobody had authorized it anew
	First       time.Time   `json:",omitzero"`  // first failure since
	Failed      time.Time   `json:",omitzero"`  // last failure of any cause, or sign of exhaustion
	Revoked     time.Time   `json:",omitzero"`  // last failure since that counted as revoked
	Misconfig   time.Time   `json:",omitzero"`  // last failure since of cause misconfigured
	Transient   time.Time   `json:",omitzero"`  // last transient failure that was the first in 24 h
	Unconfirmed unconfirmed `json:",omitzero"`  // failures of unknown cause that wait to be confirmed
	Exhausted   bool        `json:",omitempty"` // Nango has given up on it
	Refused     time.Time   `json:",omitzero"`  // Nango's API said so when it was first asked, and no failure from before then is known
	BeforeStart bool        `json:",omitempty"` // the first sign that said how it is was exhaustion, or that refusal: broken before anybody watched
	Cause       nango.Cause `json:",omitempty"` // of the last counted failure
	Reason      string      `json:",omitempty"` // of the last counted failure
	Mended      bool        `json:",omitempty"` // it was broken once, and worked again
	Deleted     bool        `json:",omitempty"` // it was, and nothing said since that it is there
}

// Ledger knows the state of every connection that failed, and for some days that of others, and decides which failures are new. The zero
// value is not ready.
type Ledger struct {
	unknown  Unknown
	entries  map[ledgerKey]*entry
	reasons  map[string]*shares // by environment
	places   map[place]*tally
	uses     map[user][]use
	broken   map[string]int // entries whose last word is a counted failure or exhaustion, by environment
	standing int            // entries that never failed
	changed  map[ledgerKey]struct{}
	speaks   map[string]struct{} // environments whose reasons changed
}

// NewLedger returns an empty ledger.
func NewLedger(unknown Unknown) *Ledger {
	return &Ledger{
		unknown: unknown, entries: map[ledgerKey]*entry{}, reasons: map[string]*shares{}, places: map[place]*tally{}, uses: map[user][]use{}, broken: map[string]int{},
		changed: map[ledgerKey]struct{}{}, speaks: map[string]struct{}{},
	}
}

// Verdict is what an event means for counting.
type Verdict struct {
	New       bool        // the connection newly broke
	Cause     nango.Cause // Revoked or Misconfigured: the series it counts in; set with New only
	Provider  string      // of the connection, by this sign or earlier ones, or those of its integration; "" when not known
	Account   string      // of the connection, by this sign or earlier ones; "" when not known
	Recovered bool        // the connection was broken and works again
	Turned    bool        // its State is another
	First     time.Time   // with New: its first failure, where only those after it showed that it broke; zero: this one
	Transient bool        // a refresh of it failed for a moment, the first time in 24 h
}

// Observe takes events in the order of their release. A connection is newly broken at its first failure of a cause since it was last known to
// work, or when no failure of it is known within 7 days before; signs of exhaustion prolong the 7 days. A sign older than the newest one of
// its connection changes nothing.
func (l *Ledger) Observe(e nango.Event) Verdict {
	key := ledgerKey{e.Environment, e.Integration, e.Connection}
	if e.Kind == nango.Failure && e.OperationID != "" { // webhooks never say the reason: they do not vote
		l.share(e.Environment).add(e.Time, e.Type != "")
		l.speaks[e.Environment] = struct{}{}
	}
	n, known := l.entries[key]
	switch {
	case known:
		l.tally(key, n, -1)
	case !l.admits(e):
		return Verdict{}
	default:
		n = &entry{}
		l.entries[key] = n
	}
	was := *n
	v := l.sign(key, n, e)
	v.Provider, v.Account, v.Turned = n.Provider, n.Account, n.state() != was.state()
	l.tally(key, n, 1)
	if *n != was {
		l.changed[key] = struct{}{}
	}
	return v
}

// admits reports whether the first sign of a connection is remembered. What says that it works, or is gone, is, so that a failure from before
// it changes nothing when it comes late.
func (l *Ledger) admits(e nango.Event) bool {
	switch e.Kind {
	case nango.Failure, nango.Exhausted:
		return true
	case nango.Reconnected, nango.Active, nango.Deleted, nango.Refused:
		return l.standing < maxStanding
	}
	return e.Kind == nango.Seen && (e.Account != "" || e.Tags != "") && l.standing < maxStanding
}

// whose notes what a sign says of the owner; an older one only adds to what is known. An integration has one provider: where a sign does not name
// it, others of the integration do.
func (l *Ledger) whose(key ledgerKey, n *entry, e nango.Event) {
	if e.Time.Before(n.Sign) {
		n.Provider, n.Account, n.Tags = cmp.Or(n.Provider, e.Provider), cmp.Or(n.Account, e.Account), n.Tags.Over(e.Tags)
		n.AuthMode = cmp.Or(n.AuthMode, e.AuthMode)
	} else {
		n.Provider, n.Account, n.Tags = cmp.Or(e.Provider, n.Provider), cmp.Or(e.Account, n.Account), e.Tags.Over(n.Tags)
		n.AuthMode = cmp.Or(e.AuthMode, n.AuthMode)
	}
	if n.Provider == "" {
		n.Provider = l.providerOf(key)
	}
}

func (l *Ledger) sign(key ledgerKey, n *entry, e nango.Event) (v Verdict) {
	l.whose(key, n, e)
	n.authorized(e)
	switch {
	case e.Kind == nango.Seen:
		n.Seen = later(n.Seen, e.Time)
		return v
	case e.Time.Before(n.Sign):
		return v
	case e.Kind == nango.Refused:
		n.refused(e)
		return v
	}
	first := n.Sign.IsZero()
	n.Sign = e.Time
	if Gone(e) { // whose it was is forgotten with it
		*n = entry{Provider: n.Provider, Sign: e.Time, Failed: n.Failed, Cause: n.Cause, Reason: n.Reason, Deleted: true}
		return v
	}
	switch e.Kind {
	case nango.Failure:
		return l.failure(n, e)
	case nango.Exhausted:
		n.unrefused(e)
		n.BeforeStart = n.BeforeStart || first
		return n.exhausted(e)
	case nango.Reconnected, nango.Active:
		if e.Kind == nango.Active && !e.Time.After(later(n.Failed, n.Refused)) {
			return v // a call that began before the failure proves nothing
		}
		n.unrefused(e)
		v.Recovered = n.counts()
		itself := !e.Authorized && (v.Recovered && !e.Listed || n.Itself)
		*n = entry{Provider: n.Provider, Account: n.Account, Tags: n.Tags, AuthMode: n.AuthMode, Created: n.Created, Seen: n.Seen, Sign: e.Time, Worked: e.Time,
			Itself: itself, Failed: n.Failed, Transient: n.Transient, Cause: n.Cause, Reason: n.Reason, Mended: n.Mended || v.Recovered}
	}
	return v
}

// Gone reports whether a sign says that the connection is no more: its deletion, or a failure because there is none of its name.
func Gone(e nango.Event) bool {
	return e.Kind == nango.Deleted || e.Kind == nango.Failure && e.Cause == nango.Other && e.Reason == "connection_deleted"
}

// authorized notes when the user authorized the connection. It does not matter when the news comes, unless the connection was deleted since.
func (n *entry) authorized(e nango.Event) {
	if e.Kind == nango.Reconnected && e.Authorized && !(n.Deleted && e.Time.Before(n.Sign)) {
		n.Created = later(n.Created, e.Time)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (l *Ledger) failure(n *entry, e nango.Event) Verdict {
	n.unrefused(e)
	if n.First.IsZero() {
		n.First = e.Time
	}
	defer func() { n.Failed = e.Time }()
	switch e.Cause {
	case nango.Revoked:
		return n.count(&n.Revoked, e, nango.Revoked)
	case nango.Misconfigured:
		return n.count(&n.Misconfig, e, nango.Misconfigured)
	case nango.Transient:
		n.Unconfirmed = unconfirmed{}
		return n.transient(e)
	case nango.Other:
		n.Unconfirmed = unconfirmed{}
	case nango.Unknown:
		return l.unknownFailure(n, e)
	}
	return Verdict{}
}

// transient says whether a transient failure is the first of its connection in 24 h.
func (n *entry) transient(e nango.Event) Verdict {
	if !n.Transient.IsZero() && e.Time.Sub(n.Transient) < transientRest {
		return Verdict{}
	}
	n.Transient = e.Time
	return Verdict{Transient: true}
}

// count records a failure of a cause and says whether it is new. last is when that cause was last seen.
func (n *entry) count(last *time.Time, e nango.Event, cause nango.Cause) Verdict {
	repeat := !last.IsZero() && e.Time.Sub(n.Failed) <= forgetFailure
	repeat = repeat || n.BeforeStart && e.Time.Sub(n.Failed) <= forgetFailure || !n.Refused.IsZero()
	*last, n.Cause, n.Reason, n.Unconfirmed = e.Time, cause, e.Reason, unconfirmed{}
	if repeat {
		return Verdict{}
	}
	return Verdict{New: true, Cause: cause}
}

// exhausted confirms what is broken. It is no failure of its own.
func (n *entry) exhausted(e nango.Event) Verdict {
	first := n.Unconfirmed.First
	n.Exhausted = true
	if !first.IsZero() {
		v := n.count(&n.Revoked, e, nango.Revoked)
		v.First = first
		n.Failed = e.Time
		return v
	}
	n.Failed = e.Time
	return Verdict{}
}

// Sweep forgets entries without a sign for 90 days. Called once a day it keeps the ledger bounded by who failed in that time. Entries that never
// failed leave after 4 days, unless they know an account, tags or when their user authorized them: the age at which a connection breaks is told. Those of
// which needed, which may be nil, is true stay.
func (l *Ledger) Sweep(now time.Time, needed func(environment, integration, connection string) bool) {
	for key, n := range l.entries {
		keep := forgetEntry
		if n.Failed.IsZero() && n.Account == "" && n.Tags == "" && n.Created.IsZero() && n.Refused.IsZero() {
			keep = forgetSign
		}
		if now.Sub(later(n.Sign, n.Seen)) > keep && (needed == nil || !needed(key.Environment, key.Integration, key.Connection)) {
			l.tally(key, n, -1)
			delete(l.entries, key)
			l.changed[key] = struct{}{}
		}
	}
}
