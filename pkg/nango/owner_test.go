package nango

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// owned adds to a refused refresh what its deliveries say that come before it is told, less than 10 s after it.
func (x told) owned(ev Event, all []told) Event {
	for _, y := range all {
		hook, due := y.event()
		if x.route == "refused" && y.n == x.n && y.route == "hook failed" && y.at.Before(x.at.Add(10*time.Second)) && due.After(x.at) {
			ev.Account, ev.Tags, ev.AuthMode = hook.Account, hook.Tags, hook.AuthMode
		}
	}
	return ev
}

// A refused refresh waits for a delivery that comes as late as rows may, also over a restart, and takes nothing from one that is not its own. Of
// several that disagree it does not matter which comes first.
func TestRefusalTakesItsOwner(t *testing.T) {
	const otherTag, second = `"tags":{"organization_id":"org_2"}`, time.Second
	refusal := told{"refused", worldStart, 1, 1}
	hook := func(n int, after time.Duration) string {
		return told{"hook failed", worldStart.Add(after), n, 2}.rows()[0].value
	}
	disputed := strings.Replace(hook(1, 2*second), `"tags":{"organization_id":"org_1"}`, otherTag, 1)
	bare := strings.Replace(hook(1, 2*second), `"tags":{"organization_id":"org_1"},`, "", 1)
	for name, tt := range map[string]struct {
		first, late []string // before and after the row with which W is 1 ms short of the end of the wait
		want        string
	}{
		"its delivery":                    {[]string{hook(1, second)}, nil, "org_1 OAUTH2"},
		"late":                            {nil, []string{hook(1, second)}, "org_1 OAUTH2"},
		"late and far":                    {nil, []string{hook(1, 10*second-time.Millisecond)}, "org_1 OAUTH2"},
		"too far":                         {[]string{hook(1, 10*second)}, nil, " "},
		"stamped before it":               {[]string{hook(1, -15*second)}, nil, "org_1 OAUTH2"},
		"another connection's":            {[]string{hook(2, second)}, nil, " "},
		"of a connection that works":      {[]string{stampedHook("override", 1, true, worldStart.Add(second))}, nil, " "},
		"of whom only the method is said": {[]string{bare}, nil, " OAUTH2"},
		"two that disagree":               {[]string{hook(1, second)}, []string{disputed}, "org_2 OAUTH2"},
		"the other first":                 {[]string{disputed}, []string{hook(1, second)}, "org_2 OAUTH2"},
	} {
		for _, restart := range []bool{false, true} {
			l := &live{r: newReader(Options{}), rest: make([][]row, 1), next: []int64{0}, store: map[[2]string][]byte{}}
			l.open()
			give := func(values ...string) {
				for _, v := range values {
					l.r.Read([]byte(v), Meta{Source: "t/0"})
				}
				l.got = append(l.got, l.r.Advance(time.Time{})...)
			}
			for _, x := range refusal.rows() {
				give(x.value)
			}
			give(tt.first...)
			give(clockRow(worldStart.Add(time.Minute + 10*second - time.Millisecond)))
			if len(l.got) > 0 && l.got[0].Kind == Failure && l.got[0].OperationID != "" {
				t.Errorf("%s: told before its delivery can be there", name)
			}
			if restart {
				l.restart(t)
			}
			give(tt.late...)
			give(clockRow(worldStart.Add(2 * time.Minute)))
			i := slices.IndexFunc(l.got, func(e Event) bool { return e.OperationID != "" })
			if i < 0 {
				t.Fatalf("%s: never told: %+v", name, l.got)
			}
			got := l.got[i]
			if s := got.Account + " " + got.AuthMode; s != tt.want || got.Tags != TagsOf(map[string]string{"organization_id": got.Account}) || !got.Due.Equal(worldStart) {
				t.Errorf("%s, restart %v: %q of %v due %v, want %q", name, restart, s, got.Tags, got.Due, tt.want)
			}
		}
	}
}
