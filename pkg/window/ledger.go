// Package window keeps what happened: which connections are broken, and when each newly broke.
//
// It is pure: no goroutine, lock, clock, file, network, log or metric. Time is a parameter.
package window

import (
	"cmp"
	"slices"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

const (
	forgetFailure = 7 * 24 * time.Hour  // a failure longer ago than this does not make the next one a repeat
	forgetEntry   = 90 * 24 * time.Hour // an entry without any sign for so long leaves
	forgetSign    = 4 * 24 * time.Hour  // one that never failed, and of which nothing else is known, leaves: no failure from before its sign can still come
	maxStanding   = 200_000             // entries that never failed; of more, late failures may count that a success has overtaken
	confirmAfter  = 6 * time.Hour       // an unknown cause counts when it still fails so much later,
	confirmGap    = 12 * time.Hour      // with no gap longer than this between two failures,
	confirmDays   = 3                   // or failing on so many days
	transientRest = 24 * time.Hour      // a connection fails transiently once in so long
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
	BeforeStart bool        `json:",omitempty"` // the first sign that said how it is was exhaustion: broken before anybody watched
	Cause       nango.Cause `json:",omitempty"` // of the last counted failure
	Reason      string      `json:",omitempty"` // of the last counted failure
	Mended      bool        `json:",omitempty"` // it was broken once, and worked again
	Deleted     bool        `json:",omitempty"` // it was, and nothing said since that it is there
}

// unconfirmed is a run of failures of unknown cause without a success or a transient failure in it.
type unconfirmed struct {
	First, Last time.Time
	Days        int  // distinct UTC days with a failure
	Gap         bool // two failures were more than confirmGap apart
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

type place struct{ environment, provider string }

// tally sums the entries of one provider.
type tally struct {
	broken       int
	integrations map[string]int
}

type user struct{ environment, integration string }

// use is how many entries of an integration are of a provider: of one, unless its name was given to another.
type use struct {
	provider string
	entries  int
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
	case nango.Reconnected, nango.Active, nango.Deleted:
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

// providerOf is the provider of a connection's integration by its other connections; of several the last in the alphabet, whatever came first.
func (l *Ledger) providerOf(key ledgerKey) (name string) {
	for _, u := range l.uses[user{key.Environment, key.Integration}] {
		name = max(name, u.provider)
	}
	return name
}

// Owner returns what is known of whose a connection is: its customer account and tags, empty when not known.
func (l *Ledger) Owner(environment, integration, connection string) (account string, tags nango.Tags) {
	if n := l.entries[ledgerKey{environment, integration, connection}]; n != nil {
		return n.Account, n.Tags
	}
	return "", ""
}

// Origin returns how a connection authorizes and when its user last authorized it; empty and zero when no row has said it.
func (l *Ledger) Origin(environment, integration, connection string) (authMode string, created time.Time) {
	if n := l.entries[ledgerKey{environment, integration, connection}]; n != nil {
		return n.AuthMode, n.Created
	}
	return "", time.Time{}
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
	}
	first := n.Sign.IsZero()
	n.Sign = e.Time
	switch e.Kind {
	case nango.Failure:
		return l.failure(n, e)
	case nango.Exhausted:
		n.BeforeStart = n.BeforeStart || first
		return n.exhausted(e)
	case nango.Reconnected, nango.Active:
		if e.Kind == nango.Active && !e.Time.After(n.Failed) {
			return v // a call that began before the failure proves nothing
		}
		v.Recovered = n.counts()
		itself := !e.Authorized && (v.Recovered || n.Itself)
		*n = entry{Provider: n.Provider, Account: n.Account, Tags: n.Tags, AuthMode: n.AuthMode, Created: n.Created, Seen: n.Seen, Sign: e.Time, Worked: e.Time,
			Itself: itself, Failed: n.Failed, Transient: n.Transient, Cause: n.Cause, Reason: n.Reason, Mended: n.Mended || v.Recovered}
	case nango.Deleted: // whose it was is forgotten with it
		*n = entry{Provider: n.Provider, Sign: e.Time, Failed: n.Failed, Cause: n.Cause, Reason: n.Reason, Deleted: true}
	}
	return v
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
	repeat = repeat || n.BeforeStart && e.Time.Sub(n.Failed) <= forgetFailure
	*last, n.Cause, n.Reason, n.Unconfirmed = e.Time, cause, e.Reason, unconfirmed{}
	if repeat {
		return Verdict{}
	}
	return Verdict{New: true, Cause: cause}
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

// Sweep forgets entries without a sign for 90 days. Called once a day it keeps the ledger bounded by who failed in that time. Entries that never
// failed leave after 4 days, unless they know an account, tags or when their user authorized them: the age at which a connection breaks is told. Those of
// which needed, which may be nil, is true stay.
func (l *Ledger) Sweep(now time.Time, needed func(environment, integration, connection string) bool) {
	for key, n := range l.entries {
		keep := forgetEntry
		if n.Failed.IsZero() && n.Account == "" && n.Tags == "" && n.Created.IsZero() {
			keep = forgetSign
		}
		if now.Sub(later(n.Sign, n.Seen)) > keep && (needed == nil || !needed(key.Environment, key.Integration, key.Connection)) {
			l.tally(key, n, -1)
			delete(l.entries, key)
			l.changed[key] = struct{}{}
		}
	}
}

// Broken counts the connections of a provider whose last word is a counted failure or exhaustion.
func (l *Ledger) Broken(environment, provider string) int {
	if t := l.places[place{environment, provider}]; t != nil {
		return t.broken
	}
	return 0
}

// ByItself reports whether a connection works again that was broken, without having been authorized anew: what broke it was no revocation.
func (l *Ledger) ByItself(environment, integration, connection string) bool {
	n := l.entries[ledgerKey{environment, integration, connection}]
	return n != nil && n.Itself && !n.counts()
}

// Integrations calls yield with every integration of a provider that has an entry.
func (l *Ledger) Integrations(environment, provider string, yield func(integration string)) {
	if t := l.places[place{environment, provider}]; t != nil {
		for name := range t.integrations {
			yield(name)
		}
	}
}

// tally takes an entry out of the sums before it changes (by = -1), and into them afterwards (by = 1).
func (l *Ledger) tally(key ledgerKey, n *entry, by int) {
	if n.Failed.IsZero() {
		l.standing += by
	}
	if n.counts() {
		if l.broken[key.Environment] += by; l.broken[key.Environment] == 0 {
			delete(l.broken, key.Environment)
		}
	}
	if n.Provider == "" || n.state() == Deleted {
		return
	}
	at := place{key.Environment, n.Provider}
	t := l.places[at]
	if t == nil {
		t = &tally{integrations: map[string]int{}}
		l.places[at] = t
	}
	if n.counts() {
		t.broken += by
	}
	l.use(user{key.Environment, key.Integration}, n.Provider, by)
	if t.integrations[key.Integration] += by; t.integrations[key.Integration] == 0 {
		delete(t.integrations, key.Integration)
	}
	if len(t.integrations) == 0 {
		delete(l.places, at)
	}
}

func (l *Ledger) use(of user, provider string, by int) {
	list := l.uses[of]
	i := slices.IndexFunc(list, func(u use) bool { return u.provider == provider })
	if i < 0 {
		i, list = len(list), append(list, use{provider: provider})
	}
	if list[i].entries += by; list[i].entries == 0 {
		list = slices.Delete(list, i, i+1)
	}
	if l.uses[of] = list; len(list) == 0 {
		delete(l.uses, of)
	}
}

// counts reports whether the last word is a counted failure or exhaustion.
func (n *entry) counts() bool {
	return !n.Revoked.IsZero() || !n.Misconfig.IsZero() || n.Exhausted
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
