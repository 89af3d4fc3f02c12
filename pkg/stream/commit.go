package stream

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"go.uber.org/zap"
)

const commitTimeout = 2 * time.Second

// commits holds what is to be committed, the newest of each partition only.
type commits struct {
	mu      sync.Mutex
	gen     *generation // nil: not owner
	pending Positions
	wake    chan struct{}
	sending sync.Mutex // one request at a time
}

// Commit has these positions committed to the group soon, in the name of the generation that is held now: once the
// partitions belong to another member, the broker refuses them. It never blocks; later positions replace earlier ones that
// wait. Without ownership it does nothing. The positions are for monitors; Run starts from Handler.Assigned.
func (c *Consumer) Commit(p Positions) {
	c.commits.mu.Lock()
	if c.commits.gen != nil {
		if c.commits.pending == nil {
			c.commits.pending = make(Positions)
		}
		c.commits.pending.merge(p)
	}
	c.commits.mu.Unlock()
	select {
	case c.commits.wake <- struct{}{}:
	default:
	}
}

func (p Positions) merge(newer Positions) {
	for topic, partitions := range newer {
		if p[topic] == nil {
			p[topic] = make(map[int]int64, len(partitions))
		}
		maps.Copy(p[topic], partitions)
	}
}

// take returns what waits and its generation; nil when nothing does.
func (k *commits) take() (Positions, *generation) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.pending
	k.pending = nil
	return p, k.gen
}

// giveBack keeps positions whose commit failed, unless newer ones or another generation came.
func (k *commits) giveBack(p Positions, gen *generation) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gen == gen {
		p.merge(k.pending)
		k.pending = p
	}
}

// own makes gen the one in whose name commits are made and drops what waits; nil for none.
func (k *commits) own(gen *generation) {
	k.mu.Lock()
	k.gen, k.pending = gen, nil
	k.mu.Unlock()
}

// commitLoop sends commits and, through the same connections as the fetches, heartbeats that prove ownership.
func (c *Consumer) commitLoop(ctx context.Context) {
	beat := time.NewTicker(c.o.Heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.commits.wake:
			c.flush(ctx)
		case <-beat.C:
			c.flush(ctx)
			c.beat(ctx)
		}
	}
}

// flush sends what waits. A commit that the group refuses for good is dropped, any other is tried again.
func (c *Consumer) flush(ctx context.Context) {
	c.commits.sending.Lock()
	defer c.commits.sending.Unlock()
	p, gen := c.commits.take()
	if len(p) == 0 || gen == nil {
		return
	}
	at := time.Now()
	err := c.commit(ctx, p, gen)
	switch {
	case err == nil:
		c.confirm(gen, at)
	case disowned(err):
		c.disown(gen, err)
	case errors.Is(err, kafka.RebalanceInProgress) || ctx.Err() != nil || temporary(err):
		c.commits.giveBack(p, gen)
	default:
		c.log.Warn("offsets not committed", zap.Error(err))
	}
}

// temporary is everything but an answer that will stay the same.
func temporary(err error) bool {
	var code kafka.Error
	return !errors.As(err, &code) || code.Temporary()
}

// commit does not use kafka.Client.OffsetCommit, which on old brokers limits the life of offsets to a day.
func (c *Consumer) commit(ctx context.Context, p Positions, gen *generation) error {
	r := &offsetcommit.Request{GroupID: c.o.GroupID, GenerationID: gen.id, MemberID: gen.member, RetentionTimeMs: -1}
	for topic, partitions := range p {
		t := offsetcommit.RequestTopic{Name: topic}
		for id, offset := range partitions {
			t.Partitions = append(t.Partitions, offsetcommit.RequestPartition{
				PartitionIndex: int32(id), CommittedOffset: offset, CommittedLeaderEpoch: -1,
			})
		}
		r.Topics = append(r.Topics, t)
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	m, err := c.transport().RoundTrip(ctx, c.addr, r)
	if err != nil {
		return err
	}
	for _, t := range m.(*offsetcommit.Response).Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				return kafka.Error(p.ErrorCode)
			}
		}
	}
	return nil
}

// beat asks the group whether we are still the owner: Status.Owner must not outlive the truth in a process that slept.
func (c *Consumer) beat(ctx context.Context) {
	c.commits.mu.Lock()
	gen := c.commits.gen
	c.commits.mu.Unlock()
	if gen == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	at := time.Now()
	client := kafka.Client{Addr: c.addr, Transport: c.transport()}
	res, err := client.Heartbeat(ctx, &kafka.HeartbeatRequest{GroupID: c.o.GroupID, GenerationID: gen.id, MemberID: gen.member})
	if err == nil {
		err = res.Error
	}
	switch {
	case err == nil, errors.Is(err, kafka.RebalanceInProgress):
		c.confirm(gen, at)
	case disowned(err):
		c.disown(gen, err)
	}
}

// disowned says that the group no longer knows this member or generation.
func disowned(err error) bool {
	return errors.Is(err, kafka.UnknownMemberId) || errors.Is(err, kafka.IllegalGeneration)
}
