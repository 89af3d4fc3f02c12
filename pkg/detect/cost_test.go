package detect

import (
	"fmt"
	"testing"
	"time"
	"unsafe"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// grown is a series of so many breaks a day that is so many days old; one of an outage has many transient failures in its last days.
func grown(perDay float64, days int, outage bool) (*Detector, *series) {
	end := monday.Add(time.Duration(days) * day)
	h := newHistory(2)
	h.life("crm", perDay, monday, end)
	h.breaks("crm", "crm", end.Add(-time.Hour), 1, 0) // each is scored
	for i := 0; outage && i < 3*slotsPerDay; i++ {
		h.put(end.Add(-3*day+time.Duration(i)*slot), nango.Failure, "crm", "crm", fmt.Sprint("out", i), "")
		h.events[len(h.events)-1].Cause = nango.Transient
	}
	d := New(Options{})
	for i, e := range h.sorted() {
		if feed(d, []nango.Event{e}, time.Time{}); i%100 == 0 {
			d.Changes(func(string, string, []byte) {}) // as the pipeline does every few seconds
		}
	}
	return d, d.order[0]
}

// scored are the series of the measurements below.
var scored = []struct {
	name   string
	perDay float64
	outage bool
}{{"quiet", .05, false}, {"usual", 3, false}, {"busy", 300, false}, {"outage", 3, true}}

// judgeEdge is what a slot edge costs one series, but for the incidents that it tells.
func (d *Detector) judgeEdge(s *series, slot int64) {
	guard, alert := d.scan(s, slot)
	s.guard.see(guard, alert.Score, false)
	d.pass(s, slot)
	s.guard.rest(slot, &d.rows)
	if !s.open() {
		d.judge(s, alert, window.SlotTime(slot+1), time.Time{})
	}
}

// The goal is 2 µs and no allocation for a series at a slot edge.
func BenchmarkTick(b *testing.B) {
	for _, c := range scored {
		b.Run(c.name, func(b *testing.B) {
			d, s := grown(c.perDay, 90, c.outage)
			b.ReportAllocs()
			for b.Loop() {
				d.judgeEdge(s, d.edge-1)
			}
		})
	}
}

// The goal is 100 µs for the fit of a series.
func BenchmarkMidnight(b *testing.B) {
	for _, c := range scored {
		b.Run(c.name, func(b *testing.B) {
			d, s := grown(c.perDay, 90, c.outage)
			b.ReportAllocs()
			for b.Loop() {
				d.fit(s, s.fitted)
			}
		})
	}
}

// A series at a slot edge allocates nothing while nothing is told of it.
func TestTickAllocatesNothing(t *testing.T) {
	for _, c := range scored {
		d, s := grown(c.perDay, 18, c.outage)
		if s.newest <= d.edge-longest || s.open() {
			t.Fatalf("%s: it is not scored, or open", c.name)
		}
		if n := testing.AllocsPerRun(100, func() { d.judgeEdge(s, d.edge-1) }); n > 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

// A series that breaks three times a day takes at most 53 KB, whatever its age.
func TestSizeOfASeries(t *testing.T) {
	const most = 53_000
	d, s := grown(3, 90, false)
	d.Changes(func(string, string, []byte) {})
	size := unsafe.Sizeof(*s) + uintptr(cap(s.episodes))*unsafe.Sizeof(episode{}) + uintptr(cap(s.guard.Ended))*unsafe.Sizeof(excursion{})
	for i := range s.forecasts {
		size += uintptr(cap(s.forecasts[i].Batch)) * unsafe.Sizeof(s.forecasts[i].Batch[0])
	}
	for _, b := range s.breaks.Since(time.Time{}) {
		size += unsafe.Sizeof(b) + uintptr(len(b.Integration)+len(b.Connection)+len(b.Account)+len(b.Reason)+len(b.AuthMode))
	}
	for _, m := range []map[int64]bool{s.changedDays, s.storedDays, s.freshDays} {
		size += uintptr(len(m)) * 34 // a key and a value take 17, and half of the places are free
	}
	for _, of := range s.mix.Of {
		for _, w := range of.List {
			size += unsafe.Sizeof(w) + uintptr(len(w.Value))
		}
	}
	size += uintptr(cap(s.born)+cap(s.forgotten)) * unsafe.Sizeof(window.Break{})
	if t.Logf("%d bytes", size); size > most {
		t.Errorf("%d bytes, at most %d are promised", size, most)
	}
}

// BenchmarkDescribe is what it costs to write down an incident of 40 breaks, as at each slot edge in which more broke: of a provider of which nothing is
// known, and of one that keeps few tokens of each of many users.
func BenchmarkDescribe(b *testing.B) {
	for name, inUse := range map[string]int{"plain": 0, "100,000 in use": 100_000} {
		b.Run(name, func(b *testing.B) {
			d, s := grown(3, 90, false)
			for i := range inUse {
				d.Observe(nango.Event{
					Kind: nango.Reconnected, Authorized: true, Time: window.SlotTime(d.edge), Environment: "prod", Provider: "crm", Integration: "crm",
					Connection: fmt.Sprint("in use", i), Account: fmt.Sprint("customer", i/3),
				}, time.Time{})
			}
			d.opt.Provider = func(string) nango.Provider { return nango.Provider{Behaviours: []nango.Behaviour{{Tokens: 100}}} }
			h := newHistory(3)
			h.breaks("crm", "crm", window.SlotTime(d.edge), 40, 10*time.Second)
			feed(d, h.sorted(), time.Time{})
			if !s.open() {
				b.Fatal("no incident")
			}
			b.ReportAllocs()
			for b.Loop() {
				d.describe(s)
			}
		})
	}
}

// BenchmarkBurst is what each of ten thousand breaks within an hour costs: of as many customers, or most of two.
func BenchmarkBurst(b *testing.B) {
	const breaks = 10_000
	for name, customers := range map[string]int{"customers": breaks, "two customers": 2} {
		h := running(0)
		h.breaks("crm", "crm", onset, breaks, 360*time.Millisecond)
		for i := range h.events {
			if e := &h.events[i]; e.Kind == nango.Failure {
				e.Account = fmt.Sprint("customer", i%customers)
			}
		}
		events := h.sorted()
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				feed(New(Options{}), events, time.Time{})
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/breaks, "µs/break")
		})
	}
}

// A break in the midst of thousands asks no more of them than it must: what a scan allocates does not grow with them.
func TestBurstIsNotCountedAnew(t *testing.T) {
	allocated := func(breaks int) float64 {
		h := running(0)
		h.breaks("crm", "crm", onset, breaks, 10*time.Millisecond)
		d := New(Options{})
		feed(d, h.sorted(), time.Time{})
		s := d.series[key{Revocations, "prod", "crm", "revoked"}]
		return testing.AllocsPerRun(10, func() { d.scan(s, d.edge) })
	}
	if few, many := allocated(50), allocated(5000); many > few {
		t.Errorf("%v allocations among 5,000 breaks, %v among 50", many, few)
	}
}
