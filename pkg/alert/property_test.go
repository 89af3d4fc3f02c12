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

var moveKinds = []string{"grow", "grow", "worse", "resolve", "reopen", "worse again", "join", "leave"}

// apply changes the book the way the detector does.
func (m move) apply(book map[string]detect.Incident, gone map[string]bool, now time.Time) {
	id := fmt.Sprintf("incident-%d", m.Incident)
	in, known := book[id]
	open := in.Status != detect.StatusResolved
	switch {
	case gone[id]:
		return
	case !known:
		in = detect.Incident{ID: id, Revision: 1, Milestone: 1, Status: detect.StatusOpen, Since: now, Past: m.Incident%4 == 3,
			Signal: detect.Revocations, Environment: "prod", Provider: "p", Scope: "provider", Cause: "revoked"}
		book[id] = in
		return
	case m.Kind == "grow" && open:
		in.Status = detect.StatusUpdate
	case m.Kind == "worse" && open:
		in.Status, in.Milestone = detect.StatusUpdate, in.Milestone+1
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
	book[id] = in
}

type scenario struct {
	moves  []move
	faults map[string][]outcome
	kills  map[string]bool
}

// habits of the real destinations.
var habits = []traits{(&slackWebhook{}).traits(), (&slackBot{}).traits(), (&pagerDuty{}).traits()}

func drawScenario(t *rapid.T) scenario {
	s := scenario{faults: map[string][]outcome{}, kills: map[string]bool{}}
	waits := []time.Duration{0, 0, 300 * time.Millisecond, 2 * time.Second, 40 * time.Second, 10 * time.Minute, 3 * time.Hour}
	for range rapid.IntRange(1, 25).Draw(t, "moves") {
		s.moves = append(s.moves, move{
			rapid.IntRange(0, 4).Draw(t, "incident"), rapid.SampledFrom(moveKinds).Draw(t, "kind"), rapid.SampledFrom(waits).Draw(t, "wait"),
		})
	}
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
	w.faults, w.kills = s.faults, s.kills
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
		m.apply(book, gone, time.Now())
		l.tell(book)
		revive()
	}
	for left := 6 * time.Hour; left > 0 && l.pending() > 0; left -= step {
		time.Sleep(step)
		revive()
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

// checkRequests: the gap, Retry-After, and nothing for the past or of a child.
func (w *world) checkRequests(name string, tr traits) {
	all := w.attempts[name]
	for i, a := range all {
		if a.past || a.parent != "" && a.Phase != fold {
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
		if known && (a.Revision < before.Revision || before.Phase.over() && a.Phase == open && a.Revision == before.Revision) {
			w.errorf("%s: %+v after %+v", name, a, before)
		}
		if known && before.Phase == resolve && !before.doubt && before.arrived && a.Phase == open && a.Milestone == before.Milestone {
			w.errorf("%s: a quiet re-opening was told: %+v", name, a)
		}
		if tr.keyed && a.Phase.over() && !w.begun[recordKey(name, a.incident)] {
			w.errorf("%s: an end without a beginning: %+v", name, a)
		}
		last[a.incident] = a
		what := fmt.Sprint(a.incident, a.Phase, a.Milestone)
		if tr.revisions {
			what = fmt.Sprint(a.incident, a.mark)
		}
		if a.arrived {
			if arrived[what]++; arrived[what] > 1+doubts[what] {
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
		told := in.Status != detect.StatusResolved && in.Parent == ""
		switch {
		case in.Past || in.Parent != "" && seen == nil:
		case told && seen == nil:
			w.errorf("%s was never told of %+v", name, in)
		case told && seen.Phase.over() && seen.Milestone != in.Milestone,
			told && !seen.Phase.over() && (seen.Milestone != in.Milestone || tr.revisions && seen.Revision != in.Revision):
			w.errorf("%s saw %+v last, not %+v", name, *seen, in)
		case !told && seen != nil && !seen.Phase.over():
			w.errorf("%s does not know that %+v ended", name, in)
		case !told && seen == nil && !tr.paired:
			w.errorf("%s was never told of %+v", name, in)
		}
	}
}
