package nango

import "slices"

// updates bounds partial updates whose operation was never seen. A tee on the write path sends one for every operation of
// Nango, most of which never pass the prefilter; they must not push out failures that wait for their reason.
type updates struct {
	max   int
	ids   map[string]struct{}
	order []string
}

// track watches e while it is nothing but an update, and lets the oldest such entry go when there are too many.
func (u *updates) track(r *Reader, e *entry) {
	if e.Kind != opNone || e.Log || e.HTTP || e.Sign != 0 {
		u.untrack(e)
		return
	}
	if u.ids == nil {
		u.ids = map[string]struct{}{}
	}
	if _, ok := u.ids[e.id]; ok {
		return
	}
	u.ids[e.id] = struct{}{}
	u.order = append(u.order, e.id)
	for len(u.ids) > u.max {
		u.evict(r)
	}
	if len(u.order) > 2*u.max+16 {
		u.order = slices.DeleteFunc(u.order, func(id string) bool { _, ok := u.ids[id]; return !ok })
	}
}

func (u *updates) evict(r *Reader) {
	id := u.order[0]
	u.order = u.order[1:]
	if _, ok := u.ids[id]; !ok {
		return
	}
	delete(u.ids, id)
	e := r.entries[id]
	r.queue.take(e)
	r.drop(e)
	r.stats.Evicted++
}

func (u *updates) untrack(e *entry) { delete(u.ids, e.id) }
