package window

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/nango"
)

// The provider of a connection without one is that of its integration, as the plain list of all entries has it: also when an integration was
// given to another provider, connections leave, and the ledger is restored.
func TestProviderOfIsThePlainRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, stored := NewLedger(UnknownConfirm), map[string]map[string][]byte{}
		for hour := range rapid.IntRange(1, 30).Draw(t, "signs") {
			e := sign(float64(hour), rapid.SampledFrom([]nango.Kind{nango.Active, nango.Exhausted, nango.Deleted}).Draw(t, "kind")).event(rapid.StringMatching("[a-d]").Draw(t, "connection"))
			e.Integration, e.Provider = rapid.StringMatching("[ij]").Draw(t, "integration"), rapid.SampledFrom([]string{"", "p", "q", "r"}).Draw(t, "provider")
			key := ledgerKey{e.Environment, e.Integration, e.Connection}
			want := ""
			if n := l.entries[key]; n != nil && e.Provider == "" {
				want = n.Provider
			}
			if e.Provider != "" {
				want = e.Provider
			}
			if want == "" {
				want = plainProvider(l, key)
			}
			if l.Observe(e); l.entries[key].Provider != want {
				t.Fatalf("%+v: provider %q, want %q", e, l.entries[key].Provider, want)
			}
			if rapid.IntRange(0, 3).Draw(t, "restart") == 0 {
				l = restart(t, l, stored)
			}
		}
		if l.Sweep(start.AddDate(1, 0, 0), nil); len(l.uses)+len(l.places)+len(l.entries)+len(l.broken)+l.standing != 0 {
			t.Fatalf("left after all entries: %+v", l)
		}
	})
}

func plainProvider(l *Ledger, of ledgerKey) (name string) {
	for key, n := range l.entries {
		if n.state() != Deleted && key != of && key.Environment == of.Environment && key.Integration == of.Integration {
			name = max(name, n.Provider)
		}
	}
	return name
}

// A sign without a provider looks at those of its integration only, however many others there are.
func TestProviderOfOneIntegration(t *testing.T) {
	l := NewLedger(UnknownConfirm)
	for i := range 1000 {
		for range 3 {
			e := sign(0, nango.Active).event("c")
			e.Provider, e.Integration = fmt.Sprint("p", i), fmt.Sprint("i", i)
			l.Observe(e)
		}
	}
	for at, list := range l.uses {
		if len(list) != 1 || list[0].entries != 1 || list[0].provider[1:] != at.integration[1:] {
			t.Errorf("%v: %v", at, list)
		}
	}
	if len(l.uses) != 1000 {
		t.Errorf("%d integrations, want 1000", len(l.uses))
	}
}

func BenchmarkSignWithoutProvider(b *testing.B) {
	for _, places := range []int{100, 100_000} {
		b.Run(fmt.Sprint(places), func(b *testing.B) {
			l := NewLedger(UnknownConfirm)
			for i := range places {
				e := sign(0, nango.Active).event("c")
				e.Provider, e.Integration = fmt.Sprint("p", i), fmt.Sprint("i", i)
				l.Observe(e)
			}
			e := sign(0, nango.Exhausted).event("x")
			e.Provider, e.Integration = "", "other"
			for b.Loop() {
				l.Observe(e)
			}
		})
	}
}
