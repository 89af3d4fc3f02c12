package alert

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/revwatch/revwatch/pkg/detect"
)

// job is one state to be told.
type job struct {
	id         string
	in, parent *detect.Incident
	mark       mark     // phase none: there is nothing to tell
	silence    *Silence // of a hush
	instead    *refuser // who should have been told; nil: this destination itself
	again      bool     // it was told before
}

func (j job) fields() []zap.Field {
	return []zap.Field{zap.String("incident", j.id), zap.String("phase", string(j.mark.Phase)), zap.Int("revision", j.mark.Revision)}
}

// job is what is to be told of an incident of the book and the time from which it may be.
func (l *lane) job(id string, now time.Time) (job, time.Time) {
	e, r, s := l.book[id], l.record(id), l.standing(id, now)
	j := job{id: id, in: e.Incident, silence: s.silence}
	if parent := l.book[e.Parent]; parent != nil {
		j.parent = parent.Incident
	}
	if s.standIn && !s.routed {
		if other, ok := l.board.standIn(id, l.name); ok {
			j.instead = &other
		}
	}
	if p := owed(l.traits, r, e.Incident, s); p != none {
		j.mark = r.mark(e.Incident, p, s.silence)
		return j, r.due(l.traits, j.mark)
	}
	at, ok := again(l.traits, r, e.Incident, s, now)
	if !ok {
		return j, time.Time{}
	}
	j.again, j.mark = true, r.Sent
	if r.refuses(j.mark) {
		at = later(at, r.Refusal.Until)
	}
	return j, at
}

// message is what is said of a job.
func (l *lane) message(j job) message {
	m := compose(j.in, j.parent, j.mark.Phase, l.opt.Wording)
	if j.mark.Phase == hush && j.silence != nil {
		m.silenced(*j.silence)
	}
	if j.instead != nil {
		m.instead(j.instead.name, j.instead.reason)
	}
	if l.opt.test {
		m.marked()
	}
	return m
}

// next is the state whose turn it is and the time from which it may be sent, without regard to the gap between requests. Of those that may
// be sent, the one that was tried least recently comes first, so that none that always fails keeps others waiting.
func (l *lane) next(now time.Time) (best *job, at time.Time) {
	l.review(now)
	var turn *record
	for id := range l.book {
		j, due := l.job(id, now)
		if j.mark.Phase == none {
			continue
		}
		r := l.record(id)
		when := later(now, soon(later(due, l.hold), now))
		if best == nil || when.Before(at) || when.Equal(at) && r.before(turn, id, best.id) {
			best, at, turn = &j, when, r
		}
	}
	return best, at
}

// soon is t, unless that is so far ahead that the clock must have been set back since.
func soon(t, now time.Time) time.Time {
	if t.Sub(now) > maxRetryAfter {
		return now
	}
	return t
}

// step sends the next state when it is due. It returns when there is something to do again: zero, when nothing is planned.
func (l *lane) step(ctx context.Context) time.Time {
	now := l.opt.Now()
	l.mu.Lock()
	j, at := l.next(now)
	if len(l.dirty) > 0 { // what was waived is written first
		l.mu.Unlock()
		return now
	}
	if j == nil {
		l.mu.Unlock()
		return time.Time{}
	}
	at = later(at, soon(l.last.Add(l.traits.gap), now))
	if at.After(now) {
		l.mu.Unlock()
		return at
	}
	l.busy = true
	l.mu.Unlock()
	if !l.opt.May() {
		return now.Add(mayAgain)
	}
	l.deliver(ctx, *j)
	return now
}
