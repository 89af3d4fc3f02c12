package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/stream"
)

// lookAtFiles reads files to their end, or until ctx ends.
func lookAtFiles(ctx context.Context, c *config, files []*input, errs io.Writer) (*checkup, error) {
	f, bar := newCheckup(c), newProgress(errs, files)
	f.files = len(files)
	err := drain(ctx, f.engine, files, time.Time{}, func() error { bar.show(); return nil })
	bar.clear()
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	if err != nil {
		f.stuck = err.Error()
	}
	f.end(time.Now())
	return f, nil
}

// So much of the topics is looked at before what comes.
const (
	lookBack     = 24 * time.Hour
	lookRecords  = 50_000
	lookLeast    = 1000             // of a partition, however old
	lookPatience = 20 * time.Second // without anything new, before the end is reached
)

// lookAtTopics reads what came last, and then for so long what comes.
func lookAtTopics(ctx context.Context, c *config, live time.Duration, errs io.Writer) (*checkup, error) {
	f := newCheckup(c)
	if err := f.survey(ctx, c); err != nil {
		return nil, err
	}
	options := c.stream()
	options.Tick, options.MaxWait = 100*time.Millisecond, 200*time.Millisecond
	consumer, err := stream.New(options)
	if err != nil {
		return nil, fmt.Errorf("%w: kafka: %w", errConfig, err)
	}
	h := &lookHandler{checkup: f, live: live, status: consumer.Status, moved: time.Now()}
	if isTerminal(errs) {
		h.screen = errs
	}
	err = consumer.Look(ctx, h)
	h.clear()
	switch {
	case errors.Is(err, errDenied):
		return nil, fmt.Errorf("the brokers let %s see the topic, and not read it: allow it to Read (kafka-acls --add --consumer --topic %s --group %s)", who(c), c.kafka.topics[0], c.kafka.group)
	case err != nil && !errors.Is(err, errEnough):
		return nil, err
	}
	f.stuck = h.missed(ctx)
	if f.stuck != "" && f.records == 0 {
		return nil, fmt.Errorf("nothing could be read: %s", f.stuck)
	}
	if !h.caught.IsZero() {
		f.live = time.Since(h.caught)
	}
	for _, p := range f.topics {
		f.engine.reader.Close(h.name(p.topic, p.partition))
	}
	f.end(time.Now())
	return f, nil
}

// What ends the look.
var (
	errEnough = errors.New("enough was seen")
	errDenied = errors.New("a topic may not be read")
)

// lookHandler takes what is read of the topics.
type lookHandler struct {
	*checkup
	live   time.Duration
	status func() stream.Status
	caught time.Time // when everything there was had been read
	moved  time.Time // when something was read last
	last   string    // trouble with the brokers, of late
	screen io.Writer // nil: no terminal
	shown  time.Time
}

func (h *lookHandler) name(topic string, partition int) string {
	return fmt.Sprintf("%s/%d", topic, partition)
}

func (h *lookHandler) part(topic string, partition int) *partSeen {
	for i := range h.topics {
		if p := &h.topics[i]; p.topic == topic && p.partition == partition {
			return p
		}
	}
	h.topics = append(h.topics, partSeen{topic: topic, partition: partition})
	return &h.topics[len(h.topics)-1]
}

// Assigned implements stream.Handler.
func (h *lookHandler) Assigned(topic string, partition int, end, _ int64) (int64, bool) {
	h.engine.reader.Open(h.name(topic, partition), 0, -1)
	return h.part(topic, partition).from, true
}

// Batch implements stream.Handler.
func (h *lookHandler) Batch(b stream.Batch) error {
	p := h.part(b.Topic, b.Partition)
	for i := range b.Records {
		r := &b.Records[i]
		h.take(r.Value, nango.Meta{Source: h.name(b.Topic, b.Partition), Offset: r.Offset, Time: appended(r.Time, time.Now()), Key: r.Key, Headers: r.Headers})
		p.read++
		if r.Offset >= p.end {
			h.fresh++
		}
	}
	if len(b.Records) > 0 {
		h.moved = time.Now()
	}
	p.reachedOnce = p.reachedOnce || b.Next >= min(p.end, b.HighWatermark)
	return h.Tick()
}

// Tick implements stream.Handler.
func (h *lookHandler) Tick() error {
	now := time.Now()
	h.show(now)
	if h.caught.IsZero() && h.reached() {
		h.caught = now
	}
	h.last = h.status().Err
	switch {
	case strings.Contains(h.last, kafka.TopicAuthorizationFailed.Title()):
		return errDenied
	case !h.caught.IsZero() && now.Sub(h.caught) >= h.live:
		return errEnough
	case h.caught.IsZero() && now.Sub(h.moved) > lookPatience:
		h.stuck = cmp.Or(h.last, "the brokers send nothing more")
		return errEnough
	case h.records >= 4*lookRecords: // more comes than can be held
		return errEnough
	}
	return nil
}

// missed says why not everything was read; "" when it was.
func (h *lookHandler) missed(ctx context.Context) string {
	switch {
	case h.stuck != "" || !h.caught.IsZero():
		return cmp.Or(h.stuck, h.last)
	case ctx.Err() != nil:
		return cmp.Or(h.last, "it was ended before it had read what is there")
	}
	return fmt.Sprintf("it ends after %d records", h.records)
}

// reached reports whether everything that was there has been read.
func (h *lookHandler) reached() bool {
	for i := range h.topics {
		if !h.topics[i].reachedOnce {
			return false
		}
	}
	return true
}

// Paused implements stream.Handler.
func (h *lookHandler) Paused(string, int) bool { return false }

// Revoked implements stream.Handler.
func (h *lookHandler) Revoked() {}

// Gap implements stream.Handler: what is deleted meanwhile is not looked at.
func (h *lookHandler) Gap(topic string, partition int, _, to int64, _ string) {
	if p := h.part(topic, partition); to >= p.end {
		p.reachedOnce = true
	}
}

// show says on a terminal that something goes on.
func (h *lookHandler) show(now time.Time) {
	if h.screen == nil || now.Sub(h.shown) < 200*time.Millisecond {
		return
	}
	h.shown = now
	left := ""
	if !h.caught.IsZero() {
		left = fmt.Sprintf(", looking for %s more (Ctrl-C: enough)", (h.live - now.Sub(h.caught)).Round(time.Second))
	}
	fmt.Fprintf(h.screen, "\r\x1b[K%d records read%s", h.records, left)
}

func (h *lookHandler) clear() {
	if h.screen != nil {
		fmt.Fprint(h.screen, "\r\x1b[K")
	}
}
