package alert

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/detect"
)

// move is one thing that happens to one incident, some time after the one before.
type move struct {
	Incident int
	Kind     string
	After    time.Duration
}

var moveKinds = []string{"grow", "grow", "worse", "much worse", "resolve", "resolve", "prove", "reopen", "worse again", "join", "leave", "silence", "speak"}

// apply changes the book the way the detector does.
func (m move) apply(book map[string]detect.Incident, gone map[string]bool, loud map[string]int, now time.Time) {
	id := fmt.Sprintf("incident-%d", m.Incident)
	in, known := book[id]
	open := in.Status != detect.StatusResolved
	switch {
	case gone[id]:
		return
	case !known:
		in = detect.Incident{ID: id, Revision: 1, Milestone: 1, Status: detect.StatusOpen, Since: now, Past: m.Incident%4 == 3,
			Signal: detect.Revocations, Environment: "prod", Provider: fmt.Sprintf("p%d", m.Incident), Scope: "provider", Cause: "revoked"}
		book[id], loud[id] = in, 1
		return
	case m.Kind == "grow" && open:
		in.Status = detect.StatusUpdate
	case m.Kind == "worse" && open:
		in.Status, in.Milestone = detect.StatusUpdate, in.Milestone+1
	case m.Kind == "much worse" && open:
		in.Status, in.Milestone, in.Observed = detect.StatusUpdate, in.Milestone+1, 60
	case m.Kind == "prove" && !open:
		in.Proof++
		in.Revision-- // it is no revision
	case m.Kind == "resolve" && open:
		in.Status, in.Milestone, in.ResolvedAt = detect.StatusResolved, in.Milestone+1, now
	case m.Kind == "reopen" && !open:
		in.Status, in.ResolvedAt = detect.StatusReopened, time.Time{}
	case m.Kind == "worse again" && !open:
		in.Status, in.Milestone, in.ResolvedAt, in.Past = detect.StatusReopened, in.Milestone+1, time.Time{}, false
	case m.Kind == "join" && open && in.Parent == "" && m.Incident > 0:
		in.Parent, in.Milestone = "incident-0", in.Milestone+1
	case m.Kind == "leave" && !open:
		delete(book, id)
		gone[id] = true
		return
	default:
		return
	}
	in.Revision++
	in.Time = now
	if in.Milestone > book[id].Milestone && in.Status != detect.StatusResolved {
		loud[id] = in.Milestone
	}
	book[id] = in
}

type scenario struct {
	moves    []move
	faults   map[string][]outcome
	kills    map[string]bool
	routes   []worldRoute
	fallback []string
}

// habits of the real destinations.
var habits = []traits{
	(&slackWebhook{}).traits(),
	{revisions: true, every: time.Minute, gap: slackGap, timeout: requestTimeout, silences: true, reports: true},
	{gap: pagerDutyGap, timeout: requestTimeout, paired: true, keyed: true, silences: true},
}

func drawScenario(t *rapid.T) scenario {
	s := scenario{faults: map[string][]outcome{}, kills: map[string]bool{}}
	waits := []time.Duration{0, 0, 300 * time.Millisecond, 2 * time.Second, 40 * time.Second, 10 * time.Minute, 3 * time.Hour}
	for range rapid.IntRange(1, 25).Draw(t, "moves") {
		s.moves = append(s.moves, move{
			rapid.IntRange(0, 4).Draw(t, "incident"), rapid.SampledFrom(moveKinds).Draw(t, "kind"), rapid.SampledFrom(waits).Draw(t, "wait"),
		})
	}
	names := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"d0", "d1", "d2"}), rapid.ID[string])
	for range rapid.IntRange(0, 3).Draw(t, "routes") {
		s.routes = append(s.routes, worldRoute{
			rapid.SampledFrom([]string{"", "p0", "p1", "p2"}).Draw(t, "provider"), rapid.Bool().Draw(t, "critical"), names.Draw(t, "to"),
		})
	}
	s.fallback = names.Draw(t, "fallback")
	bad := []outcome{{}, {}, {Verdict: failed}, {Verdict: failed, After: 90 * time.Second}, {Verdict: refused}, {Verdict: doubtful},
		{Verdict: doubtful, Arrived: true}, {Verdict: doubtful, Arrived: true, Hang: true}}
	for i := range habits {
		for range rapid.IntRange(0, 10).Draw(t, "faults") {
			name := fmt.Sprintf("d%d", i)
			s.faults[name] = append(s.faults[name], rapid.SampledFrom(bad).Draw(t, "fault"))
		}
	}
	for range rapid.IntRange(0, 4).Draw(t, "kills") {
		at := rapid.IntRange(2, 40).Draw(t, "kill") // the first write says since when the destination exists
		s.kills[fmt.Sprintf("d%d %d", rapid.IntRange(0, 2).Draw(t, "killed"), at)] = true
	}
	return s
}

// play lets a scenario happen and gives everything six hours to be told, with the destinations working in the end.
func (s scenario) play(t *testing.T, w *world) (map[string]detect.Incident, *life) {
	const step = 10 * time.Minute // a dead process lies so long at most
	w.faults, w.kills, w.routes, w.fallback, w.loud = s.faults, s.kills, s.routes, s.fallback, map[string]int{}
	l := w.begin(t, 1, habits...)
	synctest.Wait()
	book, gone := map[string]detect.Incident{}, map[string]bool{}
	revive := func() {
		for synctest.Wait(); l.isDead(); synctest.Wait() {
			l.end()
			l = w.begin(t, l.number+1, habits...)
			l.tell(book)
		}
	}
	for _, m := range s.moves {
		for rest := m.After; rest > 0; rest -= min(rest, step) {
			time.Sleep(min(rest, step))
			revive()
		}
		switch provider := fmt.Sprintf("p%d", m.Incident); m.Kind {
		case "silence":
			l.hush(provider, max(time.Minute, m.After))
		case "speak":
			l.speak(provider)
		default:
			m.apply(book, gone, w.loud, time.Now())
		}
		l.tell(book)
		revive()
	}
	time.Sleep(3 * time.Hour) // no silence is longer
	revive()
	still := 0 // steps in which nothing was owed: what one refuses another may owe a moment later
	for left := 6 * time.Hour; left > 0 && still < 2; left -= step {
		time.Sleep(step)
		revive()
		if still++; l.pending() > 0 {
			still = 0
		}
	}
	return book, l
}

func (l *life) pending() (n int) {
	for _, s := range l.notifier.Status() {
		n += s.Pending
	}
	return n
}

// TestDeliveryProperty lets random incidents meet random faults and kills, and holds the promises of the room.
func TestDeliveryProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScenario(rt)
		w := newWorld()
		synctest.Test(t, func(t *testing.T) {
			book, l := s.play(t, w)
			if err := l.notifier.Settled(context.Background()); err != nil {
				w.errorf("not settled: %v", err)
			}
			l.end()
			for i, tr := range habits {
				name := fmt.Sprintf("d%d", i)
				w.checkRequests(name, tr)
				w.checkOrder(name, tr)
				w.checkEnd(name, tr, book)
			}
			for _, st := range l.notifier.Status() {
				if st.Pending > 0 || st.Err != "" || st.Down || !st.Oldest.IsZero() {
					w.errorf("in the end: %+v", st)
				}
			}
			for key := range w.store {
				if _, id, _ := splitKey(key); id != "" && book[id].ID == "" {
					w.errorf("a record is left of %s", id)
				}
			}
		})
		if len(w.wrong) > 0 {
			rt.Fatalf("%q", w.wrong)
		}
	})
}

// checkRequests: the gap, Retry-After, and nothing for the past.
func (w *world) checkRequests(name string, tr traits) {
	all := w.attempts[name]
	for i, a := range all {
		if a.past || a.parent == "" && a.Phase == fold {
			w.errorf("%s was asked to tell %+v", name, a)
		}
		if i == 0 {
			continue
		}
		before := all[i-1]
		if gap := a.at.Sub(before.at); gap < tr.gap && a.life == before.life {
			w.errorf("%s: %v between requests", name, gap)
		}
		if a.life == before.life && a.at.Sub(before.at) < before.after {
			w.errorf("%s did not wait for %v: %+v", name, before.after, a)
		}
	}
}

// checkOrder: states of an incident in their order, a beginning before its end, and twice only what is in doubt.
func (w *world) checkOrder(name string, tr traits) {
	last := map[string]attempt{}
	arrived, doubts := map[string]int{}, map[string]int{}
	for _, a := range w.attempts[name] {
		before, known := last[a.incident]
		unfolded := before.Phase == fold && (before.doubt || !before.arrived) // and then the wider incident was silenced
		if known && (a.Revision < before.Revision || before.Phase.over() && a.Phase == open && a.Revision == before.Revision && !unfolded) {
			w.errorf("%s: %+v after %+v", name, a, before)
		}
		if known && before.Phase == resolve && !before.doubt && before.arrived && a.Phase == open && a.Milestone == before.Milestone {
			w.errorf("%s: a quiet re-opening was told: %+v", name, a)
		}
		if tr.keyed && a.Phase.over() && !w.begun[recordKey(name, a.incident)] {
			w.errorf("%s: an end without a beginning: %+v", name, a)
		}
		last[a.incident] = a
		what := fmt.Sprint(a.incident, a.Phase, a.Milestone, " ")
		if tr.revisions {
			what = fmt.Sprint(a.incident, a.mark)
		}
		if a.Phase == hush {
			what += a.silence
		}
		again := 0 // hushed and open again, a post is shown anew
		if tr.revisions && a.Phase == open {
			again = w.hushes[recordKey(name, a.incident)]
		}
		if a.arrived {
			if arrived[what]++; arrived[what] > 1+doubts[what]+again {
				w.errorf("%s: told again without a doubt: %+v", name, a)
			}
		}
		if a.doubt {
			doubts[what]++
		}
	}
}

// checkEnd: what a person saw last of each incident is how it is.
func (w *world) checkEnd(name string, tr traits, book map[string]detect.Incident) {
	for id, in := range book {
		var seen *attempt
		for i, a := range w.attempts[name] {
			if a.incident == id && a.arrived {
				seen = &w.attempts[name][i]
			}
		}
		hears, apart := true, false // of the wider incident
		if in.Parent != "" {
			hears, apart = w.hears(name, book[in.Parent])
			if seen != nil && !hears && (!apart || seen.Phase == fold) {
				continue
			}
		}
		told, mine := in.Status != detect.StatusResolved && (in.Parent == "" || apart), w.names(name, in)
		switch {
		case in.Past || seen == nil && (in.Parent != "" || !mine || !told && (tr.paired || w.silencing(in) != "")):
		case seen == nil:
			w.errorf("%s was never told of %+v", name, in)
		case told && seen.Phase.over() && mine && seen.Milestone < w.loud[id],
			told && !seen.Phase.over() && (seen.Milestone != in.Milestone || tr.revisions && (seen.Revision != in.Revision || seen.Phase == hush)):
			w.errorf("%s saw %+v last, not %+v", name, *seen, in)
		case !told && !seen.Phase.over():
			w.errorf("%s does not know that %+v ended", name, in)
		case seen.Phase == resolve && in.Status == detect.StatusResolved && tr.revisions && seen.Proof != in.Proof:
			w.errorf("%s saw the proof of %+v last, not %+v", name, *seen, in)
		}
	}
}
