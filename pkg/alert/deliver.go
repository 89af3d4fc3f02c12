package alert

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/revwatch/revwatch/pkg/detect"
)

const (
	lastRequest = 5 * time.Second // how long a request under way may go on after the end was asked for
	maxSleep    = time.Minute     // so that a clock that was set is noticed
	mayAgain    = time.Second
)

func (l *lane) run(ctx context.Context) {
	l.begin()
	for ctx.Err() == nil {
		at := l.flush()
		if at.IsZero() {
			at = l.step(ctx)
		}
		l.setBusy(false)
		l.sleep(ctx, at)
	}
	l.flush()
	l.setBusy(false)
}

// begin notes when the destination is first there.
func (l *lane) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.records[""] == nil {
		l.records[""] = &record{Since: l.opt.Now()}
		l.dirty[recordKey(l.name, "")] = struct{}{}
	}
}

func (l *lane) setBusy(busy bool) {
	l.mu.Lock()
	l.busy = busy
	l.mu.Unlock()
	if !busy {
		l.changed.raise()
	}
}

// sleep waits until at (zero: nothing is planned) or until something was told.
func (l *lane) sleep(ctx context.Context, at time.Time) {
	wait := maxSleep
	if !at.IsZero() {
		wait = max(0, min(wait, at.Sub(l.opt.Now())))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-l.wake:
	case <-timer.C:
	}
}

// flush writes what has changed. It returns when to try again after a failure, and zero when all is written: before that nothing is sent.
func (l *lane) flush() (again time.Time) {
	for {
		key, value, ok := l.unwritten()
		if !ok {
			return time.Time{}
		}
		if now := l.opt.Now(); now.Before(l.saveAt) && l.saveAt.Sub(now) <= backoffCap {
			return l.saveAt
		}
		if !l.save(key, value) {
			return l.saveAt
		}
		l.mu.Lock()
		delete(l.dirty, key)
		l.mu.Unlock()
	}
}

func (l *lane) unwritten() (key string, value []byte, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.dirty {
		l.busy = true
		if name, id, _ := splitKey(key); name == l.name && l.records[id] != nil {
			return key, encode(l.records[id]), true
		}
		return key, nil, true
	}
	return "", nil, false
}

func (l *lane) save(key string, value []byte) bool {
	err := l.opt.Save(bucket, key, value)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.unsaved, l.saveAt = 0, time.Time{}
		return true
	}
	l.unsaved++
	l.dirty[key] = struct{}{}
	l.saveAt = l.opt.Now().Add(backoff(l.unsaved, backoffBase, backoffCap))
	l.err = "what was told cannot be saved"
	l.log.Error("delivery record not saved, nothing is sent until it is", zap.Error(err))
	return false
}

// job is one state to be told.
type job struct {
	id         string
	in, parent *detect.Incident
	phase      phase
}

func (j *job) mark() mark {
	return mark{Revision: j.in.Revision, Milestone: j.in.Milestone, Phase: j.phase}
}

// next is the state whose turn it is and the time from which it may be sent, without regard to the gap between requests. Of those that may
// be sent, the one that was tried least recently comes first, so that none that always fails keeps others waiting.
func (l *lane) next(now time.Time) (best *job, at time.Time) {
	var turn *record
	for id, in := range l.book {
		p := l.owes(id)
		if p == none {
			continue
		}
		r := l.records[id]
		when := later(now, soon(later(due(l.traits, r, in, p), l.hold), now))
		first := best == nil || when.Before(at) || when.Equal(at) && r.before(turn, id, best.id)
		if first {
			best, at, turn = &job{id: id, in: in, parent: l.book[in.Parent], phase: p}, when, r
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
	l.deliver(ctx, j)
	return now
}

// deliver makes one request: the record says so before it and what came of it afterwards.
func (l *lane) deliver(ctx context.Context, j *job) {
	d, value, ok := l.prepare(j)
	if !ok {
		return
	}
	key := recordKey(l.name, j.id)
	if !l.save(key, value) || !l.opt.May() {
		l.withdraw(j)
		return
	}
	got, err := l.send(ctx, d)
	l.settle(j, got, err)
}

// prepare marks a request as begun, unless the incident was forgotten meanwhile.
func (l *lane) prepare(j *job) (delivery, []byte, bool) {
	m := compose(j.in, j.parent, j.phase, l.opt.Wording)
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[j.id]
	if r == nil {
		return delivery{}, nil, false
	}
	trying := j.mark()
	r.Trying, r.Tried = &trying, l.opt.Now()
	d := delivery{
		message: m, in: j.in, incident: j.id, milestone: j.in.Milestone, revision: j.in.Revision, status: string(j.in.Status),
		began: j.in.Since, remote: r.Remote, doubtful: r.Doubt,
	}
	return d, encode(r), true
}

// withdraw says that a request was not made after all.
func (l *lane) withdraw(j *job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.records[j.id]; r != nil {
		r.Trying = nil
	}
	l.dirty[recordKey(l.name, j.id)] = struct{}{}
}

// send makes the request. It is not torn off when ctx ends, but has to end soon then.
func (l *lane) send(ctx context.Context, d delivery) (receipt, error) {
	request, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.traits.timeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(lastRequest, cancel) })
	defer stop()
	l.mu.Lock()
	l.last = l.opt.Now()
	l.mu.Unlock()
	return l.dest.send(request, d)
}

// settle notes what came of a request.
func (l *lane) settle(j *job, got receipt, err error) {
	now := l.opt.Now()
	what := []zap.Field{zap.String("incident", j.id), zap.String("phase", string(j.phase)), zap.Int("revision", j.in.Revision)}
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[j.id]
	if r == nil { // forgotten while it was told
		r = &record{}
	}
	l.dirty[recordKey(l.name, j.id)] = struct{}{}
	if err == nil {
		r.accept(j.mark(), got, now)
		l.failures, l.hold, l.err = 0, time.Time{}, ""
		l.results["sent"]++
		l.log.Info("told", what...)
	} else {
		f := faultOf(err)
		l.failures++
		r.fail(l.traits, j.mark(), f, l.failures, now)
		l.hold, l.err = r.Hold, f.reason
		l.results[string(f.verdict)]++
		l.log.Warn("not told", append(what, zap.String("result", string(f.verdict)), zap.String("reason", f.reason), zap.Time("hold", r.Hold))...)
	}
	if l.book[j.id] != nil {
		l.date(j.id, now)
	}
}
