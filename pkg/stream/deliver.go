package stream

import (
	"cmp"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/protocol/fetch"
	"go.uber.org/zap"
)

// Small batches are handed over together, up to so many records or decompressed bytes; large ones one by one, while they
// are still in the processor's cache.
const (
	chunkRecords = 1024
	chunkBytes   = 256 << 10
)

// delivery hands one partition's part of a response to the handler.
type delivery struct {
	r       *reader
	key     key
	high    int64
	at      time.Time
	pending []fetch.ResponseTransaction // aborted, not begun yet, by first offset
	aborted map[int64]bool              // producers whose open transaction will be aborted
}

func (r *reader) deliver(o *ownership, g *got, at time.Time) error {
	if g.err != nil && !g.refused {
		return nil
	}
	d := &delivery{r: r, key: g.key, high: g.high, at: at, pending: g.aborted}
	if len(d.pending) > 0 {
		d.aborted = make(map[int64]bool)
		slices.SortFunc(d.pending, func(a, b fetch.ResponseTransaction) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
	}
	r.chunk.reset()
	if g.refused {
		d.gap(g.offset, g.next, GapCorrupt)
		return nil
	}
	if g.set != nil {
		for i := range g.set.frames {
			select {
			case <-r.gen.over:
				return nil // the rest belongs to the next owner
			default:
			}
			if err := d.frame(&g.set.frames[i]); err != nil {
				return err
			}
		}
	}
	if len(r.chunk.records) > 0 || g.changed {
		return d.flush(g.next)
	}
	return nil
}

func (d *delivery) frame(f *frame) error {
	c := &d.r.chunk
	if f.bad != "" {
		if err := d.flushRecords(f.from); err != nil {
			return err
		}
		d.gap(f.from, f.next, f.bad)
		return nil
	}
	if d.leaveOut(f) {
		return nil
	}
	body, codec := f.body, f.attributes&attrCodec
	if codec != 0 {
		start := len(c.arena)
		out, err := d.r.codecs.expand(codec, c.arena, f.body)
		if err != nil {
			return d.broken(f, max(f.from, f.base), err)
		}
		c.arena = out
		body = out[start:]
	}
	for b := f.open(body); ; {
		if err := c.add(&b); err != nil {
			return d.broken(f, max(b.next, f.base), err)
		}
		if b.left == 0 {
			break
		}
		held := c.arena // the rest of the body is in it
		if err := d.flush(b.next); err != nil {
			return err
		}
		c.arena = held
	}
	if len(c.records) >= chunkRecords || len(c.arena) >= chunkBytes {
		return d.flush(f.next)
	}
	return nil
}

// broken reports the rest of a batch whose checksum is right but whose content is not: to fetch it again is of no use.
func (d *delivery) broken(f *frame, from int64, err error) error {
	if from >= f.next {
		return nil // all offsets of the batch are there
	}
	d.r.log.Debug("unreadable batch", zap.Error(err))
	if err := d.flushRecords(from); err != nil {
		return err
	}
	reason := GapCorrupt
	if err == errExpanded {
		reason = GapOversize
	}
	d.gap(from, f.next, reason)
	return nil
}

// leaveOut says whether the batch is a transaction marker or belongs to an aborted transaction, and keeps track of these:
// a producer's transaction is aborted from its first offset in the broker's list until its next abort marker.
func (d *delivery) leaveOut(f *frame) bool {
	for len(d.pending) > 0 && d.pending[0].FirstOffset < f.next {
		d.aborted[d.pending[0].ProducerID] = true
		d.pending = d.pending[1:]
	}
	switch {
	case f.attributes&attrControl != 0:
		if abortMarker(f) {
			delete(d.aborted, f.producer)
		}
		d.r.skipped(SkipControl)
		return true
	case f.attributes&attrTxn != 0 && d.aborted[f.producer]:
		d.r.skipped(SkipAborted)
		return true
	}
	return false
}

func (d *delivery) gap(from, to int64, reason string) {
	d.r.skipped(reason)
	d.r.log.Warn("offsets lost", zap.String("topic", d.key.topic), zap.Int32("partition", d.key.partition),
		zap.Int64("from", from), zap.Int64("to", to), zap.String("reason", reason))
	d.r.h.Gap(d.key.topic, int(d.key.partition), from, to, reason)
}

func (d *delivery) flushRecords(next int64) error {
	if len(d.r.chunk.records) == 0 {
		return nil
	}
	return d.flush(next)
}

func (d *delivery) flush(next int64) error {
	err := d.r.h.Batch(Batch{
		Topic: d.key.topic, Partition: int(d.key.partition), Records: d.r.chunk.records,
		Next: next, HighWatermark: d.high, FetchedAt: d.at,
	})
	d.r.chunk.reset()
	return err
}
