package detect

import (
	"math"

	"github.com/revwatch/revwatch/pkg/window"
)

// peak is a window and its score.
type peak struct {
	Score    float64 // of the guard scan s; of the alert scan s'; −∞: no window exceeds what is expected
	Count    float64 // breaks that count
	Expected float64
	From, To int64 // slots, both in it
}

var noPeak = math.Inf(-1)

// scan judges the windows that end with slot to. It returns the most extreme one by the score s of what was expected (the guard scan, which
// watches over the fit), and the most extreme by s', where what outages let expect is added and the tail guard corrects (the alert scan, which
// opens incidents). Of the latter those that reach the alarm line with too few connections or customers are passed over.
func (d *Detector) scan(s *series, to int64) (guard, alert peak) {
	guard, alert = peak{Score: noPeak, To: to}, peak{Score: noPeak, To: to}
	x := s.on(floorDay(to))
	c, restart := calibration(x.Model.PerDay()), s.restart(to+1)
	for _, e := range d.evidence(s, to) {
		from := to - int64(e.slots) + 1
		if !s.mature(from, to) {
			continue
		}
		score, ok := e.score(c)
		if ok && from >= s.guard.Restart && score > guard.Score {
			guard = peak{score, e.count, e.expected, from, to}
		}
		if e.transient > 0 {
			e = e.withTransients()
			score, ok = e.score(c)
		}
		if score = x.Tail.adjust(score); !ok || from < restart || score <= alert.Score {
			continue
		}
		if p := (peak{score, e.count, e.expected, from, to}); score < x.Line || d.wideEnough(s, p, e, c) {
			alert = p
		}
	}
	return guard, alert
}

// wideEnough reports whether a window that reaches the alarm line holds enough connections, of three customers at least, and would reach it if each
// customer had two at most. One customer who leaves is no incident of the provider: the cap of two in 24 h lets six through in 72, and two of a quiet
// provider need only one more to be three.
func (d *Detector) wideEnough(s *series, p peak, e evidence, c float64) bool {
	x, breaks := s.on(floorDay(p.To)), s.within(p)
	least := e.upper(c, x.Line, x.Tail)
	return e.count >= least && reaches(breaks, d.opt.MinConnections) && window.Spread(breaks, int(e.count), minCustomers, int(least))
}

// mature reports whether a series is old enough for a window: none begins in its first two days, and until the seventh it lasts a day or more.
func (s *series) mature(from, to int64) bool {
	return from >= s.first+silentStart && (to-from+1 >= slotsPerDay || to-s.first >= learningUntil)
}

// evidence is what the windows that end with slot to hold, and what was expected of them: n, Λ of detect/score.go.
func (d *Detector) evidence(s *series, to int64) (all [len(windows)]evidence) {
	d.weigh(s, to, all[:])
	return all
}

// weigh fills in the evidence of the shortest windows, as many as there is room for.
func (d *Detector) weigh(s *series, to int64, all []evidence) {
	m := &s.on(floorDay(to)).Model
	count, expected, transient, done := 0.0, 0.0, 0.0, to+1
	for i, slots := range windows[:len(all)] {
		from := to - int64(slots) + 1
		count += s.ring.Sum(from, done-1)
		expected += s.expected(max(from, s.first), done-1, &d.rows)
		transient += s.shaky.sum(from, done-1)
		done = from
		all[i] = evidence{
			count: count, expected: expected + s.surfacing(from, to, &d.rows), clumping: m.Clumping, uncertainty: m.Uncertainty(slots), slots: slots,
			transient: misread * transient,
		}
	}
}

// within are the breaks of the peak's window.
func (s *series) within(p peak) []window.Break {
	return s.breaks.Between(window.SlotTime(p.From), window.SlotTime(p.To+1))
}

// reaches reports whether so many distinct connections are among the breaks.
func reaches(breaks []window.Break, n int) bool {
	found := make(map[connection]struct{}, 8)
	for i := range breaks {
		if found[connectionOf(&breaks[i])] = struct{}{}; len(found) >= n {
			return true
		}
	}
	return false
}

func distinct(breaks []window.Break) int {
	found := map[connection]struct{}{}
	for i := range breaks {
		found[connectionOf(&breaks[i])] = struct{}{}
	}
	return len(found)
}

// connection names one within a series.
type connection struct{ integration, id string }

func connectionOf(b *window.Break) connection { return connection{b.Integration, b.Connection} }
