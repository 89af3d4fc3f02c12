package alert

import (
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/revwatch/revwatch/pkg/detect"
)

// entry is an incident of the book and who is told of it.
type entry struct {
	*detect.Incident
	severity  severity
	to        []string // whom the routes name
	everybody bool     // they name no one in particular
}

// judged is the time at which it is asked whether a silence is on: of what is over, when it ended.
func (e *entry) judged(now time.Time) time.Time {
	switch {
	case e.Signal == detect.Weekly:
		return e.Time
	case e.Status == detect.StatusResolved:
		return e.ResolvedAt
	}
	return now
}

// lane is one destination with its records. Its goroutine alone writes to the store and sends; the lock guards what others look at and is
// never held over either.
type lane struct {
	name    string
	dest    Destination
	traits  traits
	opt     *Options
	log     *zap.Logger
	changed *signal
	mutes   *mutes
	board   *board
	standIn bool // it is told what others refuse
	wake    chan struct{}

	mu       sync.Mutex
	book     map[string]*entry   // nil: nothing was told yet
	records  map[string]*record  // by incident; that of "" says since when the destination exists
	strays   map[string]struct{} // keys in the store of destinations that are configured no more
	dirty    map[string]struct{} // keys whose value in the store is not what it should be
	busy     bool                // a write or a request is under way
	hold     time.Time           // no request before: back-off or Retry-After
	last     time.Time           // when the last request began
	saveAt   time.Time           // no write before
	unsaved  int                 // failed writes in a row
	failures int                 // failed requests in a row
	results  map[string]int64
	err      string
}

func newLane(d Destination, o *Options, changed *signal, m *mutes, b *board) *lane {
	return &lane{
		name: d.name(), dest: d, traits: d.traits(), opt: o, changed: changed, mutes: m, board: b, wake: make(chan struct{}, 1),
		log: o.Log.With(zap.String("destination", d.name())), standIn: slices.Contains(o.Fallback, d.name()),
		records: map[string]*record{}, strays: map[string]struct{}{}, dirty: map[string]struct{}{}, results: map[string]int64{},
	}
}

func (l *lane) restore(incident string, r record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.reopenedFile(l.traits) {
		l.results[string(doubtful)]++
		l.dirty[recordKey(l.name, incident)] = struct{}{}
	}
	if r.Refusal != nil { // whoever starts anew may have mended it
		r.Refusal.Until = time.Time{}
	}
	l.hold, l.last = later(l.hold, r.Hold), later(l.last, r.Tried)
	l.records[incident] = &r
	l.post(incident)
}

func (l *lane) stray(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.strays[key] = struct{}{}
}

// tell takes the newest book and forgets what is not in it. It does not wake the lane.
func (l *lane) tell(book map[string]*entry) {
	now := l.opt.Now()
	l.mu.Lock()
	for id := range l.records {
		if _, ok := book[id]; !ok && id != "" {
			l.forget(id, now)
		}
	}
	for key := range l.strays {
		if _, id, _ := splitKey(key); book[id] == nil {
			delete(l.strays, key)
			l.dirty[key] = struct{}{}
		}
	}
	l.book = book
	l.review(now)
	l.mu.Unlock()
}

// raise wakes the lane.
func (l *lane) raise() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *lane) forget(id string, now time.Time) {
	if e := l.book[id]; e != nil && l.owes(id, now) != none {
		l.log.Warn("incident left before it could be told", zap.String("incident", id), zap.Int("revision", e.Revision))
	}
	delete(l.records, id)
	l.dirty[recordKey(l.name, id)] = struct{}{}
	l.post(id)
}

// post says on the board whether the destination refuses the incident. Newer proof of an end that it took is no news to anybody else.
func (l *lane) post(id string) {
	reason := ""
	if r := l.records[id]; r != nil && r.Refusal != nil && !r.knowsEnd(r.Refusal.Mark) {
		reason = r.Refusal.Reason
	}
	l.board.note(id, l.name, reason)
}

// review keeps since when what is owed now is pending, and what ended while it was none of this destination's business.
func (l *lane) review(now time.Time) {
	for id, e := range l.book {
		r, s := l.record(id), l.standing(id, now)
		switch p := owed(l.traits, r, e.Incident, s); {
		case p == none && waives(l.traits, r, e.Incident, s):
			r.Waived, r.Refusal = max(1, e.Milestone), nil
			l.records[id] = r
			l.dirty[recordKey(l.name, id)] = struct{}{}
			l.post(id)
		case p == none && r.Refusal != nil && !r.told() && !s.routed && !s.standIn: // it is not asked any more: nobody stands in for it
			r.Refusal, r.Since = nil, time.Time{}
			l.dirty[recordKey(l.name, id)] = struct{}{}
			l.post(id)
		case p == none:
			r.Since = time.Time{}
		case r.Since.IsZero():
			r.Since = now
			l.records[id] = r
		}
	}
}

// record is that of an incident, an empty one when nothing is known.
func (l *lane) record(id string) *record {
	if r := l.records[id]; r != nil {
		return r
	}
	return &record{}
}

// standing is that of an incident of the book.
func (l *lane) standing(id string, now time.Time) standing {
	s := l.standingAlone(id, now)
	s.apart = l.book[id].Parent != "" && !l.hearsOfParent(l.book[id], now)
	return s
}

// hearsOfParent says that the destination was told, or is to be told, of a wider incident that e is part of, and that nobody silenced that one.
func (l *lane) hearsOfParent(e *entry, now time.Time) bool {
	for range l.book {
		if e = l.book[e.Parent]; e == nil {
			return false
		}
		r, s := l.record(e.ID), l.standingAlone(e.ID, now)
		known := r.told() || r.Sent.Phase != none || e.Parent == "" && owed(l.traits, r, e.Incident, s) != none
		if known && s.silence == nil {
			return true
		}
	}
	return false
}

// standingAlone is that of an incident without regard to others.
func (l *lane) standingAlone(id string, now time.Time) standing {
	e := l.book[id]
	s := standing{
		born: l.record("").Since, routed: e.everybody || slices.Contains(e.to, l.name), shadow: l.opt.Shadow, silence: l.mutes.over(e, e.judged(now)),
	}
	if l.standIn {
		_, s.standIn = l.board.standIn(id, l.name)
	}
	return s
}

// owes is what the destination has still to be told of an incident of the book.
func (l *lane) owes(id string, now time.Time) phase {
	return owed(l.traits, l.record(id), l.book[id].Incident, l.standing(id, now))
}

// isSettled says that nothing could be sent now.
func (l *lane) isSettled() bool {
	may, now := l.opt.May(), l.opt.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy {
		return false
	}
	if len(l.dirty) > 0 {
		return now.Before(l.saveAt)
	}
	j, at := l.next(now)
	return j == nil || at.After(now) || !may
}

func (l *lane) status() Status {
	now := l.opt.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Status{Name: l.name, Results: map[string]int64{}, Err: l.err, Shadow: l.opt.Shadow}
	for k, v := range l.results {
		s.Results[k] = v
	}
	l.review(now)
	idle := true
	for id := range l.book {
		j, _ := l.job(id, now)
		if j.mark.Phase == none {
			continue
		}
		idle = false
		r := l.record(id)
		if !j.again {
			s.Pending++
			s.Oldest = sooner(s.Oldest, r.Since)
		}
		if r.refuses(j.mark) && (!s.Down || r.Refusal.Since.Before(s.Since)) {
			s.Down, s.Since, s.Err = true, r.Refusal.Since, r.Refusal.Reason
		}
	}
	if idle && len(l.dirty) == 0 { // nothing is left that did not work
		s.Err = ""
	}
	if t, ok := l.dest.(troubled); ok && s.Err == "" {
		s.Err = t.trouble()
	}
	return s
}
