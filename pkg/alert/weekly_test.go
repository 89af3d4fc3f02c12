package alert

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/detect"
)

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
		{nil, nil, "Last week: no connection broke; nothing unusual"},
		{[]detect.Week{week}, []detect.Incident{part, weekly()}, "Last week: prod 41 newly broken (38 expected), 30 reconnected, 112 still broken; nothing unusual"},
		{[]detect.Week{week}, []detect.Incident{gmail, many, rows},
			"Last week: prod 41 newly broken (38 expected), 30 reconnected, 112 still broken; 3 incidents: no log rows (4 Mar, open), many providers (4 Mar, open), Gmail (prod, 5 Mar, resolved)"},
		{[]detect.Week{week}, []detect.Incident{gmail, gmail, gmail, gmail, gmail, gmail}, "Last week: prod 41 newly broken (38 expected), 30 reconnected, 112 still broken; 6 incidents: " +
			strings.Repeat("Gmail (prod, 5 Mar, resolved), ", 3) + "Gmail (prod, 5 Mar, resolved) and 2 more"},
		{places, nil, "Last week: e9 9 newly broken (1.5 expected), 1 reconnected, 2 still broken; e8 8 newly broken (1.5 expected), 1 reconnected, 2 still broken; " +
			"e7 7 newly broken (1.5 expected), 1 reconnected, 2 still broken; and 7 more environments: 21 newly broken (10 expected), 7 reconnected, 14 still broken; nothing unusual"},
	} {
		if got := WeeklyLine(c.weeks, c.incidents, display); got != c.want {
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
		s := WeeklyLine(weeks, incidents, nil)
		if s != clean(s) || utf8.RuneCountInString(s) > 600 || !strings.HasPrefix(s, "Last week: ") {
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
