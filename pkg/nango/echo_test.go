package nango

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// told is one thing that happened to a connection, by one route.
type told struct {
	route string // refused, no reason, works, authorized, hook failed, hook worked, span
	at    time.Time
	n     int // of the connection
	k     int // of the story, makes its id
}

func stampedHook(operation string, n int, success bool, at time.Time) string {
	return `{"timestamp":"` + stampOf(at) + `",` + webhookBody(operation, n, success)[1:]
}

func (x told) rows() []row {
	id, who := opID(x.at, x.k), whoOf(x.n)
	dead := errorLogRow(id, external, 400, `{"dataMessage":{"error":"invalid_grant"}}`, x.at.Add(5*time.Millisecond))
	switch x.route {
	case "refused":
		return []row{{x.at, operationRow(id, "auth", "refresh_token", "failed", who, x.at, x.at)}, {x.at.Add(5 * time.Millisecond), dead}}
	case "no reason":
		return []row{{x.at, operationRow(id, "auth", "refresh_token", "running", who, x.at, time.Time{})}}
	case "works":
		return []row{{x.at, operationRow(id, "auth", "refresh_token", "success", who, x.at, x.at)}}
	case "authorized":
		return []row{{x.at, operationRow(id, "auth", "create_connection", "running", "", x.at, time.Time{})}, {x.at.Add(time.Millisecond), operationRow(id, "auth", "create_connection", "success", who, x.at, x.at)}}
	case "hook failed":
		return []row{{x.at, stampedHook("refresh", x.n, false, x.at)}}
	case "hook worked":
		return []row{{x.at, stampedHook("override", x.n, true, x.at)}}
	}
	return []row{{x.at, fmt.Sprint("span ", x.n)}}
}

// readSpan hands over the span of a delivery as the reader of traces does.
func readSpan(r *Reader, m Meta, n int) {
	r.source = r.open(m.Source, -1)
	e := entry{Kind: opWebhook, State: stateFailed, Created: m.Time, Ended: m.Time, Environment: "live", Provider: "google-mail", Integration: "mail-live",
		Connection: connectionName(n), Log: true, Sure: true, Verdicts: []verdict{{Cause: Unknown, Reason: spanReason}}}
	r.seen(m.Time, m.Time)
	r.join([]byte(webhookID(&e, "span")), &e)
}

// event is what it becomes where nothing else tells it; due is when.
func (x told) event() (ev Event, due time.Time) {
	id := opID(x.at, x.k)
	due = at(patience(x.at.UnixMilli()))
	switch x.route {
	case "refused":
		return *refused(Failure, x.n, id, x.at, Revoked, "invalid_grant", external), x.at
	case "no reason":
		return *refused(Failure, x.n, id, x.at, Unknown, "no_reason", ""), x.at.Add(defaultGrace)
	case "authorized":
		return *authorized(refused(Reconnected, x.n, id, x.at, "", "", "")), x.at
	case "works":
		return *refused(Reconnected, x.n, id, x.at, "", "", ""), x.at
	case "hook failed":
		ev = *refused(Failure, x.n, "", x.at, Unknown, "no_reason", external)
	case "hook worked":
		ev = *authorized(refused(Reconnected, x.n, "", x.at, "", "", ""))
	default:
		return *refused(Failure, x.n, "", x.at, Unknown, spanReason, ""), due
	}
	ev.Account, ev.AuthMode = fmt.Sprint("org_", x.n), "OAUTH2"
	ev.Tags = TagsOf(map[string]string{"organization_id": ev.Account})
	return ev, due
}

// repeats is the plain rule, over everything that was told.
func (x told) repeats(all []told) bool {
	slot := func(t time.Time) int64 { return t.UnixMilli() / 10_000 }
	last := func(back, until time.Duration, routes ...string) (newest int64) {
		for _, y := range all {
			if at := slot(y.at); y.n == x.n && slices.Contains(routes, y.route) && at >= slot(x.at.Add(-back)) && at <= slot(x.at.Add(until)) {
				newest = max(newest, at)
			}
		}
		return newest
	}
	since := last(15*time.Minute, -20*time.Second, "authorized", "works", "hook worked")
	switch x.route {
	case "hook worked":
		at, failed := last(15*time.Minute, 20*time.Second, "authorized", "works"), last(15*time.Minute, 0, "refused", "no reason")
		authorized := last(15*time.Minute, 20*time.Second, "authorized")
		heard := slices.ContainsFunc(all, func(y told) bool {
			return y.n == x.n && y.k != x.k && y.route == "hook worked" && slot(y.at) >= authorized && slot(y.at) <= failed
		})
		return at > 0 && at >= failed || authorized > 0 && !heard
	case "hook failed":
		at := last(15*time.Minute, 20*time.Second, "refused", "no reason")
		return at > 0 && at >= since
	case "span":
		at := last(15*time.Minute, 20*time.Second, "refused", "no reason", "hook failed")
		return at > 0 && at >= since || last(time.Minute, 20*time.Second, "authorized", "works", "hook worked") > 0
	}
	return false
}

func drawTold(t *rapid.T) []told {
	routes := []string{"refused", "no reason", "works", "authorized", "hook failed", "hook worked", "span"}
	gaps := []time.Duration{0, 3 * time.Second, 15 * time.Second, 25 * time.Second, 50 * time.Second, 70 * time.Second, 5 * time.Minute, 14 * time.Minute, 16 * time.Minute, 7 * time.Hour}
	most, connections := 14, 2
	if rapid.Bool().Draw(t, "crowded") { // refusals and their deliveries, while others go on
		routes, gaps, most, connections = []string{"refused", "hook failed", "works"}, []time.Duration{time.Second, 3 * time.Second, 9993 * time.Millisecond}, 40, 8
	}
	var all []told
	at := worldStart
	for k := range rapid.IntRange(1, most).Draw(t, "told") {
		at = at.Add(rapid.SampledFrom(gaps).Draw(t, "gap") + 7*time.Millisecond)
		all = append(all, told{rapid.SampledFrom(routes).Draw(t, "route"), at, rapid.IntRange(1, connections).Draw(t, "connection"), k})
	}
	return all
}

func worldOf(all []told) (w world, echoes int64) {
	type released struct {
		due time.Time
		ev  Event
	}
	var list []released
	for _, x := range all {
		w.rows = append(w.rows, x.rows()...)
		ev, due := x.event()
		ev = x.owned(ev, all)
		if x.repeats(all) {
			echoes++
			if ev.Tags == "" {
				continue
			}
			ev.Kind, ev.Cause, ev.Reason, ev.Type = Seen, "", "", ""
		}
		list = append(list, released{due, ev})
	}
	slices.SortStableFunc(w.rows, func(a, b row) int { return a.at.Compare(b.at) })
	slices.SortFunc(list, func(a, b released) int {
		return cmp.Or(a.due.Compare(b.due), a.ev.Time.Compare(b.ev.Time))
	})
	for _, x := range list {
		w.events = append(w.events, x.ev)
	}
	return w, echoes
}

// A failure that comes by several routes is one, whichever comes first, in whatever batches over whatever partitions, with restarts in between.
func TestEchoesAreThePlainRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, echoes := worldOf(drawTold(t))
		l, restarts := newLive(t, w), rapid.Bool().Draw(t, "restarts")
		for !l.done() {
			l.batch(t)
			if restarts && rapid.IntRange(0, 3).Draw(t, "fortune") == 0 {
				l.restart(t)
			}
		}
		l.got = append(l.got, l.r.Flush()...)
		sameEvents(t, l.got, w.events)
		if got := l.r.Stats().Echoes; !restarts && got != echoes {
			t.Fatalf("%d echoes, want %d", got, echoes)
		}
	})
}

// Whole files, in any order: rows then webhooks, webhooks then rows, row by row.
func TestEchoesInHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, echoes := worldOf(drawTold(t))
		r := newReader(Options{})
		for i := range 3 {
			r.Open(fmt.Sprint("file", i), 0, -1)
		}
		for _, i := range rapid.Permutation(indices(len(w.rows))).Draw(t, "order") {
			readOne(r, w.rows[i], fmt.Sprint("file", rapid.IntRange(0, 2).Draw(t, "file")), 1)
		}
		sameEvents(t, r.Flush(), w.events)
		if got := r.Stats().Echoes; got != echoes || len(r.echoes.held) != 0 {
			t.Fatalf("%d echoes, want %d; held %v", got, echoes, r.echoes.held)
		}
	})
}

func indices(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// readOne reads a row, or the span it stands for.
func readOne(r *Reader, x row, source string, offset int64) {
	m := Meta{Source: source, Offset: offset, Time: x.at.UnixMilli()}
	var n int
	if s, ok := strings.CutPrefix(x.value, "span "); ok {
		fmt.Sscan(s, &n)
		readSpan(r, m, n)
		return
	}
	r.Read([]byte(x.value), m)
}

// The rule in words, with the cases that happen.
func TestEchoes(t *testing.T) {
	at := worldStart.Add(time.Hour)
	for name, c := range map[string]struct {
		told []told
		want []Kind
	}{
		"rows, webhook and span of one failure": {[]told{{"refused", at, 1, 1}, {"hook failed", at.Add(time.Second), 1, 2}, {"span", at, 1, 3}}, []Kind{Failure, Seen}},
		"the rows never come":                   {[]told{{"hook failed", at, 1, 2}}, []Kind{Failure}},
		"another connection's rows":             {[]told{{"refused", at, 2, 1}, {"hook failed", at, 1, 2}}, []Kind{Failure, Failure}},
		"webhook and span without rows":         {[]told{{"span", at, 1, 1}, {"hook failed", at.Add(2 * time.Second), 1, 2}}, []Kind{Failure}},
		"only the span":                         {[]told{{"span", at, 1, 1}}, []Kind{Failure}},
		"rows that hold no reason":              {[]told{{"no reason", at, 1, 1}, {"hook failed", at, 1, 2}}, []Kind{Seen, Failure}},
		"a webhook that queued":                 {[]told{{"refused", at, 1, 1}, {"hook failed", at.Add(14 * time.Minute), 1, 2}}, []Kind{Failure, Seen}},
		"the rows of an hour before":            {[]told{{"refused", at, 1, 1}, {"hook failed", at.Add(time.Hour), 1, 2}}, []Kind{Failure, Failure}},
		"authorized anew":                       {[]told{{"authorized", at, 1, 1}, {"hook worked", at.Add(time.Second), 1, 2}, {"span", at.Add(time.Second), 1, 3}}, []Kind{Reconnected, Seen}},
		"authorized anew, no rows":              {[]told{{"hook worked", at.Add(time.Second), 1, 2}, {"span", at, 1, 3}}, []Kind{Reconnected}},
		"recovered by itself":                   {[]told{{"refused", at, 1, 1}, {"hook worked", at.Add(time.Minute), 1, 2}}, []Kind{Failure, Reconnected}},
		"worked, failed, worked":                {[]told{{"works", at, 1, 1}, {"refused", at.Add(2 * time.Minute), 1, 2}, {"hook worked", at.Add(4 * time.Minute), 1, 3}}, []Kind{Reconnected, Failure, Reconnected}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReader(Options{})
			r.Open("file", 0, -1)
			for _, x := range slices.Backward(c.told) {
				for _, row := range x.rows() {
					readOne(r, row, "file", 1)
				}
			}
			var got []Kind
			for _, e := range r.Flush() {
				got = append(got, e.Kind)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// What was told long ago is forgotten, stored or not.
func TestEchoesAreBounded(t *testing.T) {
	r := newReader(Options{})
	r.Open("t/0", 0, 0)
	for i := range 300 {
		for _, x := range (told{"refused", worldStart.Add(time.Duration(i) * time.Hour), 1, i}).rows() {
			readOne(r, x, "t/0", int64(i))
		}
		r.Advance(time.Time{})
	}
	if n := len(r.echoes.told.known); n < 70 || n > 90 || len(r.echoes.held) > 2 {
		t.Errorf("%d told, %d held", n, len(r.echoes.held))
	}
}

// A call that worked after a refused refresh is told, even soon after another one, and although the refusal is told only when it has waited for
// its reason; one before it is not.
func TestActiveAfterUndecidedFailure(t *testing.T) {
	at := func(s int) time.Time { return worldStart.Add(time.Duration(s) * time.Second) }
	called := func(s int) string {
		return operationRow(opID(at(s), s), "proxy", "call", "success", whoOf(1), at(s), at(s))
	}
	refusal := operationRow(opID(at(60), 9999), "auth", "refresh_token", "failed", whoOf(1), at(60), at(60))
	for _, order := range [][]string{{called(0), called(30), refusal, called(60), called(90), called(1000)}, {called(1000), refusal, called(90), called(60), called(30), called(0)}} {
		got, st := read(t, Options{}, order...)
		var told []string
		for _, e := range got {
			told = append(told, fmt.Sprint(e.Kind, " ", e.Time.Sub(worldStart).Seconds()))
		}
		if want := []string{"active 0", "active 60", "active 1000", "failure 60"}; !slices.Equal(told, want) || st.Merged != 2 {
			t.Errorf("told %v, want %v", told, want)
		}
	}
}

// What really happened, told by the routes that heard of it, is told once, and what happened after it is no echo of it.
func TestEchoesOfStories(t *testing.T) {
	for name, tt := range map[string]struct {
		story []told
		want  string
	}{
		"refused, authorized anew, refused again": {[]told{{"refused", worldStart, 1, 1}, {"authorized", worldStart.Add(5 * time.Minute), 1, 2},
			{"hook failed", worldStart.Add(10 * time.Minute), 1, 3}}, "failure reconnected failure"},
		"the same, authorized by what a webhook says": {[]told{{"refused", worldStart, 1, 1}, {"hook worked", worldStart.Add(5 * time.Minute), 1, 2},
			{"hook failed", worldStart.Add(10 * time.Minute), 1, 3}}, "failure reconnected failure"},
		"authorized, refused, authorized anew": {[]told{{"authorized", worldStart, 1, 1}, {"hook worked", worldStart.Add(time.Second), 1, 2},
			{"refused", worldStart.Add(20 * time.Second), 1, 3}, {"hook worked", worldStart.Add(45 * time.Second), 1, 4}}, "reconnected failure seen reconnected"},
		"authorized, refused, and only then the webhook of the first": {[]told{{"authorized", worldStart, 1, 1}, {"refused", worldStart.Add(20 * time.Second), 1, 2},
			{"hook worked", worldStart.Add(5 * time.Minute), 1, 3}}, "reconnected failure seen"},
		"a failure and its webhook, retried twice": {[]told{{"refused", worldStart, 1, 1}, {"hook failed", worldStart.Add(3 * time.Second), 1, 2},
			{"hook failed", worldStart.Add(9 * time.Second), 1, 3}}, "failure seen seen"},
		"a webhook that is delivered just after the recovery": {[]told{{"refused", worldStart, 1, 1}, {"authorized", worldStart.Add(8 * time.Second), 1, 2},
			{"hook failed", worldStart.Add(9 * time.Second), 1, 3}}, "failure reconnected seen"},
		"an authorization, its webhook and the span of that": {[]told{{"authorized", worldStart, 1, 1}, {"hook worked", worldStart.Add(time.Second), 1, 2},
			{"span", worldStart.Add(2 * time.Second), 1, 3}}, "reconnected seen"},
	} {
		r := newReader(Options{})
		for i, x := range tt.story {
			for _, row := range x.rows() {
				m := Meta{Source: "f", Offset: int64(i), Time: row.at.UnixMilli()}
				if x.route == "span" {
					readSpan(r, m, x.n)
				} else {
					r.Read([]byte(row.value), m)
				}
			}
		}
		var got []string
		for _, ev := range r.Flush() {
			got = append(got, ev.Kind.String())
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", name, got, tt.want)
		}
	}
}
