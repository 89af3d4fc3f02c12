package alert

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/detect"
)

// weekEnd is the midnight after the week of the examples.
var weekEnd = time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)

// The incidents of a line are of the same seven days as its counts: what opened after them is told a week later, and what ended before them was told.
func TestWeeklyIncidentsAreOfTheDaysCounted(t *testing.T) {
	begin := weekEnd.AddDate(0, 0, -7)
	for _, c := range []struct {
		opened, ended time.Time
		want          bool
	}{
		{weekEnd.Add(-1), time.Time{}, true}, {weekEnd, time.Time{}, false}, {weekEnd.Add(time.Hour), weekEnd.Add(2 * time.Hour), false},
		{begin.Add(-1), begin, true}, {begin.Add(-time.Hour), begin.Add(-1), false}, {begin.AddDate(0, -1, 0), time.Time{}, true}, {begin, weekEnd.Add(time.Hour), true},
	} {
		in := revoked()
		in.OpenedAt, in.ResolvedAt = c.opened, c.ended
		if got := WeeklyLine(weekEnd, nil, []detect.Incident{in}, nil); strings.HasSuffix(got, "; nothing unusual") == c.want {
			t.Errorf("opened %v, ended %v: %s", c.opened, c.ended, got)
		}
	}
}

// What opened again between the end of the week and its line is of the week in which it first opened.
func TestWeeklyLineHasWhatOpenedAgainSince(t *testing.T) {
	in := revoked()
	in.FirstOpened, in.OpenedAt, in.Status = weekEnd.Add(-10*time.Hour), weekEnd.Add(2*time.Hour), detect.StatusReopened
	if got := WeeklyLine(weekEnd, nil, []detect.Incident{in}, nil); !strings.Contains(got, "; 1 incident: ") {
		t.Error(got)
	}
}

func TestWeeklyLine(t *testing.T) {
	gmail, many, rows, part := ended(revoked()), everywhere(), silence(), child()
	gmail.Since = gmail.Since.AddDate(0, 0, 1)
	week := detect.Week{Environment: "prod", Broken: 41, Expected: 38.2, Reconnected: 30, StillBroken: 112}
	var places []detect.Week
	for i := range 10 {
		places = append(places, detect.Week{Environment: fmt.Sprintf("e%d", i), Broken: i, Expected: 1.5, Reconnected: 1, StillBroken: 2})
	}
	for _, c := range []struct {
		weeks     []detect.Week
		incidents []detect.Incident
		want      string
	}{
		{nil, nil, "Week to Sun 8 Mar: no connection broke; nothing unusual"},
		{[]detect.Week{week}, []detect.Incident{part, weekly()}, "Week to Sun 8 Mar: prod 41 newly broken (38 expected), 30 reconnected, 112 still broken; nothing unusual"},
		{[]detect.Week{week}, []detect.Incident{gmail, many, rows},
			"Week to Sun 8 Mar: prod 41 newly broken (38 expected), 30 reconnected, 112 still broken; 3 incidents: no log rows (4 Mar, open), many providers (4 Mar, open), Gmail (prod, 5 Mar, resolved)"},
		{[]detect.Week{week}, []detect.Incident{gmail, gmail, gmail, gmail, gmail, gmail}, "Week to Sun 8 Mar: prod 41 newly broken (38 expected), 30 reconnected, 112 still broken; 6 incidents: " +
			strings.Repeat("Gmail (prod, 5 Mar, resolved), ", 3) + "Gmail (prod, 5 Mar, resolved) and 2 more"},
		{places, nil, "Week to Sun 8 Mar: e9 9 newly broken (1.5 expected), 1 reconnected, 2 still broken; e8 8 newly broken (1.5 expected), 1 reconnected, 2 still broken; " +
			"e7 7 newly broken (1.5 expected), 1 reconnected, 2 still broken; and 7 more environments: 21 newly broken (10 expected), 7 reconnected, 14 still broken; nothing unusual"},
	} {
		if got := WeeklyLine(weekEnd, c.weeks, c.incidents, display); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}

// TestWeeklyProperty: the line is one clean line within its limit, and says how the week was whatever the names are.
func TestWeeklyProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var weeks []detect.Week
		for range rapid.IntRange(0, 9).Draw(t, "weeks") {
			weeks = append(weeks, detect.Week{Environment: text().Draw(t, "environment"), Broken: rapid.Int().Draw(t, "broken"), Expected: rapid.Float64().Draw(t, "expected"), StillBroken: rapid.Int().Draw(t, "still")})
		}
		var incidents []detect.Incident
		for range rapid.IntRange(0, 6).Draw(t, "incidents") {
			incidents = append(incidents, anyIncident(t))
		}
		s := WeeklyLine(weekEnd, weeks, incidents, nil)
		if s != clean(s) || utf8.RuneCountInString(s) > 600 || !strings.HasPrefix(s, "Week to Sun 8 Mar: ") {
			t.Fatalf("%q", s)
		}
		in := weekly()
		in.Explanation = []string{s}
		m := compose(&in, nil, open, wording())
		if !m.line || m.headline != s || m.summary != s || len(m.facts)+len(m.why)+len(m.todo)+len(m.links) > 0 {
			t.Fatalf("%+v", m)
		}
	})
}
