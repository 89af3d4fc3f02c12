package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"go.uber.org/zap"
)

const lookTimeout = 10 * time.Second

var errNoOffsets = errors.New("no offsets in the answer")

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
		r.compare(o, t)
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

// compare has the partitions given away anew when their number in a topic has changed. That is for the leader of the group
// to see, as in Kafka's own clients.
func (r *reader) compare(o *ownership, t metadata.ResponseTopic) {
	known := t.ErrorCode == 0 || kafka.Error(t.ErrorCode) == kafka.UnknownTopicOrPartition
	before, given := o.counts[t.Name]
	if !given || !known || len(t.Partitions) == before || time.Since(o.since) < r.o.WatchEvery {
		return
	}
	r.log.Info("partitions have come or gone", zap.String("topic", t.Name), zap.Int("before", before), zap.Int("now", len(t.Partitions)))
	r.gen.end()
}

// list asks for beginning and end of partitions that are opening or lost.
func (r *reader) list(o *ownership, partitions []*partition) {
	o.listing = true
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
			o.listing = false
			if r.own != o {
				return nil
			}
			return r.listed(partitions, res, err)
		}
	})
}

func (r *reader) listed(asked []*partition, res *kafka.ListOffsetsResponse, err error) error {
	found := make(map[key]kafka.PartitionOffsets)
	if err == nil {
		for topic, all := range res.Topics {
			for _, p := range all {
				found[key{topic, int32(p.Partition)}] = p
			}
		}
	}
	for _, p := range asked {
		offsets, ok := found[p.key]
		if ok && offsets.Error == nil && offsets.FirstOffset >= 0 && offsets.LastOffset >= 0 {
			if err := r.place(p, offsets.FirstOffset, offsets.LastOffset); err != nil {
				return err
			}
			continue
		}
		why := cmp.Or(err, offsets.Error, errNoOffsets)
		r.note(fetchTrouble, r.clarify(fmt.Errorf("asking for the offsets of %s/%d: %w", p.topic, p.partition, why)))
		p.again(time.Now(), pauseMost)
	}
	return nil
}

// place decides where to read on in a partition that holds [first, last).
func (r *reader) place(p *partition, first, last int64) error {
	target := first
	if r.o.Reset == ResetLatest && !p.fresh {
		target = last
	}
	switch p.phase {
	case opening:
		position, ok := r.h.Assigned(p.topic, int(p.partition), last, r.gen.committed[p.key])
		if !ok || position < 0 {
			if r.o.Reset == ResetNone && !p.fresh {
				return fmt.Errorf("%s/%d: %w", p.topic, p.partition, ErrNoPosition)
			}
			position = target
		}
		p.position = position
	case lost:
		if p.position >= first && p.position <= last { // it was so for a moment only, in a change of leader
			r.note(fetchTrouble, fmt.Errorf("%s/%d at offset %d: %w", p.topic, p.partition, p.position, kafka.OffsetOutOfRange))
			p.phase = reading
			p.again(time.Now(), leaderPause)
			return nil
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
		p.position = target
	}
	p.phase, p.idle, p.broken = reading, 0, 0
	return nil
}
