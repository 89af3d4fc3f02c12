package alert

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/detect"
)

// TestFaults: whatever happens to one request of any destination, everything is told in the end, once, and in order.
func TestFaults(t *testing.T) {
	for _, to := range sides() {
		for _, f := range everyFault(to.good) {
			for _, phase := range phases {
				for skip := range to.calls {
					if skip > 0 && phase == "open" {
						continue
					}
					tr := &trial{to: to, fault: f, phase: phase, skip: skip}
					t.Run(tr.String(), func(t *testing.T) { synctest.Test(t, tr.run) })
				}
			}
		}
	}
}

func (tr *trial) run(t *testing.T) {
	tr.begin(t)
	tr.play(t)
	tr.check(t)
	tr.end()
	tr.checkSecrets(t)
}

func (tr *trial) check(t *testing.T) {
	saw, st := tr.see(revoked().ID), tr.n.Status()[0]
	if st.Pending != 0 || st.Down || st.Err != "" {
		t.Errorf("%v: in the end %+v", tr, st)
	}
	if wrong := append(saw.wrong, tr.server.Wrong()...); len(wrong) > 0 {
		t.Errorf("%v: %q", tr, wrong)
	}
	openings, messages := 1, tr.to.tells
	lost := slices.Contains(tr.to.trusts, tr.fault.Name)
	twice := tr.fault.arrived && !tr.to.keyed && (!tr.to.finds || tr.skip > 0) && st.Results["doubtful"] > 0
	switch {
	case lost:
		return
	case twice:
		messages++
		if tr.phase == "open" {
			openings++
		}
	}
	if saw.openings != openings || saw.messages != messages || !saw.over {
		t.Errorf("%v: seen %+v, want %d openings and %d messages; %+v", tr, saw, openings, messages, st)
	}
	tr.checkTimes(t)
}

// checkTimes: nothing is sent before the other side wants it, and never without end.
func (tr *trial) checkTimes(t *testing.T) {
	calls := tr.server.Calls()
	if len(calls) > 3*tr.to.calls+3 && !tr.to.repeats {
		t.Errorf("%v: %d requests", tr, len(calls))
	}
	met := false
	for i, c := range calls {
		if c.Fault != tr.fault.Name {
			continue
		}
		met = true
		if i+1 < len(calls) && calls[i+1].At.Sub(c.At) < tr.fault.wait {
			t.Errorf("%v: asked again after %v", tr, calls[i+1].At.Sub(c.At))
		}
	}
	if !met {
		t.Errorf("%v: the fault was not met", tr)
	}
}

// TestFaultsProperty lets an incident go on while its destination fails again and again in whatever ways.
func TestFaultsProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tr := &trial{to: rapid.SampledFrom(sides()).Draw(rt, "side")}
		var faults []bad
		for range rapid.IntRange(0, 8).Draw(rt, "faults") {
			faults = append(faults, rapid.SampledFrom(tr.to.possible()).Draw(rt, "fault"))
		}
		waits := rapid.SliceOfN(rapid.SampledFrom([]time.Duration{0, time.Second, 40 * time.Second, 20 * time.Minute, 5 * time.Hour}), 3, 3).Draw(rt, "waits")
		var wrong []string
		synctest.Test(t, func(t *testing.T) {
			tr.begin(t)
			for _, f := range faults {
				tr.server.Fail(f.Fault)
			}
			for i, in := range stages() {
				if in.Status == detect.StatusResolved {
					in.ResolvedAt = time.Now()
				}
				tr.n.Tell([]detect.Incident{in})
				synctest.Wait()
				time.Sleep(waits[i])
			}
			owes := func() bool { st := tr.n.Status()[0]; return st.Pending > 0 || st.Down } // nothing is pending where a repeat is refused
			for waited := time.Duration(0); waited < 24*time.Hour && (waited == 0 || owes()); waited += time.Minute {
				time.Sleep(time.Minute)
				synctest.Wait()
			}
			wrong = tr.afterMany(faults)
			tr.end()
			tr.checkSecrets(t)
		})
		if len(wrong) > 0 {
			rt.Fatalf("%q", wrong)
		}
	})
}

// possible are the faults after which a destination can be expected to tell everything.
func (s side) possible() []bad {
	return slices.DeleteFunc(everyFault(s.good), func(f bad) bool {
		// A channel that is archived for the search and not for the post after it is none.
		return f.secure || slices.Contains(s.trusts, f.Name) || s.finds && f.Name == "ok:false"
	})
}

// afterMany says what is wrong in the end, whatever faults were met.
func (tr *trial) afterMany(faults []bad) (wrong []string) {
	saw, st := tr.see(revoked().ID), tr.n.Status()[0]
	if st.Results["doubtful"] == 0 { // an end is told too where its beginning may have arrived, and where it had not it does no harm
		wrong = saw.wrong
	}
	wrong = append(wrong, tr.server.Wrong()...)
	most := tr.to.tells // of which a destination that is told late may skip some
	if !tr.to.keyed {
		most += int(st.Results["doubtful"])
	}
	openings := most
	if tr.to.keyed || tr.to.finds {
		openings = 1
	}
	if st.Pending != 0 || st.Down || saw.messages > most || saw.openings > openings || !saw.over && saw.messages > 0 || saw.messages == 0 && !tr.to.keyed {
		wrong = append(wrong, fmt.Sprintf("seen %+v, %+v", saw, st))
	}
	calls := tr.server.Calls()
	for i := range min(len(faults), len(calls)-1) {
		if wait := calls[i+1].At.Sub(calls[i].At); wait < faults[i].wait {
			wrong = append(wrong, fmt.Sprintf("%s: asked again after %v", faults[i].Name, wait))
		}
	}
	return wrong
}
