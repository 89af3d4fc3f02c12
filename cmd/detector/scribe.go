package main

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/revwatch/revwatch/pkg/ship"
	"github.com/revwatch/revwatch/pkg/simulate"
)

const (
	wholeDay      = 24 * time.Hour
	madeUpFiller  = 4             // rows that do not matter, for each one that does
	madeUpRevoker = "google-mail" // the integration that revokes many of its connections, and its provider
)

// scribe writes what happens in a made-up world to a topic: for the demo, and for generate.
type scribe struct {
	world   *simulate.World
	writer  ship.Writer
	headers []kafka.Header // of each record
}

// write produces the rows that the world writes until t, and returns how many. Zero as the append time is the time of each row.
func (s *scribe) write(ctx context.Context, t, appended time.Time) (int, error) {
	var messages []kafka.Message
	s.world.Until(t, func(r simulate.Row) {
		m := kafka.Message{Key: r.Key, Value: r.Value, Time: appended, Headers: s.headers}
		if appended.IsZero() {
			m.Time = r.Time
		}
		messages = append(messages, m)
	})
	if len(messages) == 0 {
		return 0, nil
	}
	if err := s.writer.WriteMessages(ctx, messages...); err != nil {
		return 0, fmt.Errorf("writing to Kafka: %w", err)
	}
	return len(messages), nil
}

// days produces what happened from start to end, a day at a time, and returns how many rows; tell is told after each day.
func (s *scribe) days(ctx context.Context, start, end time.Time, tell func(days, rows int)) (rows int, err error) {
	for n := 1; start.Before(end); n++ {
		start = earlier(start.Add(wholeDay), end)
		written, err := s.write(ctx, start, time.Time{})
		if err != nil {
			return rows, err
		}
		rows += written
		tell(n, rows)
	}
	return rows, nil
}
