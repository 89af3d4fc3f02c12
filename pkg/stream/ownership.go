package stream

import (
	"cmp"
	"context"
	"slices"
	"time"
)

type key struct {
	topic     string
	partition int32
}

// phase is what is known of the position in a partition.
type phase int

const (
	opening phase = iota // not assigned to the handler yet
	reading
	lost // the position is not in the log
)

// partition is one that we own.
type partition struct {
	key
	phase     phase
	leader    int32 // broker id, -1 when there is none
	position  int64 // next offset to fetch
	high      int64 // last seen end, -1 before the first
	failures  int   // failed requests in a row
	ailing    bool  // the last request for it failed
	broken    int   // times in a row that what stands at the position was broken
	notBefore time.Time
	idle      time.Duration // time without a sign of life
	served    int           // when it last brought something, counted in responses
	fresh     bool          // it came into being while we were running
}

const (
	trust       = 2                      // times that something broken is asked for again before it is skipped
	pause       = 200 * time.Millisecond // after a failed request, growing with failures in a row
	pauseMost   = 5 * time.Second
	leaderPause = 400 * time.Millisecond // the most where a leader was asked that is none any more
	openGrace   = 10 * time.Second       // partitions that cannot be opened hold back the others so long
)

// again delays the next request for the partition.
func (p *partition) again(now time.Time, most time.Duration) {
	p.ailing = true
	p.notBefore = now.Add(min(pause<<min(p.failures, 8), most))
	p.failures++
}

// ownership is one generation in which partitions may be ours.
type ownership struct {
	ctx     context.Context // of all its background work
	cancel  context.CancelFunc
	since   time.Time
	all     []*partition // by topic and number
	byKey   map[key]*partition
	counts  map[string]int   // partitions that we, as leader of the group, gave away; nil when another leads it
	turn    int              // responses so far
	orders  map[int32]*order // on their way, by broker
	started bool             // fetching
	led     time.Time        // when leaders were last looked up
	looking bool             // for leaders
	listing bool             // for offsets
	watched time.Time        // last look at stalls
}

// order is one fetch request on its way.
type order struct{ cancel context.CancelFunc }

func newOwnership(g *generation) *ownership {
	o := &ownership{since: time.Now(), counts: g.counts, byKey: make(map[key]*partition), orders: make(map[int32]*order)}
	o.ctx, o.cancel = context.WithCancel(context.Background())
	o.watched = o.since
	for _, k := range g.assigned {
		p := &partition{key: k, leader: -1, high: -1}
		o.all = append(o.all, p)
		o.byKey[k] = p
	}
	slices.SortFunc(o.all, func(a, b *partition) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	return o
}

// well says whether no partition is ailing.
func (o *ownership) well() bool {
	return !slices.ContainsFunc(o.all, func(p *partition) bool { return p.ailing })
}

// ready says whether fetching may begin: all partitions are open, or the rest had its time.
func (o *ownership) ready(now time.Time) bool {
	if !o.started {
		o.started = now.Sub(o.since) > openGrace ||
			!slices.ContainsFunc(o.all, func(p *partition) bool { return p.phase == opening })
	}
	return o.started
}
