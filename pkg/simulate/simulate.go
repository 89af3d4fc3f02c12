// Package simulate writes the log rows that Nango would write in a made-up, seeded world: customers whose connections die, are retried until
// Nango gives up, and are authorized anew, at providers that now and then go down. The demonstration, tests and benchmarks feed on it.
//
// It is pure: no goroutine, lock, clock, file, network or log. The same Config and the same happenings give the same rows, however the calls
// of Until are cut.
package simulate

import (
	"container/heap"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"
)

// Row is one Kafka value as a change stream of Nango's indices would carry it.
type Row struct {
	Time    time.Time // when Nango wrote it: UTC, milliseconds
	Key     []byte    // id of the operation it belongs to, so that rows of one operation can share a partition
	Value   []byte    // the bare row
	Message bool      // it belongs to the messages index; otherwise to the operations index
}

// Config describes a world. A zero field means what its comment says.
type Config struct {
	Seed        uint64
	Start       time.Time // nothing is written before it; zero: 2026-01-05T00:00:00Z
	Environment string    // Nango's environment name; "": prod
	Filler      float64   // rows of scripts that have nothing to do with connections, per row of all others; zero: none
	Calls       float64   // successful proxy calls per connection and day; zero: 0.25, negative: none
	Webhooks    bool      // each failure is also delivered to a webhook URL, which is logged as an operation of its own
	Quiet       bool      // no ordinary life: only what is scheduled happens
}

// World is one Nango account with one environment. It is not safe for concurrent use.
type World struct {
	cfg          Config
	environment  []byte // as JSON
	busy         float64
	now          int64 // Unix ms; everything before it is decided
	integrations []*integration
	connections  []*connection
	queue        queue
	waiting      []Row // decided but not yet written, by time
	seq          uint64
	numbers      int
	debt         float64 // filler rows that are due
	outages      map[*provider]*Happened
	happened     []*Happened
	broken       map[Series]int

	// Chance has three sources, so that the wording of rows and the filler change nothing in the story.
	story, text, noise *rand.Rand
}

// New makes a world that stands at Start.
func New(cfg Config) *World { return newWorld(cfg, 1) }

// newWorld lets connections die busy times as often as usual.
func newWorld(cfg Config, busy float64) *World {
	if cfg.Start.IsZero() {
		cfg.Start = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	}
	if cfg.Environment == "" {
		cfg.Environment = "prod"
	}
	if cfg.Calls == 0 {
		cfg.Calls = 0.25
	}
	w := &World{
		cfg: cfg, busy: busy, now: cfg.Start.UnixMilli(), outages: map[*provider]*Happened{}, broken: map[Series]int{},
		story: rand.New(rand.NewPCG(cfg.Seed, 1)), text: rand.New(rand.NewPCG(cfg.Seed, 2)), noise: rand.New(rand.NewPCG(cfg.Seed, 3)),
	}
	w.environment, _ = json.Marshal(cfg.Environment) // text always marshals
	w.populate()
	if !cfg.Quiet {
		w.at(w.now, w.day)
	}
	if cfg.Filler > 0 {
		w.at(w.now, w.fill)
	}
	return w
}

// Until emits the rows written before t in the order of their times, from where the last call stopped. The slices of a row belong to emit.
func (w *World) Until(t time.Time, emit func(Row)) {
	end := t.UnixMilli()
	for len(w.queue) > 0 && w.queue[0].at < end {
		e := heap.Pop(&w.queue).(event)
		w.flush(e.at, emit)
		w.now = e.at
		e.do()
	}
	w.now = max(w.now, end)
	w.flush(end, emit)
}

// flush emits what was written before the given millisecond.
func (w *World) flush(end int64, emit func(Row)) {
	n := 0
	for n < len(w.waiting) && w.waiting[n].Time.UnixMilli() < end {
		emit(w.waiting[n])
		n++
	}
	w.waiting = slices.Delete(w.waiting, 0, n)
}

// write puts a row behind all those written until then.
func (w *World) write(at int64, key string, value []byte, message bool) {
	row := Row{Time: moment(at), Key: []byte(key), Value: value, Message: message}
	i := len(w.waiting)
	for i > 0 && w.waiting[i-1].Time.After(row.Time) {
		i--
	}
	w.waiting = slices.Insert(w.waiting, i, row)
}

func moment(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// at puts something on the calendar. What lies in the past happens now.
func (w *World) at(at int64, do func()) {
	w.seq++
	heap.Push(&w.queue, event{max(at, w.now), w.seq, do})
}

// event is something on the calendar.
type event struct {
	at  int64
	seq uint64
	do  func()
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(e any)   { *q = append(*q, e.(event)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = event{}
	*q = (*q)[:last]
	return e
}
