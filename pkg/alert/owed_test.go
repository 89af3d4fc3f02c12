package alert

import (
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// kinds of destinations, by what the rule looks at.
var (
	hookTraits  = traits{reports: true}                                  // an incoming webhook
	botTraits   = traits{revisions: true, silences: true, reports: true} // a bot that edits
	pagerTraits = traits{paired: true, keyed: true, silences: true}
	alertTraits = traits{revisions: true, paired: true, keyed: true, repeat: time.Minute, repeatEnd: 5 * time.Minute}
	jsonTraits  = traits{revisions: true}
)

func incidentOf(status detect.Status, revision, milestone int) *detect.Incident {
	in := &detect.Incident{Signal: detect.Revocations, Status: status, Revision: revision, Milestone: milestone, Time: onset}
	if status == detect.StatusResolved {
		in.ResolvedAt = onset
	}
	return in
}

func withProof(in *detect.Incident, n int) *detect.Incident { in.Proof = n; return in }

func sentMark(revision, milestone int, p phase) record {
	return record{Sent: mark{Revision: revision, Milestone: milestone, Phase: p}}
}

// TestOwed is the delivery rule, state by state: what a webhook, a bot, a pager, Alertmanager and a JSON webhook are owed.
func TestOwed(t *testing.T) {
	const o, u, x, a = detect.StatusOpen, detect.StatusUpdate, detect.StatusResolved, detect.StatusReopened
	past := incidentOf(o, 1, 1)
	past.Past = true
	child, week := incidentOf(u, 3, 2), incidentOf(o, 1, 1)
	child.Parent, week.Signal = "x", detect.Weekly
	childOver, apart := incidentOf(x, 4, 3), standing{routed: true, apart: true}
	childOver.Parent = "x"
	weekOver := *week
	weekOver.Status, weekOver.Revision, weekOver.Milestone = x, 2, 2
	new, told, over := record{}, sentMark(2, 1, open), sentMark(4, 2, resolve)
	folded, waived, part := sentMark(3, 2, fold), record{Waived: 2}, record{Part: open}
	doubt := record{Doubt: onset}
	quiet, other := &Silence{ID: "s"}, &Silence{ID: "other"}
	hushed := record{Sent: mark{Revision: 2, Milestone: 1, Phase: hush, Silence: "s"}}
	routed, away, instead := standing{routed: true}, standing{}, standing{standIn: true}
	shadow, late := standing{routed: true, shadow: true}, standing{routed: true, born: onset.Add(time.Hour)}
	silent := func(s *Silence) standing { return standing{routed: true, silence: s} }
	for _, c := range []struct {
		name string
		r    record
		in   *detect.Incident
		s    standing
		want [5]phase
	}{
		{"new", new, incidentOf(o, 1, 1), routed, [5]phase{open, open, open, open, open}},
		{"known", told, incidentOf(o, 2, 1), routed, [5]phase{}},
		{"grown", told, incidentOf(u, 3, 1), routed, [5]phase{none, open, none, open, open}},
		{"worse", told, incidentOf(u, 3, 2), routed, [5]phase{open, open, open, open, open}},
		{"over", told, incidentOf(x, 4, 2), routed, [5]phase{resolve, resolve, resolve, resolve, resolve}},
		{"over and never told", new, incidentOf(x, 4, 2), routed, [5]phase{resolve, resolve, none, none, resolve}},
		{"over before it was there", new, incidentOf(x, 4, 2), late, [5]phase{}},
		{"over, of which a part was told", part, incidentOf(x, 4, 2), late, [5]phase{resolve, resolve, resolve, resolve, resolve}},
		{"over, and perhaps told", doubt, incidentOf(x, 4, 2), late, [5]phase{resolve, resolve, resolve, resolve, resolve}},
		{"over and told", over, incidentOf(x, 4, 2), routed, [5]phase{}},
		{"and proven", over, withProof(incidentOf(x, 4, 2), 1), routed, [5]phase{none, resolve, none, resolve, resolve}},
		{"and proven where nobody routes it", over, withProof(incidentOf(x, 4, 2), 1), away, [5]phase{none, resolve, none, resolve, resolve}},
		{"quietly open again", over, incidentOf(a, 5, 2), routed, [5]phase{}},
		{"that grows", over, incidentOf(u, 6, 2), routed, [5]phase{}},
		{"and ends", over, incidentOf(x, 7, 3), routed, [5]phase{}},
		{"quietly open for the second time", record{Sent: over.Sent, Waived: 3}, incidentOf(a, 8, 3), routed, [5]phase{}},
		{"loudly for the second time", record{Sent: over.Sent, Waived: 3}, incidentOf(a, 8, 4), routed, [5]phase{open, open, open, open, open}},
		{"loudly open again", over, incidentOf(a, 5, 3), routed, [5]phase{open, open, open, open, open}},
		{"of the past", new, past, routed, [5]phase{}},
		{"a child", new, child, routed, [5]phase{}},
		{"a child that was told", told, child, routed, [5]phase{fold, fold, fold, fold, fold}},
		{"a child that was told and is silenced", told, child, silent(quiet), [5]phase{fold, fold, fold, fold, fold}},
		{"a child that was hushed", hushed, child, away, [5]phase{fold, fold, fold, fold, fold}},
		{"a child that was folded", folded, child, routed, [5]phase{}},
		{"a child apart", new, child, apart, [5]phase{}},
		{"a child apart that was told", told, child, apart, [5]phase{open, open, open, open, open}},
		{"a child apart that was told this", sentMark(3, 2, open), child, apart, [5]phase{}},
		{"a child apart that may have been folded", record{Sent: told.Sent, Doubt: onset}, child, apart, [5]phase{open, open, open, open, open}},
		{"a child apart that was told and is over", told, childOver, apart, [5]phase{resolve, resolve, resolve, resolve, resolve}},
		{"a child apart that was told to be over", sentMark(4, 3, resolve), childOver, apart, [5]phase{}},
		{"a child apart that was folded", folded, child, apart, [5]phase{}},
		{"a child apart that was folded and is over", folded, childOver, apart, [5]phase{}},
		{"a child apart that is over and was never told", new, childOver, apart, [5]phase{}},

		{"new, routed away", new, incidentOf(o, 1, 1), away, [5]phase{}},
		{"told, routed away, worse", told, incidentOf(u, 3, 2), away, [5]phase{open, open, open, open, open}},
		{"told, routed away, over", told, incidentOf(x, 4, 2), away, [5]phase{resolve, resolve, resolve, resolve, resolve}},
		{"perhaps told, routed away", doubt, incidentOf(u, 3, 2), away, [5]phase{open, open, open, open, open}},
		{"over, routed away, loudly open again", over, incidentOf(a, 5, 3), away, [5]phase{}},
		{"over and never told, routed away", new, incidentOf(x, 4, 2), away, [5]phase{}},
		{"over, waived, now routed", waived, incidentOf(x, 4, 2), routed, [5]phase{}},
		{"open again after it was waived", waived, incidentOf(a, 5, 2), routed, [5]phase{open, open, open, open, open}},
		{"over again after it was waived", waived, incidentOf(x, 6, 3), routed, [5]phase{resolve, resolve, none, none, resolve}},
		{"new, instead of another", new, incidentOf(o, 1, 1), instead, [5]phase{open, open, open, open, open}},
		{"over, instead of another", waived, incidentOf(x, 4, 2), instead, [5]phase{resolve, resolve, none, none, resolve}},

		{"new, silenced", new, incidentOf(o, 1, 1), silent(quiet), [5]phase{}},
		{"perhaps told, silenced", doubt, incidentOf(o, 1, 1), silent(quiet), [5]phase{}},
		{"told, silenced", told, incidentOf(u, 3, 2), silent(quiet), [5]phase{none, hush, hush, none, none}},
		{"told, routed away, silenced", told, incidentOf(u, 3, 1), standing{silence: quiet}, [5]phase{none, hush, hush, none, none}},
		{"hushed", hushed, incidentOf(u, 3, 2), silent(quiet), [5]phase{}},
		{"hushed by another silence", hushed, incidentOf(u, 3, 2), silent(other), [5]phase{none, hush, hush, none, none}},
		{"hushed, silence over", hushed, incidentOf(u, 2, 1), routed, [5]phase{none, open, none, open, open}},
		{"perhaps hushed, silence over", record{Sent: told.Sent, Doubt: onset}, incidentOf(o, 2, 1), routed, [5]phase{none, open, none, open, open}},
		{"hushed, silence over, worse", hushed, incidentOf(u, 3, 2), routed, [5]phase{open, open, open, open, open}},
		{"hushed, over", hushed, incidentOf(x, 4, 2), silent(quiet), [5]phase{resolve, resolve, resolve, resolve, resolve}},
		{"told, silenced, over", told, incidentOf(x, 4, 2), silent(quiet), [5]phase{resolve, resolve, resolve, resolve, resolve}},
		{"never told, silenced, over", new, incidentOf(x, 4, 2), silent(quiet), [5]phase{}},
		{"over, silenced, loudly open again", over, incidentOf(a, 5, 3), silent(quiet), [5]phase{}},
		{"over, silenced, proven", over, withProof(incidentOf(x, 4, 2), 2), silent(quiet), [5]phase{none, resolve, none, resolve, resolve}},
		{"silenced, instead of another", new, incidentOf(o, 1, 1), standing{standIn: true, silence: quiet}, [5]phase{}},

		{"new, in the shadow", new, incidentOf(o, 1, 1), shadow, [5]phase{}},
		{"told, in the shadow, over", told, incidentOf(x, 4, 2), shadow, [5]phase{}},
		{"a child, in the shadow", told, child, shadow, [5]phase{}},

		{"a week", new, week, routed, [5]phase{open, open, none, none, none}},
		{"a week, routed away", new, week, away, [5]phase{}},
		{"a week, instead of another", new, week, instead, [5]phase{open, open, none, none, none}},
		{"a week, silenced", new, week, silent(quiet), [5]phase{}},
		{"a week that was told", sentMark(1, 1, open), &weekOver, routed, [5]phase{}},
		{"a week of before it was there", new, week, late, [5]phase{}},
		{"a week, waived", record{Waived: 1}, week, routed, [5]phase{}},
	} {
		for i, tr := range []traits{hookTraits, botTraits, pagerTraits, alertTraits, jsonTraits} {
			if got := owed(tr, &c.r, c.in, c.s); got != c.want[i] {
				t.Errorf("%s: destination %d is owed %q, not %q", c.name, i, got, c.want[i])
			}
		}
	}
}

// TestWaives: what ended while nobody here was to be told of it is never news.
func TestWaives(t *testing.T) {
	ended, week := incidentOf(detect.StatusResolved, 4, 2), incidentOf(detect.StatusOpen, 1, 1)
	week.Signal = detect.Weekly
	for _, c := range []struct {
		name string
		t    traits
		r    record
		in   *detect.Incident
		s    standing
		want bool
	}{
		{"routed away", hookTraits, record{}, ended, standing{}, true},
		{"in the shadow", hookTraits, record{}, ended, standing{routed: true, shadow: true}, true},
		{"a week in the shadow", botTraits, record{}, week, standing{routed: true, shadow: true}, true},
		{"a week routed away", botTraits, record{}, week, standing{}, true},
		{"waived before", hookTraits, record{Waived: 2}, ended, standing{}, false},
		{"routed", hookTraits, record{}, ended, standing{routed: true}, false},
		{"instead of another", hookTraits, record{}, ended, standing{standIn: true}, false},
		{"told", hookTraits, sentMark(1, 1, open), ended, standing{shadow: true}, false},
		{"perhaps told", hookTraits, record{Doubt: onset}, ended, standing{shadow: true}, false},
		{"silenced: its silence is kept", hookTraits, record{}, ended, standing{silence: &Silence{}}, false},
		{"never told without a beginning", pagerTraits, record{}, ended, standing{}, false},
		{"open", hookTraits, record{}, incidentOf(detect.StatusOpen, 1, 1), standing{}, false},
		{"the end that was told", hookTraits, sentMark(4, 2, resolve), ended, standing{routed: true}, false},
		{"the end of a quiet re-opening", pagerTraits, sentMark(2, 1, resolve), ended, standing{routed: true}, true},
	} {
		if got := waives(c.t, &c.r, c.in, c.s); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestAgain: what is sent again though nothing changed, and until when.
func TestAgain(t *testing.T) {
	told, ended, folded := sentMark(2, 1, open), sentMark(4, 2, resolve), sentMark(3, 2, fold)
	told.repeated, ended.Ended, folded.Ended = onset, onset, onset
	child, past := incidentOf(detect.StatusUpdate, 3, 2), incidentOf(detect.StatusOpen, 1, 1)
	child.Parent, past.Past = "x", true
	for _, c := range []struct {
		name  string
		r     record
		in    *detect.Incident
		s     standing
		after time.Duration
		want  bool
	}{
		{"open", told, incidentOf(detect.StatusOpen, 2, 1), standing{}, time.Hour, true},
		{"open and silenced", told, incidentOf(detect.StatusOpen, 2, 1), standing{silence: &Silence{}}, time.Hour, true},
		{"never told", record{}, incidentOf(detect.StatusOpen, 2, 1), standing{routed: true}, 0, false},
		{"in the shadow", told, incidentOf(detect.StatusOpen, 2, 1), standing{shadow: true}, 0, false},
		{"of the past", told, past, standing{}, 0, false},
		{"over", ended, incidentOf(detect.StatusResolved, 4, 2), standing{}, 4 * time.Minute, true},
		{"over for long", ended, incidentOf(detect.StatusResolved, 4, 2), standing{}, 5 * time.Minute, false},
		{"folded", folded, child, standing{}, time.Minute, true},
		{"folded, and the wider one silenced", folded, child, standing{apart: true}, time.Minute, true},
		{"told, and part of what is not heard of", told, child, standing{apart: true}, time.Hour, true},
		{"told, and to be folded", told, child, standing{}, time.Minute, false},
		{"quietly open again", ended, incidentOf(detect.StatusReopened, 5, 2), standing{}, time.Minute, false},
	} {
		at, ok := again(alertTraits, &c.r, c.in, c.s, onset.Add(c.after))
		if ok != c.want || ok && !at.Equal(c.r.repeated.Add(alertTraits.repeat)) {
			t.Errorf("%s: %v at %v", c.name, ok, at)
		}
		if _, ok := again(botTraits, &c.r, c.in, c.s, onset); ok {
			t.Errorf("%s: a bot repeats", c.name)
		}
	}
}

// TestMilestonesOutlastASilence: a hush and newer proof are no milestones.
func TestMilestonesOutlastASilence(t *testing.T) {
	r := sentMark(2, 1, open)
	m := r.mark(incidentOf(detect.StatusUpdate, 3, 2), hush, &Silence{ID: "s"})
	if want := (mark{Revision: 3, Milestone: 1, Phase: hush, Silence: "s"}); m != want {
		t.Errorf("hushed: %+v", m)
	}
	r = sentMark(4, 2, resolve)
	m = r.mark(withProof(incidentOf(detect.StatusResolved, 7, 3), 2), resolve, nil)
	if want := (mark{Revision: 7, Milestone: 2, Phase: resolve, Proof: 2}); m != want {
		t.Errorf("proven: %+v", m)
	}
	r.Told = onset
	if at := r.due(traits{every: time.Minute}, m); !at.Equal(onset.Add(time.Minute)) {
		t.Errorf("proof is due at %v", at)
	}
}
