package main

import (
	"testing"
	"time"
)

// When the alarm of an absence is raised and when it ends, on a visible clock.
func TestLack(t *testing.T) {
	known := learned{Of: 1000, Good: 1000, Since: worldStart.Add(-time.Hour)}
	rows := lack{least: 10, plenty: 100}
	causes := lack{least: 5, plenty: 5, late: true}
	with := func(l lack, past learned) lack { l.learned = past; return l }
	type step struct {
		second     int // < 0: then something was still to be read
		more, good int64
		on         bool
	}
	for name, c := range map[string]struct {
		lack  lack
		steps []step
	}{
		"never a row":                     {rows, []step{{0, 5000, 0, false}, {599, 0, 0, false}, {600, 0, 0, true}, {601, 5000, 0, true}, {602, 1, 1, false}}},
		"too few":                         {rows, []step{{0, 5, 0, false}, {600, 4, 0, false}, {6000, 0, 0, false}, {6001, 1, 0, true}}},
		"nothing comes":                   {rows, []step{{0, 0, 0, false}, {6000, 0, 0, false}}},
		"all are rows":                    {rows, []step{{0, 100, 100, false}, {6000, 0, 0, false}, {6001, 9000, 9000, false}}},
		"the shape changes":               {with(rows, known), []step{{60, 50, 0, false}, {70, 50, 0, true}, {80, 1, 1, false}, {90, 150, 0, true}}},
		"it changes soon after the start": {rows, []step{{0, 90, 90, false}, {60, 900, 0, false}, {599, 0, 0, false}, {600, 0, 0, true}}},
		"one in a hundred is a row":       {with(rows, learned{Of: 50_000, Good: 500, Since: known.Since}), []step{{600, 9000, 0, false}, {601, 90, 1, false}, {602, 9990, 0, false}, {603, 3000, 0, true}}},
		"few of one in a hundred":         {with(rows, learned{Of: 50_000, Good: 500, Since: known.Since}), []step{{0, 900, 0, false}, {600, 50, 0, false}, {601, 60, 0, true}}},
		"a foreign record now and then":   {with(rows, known), []step{{60, 1, 0, false}, {700, 1, 1, false}, {1400, 1, 0, false}}},
		"much is still to be read":        {rows, []step{{0, 5000, 0, false}, {-1000, 5000, 0, false}, {1001, 500, 1, false}}},
		"reasons come a little later":     {with(causes, known), []step{{0, 50, 0, false}, {299, 0, 0, false}, {300, 0, 45, false}, {400, 40, 0, false}, {600, 0, 40, false}}},
		"no reason":                       {with(causes, known), []step{{0, 50, 0, false}, {299, 10, 0, false}, {300, 0, 0, true}, {900, 10, 0, true}, {901, 0, 1, false}}},
		"no reason, from the start":       {causes, []step{{0, 50, 0, false}, {599, 10, 0, false}, {600, 0, 0, true}}},
		"no reason, one by one":           {with(causes, known), []step{{0, 1, 0, false}, {60, 1, 0, false}, {120, 1, 0, false}, {180, 1, 0, false}, {240, 1, 0, false}, {539, 0, 0, false}, {540, 0, 0, true}}},
		"a riddle, and then an outage":    {with(causes, known), []step{{0, 1, 0, false}, {9000, 29, 0, false}, {9010, 0, 20, false}}},
		"messages are still to be read":   {with(causes, known), []step{{0, 500, 0, false}, {-1000, 0, 0, false}, {1001, 0, 480, false}}},
		"read on in the meantime":         {with(causes, known), []step{{0, 1, 0, false}, {-100, 499, 0, false}, {-1000, 0, 0, false}, {1001, 0, 0, true}}},
		"one in ten has a reason":         {with(causes, learned{Of: 1000, Good: 100, Since: known.Since}), []step{{1, 40, 0, false}, {900, 0, 0, false}, {901, 20, 0, false}, {1201, 0, 0, true}}},
		"reasons are 12 minutes late":     {with(causes, known), []step{{0, 1, 0, false}, {720, 0, 1, false}, {800, 50, 0, false}, {1699, 0, 0, false}, {1700, 0, 0, true}}},
		"a reason hours late is none":     {with(causes, known), []step{{0, 1, 0, false}, {9000, 0, 1, false}, {9001, 50, 0, false}, {9301, 0, 0, true}}},
	} {
		l := c.lack
		for i, s := range c.steps {
			m := moment{now: worldStart.Add(time.Duration(max(s.second, -s.second)) * time.Second)}
			if m.first, m.last = m.now, m.now; s.second >= 0 {
				m.read = m.now
			}
			was := l.on
			l.took(s.more, s.good)
			if changed, _ := l.saw(m); l.on != s.on || changed != (was != l.on) {
				t.Errorf("%s: step %d: on %v (changed %v), want %v", name, i, l.on, changed, s.on)
			}
		}
	}
}

// Of what was appended long ago nobody has to wait for more, but for the rest of a shipment.
func TestLackInHistory(t *testing.T) {
	for age, want := range map[time.Duration]time.Duration{
		0: driftWindow, time.Minute: driftWindow - time.Minute, driftWindow: driftRead, 240 * time.Hour: driftRead,
	} {
		l := lack{least: 5, plenty: 5, late: true}
		l.took(50, 0)
		for after := time.Duration(0); ; after += 5 * time.Second {
			m := moment{now: worldStart.Add(after), read: worldStart.Add(after), first: worldStart.Add(-age), last: worldStart.Add(-age)}
			if changed, without := l.saw(m); changed {
				if after != want || without != 50 {
					t.Errorf("%s old: told of %d after %s, want %s", age, without, after, want)
				}
				break
			}
			if after > time.Hour {
				t.Fatalf("%s old: never told", age)
			}
		}
	}
}

// A share follows the topic: what was long ago weighs little.
func TestShareFades(t *testing.T) {
	l := lack{learned: learned{Of: 1 << 40, Good: 1 << 40}}
	for range 64 {
		l.took(driftMemory, 1)
		l.saw(moment{now: worldStart, first: worldStart, last: worldStart})
	}
	if l.share() > 1e-5 || l.Good < 1 || l.Of > 2*driftMemory {
		t.Errorf("%+v: share %g", l.learned, l.share())
	}
}
