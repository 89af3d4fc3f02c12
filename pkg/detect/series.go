package detect

import (
	"math"
	"slices"
	"time"

	"github.com/revwatch/revwatch/pkg/baseline"
	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// dailyKept is how many days of fits are kept: the windows of the last 72 h reach back to so many.
const dailyKept = 8

// keepBreaks is how long single breaks are kept when no incident needs them: as long as an instant of the last 72 h can be explained.
const keepBreaks = (72 + 72 + 24) * hour

// forecast is what was expected of a day when it began; it is never computed again.
type forecast struct {
	Day int64
	baseline.Rates
}

// daily is what is known of a series from one 00:00 UTC to the next.
type daily struct {
	Day   int64
	Model baseline.Model
	Tail  tail
	Line  float64 // log B, B in days: the score at which an incident opens
}

// series is all that is known of one (signal, environment, provider, cause).
type series struct {
	key
	first     int64     // slot in which its provider began to exist
	episodes  []episode // of the last days, by time
	level     int64     // day from which on its level is the present one: a rise was taken for normal; 0: none was
	adopted   int64     // day in which that was
	ring      window.Ring
	forecasts [window.Days + 1]forecast // at day mod window.Days+1
	daily     [dailyKept]daily          // at day mod dailyKept
	fitted    int64                     // the newest day that has one
	shaky     *shaky                    // of its provider; nil: none, or it does not suffer
	guard     guard
	breaks    window.Breaks
	newest    int64 // slot of the newest break
	total     int64 // breaks so far
	incident  *tracked
	mix       mix

	changed     bool           // header
	mixChanged  bool           // the mix
	changedDays map[int64]bool // of the ring
	storedDays  map[int64]bool
	freshDays   map[int64]bool // of the forecasts
	born        []window.Break // not stored yet
	forgotten   []window.Break // stored, let go
}

// episode is a time in which an incident was open.
type episode struct {
	ID      string
	Opened  time.Time
	End     int64 // its last slot; math.MaxInt64 while it is open
	Restart int64 // no window of the alert scan begins before it, once it has ended
}

// restart is where the windows of the alert scan may begin: after the incidents that ended before a slot.
func (s *series) restart(slot int64) (from int64) {
	for _, e := range s.episodes {
		if e.End < slot {
			from = max(from, e.Restart)
		}
	}
	return from
}

// begins notes that an incident opened.
func (s *series) begins(id string, at time.Time) {
	s.episodes = append(s.episodes, episode{ID: id, Opened: at, End: math.MaxInt64})
}

// ends notes that the open incident ended with a slot.
func (s *series) ends(slot, restart int64) {
	e := &s.episodes[len(s.episodes)-1]
	e.End, e.Restart = slot, restart
}

func newSeries(k key, first int64) *series {
	return &series{key: k, first: first, guard: guard{Restart: first}, changed: true, changedDays: map[int64]bool{}, storedDays: map[int64]bool{}, freshDays: map[int64]bool{}}
}

// open reports whether the rise of an incident goes on in this series.
func (s *series) open() bool { return s.incident != nil && !s.incident.Over }

// add takes one break of a connection that first failed at a time, zero for now, and that its user last authorized at a time, Unix ms, 0 for not known.
func (s *series) add(e nango.Event, slot int64, first time.Time, created int64) {
	b := window.Break{Time: e.Time, Integration: e.Integration, Connection: e.Connection, Account: e.Account, Reason: e.Reason, AuthMode: e.AuthMode, Created: created}
	if !first.IsZero() {
		b.First = first.UnixMilli()
	}
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

// today is what is known since the newest 00:00 UTC.
func (s *series) today() *daily { return &s.daily[at(s.fitted, dailyKept)] }

// on is what was known on a day; when that is no longer held, or not yet, what is known today.
func (s *series) on(day int64) *daily {
	if x := &s.daily[at(day, dailyKept)]; x.Day == day {
		return x
	}
	return s.today()
}

func (s *series) forecast(day int64) *forecast {
	if f := &s.forecasts[at(day, window.Days+1)]; f.Day == day {
		return f
	}
	return nil
}

// keeps reports whether a day is among those that teach.
func (s *series) keeps(day int64) bool { return day >= s.fitted-window.Days }

// fit learns from the days before a day what is normal on it.
func (d *Detector) fit(s *series, today int64) {
	f := d.fleet(s)
	m, rates := baseline.Fit(d.history(s, today), &f.Fleet)
	s.predict(today, rates)
	s.fitted = max(s.fitted, today)
	s.daily[at(today, dailyKept)] = daily{today, m, s.guard.tail(today - floorDay(s.first)), d.line(s)}
	s.changed = true
	for old := range s.storedDays {
		if !s.keeps(old) {
			s.changedDays[old] = true
		}
	}
}

// predict notes what is expected of a day, in the place of what was of another.
func (s *series) predict(day int64, rates baseline.Rates) {
	f := &s.forecasts[at(day, window.Days+1)]
	s.freshDays[f.Day], s.freshDays[day] = true, true
	*f = forecast{day, rates}
}

// history is what the days before a day may teach. It is valid until the next call.
func (d *Detector) history(s *series, today int64) *baseline.History {
	s.ring.Move(today*slotsPerDay - 1)
	begin := floorDay(s.first)
	from := max(begin, today-window.Days)
	h := &d.taught
	h.Today, h.First, h.Level, h.Proven, h.Days = today, from == begin, s.level, s.adopted, h.Days[:0]
	for day := from; day < today; day++ {
		h.Days = append(h.Days, d.lesson(s, day))
	}
	return h
}

// lesson is one day of a history.
func (d *Detector) lesson(s *series, day int64) baseline.Day {
	x := baseline.Day{}
	counts, masked := s.ring.Day(day)
	first, last := day*slotsPerDay, (day+1)*slotsPerDay-1
	unusable := func(from, to int64) {
		for i := max(from, first) - first; i <= min(to, last)-first; i++ {
			x.Unusable[i/8] |= 1 << (i % 8)
		}
	}
	if counts == nil {
		counts = d.nothing[:]
		unusable(first, last)
	}
	x.Counts = counts
	copy(x.Unusable[:], masked)
	for i := d.rows.blind.search(first); i < len(d.rows.blind) && d.rows.blind[i].From <= last; i++ {
		unusable(d.rows.blind[i].From, d.rows.blind[i].To)
	}
	unusable(first, s.first-1)
	if f := s.forecast(day); f != nil {
		x.Rates = &f.Rates
	}
	return x
}

// expected is μ summed over the observed slots of [from, to]. A day without a forecast of its own expects as the newest one, evenly.
func (s *series) expected(from, to int64, r *rows) float64 {
	return s.forecasted(from, to) - s.unseen(from, to, r)
}

// unseen is μ summed over the slots of [from, to] that were not observed.
func (s *series) unseen(from, to int64, r *rows) (sum float64) {
	for i := r.blind.search(from); i < len(r.blind) && r.blind[i].From <= to; i++ {
		sum += s.forecasted(max(from, r.blind[i].From), min(to, r.blind[i].To))
	}
	return sum
}

// forecasted is μ summed over all slots of [from, to].
func (s *series) forecasted(from, to int64) (sum float64) {
	for day := floorDay(from); day <= floorDay(to); day++ {
		first, last := max(from-day*slotsPerDay, 0), min(to-day*slotsPerDay, slotsPerDay-1)
		if f := s.forecast(day); f != nil {
			sum += f.Sum(int(first), int(last))
		} else {
			sum += s.today().Model.PerDay() / slotsPerDay * float64(last-first+1)
		}
	}
	return sum
}

// surfacing is what a window [from, to] expects on top, because slots before or in it were not observed: what broke in them shows at the next
// retry. Of a stretch with expectation M that ends before slot g, a window from at or before g expects all of M, a later one M (1 − (from − g)/144).
func (s *series) surfacing(from, to int64, r *rows) (sum float64) {
	for i := r.blind.search(from - surfaceWithin); i < len(r.blind) && r.blind[i].To < to; i++ {
		x := r.blind[i]
		if x.From <= s.first {
			continue // nobody had looked before
		}
		missed := s.forecasted(max(x.From, x.To-longest+1), x.To)
		sum += missed * min(1, 1-float64(from-x.To-1)/surfaceWithin)
	}
	return sum
}

// forget lets go of breaks that neither a window nor an open incident needs.
func (s *series) forget(now int64) {
	before := now - keepBreaks
	if s.incident != nil && s.incident.ResolvedAt.IsZero() {
		before = min(before, s.incident.Peak.From, s.incident.Onset)
	}
	s.forgotten = append(s.forgotten, s.breaks.Forget(window.SlotTime(before))...)
	s.episodes = slices.DeleteFunc(s.episodes, func(x episode) bool { return x.End < now-keepBreaks })
}
