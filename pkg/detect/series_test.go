package detect

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/baseline"
	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// What the windows hold and expect, and which of them is the most extreme, follows from the plain list of breaks and rows.
func TestScanIsThePlainRule(t *testing.T) {
	few(t, 8)
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(rapid.Uint64().Draw(t, "seed"))
		days := rapid.IntRange(3, 25).Draw(t, "days")
		perDay := rapid.SampledFrom([]float64{.3, 3, 20}).Draw(t, "rate")
		hole := time.Duration(rapid.IntRange(0, days-1).Draw(t, "hole")) * day
		h.life("a", perDay, monday, monday.Add(hole))
		h.life("a", perDay, monday.Add(hole+9*time.Hour), monday.Add(time.Duration(days)*day+9*time.Hour))
		h.breaks("a", "a", monday.Add(time.Duration(days)*day+8*time.Hour), rapid.IntRange(1, 20).Draw(t, "burst"), time.Minute)
		events := h.sorted()
		d := New(Options{Budget: 100_000 * day}) // nothing opens
		feed(d, events, time.Time{})
		s := d.order[0]
		end := d.edge - 1

		var rows []int64
		counts := map[int64]float64{}
		for _, e := range events {
			slot := window.SlotOf(e.Time)
			if len(rows) == 0 || rows[len(rows)-1] < slot {
				rows = append(rows, slot)
			}
			if e.Kind == nango.Failure {
				counts[slot]++
			}
		}
		observed := func(slot int64) bool { return slot <= rows[len(rows)-1] && plainlyObserved(rows, slot, 0) }
		fit := func(today int64) baseline.Level {
			var past []baseline.Day
			for day := floorDay(rows[0]); day < today; day++ {
				var x baseline.Day
				for slot := max(day*slotsPerDay, rows[0]); slot < (day+1)*slotsPerDay; slot++ {
					if observed(slot) {
						x.Breaks += counts[slot]
						x.Usable++
					}
				}
				x.Usable /= slotsPerDay
				past = append(past, x)
			}
			return baseline.Fit(past)
		}
		rates := map[int64]float64{}
		for day := floorDay(end) - 3; day <= floorDay(end); day++ {
			rates[day] = fit(day).PerDay() / slotsPerDay
		}
		all, judged := d.evidence(s, end)
		best := math.Inf(-1)
		for i, slots := range windows {
			n, mu := 0.0, 0.0
			from := end - int64(slots) + 1
			for slot := max(from, rows[0]); slot <= end; slot++ {
				n += counts[slot]
				if observed(slot) {
					mu += rates[floorDay(slot)]
				}
			}
			may := from >= rows[0]+2*slotsPerDay && (slots >= slotsPerDay || end-rows[0] >= 7*slotsPerDay)
			if e := all[i]; e.count != n || math.Abs(e.expected-mu) > 1e-9*mu || judged[i] != may {
				t.Fatalf("window %d: %v of %v, judged %v, want %v of %v, %v", slots, e.count, e.expected, judged[i], n, mu, may)
			}
			if x, ok := all[i].score(calibration(fit(floorDay(end)).PerDay())); ok && may {
				best = max(best, x)
			}
		}
		if p := d.scan(s, end); p.Score != best {
			t.Fatalf("scan %+v, want a score of %v", p, best)
		}
	})
}

// Whatever is counted, what is told of it can be written as JSON.
func TestEveryNumberIsFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		level := baseline.Level{Breaks: rapid.Float64Range(0, 1e9).Draw(t, "breaks"), Days: rapid.Float64Range(0, 90).Draw(t, "days")}
		e := evidence{
			count: rapid.Float64Range(0, 65535*432).Draw(t, "count"), slots: rapid.SampledFrom(windows[:]).Draw(t, "window"), clumping: baseline.Clumping,
			uncertainty: baseline.Fluctuation(1) + level.Uncertainty(),
		}
		e.expected = level.PerDay() / slotsPerDay * float64(rapid.IntRange(0, e.slots).Draw(t, "observed"))
		score, ok := e.score(calibration(level.PerDay()))
		if !ok {
			return
		}
		d := New(Options{})
		s := newSeries(key{Signal: Revocations}, 0)
		s.incident = &tracked{Line: d.line(s), Peak: peak{score, e.count, e.expected, 0, int64(e.slots) - 1}}
		d.describe(s)
		if _, err := json.Marshal(s.incident.Incident); err != nil {
			t.Fatalf("score %v: %v", score, err)
		}
		encode(s.stored())
		if x := s.incident.step(e.count, e.expected); math.IsNaN(x) || math.IsInf(x, 0) {
			t.Fatalf("D moves by %v", x)
		}
	})
}

func TestIncidentForm(t *testing.T) {
	h := newHistory(1)
	h.life("google-mail", 0, monday, monday.Add(22*day))
	h.breaks("google-mail", "mail", monday.Add(21*day), 4, time.Minute)
	told := feed(New(Options{}), h.sorted(), time.Time{})
	line, err := json.Marshal(told[0])
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"type", "id", "parent", "revision", "status", "time", "signal", "scope", "environment", "provider", "integration", "cause", "since",
		"observed", "expected", "window_seconds", "score", "once_per_days", "active", "explanation", "connections",
	} {
		if v, ok := got[name]; !ok || v == nil {
			t.Errorf("%s is %v in %s", name, v, line)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("more than is promised: %v", got)
	}
}
