package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/web"
)

// question is one that waits for the owner of the core.
type question struct {
	answer func()        // called by the owner
	done   chan struct{} // closed afterwards
}

// questions is how other goroutines ask the owner of the core: it answers between two batches, so nothing is ever locked.
type questions struct {
	asked chan question // holds none: what nobody takes in time was never asked
	ended chan struct{} // closed when the owner is no more
}

func newQuestions() *questions { return &questions{make(chan question), make(chan struct{})} }

// ask has the owner call by, and returns what it returned.
func ask[T any](ctx context.Context, q *questions, by func() (T, error)) (a T, err error) {
	asked := question{func() { a, err = by() }, make(chan struct{})}
	select {
	case q.asked <- asked:
		<-asked.done // whoever took the question answers at once
		return a, err
	case <-q.ended:
		return a, fmt.Errorf("%w: the daemon stops", web.ErrUnavailable)
	case <-ctx.Done():
		return a, fmt.Errorf("%w: the reading is busy or stuck; /healthz says whether it moves", web.ErrUnavailable)
	}
}

// So many questions are answered in a row, and none is begun after so long: reading goes on between them.
const (
	atOnce    = 16
	answering = 100 * time.Millisecond
)

// answerAll answers those who wait now, or the first of them. It does nothing on nil.
func (q *questions) answerAll() {
	if q == nil {
		return
	}
	begun := time.Now()
	for i := 0; i < atOnce && time.Since(begun) < answering; i++ {
		select {
		case x := <-q.asked:
			x.answer()
			close(x.done)
		default:
			return
		}
	}
}

// whole says why the core does not hold everything that there is to read; nil when it does.
func (f *follower) whole() error {
	switch {
	case f.failing != nil:
		return fmt.Errorf("%w: reading has stopped, as the state cannot be committed", web.ErrUnavailable)
	case f.positions.owned() == 0:
		return fmt.Errorf("%w: this member reads nothing; ask the one whose revwatch_owner is 1, or wait until the group is joined", web.ErrUnavailable)
	case f.behind:
		return fmt.Errorf("%w: the topic is not read to its end yet, %d records are left", web.ErrUnavailable, f.positions.lag())
	}
	return nil
}

// explain answers for the owner.
func (f *follower) explain(q detect.Question, at string) (a detect.Answer, err error) {
	if err := f.whole(); err != nil {
		return a, err
	}
	return f.engine.explain(q, at)
}

// connections answers for the owner.
func (f *follower) connections(x detect.Filter) ([]detect.Connection, error) {
	if err := f.whole(); err != nil {
		return nil, err
	}
	return f.engine.connections(x)
}

// connections lists those of what was read so far. Of an incident that is not known there are not none: nobody knows.
func (g *engine) connections(x detect.Filter) ([]detect.Connection, error) {
	known := func(in detect.Incident) bool { return in.ID == x.Incident }
	if x.Incident != "" && !slices.ContainsFunc(g.detector.Incidents(), known) {
		return nil, fmt.Errorf("no incident %s with connections is kept: one is for 7 days after its end, or until the next of the same", strconv.Quote(clean(x.Incident)))
	}
	return g.detector.Connections(x), nil
}

// explain answers from what was read so far.
func (g *engine) explain(q detect.Question, at string) (a detect.Answer, err error) {
	if q.At, err = parseInstant(at, g.detector.Closed()); err != nil {
		return a, err
	}
	return g.detector.Explain(q)
}

// parseInstant reads a time in RFC 3339, or an hour and minute of the UTC day of the newest data; "" and now are the zero time.
func parseInstant(text string, newest time.Time) (time.Time, error) {
	if text == "" || text == "now" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC(), nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return t, fmt.Errorf("%w: %q; such as 2026-10-05T14:05:00Z, or 14:05 of the newest day in the data (UTC)", web.ErrInstant, clean(text))
	}
	year, month, day := newest.UTC().Date()
	return time.Date(year, month, day, t.Hour(), t.Minute(), 0, 0, time.UTC), nil
}
