package detect

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/window"
)

// past is a guard that saw so many excursions of these excesses.
func past(n int, excess float64) (g guard) {
	for range n {
		g.Ended = append(g.Ended, excursion{Excess: excess})
	}
	return g
}

// By hand. The promised number over D days is .8 D/2: 0.4 D; of D = 84 days one excursion is dropped, of 90 (84 count) still one.
func TestTailByHand(t *testing.T) {
	for name, c := range map[string]struct {
		g          guard
		days       int64
		kappa, rho float64
	}{
		"nothing seen":                       {guard{}, 84, 1, 1},
		"as promised, mean 1":                {past(34, 1), 84, 1, 1}, // 33 of 33.6
		"steeper than promised stays 1":      {past(34, .5), 84, 1, 1},
		"twice as high":                      {past(33, 2), 84, 57. / 89, 1},       // 32 left: (32 + 25)/(64 + 25)
		"twice as many":                      {past(68, 1), 84, 1, 79. / 45.6},     // 67 left: (67 + 12)/(33.6 + 12)
		"each counts 8 at most":              {past(11, 1e6), 84, 35. / 105, 1},    // 10 left
		"44 days drop none":                  {past(10, 3), 44, 35. / 55, 1},       //
		"45 days drop one":                   {past(10, 3), 45, 34. / 52, 1},       //
		"of more than 84 days 84 count":      {past(68, 1), 1000, 1, 79. / 45.6},   // and not ⌊1000/45⌋ are dropped
		"the first day":                      {past(6, 2), 0, 31. / 37, 18. / 12},  //
		"before its first":                   {past(6, 2), -3, 31. / 37, 18. / 12}, //
		"more dropped than there are":        {past(1, 5), 84, 1, 1},               //
		"the largest goes, wherever it lies": {guard{Ended: append(past(3, 1).Ended, append([]excursion{{Excess: 7}}, past(3, 1).Ended...)...)}, 84, 1, 1},
	} {
		got := c.g.tail(c.days)
		near(t, name+": κ", got.Kappa, c.kappa, 1e-12)
		near(t, name+": ρ", got.Rho, c.rho, 1e-12)
	}
}

func TestTailLeavesTheExcursionsInOrder(t *testing.T) {
	g := guard{Ended: []excursion{{At: 1, Excess: 3}, {At: 2, Excess: 1}, {At: 3, Excess: 2}}}
	g.tail(84)
	if g.Ended[0].At != 1 || g.Ended[1].At != 2 || g.Ended[2].At != 3 {
		t.Errorf("%+v", g.Ended)
	}
}

func TestAdjustByHand(t *testing.T) {
	u := math.Log(2)
	for _, c := range []struct {
		tail
		s, want float64
	}{
		{tail{1, 1}, 5, 5},
		{tail{.5, 1}, u + 4, u + 2},
		{tail{.5, 2}, u + 4, 2}, // u + 2 − log 2
		{tail{.5, 2}, u, u},     // at and below u nothing is corrected
		{tail{.5, 2}, -3, -3},
		{tail{}, 5, 5}, // the zero value corrects nothing
	} {
		near(t, "adjusted", c.adjust(c.s), c.want, 1e-12)
	}
}

// An excursion begins above u, keeps its highest peak, and ends after 12 observed hours at or below u; what was not observed does not count.
func TestExcursionByHand(t *testing.T) {
	var g guard
	r := newRows()
	r.blind.add(50, 59)
	see := func(score, adjusted float64, to int64) { g.see(peak{Score: score, To: to}, adjusted, false) }
	see(excursionFrom, 9, 1)
	if g.Running {
		t.Fatal("u itself is no excursion")
	}
	see(1.5, 1.2, 10)
	see(3, 2.5, 12)
	see(2, 2.6, 15) // the alert scan peaks elsewhere
	see(.3, 9, 16)
	if want := (excursion{12, 3 - excursionFrom, 2.6, false}); !g.Running || g.Peak != want || g.High != 15 {
		t.Fatalf("%+v, high at %d, want %+v", g.Peak, g.High, want)
	}
	for slot := int64(16); slot < 15+72+10; slot++ {
		if g.rest(slot, &r) {
			t.Fatalf("ended in slot %d", slot)
		}
	}
	if !g.rest(15+72+10, &r) || g.Running || len(g.Ended) != 1 || g.rest(98, &r) {
		t.Fatalf("not ended once after 72 observed slots: %+v", g)
	}
	see(1, 1, 200)
	if want := (excursion{200, 1 - excursionFrom, 1, false}); g.Peak != want || !g.Running {
		t.Errorf("the next one is %+v, want %+v", g.Peak, want)
	}
	g.forget(12 + 84*slotsPerDay)
	kept := len(g.Ended)
	if g.forget(13 + 84*slotsPerDay); kept != 1 || len(g.Ended) != 0 {
		t.Errorf("kept %d, then %d", kept, len(g.Ended))
	}
}

// A stretch that may not teach begins at log 10,000 and 1.82 times what is expected, in a window after the last one; θ by hand.
func TestStretchByHand(t *testing.T) {
	for name, c := range map[string]struct {
		p       peak
		restart int64
		running bool
		want    *stretch
	}{
		"large":                   {peak{10, 26, 5, 100, 105}, 0, false, &stretch{Begin: 106, From: 100, To: 99, Theta: 2}}, // √(26/6.5)
		"in a slot that runs":     {peak{10, 26, 5, 100, 105}, 0, true, &stretch{Begin: 105, From: 100, To: 99, Theta: 2}},
		"θ at least 1.5":          {peak{10, 130, 50, 100, 105}, 0, false, &stretch{Begin: 106, From: 100, To: 99, Theta: 1.5}},
		"θ at most 40":            {peak{10, 100, 0, 100, 105}, 0, false, &stretch{Begin: 106, From: 100, To: 99, Theta: 40}},
		"not rare enough":         {peak{9.2, 26, 5, 100, 105}, 0, false, nil},
		"exactly rare enough":     {peak{maskScore, 26, 5, 100, 105}, 0, false, &stretch{Begin: 106, From: 100, To: 99, Theta: 2}},
		"rare, but hardly a rise": {peak{10, 182, 100, 100, 105}, 0, false, nil},
		"plain":                   {peak{10, 26, 5, 100, 105}, 100, false, &stretch{Begin: 106, From: 100, To: 99, Theta: 2}},
	} {
		g := guard{Restart: c.restart}
		g.see(c.p, 0, c.running)
		if got := g.Stretch; (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	g := guard{Stretch: &stretch{From: 7}}
	if g.see(peak{10, 26, 5, 100, 105}, 0, false); g.Stretch.From != 7 {
		t.Error("a stretch begins while another goes on")
	}
}

// Excursions of s' at or above log 7 in 28 days: four are promised, more than twelve are too many; nothing is said before 28 days have passed.
func TestPromiseByHand(t *testing.T) {
	now := int64(100 * slotsPerDay)
	for name, c := range map[string]struct {
		n        int
		adjusted float64
		at       int64
		age      int64 // days
		realised float64
		met      bool
	}{
		"as promised":          {4, 2, now - 1, 100, 4, true},
		"just three times":     {12, 2, now - 1, 100, 12, true},
		"more":                 {13, 2, now - 1, 100, 13, false},
		"at log 7":             {13, promiseScore, now - 1, 100, 13, false},
		"below log 7":          {13, 1.9, now - 1, 100, 0, true},
		"28 days ago":          {13, 2, now - 28*slotsPerDay, 100, 13, false},
		"longer ago":           {13, 2, now - 28*slotsPerDay - 1, 100, 0, true},
		"too young to say":     {13, 2, now - 1, 27, 13, true},
		"just old enough":      {13, 2, now - 1, 28, 13, false},
		"younger than a month": {13, 2, now - 1, 14, 13, true},
	} {
		s := newSeries(key{}, now-c.age*slotsPerDay)
		for range c.n {
			s.guard.Ended = append(s.guard.Ended, excursion{At: c.at, Adjusted: c.adjusted})
		}
		p := s.promise(now)
		if p.realised != c.realised || p.met != c.met || p.promised != float64(min(c.age, 28))/7 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	s := newSeries(key{}, 0)
	s.guard = past(0, 0)
	s.guard.Running, s.guard.Peak = true, excursion{At: now - 5, Adjusted: 3}
	if got := s.promise(now).realised; got != 1 {
		t.Errorf("%v realised, one goes on", got)
	}
}

// A provider that rises every other day for weeks does not keep its promise, and everybody is told so: in the series, in the answer, on the incident.
func TestBrokenPromiseIsTold(t *testing.T) {
	for _, c := range []struct {
		bursts int
		met    bool
	}{{20, false}, {3, true}} {
		h := running(30 * day)
		for i := range c.bursts {
			h.breaks("crm", "crm", onset.Add(time.Duration(i)*36*time.Hour), 6, time.Minute)
		}
		d := New(Options{})
		told := feed(d, h.sorted(), time.Time{})
		s := d.Series()[0]
		a, err := d.Explain(Question{})
		if err != nil || s.BudgetMet != c.met || a.BudgetMet != c.met || s.Promised != 4 || (s.Realised > 12) == c.met || s.Realised == 0 {
			t.Errorf("%d bursts: %v realised of %v, met %v, in the answer %v, %v", c.bursts, s.Realised, s.Promised, s.BudgetMet, a.BudgetMet, err)
		}
		said := strings.Contains(strings.Join(last(told).Explanation, "; "), "the budget is not met for this provider")
		if said == c.met {
			t.Errorf("%d bursts: the last incident says %q", c.bursts, last(told).Explanation)
		}
	}
}

// A rise that goes on for 14 days is taken for normal once: somebody is told when and since when, the incident ends, and the level is the new one from the
// next fit on, though the old one held for weeks.
func TestNewLevelIsAdoptedOnce(t *testing.T) {
	h := newHistory(4)
	h.life("crm", 2, monday, onset)
	h.life("crm", 20, onset, onset.Add(17*day))
	var adopted []Adopted
	d := New(Options{Adopted: func(a Adopted) { adopted = append(adopted, a) }})
	told := feed(d, h.sorted(), time.Time{})
	if len(adopted) != 1 {
		t.Fatalf("%d adopted: %+v", len(adopted), adopted)
	}
	a := adopted[0]
	if a.Provider != "crm" || a.Environment != "prod" || a.Signal != Revocations || a.Cause != "revoked" {
		t.Errorf("of %+v", a)
	}
	if since := a.Since.Sub(onset); since < -day || since > day {
		t.Errorf("since %v after the rise", since)
	}
	if length := a.At.Sub(a.Since); length != 14*day {
		t.Errorf("after %v", length)
	}
	if end := told[len(told)-1]; count(told, StatusOpen) != 1 || count(told, StatusResolved) != 1 || !end.Time.Equal(a.At) || !strings.Contains(end.Resolution, "normal from now on") {
		t.Errorf("%v; the last at %v: %q; adopted at %v", statuses(told), end.Time, end.Resolution, a.At)
	}
	s := d.order[0]
	for slot := window.SlotOf(a.Since); slot < window.SlotOf(a.At); slot++ {
		if s.ring.Masked(slot) {
			t.Fatalf("slot %d of the new level does not teach", slot-window.SlotOf(a.Since))
		}
	}
	the := floorDay(window.SlotOf(a.At))
	before, after := s.on(the), s.on(the+1)
	if before.Day != the || after.Day != the+1 || before.Model.PerDay() > 4 || after.Model.PerDay() < 16 || after.Model.PerDay() > 25 {
		t.Errorf("%.1f a day were normal on the day it was adopted, %.1f on the next; 2 and 20 are true", before.Model.PerDay(), after.Model.PerDay())
	}
}

// A rise that ends before is adopted by nobody.
func TestShortRiseIsNotAdopted(t *testing.T) {
	h := newHistory(5)
	h.life("crm", 2, monday, onset)
	h.life("crm", 20, onset, onset.Add(10*day))
	h.life("crm", 2, onset.Add(10*day), onset.Add(30*day))
	d := New(Options{Adopted: func(a Adopted) { t.Errorf("adopted %+v", a) }})
	feed(d, h.sorted(), time.Time{})
	if got := d.order[0].today().Model.PerDay(); got > 4 {
		t.Errorf("%.1f a day are normal, 2 are true: the rise has taught", got)
	}
}

// Two clear incidents in 84 days say nothing of an ordinary life; a third does.
func TestClearIncidentsDoNotGuard(t *testing.T) {
	var g guard
	for i := range 4 {
		g.Ended = append(g.Ended, excursion{At: int64(i), Excess: .5})
	}
	plain := g.tail(30)
	for i := range 3 {
		g.Ended = append(g.Ended, excursion{At: int64(10 + i), Excess: 9, Clear: true})
		if got := g.tail(30); (got == plain) != (i < 2) {
			t.Errorf("%d clear incidents: %+v, none: %+v", i+1, got, plain)
		}
	}
}
