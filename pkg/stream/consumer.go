package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"go.uber.org/zap"
)

// Consumer reads the topics as a member of its group. Make it with New; Run it once.
type Consumer struct {
	o       Options
	log     *zap.Logger
	tls     *tls.Config
	sasl    sasl.Mechanism
	addr    net.Addr
	wires   atomic.Pointer[wires]
	lines   *lines // of the group
	commits commits
	status  board
	running atomic.Bool
}

// leaveTimeout is what leaving the group may take at the end of Run.
const leaveTimeout = 2 * time.Second

// Run joins the group and reads until ctx ends (then it returns nil), a Handler method returns an error (that error) or no
// position is left to go on from (ErrNoPosition). Whatever Kafka does meanwhile is retried and shown in Status.
func (c *Consumer) Run(ctx context.Context, h Handler) error {
	if !c.running.CompareAndSwap(false, true) {
		return errors.New("stream: Run called twice")
	}
	c.rewire()
	defer func() { c.wires.Load().cut() }()

	groupCtx, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	r := &reader{Consumer: c, h: h, events: make(chan func() error), done: make(chan struct{}), wake: time.NewTimer(time.Hour)}
	generations := make(chan *generation)
	balance := &balancer{partitions: c.partitions}
	if !c.o.StateTime.IsZero() {
		balance.stateTime = c.o.StateTime.UnixMilli()
	}
	if err := c.join(groupCtx, balance, generations); err != nil {
		return err
	}
	r.wg.Go(func() { c.commitLoop(groupCtx) })

	err := r.loop(ctx, generations)
	r.retire(err == nil)
	leave()
	close(r.done)
	cut := time.AfterFunc(leaveTimeout, c.lines.cut)
	defer cut.Stop()
	for range generations { // closed when the group is left
	}
	r.wg.Wait()
	return err
}

func (c *Consumer) transport() kafka.RoundTripper { return c.wires.Load() }

// rewire replaces all connections for fetches, commits and look-ups.
func (c *Consumer) rewire() {
	l := newLines()
	old := c.wires.Swap(&wires{lines: l, Transport: &kafka.Transport{
		Dial:        l.dial,
		DialTimeout: dialTimeout,
		ClientID:    c.o.ClientID,
		TLS:         c.tls,
		SASL:        c.sasl,
		// After a leader has moved the transport asks the old one until its view expires: 6 s by default. Without the
		// list of topics each refresh would ask for all topics of the cluster.
		MetadataTTL:    c.o.metadataTTL,
		MetadataTopics: c.o.Topics,
	}})
	if old != nil {
		old.cut()
	}
}

// reader is the state of one Run. Everything but background work happens on Run's goroutine.
type reader struct {
	*Consumer
	h      Handler
	gen    *generation // held now, nil between generations
	own    *ownership  // nil without partitions
	events chan func() error
	done   chan struct{}
	wake   *time.Timer  // when a delayed request is due
	known  map[key]bool // partitions that have been there; nil before the first look
	wg     sync.WaitGroup
	chunk  chunk
	codecs codecs
}

func (r *reader) loop(ctx context.Context, generations <-chan *generation) error {
	defer r.codecs.close()
	defer r.wake.Stop()
	tick := time.NewTicker(r.o.Tick)
	defer tick.Stop()
	for {
		r.order()
		var err error
		select {
		case <-ctx.Done():
			return nil
		case g := <-generations:
			r.take(g)
		case <-r.over():
			r.retire(true)
		case act := <-r.events:
			err = act()
		case <-r.wake.C:
		case <-tick.C:
			r.watch()
			err = r.h.Tick()
		}
		if err != nil {
			return err
		}
	}
}

// over is closed when the held generation has ended.
func (r *reader) over() <-chan struct{} {
	if r.gen == nil {
		return nil
	}
	return r.gen.over
}

// background runs work beside the loop; what it returns, unless nil, is then called on the loop.
func (r *reader) background(work func() func() error) {
	r.wg.Go(func() {
		act := work()
		if act == nil {
			return
		}
		select {
		case r.events <- act:
		case <-r.done:
		}
	})
}

// take begins a generation, as owner or standing by.
func (r *reader) take(g *generation) {
	r.retire(true)
	r.gen = g
	r.hold(g)
	r.clear(groupTrouble)
	if !g.alone {
		r.log.Info("joined the group", zap.Int32("generation", g.id), zap.Int("partitions", len(g.assigned)))
	}
	r.own = newOwnership(g)
	r.know(r.own)
	if len(g.assigned) > 0 && !g.alone {
		r.commits.own(g)
	}
}

// know marks the partitions that have come into being since the first look: nothing of them is older than we are, so they
// are read from their beginning whatever Options.Reset says.
func (r *reader) know(o *ownership) {
	first := r.known == nil
	if first && len(o.all) == 0 && o.counts == nil {
		return // another member may own partitions, which we have not seen
	}
	if first {
		r.known = make(map[key]bool)
	}
	for _, p := range o.all {
		p.fresh = !first && !r.known[p.key]
		r.known[p.key] = true
	}
}

// retire ends the generation: what it fetches is dropped, the handler commits (unless it failed), the group is told.
func (r *reader) retire(commit bool) {
	if r.gen == nil {
		return
	}
	r.own.cancel()
	if len(r.own.all) > 0 && commit {
		r.h.Revoked()
		r.flush(context.Background())
	}
	r.commits.own(nil)
	r.hold(nil)
	close(r.gen.left)
	r.gen, r.own = nil, nil
}
