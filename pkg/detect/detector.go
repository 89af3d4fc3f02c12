// Package detect decides when a rise of newly broken connections is unusual, keeps the incidents and explains them.
//
// It is pure: no goroutine, lock, clock, file, network, log or metric. Time is a parameter.
package detect

import (
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/baseline"
	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// Options of a Detector. The zero value of a field means its default.
type Options struct {
	FalseAlarmsEvery time.Duration            // at most one false alarm so often over all series of Revocations (default 14 days)
	UnknownEvery     time.Duration            // the same for those of UnknownConnections (default 14 days)
	Budget           time.Duration            // if set, at most one so often per series of either instead
	Overrides        map[string]time.Duration // the same for single providers
	MinConnections   int                      // no incident with fewer distinct connections (default 3)
	Unknown          window.Unknown           // how failures without a reason count (default auto)
	MaxAge           time.Duration            // an incident that is found later than this after its newest break is Past (default 6 h)
	Silence          time.Duration            // slots inside a longer stretch without a row teach and expect nothing; 0: learned

	// Provider says what is known of a provider key, for the diagnoses; nil: nothing is.
	Provider func(key string) nango.Provider
	// Family names the vendor of a provider, "" when it is not known: incidents of one family that begin together are one. nil: as Provider says.
	Family func(provider string) string
	// Adopted is told when a rise that went on for 14 days is taken for normal.
	Adopted func(Adopted)
}

// Adopted is a rise that is normal from now on.
type Adopted struct {
	Signal, Environment, Provider, Cause string

	Since, At time.Time
}

const (
	lateStart = 7 * day                          // a provider first seen with a new connection so long after the begin started then
	maxSeries = 10_000                           // a break of one more is counted as dropped
	farAhead  = slotsPerDay                      // a break of a time further ahead of every row is dropped
	leapOver  = (window.Days + 20) * slotsPerDay // so many slots without a row are passed over at once: nothing that was learned is left
)

// key names a series.
type key struct{ Signal, Environment, Provider, Cause string }

func (k key) compare(o key) int {
	for _, c := range []int{
		strings.Compare(k.Signal, o.Signal), strings.Compare(k.Environment, o.Environment),
		strings.Compare(k.Provider, o.Provider),
	} {
		if c != 0 {
			return c
		}
	}
	return strings.Compare(k.Cause, o.Cause)
}

// Detector counts newly broken connections per series, compares them with what is normal for the series, and keeps the incidents. It is not
// safe for concurrent use.
type Detector struct {
	opt    Options
	ledger *window.Ledger
	asked  asked
	alive  alive
	rows   rows

	begun  bool
	began  int64          // first slot that was seen
	edge   int64          // every slot before it is closed
	live   map[string]int // series of a signal that share its budget, counted at 00:00
	starts map[place]int64
	series map[key]*series
	order  []*series // by key
	fleets []*fleet  // by kind
	shaky  map[place]*shaky
	stats  Stats

	replaced        []*tracked // resolved incidents whose place another has, by their ends
	replacedChanged map[string]struct{}

	members      map[string]*members // by incident
	memberOf     map[name][]string   // incidents in which a connection is
	followed     int                 // members of all incidents
	moved        bool                // some of them moved
	freshMembers map[membership]struct{}
	week         week
	directory    directory

	dirty bool // one of begun, began, edge, live, stats
	fresh map[place]struct{}

	shakyChanged map[placeDay]struct{}

	hushed  time.Time // what broke until then was told by others
	taught  baseline.History
	nothing [slotsPerDay]uint16
}

type place struct{ environment, provider string }

// Stats are plain counters since the state began.
type Stats struct {
	Broken  int64 // newly broken connections, all series of Revocations together
	Dropped int64 // breaks that no series could take: older than the ring, of a time no row has reached, or of too many series; what a week could not count
	Unseen  int64 // rows whose slot could not be remembered: from before 1970, or of too many slots ahead of the edge
}

// New returns a Detector that has seen nothing.
func New(o Options) *Detector {
	o.FalseAlarmsEvery = or(o.FalseAlarmsEvery, 14*day)
	o.UnknownEvery = or(o.UnknownEvery, 14*day)
	if o.Provider == nil {
		o.Provider = func(string) nango.Provider { return nango.Provider{} }
	}
	if o.Family == nil {
		o.Family = func(provider string) string { return o.Provider(provider).Family }
	}
	if o.Adopted == nil {
		o.Adopted = func(Adopted) {}
	}
	o.MinConnections = or(o.MinConnections, 3)
	o.Unknown = or(o.Unknown, window.UnknownAuto)
	o.MaxAge = or(o.MaxAge, 6*time.Hour)
	return &Detector{
		opt: o, ledger: window.NewLedger(o.Unknown), asked: newAsked(), alive: newAlive(), rows: newRows(),
		live: map[string]int{}, starts: map[place]int64{}, series: map[key]*series{}, fresh: map[place]struct{}{}, shaky: map[place]*shaky{},
		shakyChanged: map[placeDay]struct{}{}, members: map[string]*members{}, memberOf: map[name][]string{}, freshMembers: map[membership]struct{}{},
		replacedChanged: map[string]struct{}{},
		week:            newWeek(), directory: newDirectory(),
	}
}

func or[T comparable](v, byDefault T) T {
	var zero T
	if v == zero {
		return byDefault
	}
	return v
}

// Observation is what one event meant.
type Observation struct {
	New       bool       // a connection newly broke
	Recovered bool       // a connection that was broken works again
	Account   string     // of the connection, as far as is known by now
	Incidents []Incident // that changed
}

// Observe takes events in the order of their release, each after Advance(e.Due). now is the wall clock and decides only whether an incident
// that opens is Past; zero: never.
func (d *Detector) Observe(e nango.Event, now time.Time) Observation {
	slot := window.SlotOf(e.Time)
	if slot < 0 {
		d.stats.Dropped++
		d.dirty = true
		return Observation{}
	}
	d.begin(slot)
	d.start(e, slot)
	d.alive.see(e)
	if e.Kind == nango.UnknownConnection {
		if !d.asked.add(e) {
			return Observation{}
		}
		k := key{UnknownConnections, e.Environment, e.Integration, "unknown"}
		return Observation{Incidents: d.count(k, e, time.Time{}, now)}
	}
	n := name{e.Environment, e.Integration, e.Connection}
	account, _ := d.owner(n)
	v := d.ledger.Observe(e)
	v.Account = or(v.Account, d.accountOf(n))
	o := Observation{New: v.New, Recovered: v.Recovered, Account: v.Account}
	if v.Turned || v.Account != account {
		d.turned(n)
	}
	if v.Recovered {
		d.noteWeek(e.Environment, slot, weekDay{Reconnected: 1})
	}
	if v.Transient && v.Provider != "" {
		d.shake(e.Environment, v.Provider, slot)
	}
	if v.New {
		e.Provider, e.Account = v.Provider, v.Account
		e.AuthMode, _ = d.ledger.Origin(e.Environment, e.Integration, e.Connection)
		d.stats.Broken++
		d.dirty = true
		o.Incidents = d.count(key{Revocations, e.Environment, e.Provider, string(v.Cause)}, e, v.First, now)
	}
	return o
}

// begin makes a slot the first of all.
func (d *Detector) begin(slot int64) {
	if !d.begun {
		d.begun, d.began, d.edge, d.dirty = true, slot, slot, true
		d.rows.edge, d.rows.dirty = slot, true
	}
}

// start notes when a provider began to exist: with the records, unless its first sign is a connection made a week later or more.
func (d *Detector) start(e nango.Event, slot int64) {
	at := place{e.Environment, e.Provider}
	if _, known := d.starts[at]; known || len(d.starts) >= maxSeries {
		return
	}
	first := d.began
	if e.Kind == nango.Reconnected && slot-d.began > int64(lateStart/window.Slot) {
		first = slot
	}
	d.starts[at] = first
	d.fresh[at] = struct{}{}
}

// count adds a break, whose first failure may be older, to its series and judges the windows that end with the running slot.
func (d *Detector) count(k key, e nango.Event, first, now time.Time) []Incident {
	s := d.of(k)
	slot := window.SlotOf(e.Time)
	if s == nil || slot <= d.edge-window.Days*slotsPerDay || slot > d.edge+farAhead {
		d.stats.Dropped++
		d.dirty = true
		return nil
	}
	s.add(e, slot, first, d.broke(k, e))
	to, at := slot, e.Time
	if slot < d.edge { // it came late: judged with the windows that end where time has come to
		to, at = d.edge-1, window.SlotTime(d.edge)
	}
	guard, alert := d.scan(s, to)
	s.guard.see(guard, alert.Score, slot >= d.edge)
	if s.open() {
		return d.grow(s, alert, at, now)
	}
	return d.judge(s, alert, at, now)
}

// of returns the series, made as if it had been there from the start of its provider.
func (d *Detector) of(k key) *series {
	if s := d.series[k]; s != nil {
		return s
	}
	if len(d.series) >= maxSeries {
		return nil
	}
	first := d.began
	if k.Signal == Revocations {
		first = max(first, d.starts[place{k.Environment, k.Provider}])
	}
	s := newSeries(k, first)
	d.fitRecent(s)
	d.insert(s)
	return s
}

// fitRecent makes the forecasts of the days that the windows reach back to.
func (d *Detector) fitRecent(s *series) {
	today := floorDay(d.edge)
	for day := max(today-dailyKept+1, floorDay(s.first)); day <= today; day++ {
		d.fit(s, day)
	}
}

func (d *Detector) insert(s *series) {
	d.series[s.key] = s
	if s.suffers() {
		s.shaky = d.shaky[place{s.Environment, s.Provider}]
	}
	i, _ := slices.BinarySearchFunc(d.order, s.key, func(s *series, k key) int { return s.key.compare(k) })
	d.order = slices.Insert(d.order, i, s)
}

// floorDay is the UTC day of a slot, in days since 1970.
func floorDay(slot int64) int64 {
	d := slot / slotsPerDay
	if slot%slotsPerDay < 0 {
		d--
	}
	return d
}

// Row notes that a row of time t was read: its slot is observed. Rows may come in any order, those ahead of the edge too.
func (d *Detector) Row(t time.Time) {
	if !d.rows.add(t) {
		d.stats.Unseen++
		d.dirty = true
	}
}

// Unobserved says that rows between two times may be missing: slots of this stretch without any row teach and expect nothing.
func (d *Detector) Unobserved(from, to time.Time) {
	d.rows.lose(window.SlotOf(from), window.SlotOf(to))
}

// Advance says that every row up to t was read. It closes the slots before the newest of them: the series are judged at each edge, and learn
// once a day at 00:00 UTC. It returns the incidents that changed, in order. now is as for Observe.
//
// What is decided depends on the rows up to t alone, so it does not matter how far ahead the reading is, nor how often Advance is called.
func (d *Detector) Advance(t, now time.Time) (out []Incident) {
	if !d.begun {
		first, ok := d.rows.first(t)
		if !ok {
			return nil
		}
		d.begin(first)
	}
	for target := d.rows.reached(t); d.edge < target; {
		if next := d.rows.next(d.edge); next-d.edge > leapOver && !d.rows.holds(d.edge) {
			d.leap(next)
			continue
		}
		out = append(out, d.close(now)...)
	}
	return out
}

// leap begins anew at a slot before which nobody looked for longer than the ring holds. What is broken and what is open stay so.
func (d *Detector) leap(to int64) {
	d.began, d.edge, d.dirty = to, to, true
	d.rows.leap(to)
	for _, s := range d.order {
		s.first, s.guard = to, guard{Restart: to}
		for i := range s.forecasts {
			s.freshDays[s.forecasts[i].Day], s.forecasts[i] = true, forecast{}
		}
		d.fitRecent(s)
	}
}

// close closes the slot at the edge. One that was not observed decides nothing: silence neither opens nor resolves.
func (d *Detector) close(now time.Time) (out []Incident) {
	slot := d.edge
	d.edge++
	d.dirty = true
	d.rows.close(d.opt.Silence)
	if d.rows.sees(slot) {
		out = d.look(slot, now)
	}
	if d.edge%slotsPerDay == 0 {
		d.midnight()
	}
	return out
}

// look judges every series at the edge that ends a slot, and then all together.
func (d *Detector) look(slot int64, now time.Time) (out []Incident) {
	for _, s := range d.order {
		alert := peak{Score: noPeak}
		if s.newest > slot-longest {
			var p peak
			p, alert = d.scan(s, slot)
			s.changed = s.guard.see(p, alert.Score, false) || s.changed
		}
		d.pass(s, slot)
		if s.guard.rest(slot, &d.rows) {
			s.changed = true
		}
		if s.open() {
			out = append(out, d.follow(s, alert, slot, now)...)
		} else {
			out = append(out, d.judge(s, alert, window.SlotTime(slot+1), now)...)
		}
	}
	for _, f := range d.fleets {
		out = append(out, d.spread(f, slot, now)...)
	}
	return append(out, d.prove(window.SlotTime(slot+1))...)
}

// Silence is how long no row may come before that is unusual by itself: the configured time, or twice the longest gap between rows of the
// last 7 days of event time, at least 1 h.
func (d *Detector) Silence() time.Duration { return d.rows.threshold(d.opt.Silence) }
