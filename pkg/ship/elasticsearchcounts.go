package ship

import (
	"time"

	"go.uber.org/zap"
)

// tellEvery is how long may pass between two lines that say how it goes.
const tellEvery = time.Minute

// catchingUp is how often it is said how far history is read.
const catchingUp = 10 * time.Second

// counts are what was done since the start.
type counts struct {
	operations, messages int   // rows put on the topic
	dropped              int   // rows left out, each named in the log
	reached              int64 // the time of the last row, Unix ms
	told                 time.Time
}

func (c *counts) add(lane string, n int) {
	if lane == laneMessages {
		c.messages += n
	} else {
		c.operations += n
	}
}

// tell says how it goes when that was long ago.
func (c *counts) tell(e *Elasticsearch) {
	every, text := tellEvery, "rows so far"
	if e.through.IsZero() {
		every, text = catchingUp, "catching up"
	}
	now := e.now()
	if c.told.IsZero() {
		c.told = now
	}
	if now.Sub(c.told) < every {
		return
	}
	c.told = now
	e.log.Info(text, c.fields(e)...)
}

func (c *counts) fields(e *Elasticsearch) []zap.Field {
	fields := []zap.Field{zap.Int("operations", c.operations), zap.Int("messages", c.messages), zap.Int("left_out", c.dropped),
		zap.Int("open_operations", len(e.unended.all))}
	if c.reached > 0 {
		fields = append(fields, zap.Time("newest", time.UnixMilli(c.reached).UTC()))
	}
	return fields
}

// failed says what went wrong, once for each thing until all is well again.
func (e *Elasticsearch) failed(err error, again time.Duration) {
	e.fine = false
	what := err.Error()
	if e.failing[what] || len(e.failing) > mostFailing {
		return
	}
	e.failing[what] = true
	e.log.Warn("failed, and is tried again", zap.Error(err), zap.Duration("in", again.Round(time.Second)))
}

// mostFailing bounds what one outage logs.
const mostFailing = 20

// well says that all is well: at first that history is read, later that a failure is over.
func (e *Elasticsearch) well() {
	if e.unended.dropped > 0 {
		e.log.Warn("more operations have not ended than are kept in mind: of some it will not be known that they timed out", zap.Int("operations", e.unended.dropped))
		e.unended.dropped = 0
	}
	for _, l := range e.lanes {
		if l.newest > 0 && l.newest-e.seen[l.name].covers < e.o.Overlap.Milliseconds() {
			e.once("seen", "more rows come in ship.elasticsearch.overlap than are kept in mind: some are put on the topic again and again; make it shorter")
		}
	}
	if e.settled() == 0 {
		e.once("empty", "the indices hold no row of Nango's in this time: are they the right ones?", zap.String("operations", e.o.Operations), zap.String("messages", e.o.Messages))
	}
	if e.fine {
		return
	}
	e.fine = true
	clear(e.failing)
	e.log.Info("caught up: every row up to now is on the topic", e.counts.fields(e)...)
}

// once warns of something the first time.
func (e *Elasticsearch) once(what, text string, fields ...zap.Field) {
	if !e.said[what] {
		e.said[what] = true
		e.log.Warn(text, fields...)
	}
}
