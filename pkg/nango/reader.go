package nango

import (
	"bytes"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"github.com/revwatch/revwatch/configs"
)

// Reader turns record values into joined, ordered events. It is not safe for concurrent use.
type Reader struct {
	rules         *Rules
	disorder      int64
	grace         int64
	joinMax       int
	ceiling       int64
	pin           layer // the only outermost envelope accepted; layerNone: any
	accountFields [][]string
	tagKeys       []string
	row           func(time.Time)

	sources map[string]*source
	source  *source // of the record being read
	mark    int64   // W: everything due up to here was released
	newest  int64
	looked  int64 // clock of the last look at the sources, 0 = none yet

	times, timesSeen int64 // row times read, and until the last look
	newestSeen       int64 // newest at the last look
	behindSeen       bool  // a source was behind at the last look
	fed              int64 // clock of the last look that found rows of history

	header bool // mark or newest changed since the last Changes

	entries map[string]*entry
	queue   queue
	idle    bystanders
	done    memory
	echoes  echoes
	active  activity
	changed []*entry // dirty, in the order they became so
	gone    []string // stored entries that are no more
	out     []Event
	stats   Stats
	owners  map[int64]struct{} // Nango accounts seen

	// Of the record being read.
	meta       Meta
	useful     bool
	fault      string // the first reason why a part of it could not be read
	parsers    [maxNested]fastjson.Parser
	nested     int // parsers in use
	parseFault string
	work       int        // bytes that may still be parsed
	rows       int        // rows that may still be read
	layers     []layer    // around what is being read, outermost first
	outer      layer      // the envelope of the first row that matters
	accepted   bool       // something in the pinned envelope was found
	action     []byte     // id in a bulk action line, for the document after it
	wrappings  []wrapping // objects around what is being read, outermost first; a list is an empty one
	trace      *trace     // only while a value is explained
	entry      entry
	facts      facts
	verdicts   []verdict // of the row being read; a new entry takes a copy
	scratch    []byte
	strings    map[string]string
}

// NewReader returns a Reader that has seen nothing. It panics when Options.Rules is nil and the built-in table is broken,
// which a test excludes.
func NewReader(o Options) *Reader {
	r := &Reader{
		rules: o.Rules, disorder: ms(o.Disorder, defaultDisorder), grace: ms(o.JoinGrace, defaultGrace),
		joinMax: o.JoinMax, row: o.Row, pin: pinned(o.Envelope),
		sources: map[string]*source{}, entries: map[string]*entry{}, strings: map[string]string{}, owners: map[int64]struct{}{},
		active: newActivity(), done: newMemory(), echoes: newEchoes(), stats: newStats(), tagKeys: tagKeys(o.Tags),
	}
	if r.joinMax <= 0 {
		r.joinMax = defaultJoinMax
	}
	if r.row == nil {
		r.row = func(time.Time) {}
	}
	r.idle.max = max(r.joinMax/8, 1)
	if !o.Ceiling.IsZero() {
		r.ceiling = o.Ceiling.UnixMilli()
	}
	if len(o.AccountFields) == 0 {
		o.AccountFields = []string{"tags.organization_id", "endUser.organizationId", "endUserId"}
	}
	for _, f := range o.AccountFields {
		r.accountFields = append(r.accountFields, strings.Split(f, "."))
	}
	if r.rules == nil {
		rules, err := ParseRules(configs.Providers)
		if err != nil {
			panic(err)
		}
		r.rules = rules
	}
	return r
}

// Read takes one record. It never fails: every record is counted exactly once as skipped, understood, ignored or
// quarantined. The value may be reused by the caller afterwards.
func (r *Reader) Read(value []byte, m Meta) {
	r.stats.Records++
	switch reason, skip := r.refuse(value, m); {
	case reason != "":
		r.stats.Quarantined[reason]++
	case skip:
		r.stats.Skipped++
	default:
		r.look(value, m)
		r.count(value)
	}
}

// refuse reports whether a value is not looked at: it cannot be read, for a reason, or it cannot matter.
func (r *Reader) refuse(value []byte, m Meta) (reason string, skip bool) {
	switch {
	case len(value) == 0:
		return "empty", false
	case len(value) > maxValue:
		return "too_large", false
	}
	return "", m.Offset&255 != 0 && !relevant(value)
}

// look reads a value that may matter.
func (r *Reader) look(value []byte, m Meta) {
	if r.source == nil || r.source.name != m.Source {
		r.source = r.open(m.Source, -1)
	}
	if m.Time < minTime || m.Time > maxTime {
		m.Time = 0
	}
	r.meta, r.useful, r.fault, r.parseFault = m, false, "", ""
	r.outer, r.accepted, r.action, r.work, r.rows = layerNone, false, nil, allowance(len(value)), 64+len(value)/shortestRow
	r.value(value)
	r.meta = Meta{}
	if len(value) > keepParsers {
		r.parsers, r.wrappings = [maxNested]fastjson.Parser{}, nil
	}
}

func (r *Reader) count(value []byte) {
	switch {
	case r.useful:
		r.stats.Understood++
		r.stats.Envelopes[r.outer.String()]++
		if r.fault != "" {
			r.stats.Damaged++
		}
		if !utf8.Valid(value) {
			r.stats.BadUTF8++
		}
	case r.fault != "":
		r.stats.Quarantined[r.fault]++
	default:
		r.stats.Ignored++
	}
}

// intern returns b as a string shared with all equal ones.
func (r *Reader) intern(b []byte) string {
	if s, ok := r.strings[string(b)]; ok {
		return s
	}
	if len(r.strings) >= maxInterned {
		clear(r.strings)
	}
	s := string(bytes.ToValidUTF8(b[:min(len(b), maxName)], []byte("\uFFFD")))
	r.strings[s] = s
	return s
}

// join adds a row to what is known of its operation.
func (r *Reader) join(id []byte, row *entry) {
	if row.Kind != opOther {
		r.matters()
	}
	known := r.done.has(id)
	r.trace.joins(id, known)
	if known {
		r.stats.Duplicates++
		return
	}
	e := r.entries[string(id)]
	if e == nil {
		e = new(entry)
		*e = *row
		e.Verdicts = slices.Clone(row.Verdicts)
		e.id, e.place = string(id), -1
		r.entries[e.id] = e
	} else {
		e.merge(row)
	}
	r.place(e)
	r.judged(e)
}

// matters notes that the record holds a row that matters, and the envelope of the first one.
func (r *Reader) matters() {
	if !r.useful {
		r.useful, r.outer = true, r.outermost()
	}
}

// place puts an entry where it belongs in the order of release.
func (r *Reader) place(e *entry) {
	ev, f := e.event(r.rules, false)
	when := e.start()
	e.due = when + r.grace
	if f == ready {
		when = ev.Time.UnixMilli()
		e.due = when
		if e.Kind == opWebhook {
			e.due = patience(when)
		}
	}
	e.Late = when < r.mark-lateness
	e.cause = ev.Cause
	r.echoes.hold(e)
	r.queue.put(e)
	r.touchEntry(e)
	r.idle.track(r, e)
}

func (r *Reader) touchEntry(e *entry) {
	if e.dirty {
		return
	}
	e.dirty = true
	r.changed = append(r.changed, e)
	if len(r.changed) > 2*len(r.entries)+1024 { // nobody asks for Changes
		r.changed = slices.DeleteFunc(r.changed, func(e *entry) bool { return !e.dirty })
	}
}

// drop forgets an entry that has left the queue.
func (r *Reader) drop(e *entry) {
	r.echoes.let(e)
	delete(r.entries, e.id)
	if e.stored {
		r.gone = append(r.gone, e.id)
	}
	e.dirty, e.stored = false, false
}
