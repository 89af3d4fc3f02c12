package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

// generateStep is the time between two looks at what the made-up world has written.
const generateStep = time.Second

// generate writes the rows of a made-up Nango to the configured topic, for trying the daemon out on a broker that is not our own: a history that ends
// now, then life in real time, with a mass revocation.
func generate(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("generate", errs)
	path := f.String("config", "", "the configuration `FILE`, which says where Kafka is and what the topic is called")
	history := f.String("history", "28d", "so long a `TIME` is there already when it goes live, such as 28d or 6h")
	after := f.String("revoke-after", "2m", "the mass revocation begins so long a `TIME` after it went live")
	partitions := f.Int("partitions", 3, "make the topic with this `NUMBER` of partitions, where it is not there")
	seed := f.Uint64("seed", 1, "another `NUMBER` tells another story")
	force := f.Bool("force", false, "write to a topic that holds records of others: made-up rows are then mixed into theirs for good")
	if err := parse(f, args); err != nil {
		return err
	}
	span, err := parseDuration(*history)
	if err != nil || span < 0 || span > 366*wholeDay {
		return usageError{fmt.Sprintf("generate: -history %q: a duration such as 28d is needed, at most 366d", *history)}
	}
	begins, err := parseDuration(*after)
	if err != nil || begins < 0 {
		return usageError{fmt.Sprintf("generate: -revoke-after %q: a duration such as 2m is needed", *after)}
	}
	if *partitions < 1 {
		return usageError{fmt.Sprintf("generate: -partitions %d: at least 1 is needed", *partitions)}
	}
	if *path == "" {
		return usageError{"generate: -config FILE is needed: it says where Kafka is"}
	}
	c, err := loadConfig(*path, slices.DeleteFunc(slices.Clone(outward), func(section string) bool { return section == "kafka" || section == "ship" })...)
	if err != nil {
		return err
	}
	t, err := newMadeUpTopic(&c, *partitions, *force)
	if err != nil {
		return err
	}
	defer t.close()
	g := &generator{
		topic: t, writer: t.writer, seed: *seed, history: span, after: begins, now: time.Now, out: out,
		wait: func(ctx context.Context) error { return pause(ctx, generateStep) },
	}
	return g.run(ctx)
}

// newMadeUpTopic is the configured topic, to be written to. It does not connect.
func newMadeUpTopic(c *config, partitions int, force bool) (*madeUpTopic, error) {
	name := c.shipTopic()
	writer, err := c.shipWriter(name)
	if err != nil {
		return nil, err
	}
	writer.AllowAutoTopicCreation = false // the topic is made on purpose, with its retention
	transport := writer.Transport.(*kafka.Transport)
	return &madeUpTopic{
		name: name, brokers: c.kafka.brokers, partitions: partitions, force: force, writer: writer, transport: transport,
		client: &kafka.Client{Addr: writer.Addr, Transport: transport, Timeout: 10 * time.Second}, patience: 10 * time.Second,
	}, nil
}

// pause waits for d, or returns why ctx ended before.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
