package web

import (
	"io"

	"github.com/revwatch/revwatch/pkg/nango"
)

// causes are all that a refresh can fail of.
var causes = [...]nango.Cause{nango.Revoked, nango.Transient, nango.Misconfigured, nango.Other, nango.Unknown}

// writeRefused counts what refreshes fail of, by provider. Each provider has a sample for every cause from its first failure on: a counter that
// begins at 1 shows no rise.
func (s *Server) writeRefused(w io.Writer, refused map[Refusal]int64) {
	f := newFamily(counter, "revwatch_refresh_failures_total", "Refreshes of the provider that failed, by the class of their cause.")
	counts := map[Integration]int64{}
	for n, v := range refused {
		counts[n.place()] += v
	}
	r := s.roster("refreshes") // of its own: providers that only fail for a while must not take the places of those that break
	r.admit(counts)
	at := func(n Integration, c nango.Cause, v int64) {
		n = r.label(n)
		f.add(labels("environment", n.Environment, "provider", n.Provider, "cause", clean(string(c))), float64(v))
	}
	for n := range counts {
		for _, c := range causes {
			at(n, c, 0)
		}
	}
	for n, v := range refused {
		at(n.place(), n.Cause, v)
	}
	write(w, f)
}

func (n Refusal) place() Integration {
	return Integration{Environment: n.Environment, Provider: n.Provider}.clean()
}
