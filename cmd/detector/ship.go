package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/revwatch/revwatch/pkg/ship"
)

// shipRows is the command that puts rows on the topic, from where it is told.
func shipRows(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) == 0 {
		return usageError{"ship: elasticsearch or webhooks?"}
	}
	switch args[0] {
	case "elasticsearch":
		return shipElasticsearch(ctx, args[1:], errs)
	case "webhooks":
		return shipWebhooks(ctx, args[1:], errs)
	case "-h", "-help", "--help":
		_, err := io.WriteString(out, "detector ship elasticsearch|webhooks -config FILE\n`detector ship elasticsearch -h` and `detector ship webhooks -h` list their flags.\n")
		return err
	}
	return usageError{"ship: " + args[0] + " is not known: elasticsearch or webhooks?"}
}

// notShipping are the sections that `detector ship` needs nothing of, nor their secrets.
var notShipping = []string{"http", "nango", "alerts", "severity", "links", kindSlack, kindPagerDuty, kindAlertmanager, kindWebhook, "destinations"}

// shipTopic is where `detector ship` puts rows.
func (c *config) shipTopic() string { return cmp.Or(c.ship.topic, c.kafka.topics[0]) }

// shipWriter writes to a topic of the configured brokers; endWriting ends it.
func (c *config) shipWriter(topic string) (*kafka.Writer, error) {
	w, err := ship.NewWriter(c.kafka.brokers, topic, c.kafka.client, c.kafka.security)
	if err != nil {
		return nil, fmt.Errorf("%w: kafka: %w", errConfig, err)
	}
	return w, nil
}

// endWriting ends a writer, which may still be trying to write what nobody waits for, and its connections.
func endWriting(w *kafka.Writer) {
	closed := make(chan struct{})
	go func() {
		_ = w.Close() // it was told of every write
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(drainTimeout):
	}
	if t, ok := w.Transport.(*kafka.Transport); ok {
		t.CloseIdleConnections()
	}
}
