package detect

import (
	"math"
	"time"

	"github.com/revwatch/revwatch/pkg/baseline"
	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// ratesKept is how many days of expected rates are kept: the longest window touches four.
const ratesKept = 5

// keepBreaks is how long single breaks are kept when no incident needs them: the longest window, or the cap of customers around a break that
// comes late.
const keepBreaks = (72 + 24 + 1) * time.Hour

// rate is what was expected of a day when it began; it is never computed again.
type rate struct {
	Day  int64
	Slot float64 // breaks a slot
}

// series is all that is known of one (signal, environment, provider, cause).
type series struct {
	key
	first    int64 // slot in which its provider began to exist
	restart  int64 // no window begins before it: the end of the last incident
	ring     window.Ring
	rates    [ratesKept]rate // at day mod ratesKept
	level    baseline.Level  // of the day of the newest rate
	breaks   window.Breaks
	newest   int64 // slot of the newest break
	total    int64 // breaks so far
	incident *tracked

	changed     bool           // header
	changedDays map[int64]bool // of the ring
	storedDays  map[int64]bool
	born        []window.Break // not stored yet
	forgotten   []window.Break // stored, let go
}

func newSeries(k key, first int64) *series {
	return &series{key: k, first: first, restart: first, changed: true, changedDays: map[int64]bool{}, storedDays: map[int64]bool{}}
}

func (s *series) open() bool { return s.incident != nil && s.incident.ResolvedAt.IsZero() }

// add takes one break.
func (s *series) add(e nango.Event, slot int64) {
	b := window.Break{Time: e.Time, Integration: e.Integration, Connection: e.Connection, Account: e.Account, Reason: e.Reason}
	b.Counted = s.breaks.Add(b)
	s.born = append(s.born, b)
	if b.Counted {
		s.ring.Add(slot)
		s.changedDays[floorDay(slot)] = true
	}
	s.newest = max(s.newest, slot)
	s.total++
	s.changed = true
}

// fit learns the level for a day from the days before it.
func (s *series) fit(day int64, r *rows) {
	from := max(floorDay(s.first), day-window.Days)
	days := make([]baseline.Day, 0, window.Days)
	for d := from; d < day; d++ {
		days = append(days, s.day(d, r))
	}
	s.level = baseline.Fit(days)
	*s.rate(day) = rate{day, s.level.PerDay() / slotsPerDay}
	s.changed = true
	for old := range s.storedDays {
		if !s.keeps(old) {
			s.changedDays[old] = true
		}
	}
}

// rate is the place of a day among the rates.
func (s *series) rate(day int64) *rate { return &s.rates[((day%ratesKept)+ratesKept)%ratesKept] }

// keeps reports whether a day is among those that teach.
func (s *series) keeps(day int64) bool {
	return day >= s.newestDay()-window.Days
}

func (s *series) newestDay() int64 {
	newest := int64(0)
	for _, r := range s.rates {
		newest = max(newest, r.Day)
	}
	return newest
}

// day sums the slots of a day that teach.
func (s *series) day(d int64, r *rows) baseline.Day {
	var sum baseline.Day
	for slot := max(d*slotsPerDay, s.first); slot < (d+1)*slotsPerDay; slot++ {
		if r.sees(slot) && !s.ring.Masked(slot) {
			sum.Breaks += s.ring.Count(slot)
			sum.Usable++
		}
	}
	sum.Usable /= slotsPerDay
	return sum
}

// expected sums what was expected of the observed slots of [from, to]. A day without a rate of its own expects as the newest one.
func (s *series) expected(from, to int64, r *rows) float64 {
	sum := 0.0
	for day := floorDay(from); day <= floorDay(to); day++ {
		first, last := max(from, day*slotsPerDay), min(to, (day+1)*slotsPerDay-1)
		x := s.rate(day).Slot
		if s.rate(day).Day != day {
			x = s.level.PerDay() / slotsPerDay
		}
		sum += x * float64(r.observed(first, last))
	}
	return sum
}

// forget lets go of breaks that neither a window nor an open incident needs.
func (s *series) forget(now time.Time) {
	before := now.Add(-keepBreaks)
	if s.open() {
		if begin := window.SlotTime(min(s.incident.Peak.From, s.incident.Onset)); begin.Before(before) {
			before = begin
		}
	}
	s.forgotten = append(s.forgotten, s.breaks.Forget(before)...)
}

// peak is a window and its score.
type peak struct {
	Score    float64 // log of the days in which it is expected once
	Count    float64 // breaks that count
	Expected float64
	From, To int64 // slots, both in it
}

// scan judges the windows that end with slot to, and returns the one that is most extreme of those with enough connections; Score is −∞ when
// there is none.
func (d *Detector) scan(s *series, to int64) peak {
	best := peak{Score: math.Inf(-1), To: to}
	all, judged := d.evidence(s, to)
	c := calibration(s.level.PerDay())
	for i, e := range all {
		if !judged[i] {
			continue
		}
		if score, ok := e.score(c); ok && score > best.Score {
			p := peak{score, e.count, e.expected, to - int64(e.slots) + 1, to}
			if distinct(s.within(p)) >= d.opt.MinConnections {
				best = p
			}
		}
	}
	return best
}

// evidence is what the windows that end with slot to hold, and which of them may be judged: none in the first two days of a series, until the
// seventh those of a day or more, and none that reaches back into an earlier incident.
func (d *Detector) evidence(s *series, to int64) (all [len(windows)]evidence, judged [len(windows)]bool) {
	count, expected, done := 0.0, 0.0, to+1
	for i, slots := range windows {
		from := to - int64(slots) + 1
		count += s.ring.Sum(from, done-1)
		expected += s.expected(max(from, s.first), done-1, &d.rows)
		done = from
		all[i] = evidence{
			count: count, expected: expected, clumping: baseline.Clumping,
			uncertainty: baseline.Fluctuation(float64(slots)/6) + s.level.Uncertainty(), slots: slots,
		}
		judged[i] = from >= max(s.first+silentStart, s.restart) && (slots >= slotsPerDay || to-s.first >= learningUntil)
	}
	return all, judged
}
