package alert

import (
	"math/rand/v2"
	"time"
)

const (
	backoffBase = time.Second
	backoffCap  = 5 * time.Minute
	doubtBase   = time.Minute // a request that would show twice is repeated more slowly
	doubtCap    = time.Hour
	refusedFor  = time.Hour
	askedAgain  = 5 * time.Minute // after a refusal, what was refused is tried again as soon as something else is taken
	longestWait = time.Hour       // that the other side may ask for without standing for one that refuses
)

// backoff is the wait after the n-th failure in a row (n >= 1): base doubled each time up to cap, of which the upper half
// is drawn at random so that many senders do not come back together.
func backoff(n int, base, cap time.Duration) time.Duration {
	d := cap
	if n < 30 {
		d = min(cap, base<<max(0, n-1))
	}
	return d/2 + rand.N(d/2+1)
}

// accept notes that the other side has taken the state m.
func (r *record) accept(m mark, got receipt, now time.Time) {
	r.Trying, r.Remote = nil, got.remote
	r.Doubt, r.Doubts, r.Next, r.Hold, r.Refusal = time.Time{}, 0, time.Time{}, time.Time{}, nil
	if got.more {
		r.Part = m.Phase
		return
	}
	switch {
	case !m.Phase.over():
		r.Ended = time.Time{}
	case r.Ended.IsZero():
		r.Ended = now
	}
	r.Sent, r.Part, r.Told, r.Since, r.repeated = m, none, now, time.Time{}, now
}

// acceptAgain notes that the other side has taken once more what it has. It says whether that is worth writing.
func (r *record) acceptAgain(got receipt, now time.Time) (changed bool) {
	changed = r.Refusal != nil || r.Remote != got.remote
	r.Refusal, r.Remote, r.repeated = nil, got.remote, now
	return changed
}

// fail notes a failed request; failures is how many in a row the destination has seen, this one included. What is sent again and again anyway
// is also tried again soon after it was refused.
func (r *record) fail(t traits, m mark, f *fault, failures int, now time.Time) {
	r.Trying = nil
	switch f.verdict {
	case refused:
		pause, since := refusedFor, now
		if t.repeat > 0 {
			pause = t.repeat
		}
		if r.Refusal != nil && !r.Refusal.Since.IsZero() {
			since = r.Refusal.Since
		}
		r.Refusal = &refusal{Mark: m, Reason: f.reason, Since: since, Until: now.Add(max(pause, f.after))}
	case doubtful:
		r.doubt(t, now)
	}
	r.Hold = now.Add(max(f.after, backoff(failures, backoffBase, backoffCap)))
}
