package nango

import (
	"cmp"
	"slices"
)

// Nango tells one failure by several routes: the rows of the refresh, the webhook it delivers, the span of that delivery. They share no id, only
// the connection and the time. A delivery therefore waits a little, and is an echo when rows of the same story are known by then: of a failure
// any refused refresh of the connection up to 15 min before, unless the connection worked since; of a success any authorization so long before,
// unless its own webhook came and the connection was refused since. A span says least, and is an echo of a webhook too; since it does not even say
// whether the news was good, it is one of an authorization as well. What has no rows stands for itself.
const (
	echoSlot = 10_000      // ms; times are compared in slots of this length
	echoWait = 20_000      // a delivery waits at least so long, to the end of a slot
	echoBack = 15 * 60_000 // the rows are not older than this: bridges queue
	echoSoon = 60_000      // nor those of a success of which a span might tell
	echoOwn  = 10_000      // a refused refresh waits so long for its delivery, which alone says whose it is; less than echoWait, so that it is its echo
)

// spanReason is the reason of a delivery that is known by its span only.
const spanReason = "webhook_span"

// news is what was told of a connection, and by what.
type news uint64

const (
	rowsFailed news = iota + 1
	rowsWorked
	hookFailed
	hookWorked
	rowsAuthorized
)

// echoes knows what was told of each connection in each slot of time, as hashes.
type echoes struct {
	told    memory              // by events that were released
	held    map[uint64][]*entry // by operations that are held
	refused map[uint64]int      // how many refused refreshes are held, by connection
}

func newEchoes() echoes {
	return echoes{newMemory(), map[uint64][]*entry{}, map[uint64]int{}}
}

// patience is when a delivery of time t is released.
func patience(t int64) int64 { return (t+echoWait)/echoSlot*echoSlot + echoSlot - 1 }

func (e *entry) who() uint64 {
	return idHash([]byte(e.Environment + "\x00" + e.Integration + "\x00" + e.Connection))
}

// in is the hash of some news of a connection in a slot; never zero.
func (n news) in(who uint64, slot int64) uint64 {
	x := who + uint64(n)*0x9e3779b97f4a7c15 + uint64(slot)*0xd1342543de82ef95
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31 | 1
}

// news is what an entry tells of its connection, as far as other routes repeat it.
func (e *entry) news() news {
	switch {
	case e.Connection == "" || e.Sign != 0 || e.span():
	case e.Kind == opRefresh && e.State != stateSuccess:
		return rowsFailed
	case e.Kind == opRefresh:
		return rowsWorked
	case e.Kind == opCreate && e.State == stateSuccess:
		return rowsAuthorized
	case e.Kind == opWebhook && e.State == stateSuccess:
		return hookWorked
	case e.Kind == opWebhook:
		return hookFailed
	}
	return 0
}

func (e *entry) span() bool {
	return e.Kind == opWebhook && slices.ContainsFunc(e.Verdicts, func(v verdict) bool { return v.Reason == spanReason })
}

// moment is when the news was made: the start of a refused refresh, the end of what worked.
func (e *entry) moment(n news) int64 {
	if (n == rowsWorked || n == rowsAuthorized) && e.Ended != 0 {
		return e.Ended
	}
	return e.start()
}

// hold notes what a held entry tells, now that another row of it was read.
func (u *echoes) hold(e *entry) {
	n := e.news()
	if n == 0 {
		u.let(e)
		return
	}
	whose := e.who()
	h := n.in(whose, e.moment(n)/echoSlot)
	if h == e.echo {
		return
	}
	u.let(e)
	e.echo, e.spot = h, len(u.held[h])
	u.held[h] = append(u.held[h], e)
	if n == rowsFailed {
		e.whose = whose
		u.refused[whose]++
	}
}

func (u *echoes) let(e *entry) {
	if e.echo == 0 {
		return
	}
	list := u.held[e.echo]
	last := list[len(list)-1]
	list[e.spot], last.spot, list[len(list)-1] = last, e.spot, nil
	if u.held[e.echo] = list[:len(list)-1]; len(list) == 1 {
		delete(u.held, e.echo)
	}
	if e.whose != 0 {
		if u.refused[e.whose]--; u.refused[e.whose] == 0 {
			delete(u.refused, e.whose)
		}
	}
	e.echo, e.whose = 0, 0
}

// between reports whether a refresh of a connection was refused after one time and up to another, and still waits for its reason.
func (u *echoes) between(whose uint64, after, until int64) bool {
	if u.refused[whose] == 0 {
		return false
	}
	for slot := after / echoSlot; slot <= until/echoSlot; slot++ {
		if slices.ContainsFunc(u.held[rowsFailed.in(whose, slot)], func(e *entry) bool { return after < e.start() && e.start() <= until }) {
			return true
		}
	}
	return false
}

// awaits reports whether W has not come so far that every delivery of a refused refresh is held.
func (e *entry) awaits(w int64) bool {
	return w < e.due+echoOwn && e.due == e.start() && e.news() == rowsFailed
}

// owner adds to a refused refresh what its deliveries say of its connection, where its rows do not. They are held longer than it.
func (u *echoes) owner(e *entry, ev *Event) {
	if e.news() != rowsFailed {
		return
	}
	var said entry
	whose, before := e.who(), e.start()+echoOwn
	for slot := (e.start()-echoWait)/echoSlot - 1; slot <= before/echoSlot; slot++ {
		for _, o := range u.held[hookFailed.in(whose, slot)] {
			if o.start() < before {
				said.merge(o)
			}
		}
	}
	ev.Account, ev.Tags, ev.AuthMode = cmp.Or(ev.Account, said.Account), ev.Tags.Over(said.Tags), cmp.Or(ev.AuthMode, said.AuthMode)
}

// tell remembers what a released entry told.
func (u *echoes) tell(e *entry) {
	if n := e.news(); n != 0 {
		at := e.moment(n)
		u.told.addHash(n.in(e.who(), at/echoSlot), at)
	}
}

// repeats reports whether a delivery tells what is known already. A failure is not, when the connection worked after what is known of; neither is
// a success after which it was refused.
func (u *echoes) repeats(e *entry) bool {
	if e.Kind != opWebhook || e.Sign != 0 {
		return false
	}
	worked := func(back, until int64) int64 {
		return max(u.last(rowsWorked, e, back, until), u.last(rowsAuthorized, e, back, until), u.last(hookWorked, e, back, until))
	}
	soon := patience(e.Created)
	if e.State == stateSuccess {
		authorized, failed := u.last(rowsAuthorized, e, echoBack, soon), u.last(rowsFailed, e, echoBack, e.Created)
		if at := max(authorized, u.last(rowsWorked, e, echoBack, soon)); at == 0 || at >= failed {
			return at > 0
		}
		return authorized > 0 && u.last(hookWorked, e, echoBack, failed*echoSlot) < authorized // it is late, unless it has come before
	}
	failed := u.last(rowsFailed, e, echoBack, soon)
	if e.span() {
		if worked(echoSoon, soon) > 0 {
			return true
		}
		failed = max(failed, u.last(hookFailed, e, echoBack, soon))
	}
	return failed > 0 && failed >= worked(echoBack, e.Created-echoWait)
}

// last returns the newest slot, from so long before a delivery up to a time, in which some news of its connection was told; 0 when there is none.
func (u *echoes) last(n news, e *entry, back, until int64) int64 {
	who := e.who()
	for slot := until / echoSlot; slot >= (e.Created-back)/echoSlot; slot-- {
		if h := n.in(who, slot); len(u.held[h]) > 0 || u.told.hasHash(h) {
			return slot
		}
	}
	return 0
}
