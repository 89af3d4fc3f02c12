package detect

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/baseline"
)

// Whatever is counted, what is told of it can be written as JSON.
func TestEveryNumberIsFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := baseline.NewModel()
		m.Breaks, m.Days = rapid.Float64Range(0, 1e9).Draw(t, "breaks"), rapid.Float64Range(0, 90).Draw(t, "days")
		e := evidence{count: rapid.Float64Range(0, 65535*432).Draw(t, "count"), slots: rapid.SampledFrom(windows[:]).Draw(t, "window"), clumping: m.Clumping}
		e.uncertainty = m.Uncertainty(e.slots)
		e.expected = m.PerDay() / slotsPerDay * float64(rapid.IntRange(0, e.slots).Draw(t, "observed"))
		score, ok := e.score(calibration(m.PerDay()))
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
		if x := decay(1, 20, e.count, e.expected, 1, 1); math.IsNaN(x) || math.IsInf(x, 0) {
			t.Fatalf("D moves to %v", x)
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
		"observed", "expected", "window_seconds", "score", "once_per_days", "active", "explanation", "connections", "affected", "customers", "remaining",
	} {
		if v, ok := got[name]; !ok || v == nil {
			t.Errorf("%s is %v in %s", name, v, line)
		}
		delete(got, name)
	}
	for _, name := range []string{"ranking", "diagnoses", "course", "environments"} { // where there is something to say
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("more than is promised: %v", got)
	}
}
