package web

import (
	"fmt"
	"io"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// Directory is what Nango's API says of connections, and how asking it fares.
type Directory struct {
	Connections  []detect.Listed
	Environments []Listed // that are asked about
}

// Listed is how the listings of one environment fare.
type Listed struct {
	Environment string
	Success     time.Time        // the last one; zero: none yet
	Connections int              // in it
	Requests    map[string]int64 // by what came of them
	Fault       string           // why the newest one failed, without secrets; "" when it did not
}

// faring says how the listings of an environment fare.
func (l *Listed) faring() string {
	words := "not listed yet"
	if !l.Success.IsZero() {
		words = fmt.Sprintf("%d connections, listed at %s", l.Connections, second(l.Success))
	}
	if l.Fault != "" {
		words += "; fails: " + l.Fault
	}
	return words
}

// writeDirectory writes how many connections there are, where that is known, and what became of asking.
func (s *Server) writeDirectory(w io.Writer, x *Directory) {
	counts := map[Integration]int64{}
	for _, c := range x.Connections {
		counts[Integration{Environment: c.Environment, Provider: c.Provider}.clean()] += int64(c.Connections)
	}
	r := s.roster("directory")
	r.admit(counts)
	there := newFamily(gauge, "revwatch_connections", "Connections of the provider that Nango's API listed last; missing where it is not asked.")
	for n, v := range counts {
		n = r.label(n)
		there.add(labels("environment", n.Environment, "provider", n.Provider), float64(v))
	}
	success := newFamily(gauge, "revwatch_directory_last_success_timestamp_seconds", "When Nango's API last listed all connections of the environment; 0 when it never did.")
	listed := newFamily(gauge, "revwatch_directory_connections", "Connections in the last list of the environment.")
	requests := newFamily(counter, "revwatch_directory_requests_total", "Requests to Nango's API, by what came of them.")
	for _, e := range x.Environments {
		name := clean(e.Environment)
		l, at := labels("environment", name), 0.0
		if !e.Success.IsZero() {
			at = float64(e.Success.UnixMilli()) / 1000
		}
		success.raise(l, at)
		listed.add(l, float64(e.Connections))
		requests.add(labels("environment", name, "result", "ok"), 0)
		for result, n := range e.Requests {
			requests.add(labels("environment", name, "result", clean(result)), float64(n))
		}
	}
	write(w, there, success, listed, requests)
}
