package nango

import (
	"cmp"
	"math"
	"strings"
	"time"
)

const (
	lateness = 72 * 3600_000     // an event complete later than this behind W is not counted any more
	memorize = 78 * 3600_000     // ids of released events are remembered so long
	spacing  = 10 * 60_000       // signs of life of one connection are told no closer than this
	forget   = 8 * 24 * 3600_000 // a connection not seen alive for so long is no longer active
)

// before is the order of release: by the watermark that releases, then by time, then by id.
func (e *entry) before(o *entry) bool {
	return cmp.Or(cmp.Compare(e.due, o.due), cmp.Compare(e.start(), o.start()), cmp.Compare(e.id, o.id)) < 0
}

// queue is a binary heap of entries that know their place in it.
type queue []*entry

// put inserts e, or moves it when its key changed.
func (q *queue) put(e *entry) {
	if e.place < 0 {
		e.place = len(*q)
		*q = append(*q, e)
	}
	q.down(e.place)
	q.up(e.place)
}

// take removes e.
func (q *queue) take(e *entry) {
	last, i := len(*q)-1, e.place
	q.swap(i, last)
	(*q)[last] = nil
	*q = (*q)[:last]
	e.place = -1
	if i < last {
		q.down(i)
		q.up(i)
	}
}

func (q queue) swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q queue) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !q[i].before(q[parent]) {
			return
		}
		q.swap(i, parent)
		i = parent
	}
}

func (q queue) down(i int) {
	for {
		least := i
		for _, c := range [2]int{2*i + 1, 2*i + 2} {
			if c < len(q) && q[c].before(q[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		q.swap(i, least)
		i = least
	}
}

// Advance returns the events that are due, in the order of the watermark that released them: (time, operation id), except
// that a failure which waited in vain for its reason comes when the waiting is over. now is the wall clock, zero in a
// replay; it only tells which sources have been unreadable for 10 min. The slice is valid until the next call.
func (r *Reader) Advance(now time.Time) []Event {
	w, ok := r.frontier(now)
	if !ok {
		w = math.MinInt64
	}
	return r.advance(w)
}

// advance moves W to w, or to just before a refusal whose delivery may still come, and releases what is due.
func (r *Reader) advance(w int64) []Event {
	r.out = r.out[:0]
	for len(r.queue) > 0 {
		e, full := r.queue[0], len(r.queue) > r.joinMax
		if !full && e.due <= w && e.due > r.mark && e.awaits(w) {
			w = e.due - 1
		}
		if !full && e.due > w {
			break
		}
		if full && e.due > r.mark {
			r.mark, r.header = e.due, true
		}
		r.release(e, full && e.due > w)
	}
	if w > r.mark {
		r.mark, r.header = w, true
	}
	r.forget()
	return r.out
}

// Flush ends a replay: waiting halves are decided and everything held is returned in order.
func (r *Reader) Flush() []Event {
	r.out = r.out[:0]
	for len(r.queue) > 0 {
		r.release(r.queue[0], false)
	}
	if r.newest > r.mark {
		r.mark, r.header = r.newest, true
	}
	return r.out
}

// Suspend ends reading for a while: what the rows read so far can decide is returned in order, the rest is kept for those
// that come later.
func (r *Reader) Suspend() []Event { return r.advance(max(r.mark, r.newest-r.disorder)) }

func (r *Reader) forget() {
	r.done.forget(r.mark)
	r.echoes.told.forget(r.mark)
	r.active.forget(r.mark)
}

// release takes the first entry out of the queue and emits what it amounts to.
func (r *Reader) release(e *entry, early bool) {
	r.queue.take(e)
	r.drop(e)
	r.idle.untrack(e)
	_, before := e.event(r.rules, false)
	if early && before == waits {
		r.stats.Evicted++
	}
	ev, f := e.event(r.rules, true)
	ev.Due = at(e.due)
	switch {
	case f == leaves:
		if e.Kind == opNone && (e.Message != 0 || e.Sign != 0) || e.Kind == opOther && strings.Contains(e.Type, "refresh_token") {
			r.stats.Unjoined++
		} else if e.Kind == opRefresh || e.Sign != 0 {
			r.stats.Unnamed++
		}
	case e.Late:
		r.stats.Late++
	case ev.Kind == Active:
		if !r.tellActive(&ev) {
			r.stats.Merged++
			return
		}
		r.emit(ev)
	case r.echoes.repeats(e):
		r.done.add([]byte(e.id), ev.Time.UnixMilli())
		r.echoes.tell(e)
		r.echoed(ev)
	default:
		r.done.add([]byte(e.id), ev.Time.UnixMilli())
		r.echoes.tell(e)
		if ev.Kind == Failure {
			r.active.broke(&ev)
			r.echoes.owner(e, &ev)
		}
		r.emit(ev)
	}
}

// tellActive reports whether a sign of life is news: not soon after the last one, unless a refresh was refused in between. That may wait for its
// reason still.
func (r *Reader) tellActive(ev *Event) bool {
	last, told := r.active.tell(ev)
	if told || !r.echoes.between(idHash(r.active.key), last, ev.Time.UnixMilli()) {
		return told
	}
	r.active.set(string(r.active.key), ev.Time.UnixMilli())
	return true
}

// echoed keeps of a delivery that repeats what is known whose the connection is and how it authorizes: rows of a refresh do not say it.
func (r *Reader) echoed(ev Event) {
	r.stats.Echoes++
	if ev.Tags != "" || ev.Account != "" || ev.AuthMode != "" {
		ev.Kind, ev.Cause, ev.Reason, ev.Type = Seen, "", "", ""
		r.emit(ev)
	}
}

func (r *Reader) emit(ev Event) {
	r.stats.Events[ev.Kind]++
	if ev.Kind == Failure {
		r.stats.Failures[ev.Cause]++
	}
	r.out = append(r.out, ev)
}
