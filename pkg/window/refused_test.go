package window

import (
	"testing"

	"github.com/revwatch/revwatch/pkg/nango"
)

// A first start asks Nango's API before it reads history. What history says of the time before is as if it had been read first: who was authorized then has
// not recovered from a refusal that came later, and exhaustion says as much as it does alone.
func TestRefusedBeforeHistoryIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		history   step
		state     State
		recovered bool
	}{
		"authorized before":     {sign(4, nango.Reconnected), Working, false},
		"authorized since":      {sign(6, nango.Reconnected), Reconnected, true},
		"a call before":         {sign(4, nango.Active), Broken, false},
		"a call since":          {sign(6, nango.Active), Reconnected, true},
		"exhausted before":      {sign(4, nango.Exhausted), Broken, false},
		"deleted before":        {sign(4, nango.Deleted), Deleted, false},
		"an outage before":      {failed(4, nango.Transient, false), Working, false},
		"a failure from before": {failed(4, nango.Revoked, true), Broken, false},
	} {
		l := NewLedger(UnknownConfirm)
		l.Observe(sign(5, nango.Refused).event("c"))
		if v := l.Observe(c.history.event("c")); v.Recovered != c.recovered || l.State("prod", "mail", "c") != c.state {
			t.Errorf("%s: recovered %v, %s", name, v.Recovered, l.State("prod", "mail", "c"))
		}
	}
	l := NewLedger(UnknownConfirm)
	l.Observe(sign(5, nango.Refused).event("c"))
	l.Observe(sign(4, nango.Exhausted).event("c"))
	if !l.Observe(failed(4+169, nango.Revoked, true).event("c")).New {
		t.Error("exhausted at first sight, a week of rest: the refusal hides the failure")
	}
}
