// Package alert tells people of incidents: one message for all destinations, and its delivery to each of them.
//
// There is no queue. An incident has a revision and a milestone, a destination has a record of what it was told of each incident, and what
// is between the two is pending: however long a destination is away, it owes one current message per incident. A record is written
// before each request and after it, so that a process killed at any point leaves at most one request of which nobody knows the end.
package alert

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/revwatch/revwatch/pkg/detect"
)

// Options of a Notifier. Of an incident that no route matches nobody is told, but of what is said of the pipeline as a whole, that no rows come
// and the weekly line, everybody.
type Options struct {
	Destinations []Destination
	Save         func(bucket, key string, value []byte) error // one durable write; nil value deletes; safe for concurrent use
	May          func() bool                                  // asked right before each request: may this process speak; nil: always
	Wording      Wording                                      // what messages say
	Routes       []Route                                      // the first that matches names who is told; none at all: everybody is told everything
	Fallback     []string                                     // destinations that are told what another refuses for good
	Shadow       bool                                         // decide and show, and send nothing
	Log          *zap.Logger                                  // nil: none
	Now          func() time.Time                             // nil: time.Now

	test bool // what is told is a test
}

// complete fills in what was left out.
func (o *Options) complete() error {
	if len(o.Destinations) > 0 && o.Save == nil {
		return errors.New("alert: destinations need a place to save what they were told")
	}
	if save := o.Save; save != nil {
		o.Save = func(bucket, key string, value []byte) error {
			if value != nil && len(value) == 0 {
				return errors.New("it holds a time of no year")
			}
			return save(bucket, key, value)
		}
	}
	if o.May == nil {
		o.May = func() bool { return true }
	}
	o.Wording = o.Wording.orDefault()
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// Notifier brings each destination the newest state of each incident. Its methods may be called from any goroutine.
type Notifier struct {
	opt     *Options
	lanes   []*lane
	mutes   *mutes
	changed *signal
}

// NewNotifier makes a Notifier that knows of no incident. It is an error when two destinations have one name, when a route or the fallback
// names one that is not there, when a route can never match, or when there are destinations and no Save.
func NewNotifier(o Options) (*Notifier, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	n := &Notifier{opt: &o, changed: newSignal()}
	n.mutes = newMutes(&o, n.raise)
	b := &board{refused: map[string][]refuser{}, wake: n.raise}
	seen := map[string]bool{}
	for _, d := range o.Destinations {
		name := d.name()
		switch {
		case name == "" || strings.Contains(name, "\x00"):
			return nil, fmt.Errorf("alert: %q cannot name a destination", name)
		case seen[name]:
			return nil, fmt.Errorf("alert: two destinations are named %q", name)
		}
		seen[name] = true
		n.lanes = append(n.lanes, newLane(d, &o, n.changed, n.mutes, b))
	}
	if err := checkNames(&o, seen); err != nil {
		return nil, err
	}
	return n, nil
}

// raise wakes all lanes.
func (n *Notifier) raise() {
	for _, l := range n.lanes {
		l.raise()
	}
}

// Restore takes back one value that Save was given, in any order, before Run. Buckets of other rooms are ignored.
func (n *Notifier) Restore(in, key string, value []byte) error {
	switch in {
	case bucket:
		return n.restoreRecord(key, value)
	case bucketSilences:
		return n.mutes.restore(key, value)
	}
	return nil
}

func (n *Notifier) restoreRecord(key string, value []byte) error {
	name, incident, ok := splitKey(key)
	if !ok {
		return fmt.Errorf("alert: %q is no key of a delivery record", key)
	}
	r, err := parseRecord(value)
	if err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	for _, l := range n.lanes {
		if l.name == name {
			l.restore(incident, r)
			return nil
		}
	}
	if len(n.lanes) > 0 { // of a destination that is configured no more: the first one sweeps it away
		n.lanes[0].stray(key)
	}
	return nil
}

// Tell gives the newest state of every incident that is open or was resolved within the last 7 days, after it was committed. It never
// blocks; only the newest call counts. What a destination was told of any other incident is forgotten.
func (n *Notifier) Tell(incidents []detect.Incident) {
	book := make(map[string]*entry, len(incidents))
	for i := range incidents {
		in := incidents[i]
		book[in.ID] = n.enter(&in)
	}
	for _, l := range n.lanes {
		l.tell(book)
	}
	n.raise()
}

// enter finds out who is told of an incident.
func (n *Notifier) enter(in *detect.Incident) *entry {
	e := &entry{Incident: in, severity: n.opt.Wording.Severity.of(in)}
	e.to, e.everybody = recipients(n.opt.Routes, in, e.severity)
	return e
}

// Silenced says that a silence keeps an incident quiet now.
func (n *Notifier) Silenced(in detect.Incident) bool {
	return n.mutes.over(n.enter(&in), n.opt.Now()) != nil
}

// Recipients names the destinations that are told of an incident in its present state by the routes, in the order they were given. Silences,
// the shadow mode and what was told before do not matter.
func (n *Notifier) Recipients(in detect.Incident) []string {
	e := n.enter(&in)
	var names []string
	for _, l := range n.lanes {
		if takes := in.Signal != detect.Weekly || l.traits.reports; takes && (e.everybody || slices.Contains(e.to, l.name)) {
			names = append(names, l.name)
		}
	}
	return names
}

// Run delivers until ctx ends, then finishes the requests under way, for at most 5 s, and returns. Each destination has a goroutine of
// its own: none delays another. Run may be called once.
func (n *Notifier) Run(ctx context.Context) {
	n.mutes.sweep()
	var wg sync.WaitGroup
	for _, l := range n.lanes {
		wg.Go(func() { l.run(ctx) })
	}
	wg.Wait()
	<-ctx.Done()
}

// Settled waits until nothing is pending that could be sent now: what waits for a back-off, for Retry-After, for its minute, or for the
// right to speak does not count. It returns the error of ctx when that ends first.
func (n *Notifier) Settled(ctx context.Context) error {
	for {
		next := n.changed.wait()
		busy := false
		for _, l := range n.lanes {
			busy = busy || !l.isSettled()
		}
		if !busy {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Status is how one destination fares. No secret is in it.
type Status struct {
	Name    string
	Pending int              // incidents that owe it a message
	Oldest  time.Time        // since when the oldest is pending; zero: none
	Results map[string]int64 // requests so far by result, one of Results
	Err     string           // the last error, or why it is down; "" once it works again
	Down    bool             // it refuses for good what it is owed
	Since   time.Time        // since when it is down; zero: it is not, or nobody knows
	Shadow  bool             // nothing is sent to it
}

// Status tells of each destination, in the order they were given.
func (n *Notifier) Status() []Status {
	out := make([]Status, len(n.lanes))
	for i, l := range n.lanes {
		out[i] = l.status()
	}
	return out
}
