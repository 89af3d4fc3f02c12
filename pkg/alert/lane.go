package alert

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/revwatch/revwatch/pkg/detect"
)

// lane is one destination with its records. Its goroutine alone writes to the store and sends; the lock guards what others look at and is
// never held over either.
type lane struct {
	name    string
	dest    Destination
	traits  traits
	opt     *Options
	log     *zap.Logger
	changed *signal
	wake    chan struct{}

	mu       sync.Mutex
	book     map[string]*detect.Incident // nil: nothing was told yet
	records  map[string]*record          // by incident; that of "" says since when the destination exists
	strays   map[string]struct{}         // keys in the store of destinations that are configured no more
	dirty    map[string]struct{}         // keys whose value in the store is not what it should be
	busy     bool                        // a write or a request is under way
	hold     time.Time                   // no request before: back-off or Retry-After
	last     time.Time                   // when the last request began
	saveAt   time.Time                   // no write before
	unsaved  int                         // failed writes in a row
	failures int                         // failed requests in a row
	results  map[string]int64
	err      string
}

func newLane(d Destination, o *Options, changed *signal) *lane {
	return &lane{
		name: d.name(), dest: d, traits: d.traits(), opt: o, changed: changed, wake: make(chan struct{}, 1),
		log:     o.Log.With(zap.String("destination", d.name())),
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
	l.hold, l.last = later(l.hold, r.Hold), later(l.last, r.Tried)
	l.records[incident] = &r
}

func (l *lane) stray(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.strays[key] = struct{}{}
}

// tell takes the newest book and forgets what is not in it.
func (l *lane) tell(book map[string]*detect.Incident) {
	now := l.opt.Now()
	l.mu.Lock()
	for id := range l.records {
		if _, ok := book[id]; !ok && id != "" {
			l.forget(id)
		}
	}
	for key := range l.strays {
		if _, id, _ := splitKey(key); book[id] == nil {
			delete(l.strays, key)
			l.dirty[key] = struct{}{}
		}
	}
	l.book = book
	for id := range book {
		l.date(id, now)
	}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *lane) forget(id string) {
	if in := l.book[id]; in != nil && l.owes(id) != none {
		l.log.Warn("incident left before it could be told", zap.String("incident", id), zap.Int("revision", in.Revision))
	}
	delete(l.records, id)
	l.dirty[recordKey(l.name, id)] = struct{}{}
}

// date keeps since when an incident is pending.
func (l *lane) date(id string, now time.Time) {
	r, p := l.records[id], l.owes(id)
	switch {
	case p == none && r != nil:
		r.Since = time.Time{}
	case p != none && r == nil:
		l.records[id] = &record{Since: now}
	case p != none && r.Since.IsZero():
		r.Since = now
	}
}

// owes is what the destination has still to be told of an incident of the book.
func (l *lane) owes(id string) phase {
	r := l.records[id]
	if r == nil {
		r = &record{}
	}
	var born time.Time
	if b := l.records[""]; b != nil {
		born = b.Since
	}
	return owed(l.traits, r, l.book[id], born)
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
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Status{Name: l.name, Results: map[string]int64{}, Err: l.err}
	for k, v := range l.results {
		s.Results[k] = v
	}
	for id, in := range l.book {
		p := l.owes(id)
		if p == none {
			continue
		}
		r := l.records[id]
		s.Pending++
		if s.Oldest.IsZero() || r.Since.Before(s.Oldest) {
			s.Oldest = r.Since
		}
		if r.refuses(in, p) {
			s.Down = true
			s.Err = r.Refusal.Reason
		}
	}
	if s.Pending == 0 && len(l.dirty) == 0 { // nothing is left that did not work
		s.Err = ""
	}
	return s
}
