package stream

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
)

// trouble is what an error came from; each kind is set and cleared by itself.
type trouble int

const (
	groupTrouble trouble = iota // joining the group
	topicTrouble                // a topic is missing or has no leader
	fetchTrouble                // reading
	troubles
)

const repeatLog = 30 * time.Second // the same error is logged again after so long

type board struct {
	mu        sync.Mutex
	Status              // Err and Owner are computed
	confirmed time.Time // when the group last confirmed the ownership
	errs      [troubles]string
	logged    [troubles]time.Time
}

// Status returns what is known now; it may be called at any time, from any goroutine.
func (c *Consumer) Status() Status {
	b := &c.status
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.Status
	s.Owner = s.Partitions > 0 && time.Since(b.confirmed) < c.o.SessionTimeout
	s.Skipped = maps.Clone(b.Skipped)
	var all []string
	for _, e := range b.errs {
		if e != "" {
			all = append(all, e)
		}
	}
	s.Err = strings.Join(all, "; ")
	return s
}

// note keeps an error for Status and logs it, the same one only now and then.
func (c *Consumer) note(kind trouble, err error) {
	b := &c.status
	b.mu.Lock()
	text := err.Error()
	quiet := b.errs[kind] == text && time.Since(b.logged[kind]) < repeatLog
	b.errs[kind] = text
	if !quiet {
		b.logged[kind] = time.Now()
	}
	b.mu.Unlock()
	if !quiet {
		c.log.Warn("kafka: retrying", zap.Error(err))
	}
}

func (c *Consumer) clear(kind trouble) {
	b := &c.status
	b.mu.Lock()
	had := b.errs[kind] != ""
	b.errs[kind] = ""
	b.mu.Unlock()
	if had {
		c.log.Info("kafka: works again")
	}
}

// hold publishes the generation that is held, nil for none.
func (c *Consumer) hold(g *generation) {
	b := &c.status
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Joined, b.Partitions = g != nil, 0
	if g != nil {
		b.confirmed = g.at
		b.Generation, b.Member, b.Partitions = g.id, g.member, len(g.assigned)
	}
}

func (c *Consumer) confirm(g *generation, at time.Time) {
	b := &c.status
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Joined && b.Generation == g.id && b.Member == g.member && at.After(b.confirmed) {
		b.confirmed = at
	}
}

// disown ends a generation that the group no longer knows.
func (c *Consumer) disown(g *generation, err error) {
	b := &c.status
	b.mu.Lock()
	if b.Joined && b.Generation == g.id && b.Member == g.member {
		b.confirmed = time.Time{}
	}
	b.mu.Unlock()
	g.end()
	c.log.Warn("the group gave our partitions away", zap.Int32("generation", g.id), zap.Error(err))
}

func (c *Consumer) skipped(reason string) {
	c.status.mu.Lock()
	c.status.Skipped[reason]++
	c.status.mu.Unlock()
}

func (c *Consumer) count(bytes int64, stalls int) {
	c.status.mu.Lock()
	c.status.Bytes += bytes
	c.status.Stalled += stalls
	c.status.mu.Unlock()
}

// clarify adds to an error what most often is behind it.
func (c *Consumer) clarify(err error) error {
	hint := ""
	switch {
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		hint = " (wrong user name or password)"
	case errors.Is(err, kafka.UnsupportedSASLMechanism):
		hint = " (the brokers do not offer this SASL mechanism)"
	case errors.Is(err, kafka.InconsistentGroupProtocol):
		hint = " (the group id is in use by another kind of consumer)"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		hint = " (the broker closed the connection: does its listener want TLS or SASL?)"
	}
	return fmt.Errorf("kafka at %s: %w%s", strings.Join(c.o.Brokers, ","), err, hint)
}
