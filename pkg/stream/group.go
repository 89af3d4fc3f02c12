package stream

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
)

// generation is one membership of the group, from its assignment to the next rebalance.
type generation struct {
	id        int32
	member    string
	assigned  []key
	committed map[key]int64  // offsets of the group at the assignment, negative where there is none
	counts    map[string]int // partitions of each topic as we, the leader of the group, gave them away; nil for other members
	at        time.Time      // when it began
	over      chan struct{}  // closed when it ends
	quit      chan struct{}  // closed by end
	once      sync.Once
	left      chan struct{} // closed by us when everything of it is committed
	alone     bool          // it is of no group, and nothing of it is committed
}

// end ends the generation from our side: the group no longer knows us.
func (g *generation) end() { g.once.Do(func() { close(g.quit) }) }

// join keeps the membership until ctx ends, handing each generation to out. Of kafka-go's group, its watch over partitions is
// left off: it rejoins in a tight loop while a topic is missing.
func (c *Consumer) join(ctx context.Context, b *balancer, out chan<- *generation) error {
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: c.o.GroupID, Brokers: c.o.Brokers, Topics: c.o.Topics,
		Dialer: &kafka.Dialer{
			ClientID: c.o.ClientID, Timeout: dialTimeout, DualStack: true, TLS: c.tls, SASLMechanism: c.sasl,
			DialFunc: c.lines.dial,
		},
		GroupBalancers:    []kafka.GroupBalancer{b},
		HeartbeatInterval: c.o.Heartbeat, SessionTimeout: c.o.SessionTimeout, RebalanceTimeout: 3 * c.o.SessionTimeout,
		JoinGroupBackoff: time.Second + rand.N(500*time.Millisecond),
	})
	if err != nil {
		return err
	}
	go func() {
		defer close(out)
		defer group.Close() // leaves the group
		for {
			gen, err := group.Next(ctx)
			switch {
			case ctx.Err() != nil, errors.Is(err, kafka.ErrGroupClosed):
				return
			case err != nil:
				c.note(groupTrouble, c.clarify(err))
				continue // the next attempt follows after JoinGroupBackoff
			}
			select {
			case out <- c.begin(ctx, gen, b):
			case <-ctx.Done():
				return
			}
		}
	}()
	return nil
}

// begin hooks into the end of a generation: kafka-go joins again only when the hook returns, which it does when our last
// commit is made, or after half the session timeout, as a member that hesitates longer is thrown out.
func (c *Consumer) begin(ctx context.Context, gen *kafka.Generation, b *balancer) *generation {
	g := &generation{
		id: gen.ID, member: gen.MemberID, committed: make(map[key]int64), counts: b.gave(), at: time.Now(),
		over: make(chan struct{}), quit: make(chan struct{}), left: make(chan struct{}),
	}
	for topic, partitions := range gen.Assignments {
		for _, p := range partitions {
			g.assigned = append(g.assigned, key{topic, int32(p.ID)})
			g.committed[key{topic, int32(p.ID)}] = p.Offset
		}
	}
	b.term.Store(0)
	if len(g.assigned) > 0 {
		b.term.Store(gen.ID)
	}
	gen.Start(func(ended context.Context) {
		select {
		case <-ended.Done():
		case <-g.quit:
		}
		close(g.over)
		timeout := time.NewTimer(c.o.SessionTimeout / 2)
		defer timeout.Stop()
		select {
		case <-g.left:
		case <-ctx.Done():
		case <-timeout.C:
			c.log.Warn("handing over the partitions takes too long", zap.Int32("generation", g.id))
		}
	})
	return g
}
