package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/stream"
)

// monday is a moment at which a line is due.
var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// When a line is due: step by step what was read up to, and whether a restart with or without the state lies before.
func TestWeeklyIsDue(t *testing.T) {
	const restart, forget = "restart", "forget"
	for name, steps := range map[string][]struct {
		read   time.Duration // after monday
		before string
		want   bool
	}{
		"once a week":                       {{-time.Hour, "", false}, {-1, "", false}, {0, "", true}, {time.Second, "", false}, {week - 1, "", false}, {week, "", true}},
		"once, whatever restarts":           {{-time.Hour, "", false}, {0, restart, true}, {time.Second, restart, false}, {2 * time.Hour, restart, false}, {week, restart, true}},
		"down at the moment":                {{-time.Hour, "", false}, {23 * time.Hour, restart, true}, {24 * time.Hour, restart, false}},
		"down for too long":                 {{-time.Hour, "", false}, {25 * time.Hour, restart, false}, {26 * time.Hour, "", false}, {week + time.Hour, restart, true}},
		"down for weeks":                    {{-time.Hour, "", false}, {5*week + time.Hour, restart, true}, {5*week + 2*time.Hour, "", false}},
		"a new installation waits":          {{time.Hour, "", false}, {2 * time.Hour, restart, false}, {week, "", true}},
		"a state that was lost waits":       {{-time.Hour, "", false}, {0, "", true}, {time.Hour, forget, false}, {2 * time.Hour, "", false}},
		"not before everything was read":    {{-time.Hour, "", false}, {-1000 * time.Hour, "", false}, {30 * time.Minute, "", true}},
		"a clock that was years ahead":      {{-time.Hour, "", false}, {0, "", true}, {99*week + 48*time.Hour, "", false}, {time.Hour, "", false}, {week, "", true}, {week + 1, "", false}},
		"a clock that steps back and forth": {{-time.Hour, "", false}, {0, "", true}, {-time.Minute, "", false}, {0, "", false}, {time.Minute, "", false}},
	} {
		w := &weekly{when: moments{day: time.Monday, at: 9 * time.Hour}}
		w.saw(monday.Add(-3 * week))
		for i, step := range steps {
			switch step.before {
			case restart:
				w = again(t, w)
			case forget:
				w = &weekly{when: w.when}
				w.saw(monday.Add(-3 * week))
			}
			moment, due := w.due(monday.Add(step.read), time.Time{})
			if due != step.want || due && moment != monday.Add(step.read).Truncate(week).Add(moment.Sub(moment.Truncate(week))) && moment.Weekday() != time.Monday {
				t.Errorf("%s: step %d: due %t at %v, want %t", name, i, due, moment, step.want)
			}
		}
	}
}

// again is what a new process makes of what w stored.
func again(t *testing.T, w *weekly) *weekly {
	t.Helper()
	n := &weekly{when: w.when}
	w.dirty = true
	w.changes(func(bucket, key string, value []byte) {
		if err := n.restore(bucket, key, value); err != nil {
			t.Fatal(err)
		}
	})
	if fmt.Sprint(n.told.incidents()) != fmt.Sprint(w.told.incidents()) || !n.since.Equal(w.since) {
		t.Fatalf("stored %+v, restored %+v", w.told.incidents(), n.told.incidents())
	}
	return n
}

func TestWeeklyIsNotDue(t *testing.T) {
	due := func(change func(*weekly), others time.Time) bool {
		w := &weekly{when: moments{day: time.Monday, at: 9 * time.Hour}}
		w.saw(monday.Add(-3 * week))
		w.due(monday.Add(-time.Hour), time.Time{})
		change(w)
		_, due := w.due(monday, others)
		return due
	}
	if !due(func(*weekly) {}, monday.Add(-time.Minute)) {
		t.Error("not due at its moment")
	}
	if due(func(w *weekly) { w.when.off = true }, time.Time{}) {
		t.Error("due though it is off")
	}
	if due(func(w *weekly) { w.since = monday.Add(-week + 1) }, time.Time{}) || !due(func(w *weekly) { w.since = monday.Add(-week) }, time.Time{}) {
		t.Error("a week of data is needed, and is enough")
	}
	if due(func(w *weekly) { w.since = time.Time{} }, time.Time{}) {
		t.Error("due though no row was ever read")
	}
	if due(func(*weekly) {}, monday) {
		t.Error("due though another member had read beyond the moment, and told it")
	}
}

// A line is kept for a week, has one id for one week, and no state of an incident that changes.
func TestWeeklyIsKept(t *testing.T) {
	w := &weekly{when: moments{day: time.Monday, at: 9 * time.Hour}}
	w.due(monday.Add(-time.Hour), time.Time{})
	w.tell(monday, monday.Add(time.Minute), "Last week: nothing unusual")
	x := again(t, w).told.incidents()[0]
	if x.Signal != detect.Weekly || x.Explanation[0] != "Last week: nothing unusual" || x.Milestone != 1 || x.Revision != 1 || !x.ResolvedAt.IsZero() || !x.OpenedAt.Equal(monday.Add(time.Minute)) {
		t.Errorf("%+v", x)
	}
	other := &weekly{}
	other.tell(monday, monday.Add(time.Hour), "")
	other.tell(monday.Add(week), monday.Add(week), "")
	if a := other.told.incidents(); a[0].ID != x.ID || a[1].ID == x.ID {
		t.Errorf("ids %s, %s and %s", x.ID, a[0].ID, a[1].ID)
	}
	if w.due(monday.Add(week), time.Time{}); len(w.told.incidents()) != 1 {
		t.Error("forgotten too early")
	}
	w.when.off = true
	if w.due(monday.Add(week+2*time.Minute), time.Time{}); len(w.told.incidents()) != 0 {
		t.Error("kept for more than a week")
	}
}

// The line is no incident: a route for what is critical, or of wide scope, does not take it away from those who are told the rest.
func TestWhoIsToldTheWeek(t *testing.T) {
	for routes, want := range map[string]string{
		"[]": "slack", "[{severity: critical, to: [pagerduty]}, {to: [slack]}]": "slack", "[{scope: [all, family], to: [pagerduty]}]": "slack",
		"[{signal: [weekly], to: []}, {to: [slack]}]": "", "[{to: [pagerduty]}]": "",
	} {
		c, err := loadConfig(write(t, twoOf+"alerts.routes: "+routes+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		n, err := c.rehearse()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(n.Recipients(*newWeekly(monday, monday, "")), " "); got != want {
			t.Errorf("%s: told to %q, want %q", routes, got, want)
		}
	}
}

// Whatever instants it looks at in order, with restarts between, no moment is told twice, none early, none a day late.
func TestWeeklyTellsEachMomentOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &weekly{when: moments{day: time.Weekday(rapid.IntRange(0, 6).Draw(rt, "day")), at: time.Duration(rapid.IntRange(0, 1439).Draw(rt, "minute")) * time.Minute}}
		w.saw(monday.Add(-2 * week))
		at, told := monday, map[time.Time]bool{}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			at = at.Add(time.Duration(rapid.Int64Range(0, int64(3*24*time.Hour)).Draw(rt, "later")))
			moment, due := w.due(at, time.Time{})
			if due && (told[moment] || moment.After(at) || at.Sub(moment) > 24*time.Hour || moment.Weekday() != w.when.day || moment.Sub(moment.Truncate(24*time.Hour)) != w.when.at) {
				rt.Fatalf("at %v: %v, told %v", at, moment, told)
			}
			told[moment] = told[moment] || due
			if rapid.Bool().Draw(rt, "restart") {
				w = again(t, w)
			}
		}
	})
}

func TestParseWeekly(t *testing.T) {
	for text, want := range map[string]moments{
		"monday 09:00": {day: time.Monday, at: 9 * time.Hour}, "Sunday 00:00": {}, "saturday 23:59": {day: time.Saturday, at: 24*time.Hour - time.Minute}, "off": {off: true}, "Off": {off: true},
	} {
		if got, err := parseWeekly(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "monday", "09:00", "monday 24:00", "monday 9", "mon 09:00", "monday  09:00", "on", "monday 09:00 CET"} {
		if got, err := parseWeekly(text); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

// The owner of the core tells the line when its moment has come and everything is read, keeps it in its state, and tells nothing again after a restart.
func TestFollowerTellsTheWeek(t *testing.T) {
	f := newFollower(t)
	now := monday.Add(-time.Minute)
	f.now = func() time.Time { return now }
	f.weekly.when = moments{day: time.Monday, at: 9 * time.Hour}
	f.words.Display = func(provider string) string { return provider }
	f.oldest = monday.Add(-2 * week)
	f.Assigned("t", 0, 10, -1)
	f.behind = false
	read := func(at time.Time) {
		t.Helper()
		now = at
		if err := f.Batch(stream.Batch{Topic: "t", Next: 10, HighWatermark: 10, FetchedAt: at}); err != nil {
			t.Fatal(err)
		}
		if err := f.Tick(); err != nil {
			t.Fatal(err)
		}
	}
	read(now)
	if len(f.incidents()) != 0 {
		t.Fatalf("told early: %+v", f.incidents())
	}
	now = monday.Add(time.Minute)
	if err := f.Tick(); err != nil || len(f.incidents()) != 0 {
		t.Errorf("told before everything up to the moment was read: %+v, %v", f.incidents(), err)
	}
	read(now)
	all := f.incidents()
	if len(all) != 1 || all[0].Signal != detect.Weekly || !strings.HasPrefix(all[0].Explanation[0], "Week to Sun 1 Mar: ") || f.changed {
		t.Fatalf("told %+v, to be committed %t", all, f.changed)
	}
	f.weekly = &weekly{when: f.weekly.when}
	if err := f.store.LoadAll(f.weekly.restore); err != nil {
		t.Fatal(err)
	}
	read(monday.Add(time.Hour))
	if again := f.incidents(); len(again) != 1 || again[0].ID != all[0].ID {
		t.Errorf("after a restart: %+v", again)
	}
}

// The days that the line names are those that the detector counts: where rows are closed more slowly than the moment comes, a day earlier.
func TestWeekLineNamesTheDaysCounted(t *testing.T) {
	midnight := monday.Truncate(24 * time.Hour)
	for closed, want := range map[time.Time]string{monday: "Week to Sun 1 Mar: ", midnight: "Week to Sun 1 Mar: ", midnight.Add(-time.Hour): "Week to Sat 28 Feb: "} {
		c := defaults()
		g := newEngine(&c, time.Time{})
		for at := closed.AddDate(0, 0, -10); !at.After(closed); at = at.Add(time.Hour) { // one break each hour
			g.detector.Row(at)
			g.detector.Advance(at, at)
			g.detector.Observe(nango.Event{Kind: nango.Failure, Cause: nango.Revoked, Time: at, Environment: "prod", Provider: "a", Integration: "a", Connection: at.String()}, at)
		}
		if got := g.weekLine(monday, nil, nil); !g.detector.Closed().Equal(closed) || !strings.HasPrefix(got, want+"prod 168 newly broken ") {
			t.Errorf("closed %v: %s, want %s", g.detector.Closed(), got, want)
		}
	}
}
