package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/directory"
	"github.com/revwatch/revwatch/pkg/web"
)

const (
	listAgain = time.Minute      // after a listing that failed; twice as long after each more, up to the usual time
	listLook  = 5 * time.Second  // who may not ask now looks again whether it may
	listGiven = 30 * time.Second // so long the owner of the core may take to accept a listing
	listFirst = 45 * time.Second // so long a first start waits for what it reads its history with
)

// lister asks Nango's API about each environment in turn, and hands what it says to the owner of the core. Nothing waits for it, and no failure of it
// stops anything.
type lister struct {
	every time.Duration
	turns []*listing
	may   func() bool // we are who reads
	hand  hand
	log   *zap.Logger
}

// hand gives a listing to the owner of the core, and reports whether it will be taken.
type hand func(context.Context, detect.Listing) (taken bool, err error)

// listing is how asking about one environment fares.
type listing struct {
	*directory.Client
	next   time.Time     // not before; by the machine's clock
	pause  time.Duration // after the next failure
	failed directory.Kind
	told   bool // that it works
	part   bool // the last one was Partial
}

func (f *follower) newLister(c *config) *lister {
	l := &lister{every: c.nango.every, log: f.log.Named("nango"), may: func() bool { return f.consumer.Status().Owner }}
	for _, d := range f.listing {
		l.turns = append(l.turns, &listing{Client: d})
	}
	l.hand = func(ctx context.Context, x detect.Listing) (bool, error) {
		return ask(ctx, f.asked, func() (bool, error) { return f.list(x), nil })
	}
	return l
}

// before lists each environment before anything is read, where nothing is known yet: so that it is known of history whose its connections are. What does not
// come in time is asked for later.
func (l *lister) before(ctx context.Context, take hand) {
	ctx, cancel := context.WithTimeout(ctx, listFirst)
	defer cancel()
	for _, t := range l.turns {
		l.turn(ctx, t, take)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		l.log.Warn("Nango's API did not list the connections in time: history is read without knowing whose they are", zap.Duration("waited", listFirst))
	}
}

// run asks until ctx ends.
func (l *lister) run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := listLook
		if l.may() {
			t := l.first()
			if wait = time.Until(t.next); wait <= 0 {
				l.turn(ctx, t, l.hand)
				continue
			}
			wait = min(wait, listLook)
		}
		rest(ctx, wait)
	}
}

// first is whose turn it is.
func (l *lister) first() *listing {
	best := l.turns[0]
	for _, t := range l.turns {
		if t.next.Before(best.next) {
			best = t
		}
	}
	return best
}

// turn lists one environment, and says when it is its turn again.
func (l *lister) turn(ctx context.Context, t *listing, give hand) {
	x, err := t.List(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		l.fails(t, err)
		return
	}
	t.pause, t.next = 0, time.Now().Add(l.around(l.every))
	if t.failed != "" || !t.told {
		l.log.Info("Nango's API lists the connections", zap.String("environment", t.Environment()), zap.Int("connections", len(x.Connections)))
	}
	if x.Partial && !t.part {
		l.log.Warn("there are more connections than are taken from Nango's API: how many there are is at least", zap.String("environment", t.Environment()),
			zap.Int("connections", len(x.Connections)), zap.Int("unreadable", x.Unnamed))
	}
	t.failed, t.told, t.part = "", true, x.Partial
	patience, cancel := context.WithTimeout(ctx, listGiven)
	defer cancel()
	taken, err := give(patience, detect.Listing{Environment: t.Environment(), Time: x.Time, End: x.End, Partial: x.Partial, Connections: x.Connections})
	if err != nil || !taken { // reading is busy with rows of before: the next one will do
		l.log.Debug("a listing is dropped: the one before is not due yet", zap.String("environment", t.Environment()), zap.Error(err))
	}
}

// fails notes that there was no listing. Each kind of failure is logged once, until it is another or none.
func (l *lister) fails(t *listing, err error) {
	f, ours := errors.AsType[*directory.Fault](err)
	if !ours {
		f = &directory.Fault{Kind: directory.Unreachable}
	}
	t.pause = min(max(2*t.pause, listAgain), max(l.every, listAgain))
	t.next = time.Now().Add(max(l.around(t.pause), f.After))
	if t.failed != f.Kind {
		l.log.Warn("Nango's API gives no list of connections: all goes on without, with what it said last", zap.String("environment", t.Environment()),
			zap.String("kind", string(f.Kind)), zap.Error(err))
	}
	t.failed = f.Kind
}

// around is a time, a tenth shorter or longer: many who start together do not ask together for ever.
func (l *lister) around(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}

// rest waits, or ends with ctx.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// strangers are so many connections of the rows that a list should know one of them.
const strangers = 10

// lists logs what a listing changed, where somebody should look.
func (f *follower) lists(l detect.Listing, t detect.Taken) {
	at := zap.String("environment", l.Environment)
	switch {
	case t.Doubted:
		f.log.Warn("Nango's API lists less than half of the connections it listed before, or none: that is set aside until it says so again", at, zap.Int("connections", len(l.Connections)))
	case t.Known == 0 && t.Strangers >= strangers && !f.strange[l.Environment]:
		f.strange[l.Environment] = true
		f.log.Warn("no connection that Nango's API lists is in the rows of this environment: does the secret key belong to another one?", at,
			zap.Int("connections", len(l.Connections)), zap.Int("in_rows", t.Strangers))
	}
	if t.First && t.Refused > 0 {
		f.log.Info("connections were broken before we began to watch: detector connections --broken", at, zap.Int("connections", t.Refused))
	}
	f.log.Debug("a listing is taken", at, zap.Int("connections", len(l.Connections)), zap.Int("deleted", t.Deleted), zap.Int("work_again", t.Mended))
}

// takeFirst takes a listing before anything was read.
func (f *follower) takeFirst(_ context.Context, l detect.Listing) (bool, error) {
	f.lists(l, f.detector.List(l))
	return true, nil
}

// directory is what is shown of the listings.
func (f *follower) directory() (x web.Directory) {
	var at map[string]time.Time
	x.Connections, at = f.detector.Directory()
	for _, d := range f.listing {
		s := d.Status()
		if newest := at[s.Environment]; s.Success.Before(newest) { // it was listed before the last start
			s.Success, s.Connections = newest, 0
			for _, c := range x.Connections {
				if c.Environment == s.Environment {
					s.Connections += c.Connections
				}
			}
		}
		x.Environments = append(x.Environments, web.Listed{Environment: s.Environment, Success: s.Success, Connections: s.Connections, Requests: s.Requests, Fault: s.Fault})
	}
	return x
}
