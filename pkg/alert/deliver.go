package alert

import (
	"cmp"
	"context"
	"time"

	"go.uber.org/zap"
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
		l.sleep(ctx, sooner(at, l.mutes.edge(l.opt.Now())))
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

// deliver makes one request: the record says so before it and what came of it afterwards. What is sent again needs neither.
func (l *lane) deliver(ctx context.Context, j job) {
	d, value, ok := l.prepare(j)
	if !ok {
		return
	}
	if !j.again && !l.save(recordKey(l.name, j.id), value) || !l.opt.May() {
		l.withdraw(j)
		return
	}
	got, err := l.send(ctx, d)
	if j.again {
		l.settleAgain(j, got, err)
	} else {
		l.settle(j, got, err)
	}
}

// prepare marks a request as begun, unless the incident was forgotten meanwhile.
func (l *lane) prepare(j job) (delivery, []byte, bool) {
	m := l.message(j)
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[j.id]
	if r == nil {
		return delivery{}, nil, false
	}
	r.Tried = l.opt.Now()
	if !j.again {
		trying := j.mark
		r.Trying = &trying
	}
	return delivery{
		message: m, in: j.in, incident: j.id, milestone: j.mark.Milestone, revision: j.mark.Revision,
		remote: r.Remote, silence: cmp.Or(j.mark.Silence, r.Sent.Silence), doubtful: r.Doubt,
	}, encode(r), true
}

// withdraw says that a request was not made after all.
func (l *lane) withdraw(j job) {
	if j.again {
		return
	}
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
func (l *lane) settle(j job, got receipt, err error) {
	now := l.opt.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[j.id]
	if r == nil { // forgotten while it was told
		r = &record{}
	}
	l.dirty[recordKey(l.name, j.id)] = struct{}{}
	if err == nil {
		r.accept(j.mark, got, now)
		l.worked("sent")
		l.askAgain(now)
		l.log.Info("told", j.fields()...)
	} else {
		f := faultFor(err)
		l.failures++
		r.fail(l.traits, j.mark, f, l.failures, now)
		l.failed(j, f, r.Hold)
	}
	l.post(j.id)
	if l.book[j.id] != nil {
		l.review(now)
	}
}

// settleAgain notes what came of a state that was sent again. Only a refusal is written, and its end, and for how long it was asked to wait.
func (l *lane) settleAgain(j job, got receipt, err error) {
	now := l.opt.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[j.id]
	if r == nil {
		return
	}
	if err == nil {
		if r.acceptAgain(got, now) {
			l.dirty[recordKey(l.name, j.id)] = struct{}{}
		}
		l.worked("repeated")
		l.post(j.id)
		return
	}
	f := faultFor(err)
	l.failures++
	hold := now.Add(max(f.after, backoff(l.failures, backoffBase, backoffCap)))
	switch {
	case f.verdict == refused:
		r.fail(l.traits, j.mark, f, l.failures, now)
		l.dirty[recordKey(l.name, j.id)] = struct{}{}
		l.post(j.id)
	case f.after > 0:
		r.Hold = hold
		l.dirty[recordKey(l.name, j.id)] = struct{}{}
	}
	l.failed(j, f, hold)
}

// faultFor reads an error of send. Who asks to wait for longer than people wait for a page is waited for, and stands for one that refuses: it is
// shown as down, and the fallback is told meanwhile.
func faultFor(err error) *fault {
	f := *faultOf(err)
	if f.verdict == failed && f.after > longestWait {
		f.verdict, f.reason = refused, f.reason+", and asks to wait for "+span(f.after)
	}
	return &f
}

// askAgain lets what was refused some time ago be tried again, now that something was taken.
func (l *lane) askAgain(now time.Time) {
	for _, r := range l.records {
		if r.Refusal != nil && now.Sub(r.Tried) >= askedAgain {
			r.Refusal.Until = sooner(r.Refusal.Until, now)
		}
	}
}

// worked notes an accepted request.
func (l *lane) worked(result string) {
	l.failures, l.hold, l.err = 0, time.Time{}, ""
	l.results[result]++
}

// failed notes one that was not accepted.
func (l *lane) failed(j job, f *fault, hold time.Time) {
	l.hold, l.err = hold, f.reason
	l.results[string(f.verdict)]++
	l.log.Warn("not told", append(j.fields(), zap.String("result", string(f.verdict)), zap.String("reason", f.reason), zap.Time("hold", hold))...)
}
