package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/revwatch/revwatch/pkg/ship"
	"github.com/revwatch/revwatch/pkg/simulate"
)

const (
	brokerPatience = 2 * time.Minute // for a broker that starts beside the generator
	retryLongest   = 30 * time.Second

	massRevocation = 60 // connections
	massDuration   = 2 * time.Minute
)

// madeUpHeader marks each record that is made up. Its value is the story, so that a generator that starts again goes on with it.
const madeUpHeader = "revwatch-made-up"

// story is what a made-up world is made from: the same story gives the same rows.
type story struct {
	Seed   uint64    `json:"seed"`
	Start  time.Time `json:"start"`  // of the history
	Live   time.Time `json:"live"`   // its end
	Revoke time.Time `json:"revoke"` // the mass revocation begins
}

// generator writes one story to a topic, up to now and then on.
type generator struct {
	topic interface {
		// prepare makes the topic where it is missing, and returns the story and the time of the newest record where they are made up; a zero time where
		// there is none. Errors that come again however often it is tried wrap errForeign.
		prepare(ctx context.Context, keep time.Duration) (story, time.Time, error)
		String() string
	}
	writer         ship.Writer
	seed           uint64
	history, after time.Duration
	now            func() time.Time
	wait           func(context.Context) error // until the next look
	out            io.Writer
}

// run returns nil when ctx ends, or why it could not begin.
func (g *generator) run(ctx context.Context) error {
	told, newest, err := g.prepare(ctx)
	if err != nil {
		return endOf(ctx, err)
	}
	s, from := told, newest
	if newest.IsZero() {
		now := g.now().UTC().Truncate(time.Millisecond)
		s = story{Seed: g.seed, Start: now.Add(-g.history), Live: now, Revoke: now.Add(g.after)}
		from = s.Start
	} else {
		from = s.resume(newest)
		g.say("%s holds this generator's rows up to %s: their story goes on.", g.topic, utcText(newest))
	}
	w, err := g.scribe(s)
	if err != nil {
		return err
	}
	w.world.Until(from, func(simulate.Row) {}) // is there already
	begin := time.Now()
	rows, err := w.days(ctx, from, g.now(), func(int, int) {})
	if err != nil {
		return endOf(ctx, err)
	}
	g.say("%d made-up rows since %s are on %s, written in %s. Now live: %s", rows, utcText(from), g.topic, time.Since(begin).Round(time.Millisecond), s.plot(g.now()))
	return g.live(ctx, w, rows)
}

// live writes what happens, when it happens.
func (g *generator) live(ctx context.Context, w *scribe, rows int) error {
	for {
		if err := g.wait(ctx); err != nil {
			g.say("Ended: %d rows written.", rows)
			return endOf(ctx, err)
		}
		t := g.now()
		n, err := w.write(ctx, t, t)
		if err != nil {
			return endOf(ctx, err)
		}
		rows += n
	}
}

// plot says what is to be expected of a story.
func (s story) plot(now time.Time) string {
	what := fmt.Sprintf("%d connections of one OAuth client", massRevocation)
	if now.Before(s.Revoke.Add(massDuration)) {
		return fmt.Sprintf("%s revokes %s from %s on; an alert is due about a quarter of an hour later.", madeUpRevoker, what, utcText(s.Revoke))
	}
	return fmt.Sprintf("%s revoked %s at %s, and does not again: for another story name another topic, or delete this one.", madeUpRevoker, what, utcText(s.Revoke))
}

// scribe stands at the beginning of a story.
func (g *generator) scribe(s story) (*scribe, error) {
	told, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	w := simulate.New(simulate.Config{Seed: s.Seed, Start: s.Start, Filler: madeUpFiller})
	err = w.Schedule(simulate.Happening{Kind: simulate.MassRevocation, Integration: madeUpRevoker, Connections: massRevocation, For: massDuration, At: s.Revoke})
	return &scribe{world: w, writer: persistent{g.writer, g.say}, headers: []kafka.Header{{Key: madeUpHeader, Value: told}}}, err
}

// resume is from where rows are written again when the newest on the topic is of some time: what was written last may not be there in all
// partitions, and twice is as good as once.
func (s story) resume(newest time.Time) time.Time {
	back := newest.Add(-time.Hour)
	if newest.Before(s.Live) { // the history was not finished; it is written a day at a time
		back = newest.Add(-25 * time.Hour)
	}
	if back.Before(s.Start) {
		return s.Start
	}
	return back
}

// prepare waits for a broker that is about to start.
func (g *generator) prepare(ctx context.Context) (story, time.Time, error) {
	limit, cancel := context.WithTimeout(ctx, brokerPatience)
	defer cancel()
	said := ""
	for delay := time.Second; ; delay = min(2*delay, retryLongest/6) {
		s, newest, err := g.topic.prepare(limit, g.history)
		if err == nil || errors.Is(err, errForeign) {
			return s, newest, err
		}
		if limit.Err() == nil && said != err.Error() {
			said = err.Error()
			g.say("%s is not ready: %s. It is asked again for %s.", g.topic, said, formatDuration(brokerPatience))
		}
		if pause(limit, delay) != nil {
			return s, newest, fmt.Errorf("generate: %s was not ready within %s: %s", g.topic, formatDuration(brokerPatience), said)
		}
	}
}

func (g *generator) say(format string, args ...any) { fmt.Fprintf(g.out, format+"\n", args...) }

func utcText(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04:05 UTC") }

// endOf is nil when the error is that somebody ended ctx.
func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// persistent writes until everything is written or ctx ends: a broker that is away for a while costs no row.
type persistent struct {
	ship.Writer
	say func(format string, args ...any)
}

// WriteMessages returns nil, or why ctx ended.
func (p persistent) WriteMessages(ctx context.Context, messages ...kafka.Message) error {
	for delay := time.Second; ; delay = min(2*delay, retryLongest) {
		err := p.Writer.WriteMessages(ctx, messages...)
		if err == nil || ctx.Err() != nil {
			return err
		}
		p.say("%d rows could not be written: %v. They are written again in %s.", len(messages), anyReason(err), delay)
		if err := pause(ctx, delay); err != nil {
			return err
		}
	}
}

// anyReason is one of the reasons why messages could not be written.
func anyReason(err error) error {
	var several kafka.WriteErrors
	if errors.As(err, &several) {
		for _, err := range several {
			if err != nil {
				return err
			}
		}
	}
	return err
}
