package detect

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// exceeded is the least count that is exceeded seldom enough, by sums of all terms from 0.
func TestExceeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mean, tau2, p := math.Exp(rapid.Float64Range(-9, 6).Draw(t, "log mean")), rapid.Float64Range(.003, 2).Draw(t, "tau2"), rapid.SampledFrom([]float64{.01, .001, .2}).Draw(t, "p")
		q := exceeded(mean, tau2, p)
		below := 0.0
		for k := 0.0; k < q; k++ {
			below += mass(k, mean, tau2)
		}
		upTo := below + mass(q, mean, tau2)
		if q != math.Floor(q) || 1-upTo > p+1e-9 || q > 0 && q > math.Floor(mean) && 1-below < p-1e-9 {
			t.Fatalf("%v is exceeded with %v, one less with %v", q, 1-upTo, 1-below)
		}
	})
}

// Where nothing is expected nothing is usual, and numbers out of any life end.
func TestExceededAtTheEdges(t *testing.T) {
	for _, c := range [][2]float64{{0, 1}, {-1, 1}, {math.NaN(), 1}, {1, 0}} {
		if got := exceeded(c[0], c[1], .01); got != 0 {
			t.Errorf("%v: %v", c, got)
		}
	}
	if got := exceeded(1e6, .003, .01); got < 1.1e6 || got > 1.2e6 {
		t.Errorf("of a million: %v", got)
	}
	if got := exceeded(1e-9, .1, .01); got != 0 {
		t.Errorf("of next to nothing: %v", got)
	}
}

// The course ends with what is known, covers the window and as much again before it, and its sum is what the ring holds.
func TestCourse(t *testing.T) {
	h := newHistory(2)
	h.life("mail", 2, monday, onset.Add(40*time.Hour))
	h.breaks("mail", "mail", onset.Add(5*time.Minute), 30, 2*time.Minute)
	d := New(Options{})
	for _, in := range feed(d, h.sorted(), time.Time{}) {
		c, step := in.Course, time.Duration(in.Course.Seconds)*time.Second
		if len(c.Counts) != courseSteps || len(c.Upper) != courseSteps || step <= 0 || step%window.Slot != 0 || !c.From.Equal(c.From.Truncate(window.Slot)) {
			t.Fatalf("%s: %+v", in.Status, c)
		}
		end, length := c.From.Add(courseSteps*step), time.Duration(in.WindowSeconds)*time.Second
		if at := in.Time.Truncate(window.Slot); end.Before(at) || end.Sub(at) > window.Slot { // the slot that runs is in when the window holds it
			t.Errorf("%s at %v: the course ends at %v", in.Status, in.Time, end)
		}
		if in.Status == StatusResolved && !end.Equal(in.Time) {
			t.Errorf("resolved at %v, the course ends at %v", in.Time, end)
		}
		if courseSteps*step < 2*length {
			t.Errorf("%s: %v of a window of %v", in.Status, courseSteps*step, length)
		}
		highest := 0
		for i, n := range c.Counts {
			if float64(n) > c.Upper[i] {
				highest = max(highest, n)
			}
			if c.Upper[i] < 0 || math.IsNaN(c.Upper[i]) || c.Upper[i] > 10 {
				t.Errorf("step %d: %v", i, c.Upper[i])
			}
		}
		if highest == 0 {
			t.Errorf("%s: no step is above its bound: %+v", in.Status, c)
		}
	}
}

// What was not observed expects nothing, and neither does what was before the series.
func TestCourseExpectsNothingUnseen(t *testing.T) {
	h := newHistory(2)
	h.life("mail", 200, monday, onset.Add(-6*time.Hour))
	h.life("mail", 200, onset, onset.Add(2*time.Hour))
	d := New(Options{Silence: time.Hour})
	feed(d, h.sorted(), time.Time{})
	s := d.order[0]
	gap := window.SlotOf(onset) - 18
	if got := d.upperCount(s, gap, gap+5); got != 0 {
		t.Errorf("in the gap up to %v", got)
	}
	if got := d.upperCount(s, gap-24, gap-19); got < 5 {
		t.Errorf("before it up to %v", got)
	}
	if got := d.upperCount(s, s.first-12, s.first-7); got != 0 {
		t.Errorf("before the beginning up to %v", got)
	}
}

// The course moves with every slot, and that alone tells nothing.
func TestCourseAloneIsNoRevision(t *testing.T) {
	h := running(10 * time.Hour)
	h.breaks("mail", "m", onset, 12, time.Second)
	h.put(onset.Add(9*time.Hour), nango.Active, "rows", "rows", "always", "")
	told := lives(feed(New(Options{}), h.sorted(), time.Time{}))["mail"]
	for i := 1; i < len(told); i++ {
		if told[i].Status == StatusUpdate && told[i].Time.After(onset.Add(20*time.Minute)) {
			t.Errorf("told again at %v", told[i].Time)
		}
	}
}
