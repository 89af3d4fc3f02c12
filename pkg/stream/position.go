package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"go.uber.org/zap"
)

const lookTimeout = 10 * time.Second

// lookUp asks who leads which partition; the transport answers from its view of the cluster, at most a second old.
func (r *reader) lookUp(o *ownership) {
	o.looking = true
	transport := r.transport()
	r.background(func() func() error {
		ctx, cancel := context.WithTimeout(o.ctx, lookTimeout)
		defer cancel()
		m, err := transport.RoundTrip(ctx, r.addr, &metadata.Request{TopicNames: r.o.Topics})
		return func() error {
			o.looking, o.led = false, time.Now()
			switch {
			case r.own != o:
			case err != nil:
				r.note(topicTrouble, r.clarify(err))
			default:
				r.lead(o, m.(*metadata.Response))
			}
			return nil
		}
	})
}

func (r *reader) lead(o *ownership, m *metadata.Response) {
	var missing error
	for _, t := range m.Topics {
		if t.ErrorCode != 0 {
			missing = fmt.Errorf("topic %s: %w", t.Name, kafka.Error(t.ErrorCode))
		}
		for _, p := range t.Partitions {
			if p.LeaderID < 0 {
				missing = fmt.Errorf("topic %s: partition %d has no leader", t.Name, p.PartitionIndex)
			}
			if own := o.byKey[key{t.Name, p.PartitionIndex}]; own != nil {
				own.leader = p.LeaderID
			}
		}
	}
	if missing == nil {
		r.clear(topicTrouble)
		return
	}
	r.note(topicTrouble, missing)
}

// list asks for beginning and end of partitions that are opening or lost, and again after a while where that fails.
func (r *reader) list(partitions []*partition) {
	o := r.own
	wanted := make(map[string][]kafka.OffsetRequest)
	for _, p := range partitions {
		wanted[p.topic] = append(wanted[p.topic], kafka.FirstOffsetOf(int(p.partition)), kafka.LastOffsetOf(int(p.partition)))
	}
	transport := r.transport()
	r.background(func() func() error {
		ctx, cancel := context.WithTimeout(o.ctx, lookTimeout)
		defer cancel()
		client := kafka.Client{Addr: r.addr, Transport: transport}
		res, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: wanted, IsolationLevel: kafka.ReadCommitted})
		return func() error {
			if r.own != o {
				return nil
			}
			return r.listed(o, partitions, res, err)
		}
	})
}

func (r *reader) listed(o *ownership, asked []*partition, res *kafka.ListOffsetsResponse, err error) error {
	found := make(map[key]kafka.PartitionOffsets)
	if err == nil {
		for topic, all := range res.Topics {
			for _, p := range all {
				found[key{topic, int32(p.Partition)}] = p
			}
		}
	}
	var again []*partition
	for _, p := range asked {
		offsets, ok := found[p.key]
		switch {
		case err == nil && !ok:
			err = kafka.UnknownTopicOrPartition
		case err == nil && offsets.Error != nil:
			err = offsets.Error
		}
		if !ok || offsets.Error != nil || offsets.FirstOffset < 0 || offsets.LastOffset < 0 {
			again = append(again, p)
			continue
		}
		if err := r.place(p, offsets.FirstOffset, offsets.LastOffset); err != nil {
			return err
		}
	}
	if len(again) > 0 {
		r.retryList(o, again, err)
	}
	return nil
}

func (r *reader) retryList(o *ownership, again []*partition, err error) {
	if err == nil {
		err = errors.New("no offsets in the answer")
	}
	r.note(fetchTrouble, r.clarify(fmt.Errorf("asking for the offsets of %s/%d: %w", again[0].topic, again[0].partition, err)))
	r.background(func() func() error {
		t := time.NewTimer(again[0].again(time.Now()))
		defer t.Stop()
		select {
		case <-t.C:
		case <-o.ctx.Done():
		}
		return func() error {
			if r.own == o {
				r.list(again)
			}
			return nil
		}
	})
}

// place decides where to read on in a partition that holds [first, last).
func (r *reader) place(p *partition, first, last int64) error {
	target := first
	if r.o.Reset == ResetLatest {
		target = last
	}
	switch p.phase {
	case opening:
		position, ok := r.h.Assigned(p.topic, int(p.partition), last)
		if !ok || position < 0 {
			if r.o.Reset == ResetNone {
				return fmt.Errorf("%s/%d: %w", p.topic, p.partition, ErrNoPosition)
			}
			position = target
		}
		p.position = position
	case lost:
		if p.position >= first && p.position <= last { // it was so for a moment only, in a change of leader
			p.again(time.Now())
			break
		}
		if r.o.Reset == ResetNone {
			return fmt.Errorf("%s/%d: position %d is outside the log [%d, %d): %w", p.topic, p.partition, p.position, first, last, ErrNoPosition)
		}
		from, reason := p.position, GapRetention
		if p.position > last {
			from, reason = first, GapTruncated
		}
		r.log.Warn("position not in the log", zap.String("topic", p.topic), zap.Int32("partition", p.partition),
			zap.Int64("position", p.position), zap.Int64("first", first), zap.Int64("last", last))
		d := delivery{r: r, key: p.key}
		d.gap(from, target, reason)
		p.position, p.failures = target, 0
	}
	p.phase, p.idle = reading, 0
	return nil
}
