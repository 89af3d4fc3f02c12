package main

import (
	"cmp"
	"sync"
	"time"

	"github.com/revwatch/revwatch/configs"
	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/web"
	"github.com/revwatch/revwatch/pkg/window"
)

// externalError is the type under which Nango files most refreshes that fail, whatever their cause.
const externalError = "refresh_token_external_error"

// providerRules is the built-in table of causes; a test loads it.
var providerRules = sync.OnceValue(func() *nango.Rules {
	rules, err := nango.ParseRules(configs.Providers)
	if err != nil {
		panic(err)
	}
	return rules
})

// engine is the one pipeline that run, replay, learn and demo share: record values go in, events and incidents come out. It has one owner and
// knows neither files nor Kafka. Time is a parameter.
type engine struct {
	reader   *nango.Reader
	detector *detect.Detector
	errors   map[web.Integration]int64 // failures under externalError
	refused  map[web.Refusal]int64     // all failures
	doubt    doubt                     // of inputs that are files
	until    time.Time                 // stop when the slot it lies in is closed; zero: go on
	after    time.Time                 // of the first row after that slot; zero: none was read
	stopped  bool                      // it is closed: what is read further changes nothing
	oldest   time.Time                 // row that was read; zero: none
	listings []detect.Listing          // that are not due yet, one of an environment at most

	read     func(value []byte, m nango.Meta)   // takes a record of a file; default: the reader
	event    func(e nango.Event, isNew bool)    // told of each event in the order of release, with the account of its connection if that is known by then
	incident func(detect.Incident)              // told of each change of an incident
	adopted  func(detect.Adopted)               // told of each rise that is taken for normal
	listed   func(detect.Listing, detect.Taken) // told of each listing that was taken
}

// newEngine makes a pipeline that has seen nothing. Rows without append time later than ceiling are quarantined; zero: none are.
func newEngine(c *config, ceiling time.Time) *engine {
	rules := c.table()
	g := &engine{
		doubt: doubt{probe: probe{config: c}}, errors: map[web.Integration]int64{}, refused: map[web.Refusal]int64{},
		event: func(nango.Event, bool) {}, incident: func(detect.Incident) {},
		adopted: func(detect.Adopted) {}, listed: func(detect.Listing, detect.Taken) {},
	}
	g.detector = detect.New(detect.Options{
		FalseAlarmsEvery: c.falseAlarmsEvery, UnknownEvery: c.unknownEvery, Budget: c.budget, Overrides: c.budgets,
		MinConnections: c.minConnections, Unknown: window.Unknown(c.unknown), MaxAge: c.alerts.maxAge, Silence: c.silence,
		Provider: rules.Provider, Adopted: func(x detect.Adopted) { g.adopted(x) },
	})
	g.reader = nango.NewReader(nango.Options{
		Disorder: c.disorder, JoinGrace: c.joinGrace, JoinMax: c.joinMax, AccountFields: c.account, Tags: c.tags, Envelope: c.envelope, Rules: rules,
		Ceiling: ceiling, Row: g.row,
	})
	g.read = g.reader.Read
	return g
}

// advance takes what is due. now is the wall clock, zero in a replay: it tells sources that cannot be read, and incidents of the past.
func (g *engine) advance(now time.Time) { g.take(g.reader.Advance(now), now) }

// flush takes everything that is held: the input has ended.
func (g *engine) flush(now time.Time) { g.take(g.reader.Flush(), now) }

// suspend takes what can be decided, and keeps the rest for the rows that follow.
func (g *engine) suspend(now time.Time) { g.take(g.reader.Suspend(), now) }

// take hands events on. A slot is closed only by a later row, and before any event that was released by a later watermark: so it does not
// matter how much was read at a time.
func (g *engine) take(events []nango.Event, now time.Time) {
	newest := g.reader.Newest()
	for _, e := range events {
		if g.takeListings(e.Due, newest, now); g.stopped {
			return
		}
		if g.pass(earlier(e.Due, newest), now); g.stopped {
			return
		}
		g.count(e)
		o := g.detector.Observe(e, now)
		e.Account = cmp.Or(e.Account, o.Account)
		g.event(e, o.New)
		g.tell(o.Incidents)
	}
	g.takeListings(g.reader.Watermark().Add(1), newest, now)
	g.pass(earlier(g.reader.Watermark(), newest), now)
}

// count counts a failure, joined or not, as what Nango calls it and as what it is.
func (g *engine) count(e nango.Event) {
	if e.Kind != nango.Failure {
		return
	}
	g.refused[web.Refusal{Environment: e.Environment, Provider: e.Provider, Cause: e.Cause}]++
	if e.Type == externalError {
		g.errors[web.Integration{Environment: e.Environment, Provider: e.Provider, Integration: e.Integration}]++
	}
}

// pass closes the slots before the row that is newest at t; asked to stop, not beyond the first row after the slot it was asked for, which closes that.
func (g *engine) pass(t, now time.Time) {
	if g.stopped {
		return
	}
	if !g.after.IsZero() && !g.after.After(t) {
		t, g.stopped = g.after, true
	}
	g.tell(g.detector.Advance(t, now))
}

// row is told of every row that is read.
func (g *engine) row(t time.Time) {
	g.detector.Row(t)
	if g.oldest.IsZero() || t.Before(g.oldest) {
		g.oldest = t
	}
	if !g.until.IsZero() && !t.Before(g.until.Truncate(window.Slot).Add(window.Slot)) && (g.after.IsZero() || t.Before(g.after)) {
		g.after = t
	}
}

func (g *engine) tell(changed []detect.Incident) {
	for _, x := range changed {
		g.incident(x)
	}
}

// changes emits what must be stored since the last call; restore takes it back before the first record.
func (g *engine) changes(put func(bucket, key string, value []byte)) {
	g.reader.Changes(put)
	g.detector.Changes(put)
}

func (g *engine) restore(bucket, key string, value []byte) error {
	if err := g.reader.Restore(bucket, key, value); err != nil {
		return err
	}
	return g.detector.Restore(bucket, key, value)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
