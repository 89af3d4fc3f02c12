package alert

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/revwatch/revwatch/pkg/detect"
)

// Silence keeps the incidents that it matches quiet for a time: they open, change and resolve, and nobody is told. The end of what was told before
// is told nevertheless. What is said of the pipeline as a whole, that no rows come and the weekly line, is silenced only where Signal names it.
type Silence struct {
	ID string `json:"id"`
	Match
	Author string    `json:"author"`
	Reason string    `json:"reason"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
}

const (
	bucketSilences = "silences"
	maxSilence     = 90 * 24 * time.Hour
	keptSilence    = 10 * 24 * time.Hour // after its end: longer than an incident is known after its own
	maxSilences    = 1000                // that are on
	maxKept        = 10 * maxSilences
	maxNote        = 200 // characters of an author or a reason
)

// Silence begins a silence and returns it with its id, after it was saved. It begins now. Want an author and a reason of at most 200
// characters, an end within 90 days, and at least one field of Match.
func (n *Notifier) Silence(s Silence) (Silence, error) { return n.mutes.add(s) }

// EndSilence ends a silence now. It is an error when none that is on has the id.
func (n *Notifier) EndSilence(id string) error { return n.mutes.end(id) }

// Silences returns those that are on, the first to end first. Their lists must not be changed.
func (n *Notifier) Silences() []Silence { return n.mutes.list() }

// mutes are the silences, with those that ended lately.
type mutes struct {
	save    func(bucket, key string, value []byte) error
	now     func() time.Time
	log     *zap.Logger
	changed func()

	writing sync.Mutex // one change at a time; not held by who only looks
	mu      sync.RWMutex
	all     map[string]*Silence // never changed, only replaced
}

func newMutes(o *Options, changed func()) *mutes {
	return &mutes{save: o.Save, now: o.Now, log: o.Log, changed: changed, all: map[string]*Silence{}}
}

func (m *mutes) restore(id string, value []byte) error {
	var s Silence
	if err := json.Unmarshal(value, &s); err != nil {
		return fmt.Errorf("alert: silence: %w", err)
	}
	s.ID = id
	m.put(&s)
	return nil
}

func (m *mutes) put(s *Silence) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all[s.ID] = s
}

func (m *mutes) drop(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, id)
}

func (m *mutes) add(s Silence) (Silence, error) {
	now := m.now()
	if err := s.complete(now); err != nil {
		return Silence{}, fmt.Errorf("silence: %w", err)
	}
	m.writing.Lock()
	defer m.writing.Unlock()
	m.sweepLocked(now)
	if on := len(m.list()); on >= maxSilences || len(m.all) >= maxKept {
		return Silence{}, errors.New("silence: there are too many already")
	}
	if err := m.write(&s); err != nil {
		return Silence{}, err
	}
	m.log.Info("silence begun", zap.String("silence", s.ID), zap.String("author", s.Author), zap.Time("until", s.Until))
	return s, nil
}

// complete checks a silence and fills in its id and its beginning.
func (s *Silence) complete(now time.Time) error {
	s.Author, s.Reason = clean(s.Author), clean(s.Reason)
	s.From = now.UTC().Truncate(time.Millisecond)
	s.Until = s.Until.UTC().Truncate(time.Millisecond)
	switch {
	case s.Author == "" || len([]rune(s.Author)) > maxNote:
		return fmt.Errorf("author: want 1 to %d characters", maxNote)
	case s.Reason == "" || len([]rune(s.Reason)) > maxNote:
		return fmt.Errorf("reason: want 1 to %d characters", maxNote)
	case !s.Until.After(s.From):
		return errors.New("it has to end after it begins")
	case s.Until.After(now.Add(maxSilence)):
		return errors.New("it has to end within 90 days")
	case s.empty():
		return errors.New("name at least one of provider, integration, environment, cause, signal, scope and severity")
	}
	if err := s.check(); err != nil {
		return err
	}
	for _, l := range []*[]string{&s.Provider, &s.Integration, &s.Environment, &s.Cause, &s.Signal, &s.Scope} {
		*l = slices.Clone(*l)
	}
	id := make([]byte, 6)
	_, _ = rand.Read(id) // never fails
	s.ID = hex.EncodeToString(id)
	return nil
}

// write saves a silence and puts it in force. The caller holds writing.
func (m *mutes) write(s *Silence) error {
	if m.save == nil {
		return errors.New("silence: nobody is told of anything")
	}
	if err := m.save(bucketSilences, s.ID, encode(s)); err != nil {
		return fmt.Errorf("silence: cannot be saved: %w", err)
	}
	m.put(s)
	m.changed()
	return nil
}

func (m *mutes) end(id string) error {
	m.writing.Lock()
	defer m.writing.Unlock()
	now := m.now()
	m.mu.RLock()
	old := m.all[id]
	m.mu.RUnlock()
	if old == nil || !old.Until.After(now) {
		return errors.New("silence: none that is on has this id")
	}
	ended := *old
	ended.Until = now.UTC()
	if err := m.write(&ended); err != nil {
		return err
	}
	m.log.Info("silence ended", zap.String("silence", id))
	return nil
}

// sweep forgets what ended long ago.
func (m *mutes) sweep() {
	m.writing.Lock()
	defer m.writing.Unlock()
	m.sweepLocked(m.now())
}

func (m *mutes) sweepLocked(now time.Time) {
	m.mu.RLock()
	var old []string
	for id, s := range m.all {
		if now.Sub(s.Until) > keptSilence {
			old = append(old, id)
		}
	}
	m.mu.RUnlock()
	for _, id := range old {
		if m.save != nil && m.save(bucketSilences, id, nil) != nil {
			return // at the next change
		}
		m.drop(id)
	}
}

func (m *mutes) list() []Silence {
	now := m.now()
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []Silence
	for _, s := range m.all {
		if s.Until.After(now) {
			out = append(out, *s)
		}
	}
	slices.SortFunc(out, func(a, b Silence) int { return cmp.Or(a.Until.Compare(b.Until), cmp.Compare(a.ID, b.ID)) })
	return out
}

// over is the silence that keeps an incident quiet at a time, of several the one that ends last.
func (m *mutes) over(e *entry, at time.Time) (last *Silence) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, s := range m.all {
		switch {
		case at.Before(s.From) || !at.Before(s.Until), !s.means(e):
		case last == nil, s.Until.After(last.Until), s.Until.Equal(last.Until) && s.ID < last.ID:
			last = s
		}
	}
	return last
}

func (s *Silence) means(e *entry) bool {
	if whole := e.Signal == detect.Silence || e.Signal == detect.Weekly; whole && !slices.Contains(s.Signal, e.Signal) {
		return false
	}
	return s.covers(e.Incident, e.severity)
}

// edge is when the next silence begins or ends; zero: never.
func (m *mutes) edge(now time.Time) (at time.Time) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, s := range m.all {
		for _, t := range []time.Time{s.From, s.Until} {
			if t.After(now) {
				at = sooner(at, t)
			}
		}
	}
	return at
}
