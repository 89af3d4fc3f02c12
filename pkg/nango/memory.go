package nango

import (
	"cmp"
	"hash/fnv"
	"slices"
)

// maxMemory bounds the ids of released events that are remembered; beyond it the oldest go first.
const maxMemory = 1_000_000

// memory remembers ids of released events, so that the same row again is no second event. Ids are kept as 64-bit hashes:
// with a million of them the chance that two agree is about 3 in 100 million.
type memory struct {
	known map[uint64]struct{}
	order []remembered // oldest release first
	head  int
	sort  bool
	fresh int // order[fresh:] are not stored yet
	gone  []uint64
}

type remembered struct {
	hash uint64
	time int64
}

func newMemory() memory { return memory{known: map[uint64]struct{}{}} }

func idHash(id []byte) uint64 {
	h := fnv.New64a()
	h.Write(id)
	return h.Sum64()
}

func (m *memory) has(id []byte) bool { return m.hasHash(idHash(id)) }

func (m *memory) hasHash(h uint64) bool {
	_, ok := m.known[h]
	return ok
}

func (m *memory) add(id []byte, time int64) { m.addHash(idHash(id), time) }

func (m *memory) addHash(h uint64, time int64) {
	if _, ok := m.known[h]; ok {
		return
	}
	m.settle()
	m.known[h] = struct{}{}
	m.order = append(m.order, remembered{h, time})
	if len(m.order)-m.head > maxMemory {
		m.pop()
	}
}

// settle puts what was restored, in no order, in the order of time.
func (m *memory) settle() {
	if m.sort {
		m.sort = false
		slices.SortFunc(m.order, func(a, b remembered) int { return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.hash, b.hash)) })
	}
}

// forget drops what is older than 78 h of w.
func (m *memory) forget(w int64) {
	m.settle()
	for m.head < len(m.order) && m.order[m.head].time < w-memorize {
		m.pop()
	}
}

func (m *memory) pop() {
	h := m.order[m.head].hash
	delete(m.known, h)
	if m.head < m.fresh {
		m.gone = append(m.gone, h)
	} else {
		m.fresh = m.head + 1
	}
	m.head++
	if m.head > 1024 && m.head > len(m.order)/2 {
		m.order = append(m.order[:0], m.order[m.head:]...)
		m.fresh -= m.head
		m.head = 0
	}
}

// activity remembers when each connection was last told to be active.
type activity struct {
	last  map[string]int64
	dirty map[string]struct{}
	swept int64
	key   []byte
}

func newActivity() activity { return activity{last: map[string]int64{}, dirty: map[string]struct{}{}} }

func (a *activity) keyOf(ev *Event) []byte {
	a.key = append(a.key[:0], ev.Environment...)
	a.key = append(append(a.key, 0), ev.Integration...)
	a.key = append(append(a.key, 0), ev.Connection...)
	return a.key
}

// tell reports whether a sign of life is news, and when the last one was: later by the spacing, or the first after a failure.
func (a *activity) tell(ev *Event) (last int64, news bool) {
	k, t := a.keyOf(ev), ev.Time.UnixMilli()
	if last, ok := a.last[string(k)]; ok && t < last+spacing {
		return last, false
	}
	a.set(string(k), t)
	return 0, true
}

// broke makes the next sign of life after a failure news.
func (a *activity) broke(ev *Event) {
	k, t := a.keyOf(ev), ev.Time.UnixMilli()
	if last, ok := a.last[string(k)]; ok && last < t && last > t-spacing {
		a.set(string(k), t-spacing)
	}
}

func (a *activity) set(k string, t int64) {
	a.last[k] = t
	a.dirty[k] = struct{}{}
}

// forget drops, once a day of w, connections not seen alive for 8 days.
func (a *activity) forget(w int64) {
	if w/86400_000 == a.swept {
		return
	}
	a.swept = w / 86400_000
	for k, t := range a.last {
		if t < w-forget {
			delete(a.last, k)
			a.dirty[k] = struct{}{}
		}
	}
}
