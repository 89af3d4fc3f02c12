package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
)

// order sends a request to every broker that leads partitions to read and has none on its way. It is called after
// everything that happens; a response is handed over while the next one is on its way.
func (r *reader) order() {
	o, now := r.own, time.Now()
	if o == nil {
		return
	}
	if !o.looking && now.Sub(o.led) > r.o.metadataTTL {
		r.lookUp(o)
	}
	var unplaced []*partition
	wanted := make(map[int32][]*partition)
	wake := now.Add(time.Hour)
	for _, p := range o.all {
		switch {
		case now.Before(p.notBefore):
			if p.notBefore.Before(wake) {
				wake = p.notBefore
			}
		case p.phase != reading:
			unplaced = append(unplaced, p)
		case o.ready(now) && p.leader >= 0 && o.orders[p.leader] == nil && !r.h.Paused(p.topic, int(p.partition)):
			wanted[p.leader] = append(wanted[p.leader], p)
		}
	}
	if len(unplaced) > 0 && !o.listing {
		r.list(o, unplaced)
	}
	for broker, partitions := range wanted {
		r.send(o, broker, partitions)
	}
	r.wake.Reset(wake.Sub(now))
}

// send asks one broker for its partitions, those first that have waited longest: a broker that has filled its response
// leaves out the rest.
func (r *reader) send(o *ownership, broker int32, partitions []*partition) {
	slices.SortStableFunc(partitions, func(a, b *partition) int { return cmp.Compare(a.served, b.served) })
	wants := make([]want, len(partitions))
	for i, p := range partitions {
		wants[i] = want{p.key, p.position, p.broken >= trust}
	}
	ctx, cancel := context.WithCancel(o.ctx)
	this := &order{cancel: cancel}
	o.orders[broker] = this
	f := fetcher{transport: r.transport(), addr: r.addr, maxWait: r.o.MaxWait, now: r.o.Now}
	r.background(func() func() error {
		defer cancel()
		result := f.fetch(ctx, wants)
		return func() error {
			defer result.release()
			if r.own != o || o.orders[broker] != this {
				return nil // of an earlier generation, or given up by the watchdog
			}
			delete(o.orders, broker)
			return r.receive(o, &result)
		}
	})
}

// receive moves the positions, asks for more, then hands over what came.
func (r *reader) receive(o *ownership, f *fetched) error {
	now := time.Now()
	if f.err != nil {
		r.note(fetchTrouble, r.clarify(f.err))
		o.led = time.Time{}
		for _, w := range f.wants {
			o.byKey[w.key].again(now, pauseMost)
		}
		return nil
	}
	var bytes int64
	o.turn++
	for i := range f.got {
		g := &f.got[i]
		p := o.byKey[g.key]
		if g.set != nil {
			bytes += int64(len(g.set.bytes))
			p.served = o.turn
		}
		r.settle(o, p, g, now)
	}
	if o.well() {
		r.clear(fetchTrouble)
	}
	r.count(bytes, 0)
	r.order()
	for i := range f.got {
		if err := r.deliver(o, &f.got[i], f.at); err != nil {
			return err
		}
	}
	return nil
}

// settle draws the conclusions for the partition from what came for it.
func (r *reader) settle(o *ownership, p *partition, g *got, now time.Time) {
	switch {
	case g.err == nil:
		p.failures, p.ailing = 0, false
		moved := g.next > p.position
		if moved || !g.broken {
			p.broken = 0
		}
		if g.broken {
			p.broken++
		}
		if moved || (g.next >= g.high && !g.broken) {
			p.idle = 0
		}
		g.changed = moved || g.high != p.high || g.next >= g.high
		p.position, p.high = g.next, g.high
	case errors.Is(g.err, kafka.OffsetOutOfRange):
		p.phase = lost
	case errors.Is(g.err, kafka.InvalidMessage) && p.broken >= trust: // the broker itself cannot read it
		p.position, p.broken, p.idle = p.position+1, 0, 0
		g.next, g.refused = p.position, true
	default:
		r.note(fetchTrouble, fmt.Errorf("%s/%d at offset %d: %w", p.topic, p.partition, p.position, g.err))
		if errors.Is(g.err, kafka.InvalidMessage) {
			p.broken++
		}
		o.led = time.Time{} // most errors mean that the leader has moved
		p.again(now, leaderPause)
	}
}

// watch is the watchdog: a partition that has shown no sign of life for StallAfter while it could be read has all
// connections rebuilt. Time spent in the handler counts for at most two ticks.
func (r *reader) watch() {
	o, now := r.own, time.Now()
	if o == nil {
		return
	}
	passed := min(now.Sub(o.watched), 2*r.o.Tick)
	o.watched = now
	for _, p := range o.all {
		if p.phase == reading && r.h.Paused(p.topic, int(p.partition)) {
			p.idle = 0
			continue
		}
		if p.idle += passed; p.idle > r.o.StallAfter {
			r.rebuild(o, p)
			return
		}
	}
}

func (r *reader) rebuild(o *ownership, p *partition) {
	r.log.Warn("a partition has stalled: connections are rebuilt", zap.String("topic", p.topic),
		zap.Int32("partition", p.partition), zap.Int64("position", p.position), zap.Int64("end", p.high))
	r.count(0, 1)
	for broker, order := range o.orders {
		order.cancel()
		delete(o.orders, broker)
	}
	for _, p := range o.all {
		p.idle, p.notBefore = 0, time.Time{}
	}
	r.rewire()
	o.led = time.Time{}
}
