package nango

import "slices"

// bystanders bounds what is held only because another row may make it matter: operations of calls, scripts and deletions that have not ended or
// have failed without saying why, and partial updates whose operation was never seen (a tee on the write path sends one for every operation of
// Nango, and most operations never pass the prefilter). They must not push out failures that wait for their reason.
type bystanders struct {
	max   int
	ids   map[string]struct{}
	order []string
}

func (e *entry) bystander() bool {
	switch e.Kind {
	case opNone:
		return e.Message == 0 && e.Sign == 0
	case opProxy, opScript:
		return e.Sign == 0 && (e.Kind == opScript || e.State != stateSuccess)
	case opDelete:
		return e.State != stateSuccess
	}
	return false
}

// track watches e while it stands by, and lets the oldest go when there are too many.
func (u *bystanders) track(r *Reader, e *entry) {
	if !e.bystander() {
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

func (u *bystanders) evict(r *Reader) {
	id := u.order[0]
	u.order = u.order[1:]
	if _, ok := u.ids[id]; !ok {
		return
	}
	delete(u.ids, id)
	e := r.entries[id]
	r.queue.take(e)
	r.drop(e)
	if e.Kind == opNone { // half of something; an operation that has not ended may never say anything
		r.stats.Evicted++
	}
}

func (u *bystanders) untrack(e *entry) { delete(u.ids, e.id) }
