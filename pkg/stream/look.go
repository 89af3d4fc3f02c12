package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// Look reads all partitions of the topics as Run does, but joins no group and commits nothing: nobody notices it. Options.GroupID and what
// belongs to a group are not used. The handler says in Assigned where each partition is read from; partitions that come into being later are not read.
// It ends as Run does, and with an error when the partitions cannot be looked up, or a topic is not there.
func (c *Consumer) Look(ctx context.Context, h Handler) error {
	if !c.running.CompareAndSwap(false, true) {
		return errors.New("stream: Look called on a Consumer that was used")
	}
	c.rewire()
	defer func() { c.wires.Load().cut() }()
	all, err := c.all(ctx)
	if err != nil {
		return c.clarify(err)
	}
	g := &generation{
		assigned: all, committed: make(map[key]int64), at: time.Now(), alone: true,
		over: make(chan struct{}), quit: make(chan struct{}), left: make(chan struct{}),
	}
	for _, k := range all {
		g.committed[k] = -1
	}
	generations := make(chan *generation, 1)
	generations <- g
	r := &reader{Consumer: c, h: h, events: make(chan func() error), done: make(chan struct{}), wake: time.NewTimer(time.Hour)}
	err = r.loop(ctx, generations)
	r.retire(err == nil)
	close(r.done)
	c.wires.Load().cut() // what is on its way ends
	r.wg.Wait()
	return err
}

// all looks up the partitions of the topics.
func (c *Consumer) all(ctx context.Context) (all []key, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	m, err := c.transport().RoundTrip(ctx, c.addr, &metadata.Request{TopicNames: c.o.Topics})
	if err != nil {
		return nil, err
	}
	for _, t := range m.(*metadata.Response).Topics {
		if t.ErrorCode != 0 {
			return nil, fmt.Errorf("topic %s: %w", t.Name, kafka.Error(t.ErrorCode))
		}
		for _, p := range t.Partitions {
			all = append(all, key{t.Name, p.PartitionIndex})
		}
	}
	return all, nil
}
