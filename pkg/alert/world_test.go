package alert

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// world is what outlives the process: the store, and what each destination saw. It kills the process at chosen points.
type world struct {
	mu       sync.Mutex
	store    map[string]string
	attempts map[string][]attempt // by destination
	faults   map[string][]outcome // by destination, used up front to back; then everything works
	kills    map[string]bool      // destination and number of its write or request at which the process dies
	begun    map[string]bool      // keys of records that ever said that a beginning was tried
	hushes   map[string]int       // how often such a record said that somebody's silence was tried
	count    map[string]int
	wrong    []string
	silences map[string]string // the other bucket
	quiet    []quietTime
	routes   []worldRoute
	fallback []string
	shadow   bool
	doubted  map[string]bool      // keys of records that said at a start that a request was begun
	refusing map[string]time.Time // by incident and destination that refused it: until when, zero for now
	loud     map[string]int       // by incident, the newest milestone that was no end
}

// outcome is what happens to one request.
type outcome struct {
	Verdict verdict // "": accepted
	Arrived bool    // the destination saw a doubtful one
	Hang    bool
	After   time.Duration
}

type attempt struct {
	mark
	incident string
	past     bool
	parent   string
	silence  string
	at       time.Time
	life     int
	arrived  bool
	doubt    bool
	after    time.Duration
}

func newWorld() *world {
	return &world{store: map[string]string{}, attempts: map[string][]attempt{}, faults: map[string][]outcome{}, kills: map[string]bool{}, count: map[string]int{}, begun: map[string]bool{}, hushes: map[string]int{},
		silences: map[string]string{}, refusing: map[string]time.Time{}, doubted: map[string]bool{}, loud: map[string]int{}}
}

func (w *world) errorf(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// seen are the requests that a destination was asked to make, so far.
func (w *world) seen(name string) []attempt {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.attempts[name])
}

func (w *world) kept(key string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.store[key]
}

// life is one run of the process.
type life struct {
	*world
	number   int
	dead     bool
	book     map[string]detect.Incident // as last told
	notifier *Notifier
	cancel   context.CancelFunc
	done     chan struct{}
}

var errDead = errors.New("the process is dead")

// point counts a point at which the process may be killed; half of them lie before the effect and half after it.
func (l *life) point(name string, effect func()) (killed bool) {
	if l.dead {
		return true
	}
	l.count[name]++
	kill := l.kills[fmt.Sprint(name, " ", l.count[name])]
	if !kill || l.count[name]%2 == 0 {
		effect()
	}
	l.dead = kill
	return kill
}

func (l *life) save(in, key string, value []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if in == bucketSilences {
		l.silences[key] = string(value)
		return nil
	}
	if in != bucket {
		l.errorf("wrote to bucket %q", in)
	}
	written := false
	name, _, _ := splitKey(key)
	killed := l.point(name, func() {
		written = true
		if value == nil {
			delete(l.store, key)
		} else {
			l.store[key] = string(value)
			if r, err := parseRecord(value); err == nil && r.Trying != nil {
				l.begun[key] = l.begun[key] || r.Trying.Phase == open
				if r.Trying.Phase == hush {
					l.hushes[key]++
				}
			}
		}
	})
	if !written && !strings.Contains(string(value), `"trying"`) {
		l.lost(key)
	}
	if killed {
		return errDead
	}
	return nil
}

// lost marks the request whose end was not written.
func (l *life) lost(key string) {
	name, incident, _ := splitKey(key)
	if _, refuses := l.refusing[incident+name]; refuses {
		l.refusing[incident+name] = time.Time{} // that it is taken again is not known
	}
	for i := len(l.attempts[name]) - 1; i >= 0; i-- {
		if a := &l.attempts[name][i]; a.incident == incident && a.life == l.number {
			a.doubt = true
			return
		}
	}
}

// begin starts a process on what the world kept.
func (w *world) begin(t *testing.T, number int, destinations ...traits) *life {
	l := &life{world: w, number: number, done: make(chan struct{})}
	var all []Destination
	for i, tr := range destinations {
		all = append(all, &mock{life: l, id: fmt.Sprintf("d%d", i), t: tr})
	}
	n, err := NewNotifier(Options{Destinations: all, Save: l.save, Routes: w.realRoutes(), Fallback: w.fallback, Shadow: w.shadow})
	if err != nil {
		t.Fatal(err)
	}
	for id, value := range w.silences {
		if err := n.Restore(bucketSilences, id, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	for key, value := range maps.Clone(w.store) {
		w.doubted[key] = w.doubted[key] || strings.Contains(value, `"trying"`)
		if err := n.Restore(bucket, key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.notifier, l.cancel = n, cancel
	go func() { defer close(l.done); n.Run(ctx) }()
	return l
}

func (l *life) tell(book map[string]detect.Incident) {
	var all []detect.Incident
	for _, in := range book {
		all = append(all, in)
	}
	l.mu.Lock()
	l.book = maps.Clone(book)
	l.mu.Unlock()
	l.notifier.Tell(all)
}

func (l *life) isDead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

func (l *life) end() { l.cancel(); <-l.done }

// mock is a destination of the world.
type mock struct {
	*life
	id string
	t  traits
}

func (m *mock) name() string   { return m.id }
func (m *mock) traits() traits { return m.t }

func (m *mock) send(ctx context.Context, d delivery) (receipt, error) {
	o, killed := m.take(d)
	if killed {
		return receipt{}, errDead
	}
	if o.Hang {
		<-ctx.Done()
	}
	if o.Verdict != "" {
		return receipt{}, &fault{verdict: o.Verdict, reason: string(o.Verdict), after: o.After}
	}
	return receipt{remote: "there"}, nil
}

// take records a request and decides what becomes of it.
func (m *mock) take(d delivery) (o outcome, killed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return o, true
	}
	if f := m.faults[m.id]; len(f) > 0 {
		o, m.faults[m.id] = f[0], f[1:]
	}
	in := m.book[d.incident]
	a := attempt{
		mark:     mark{Revision: d.revision, Milestone: d.milestone, Phase: d.message.phase, Proof: d.in.Proof},
		incident: d.incident, at: time.Now(), life: m.number, after: o.After, past: in.Past, parent: in.Parent, silence: m.silencing(in),
	}
	m.checkRight(m.id, m.t, in, a)
	if in.Parent != "" {
		m.checkWithin(m.id, m.book[in.Parent], a)
	}
	killed = m.point(m.id, func() { a.arrived = o.Verdict == "" || o.Arrived })
	a.doubt = killed || o.Verdict == doubtful
	m.attempts[m.id] = append(m.attempts[m.id], a)
	if o.Verdict == refused {
		m.refusing[d.incident+m.id] = time.Time{}
	} else if _, refuses := m.refusing[d.incident+m.id]; refuses && o.Verdict == "" && a.arrived {
		m.refusing[d.incident+m.id] = time.Now()
	}
	return o, killed
}
