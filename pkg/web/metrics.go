package web

import (
	"bytes"
	"io"
	"net/http"
	"runtime"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/revwatch/revwatch/pkg/alert"
)

const expositionType = "text/plain; version=0.0.4; charset=utf-8"

// serveMetrics answers in the Prometheus text format, made anew from the newest snapshot: nothing is registered, so nothing has to be forgotten.
func (s *Server) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	s.writeMetrics(&b)
	metrics.WriteProcessMetrics(&b)
	answer(w, http.StatusOK, expositionType, b.Bytes())
}

func (s *Server) writeMetrics(w io.Writer) {
	now := s.o.Now()
	s.writeAbout(w)
	s.commits.write(w)
	s.delays.write(w)
	write(w,
		single(gauge, "revwatch_shadow", "1 while nothing is sent to anybody, by alerts.shadow.", bit(s.o.Shadow)),
		single(gauge, "revwatch_state_set_aside", "1 when the state file was damaged at the start and was set aside: it is learned again.", bit(s.o.SetAside)))
	if t := s.teller.Load(); t != nil {
		writeDeliveries(w, (*t).Status(), now)
		writeSilences(w, (*t).Silences(), now)
	}
	x := s.last.Load()
	if x == nil {
		return
	}
	writeReading(w, x)
	writeInput(w, x.Input)
	writeTimes(w, x, now)
	s.scraping.Lock()
	defer s.scraping.Unlock()
	s.writeErrors(w, x.Errors)
	s.writeRefused(w, x.Refused)
	s.writeSeries(w, x.Series)
	s.writeIncidents(w, x)
	s.writeTold(w, x)
	s.writeDirectory(w, &x.Directory)
}

func (s *Server) writeAbout(w io.Writer) {
	build := newFamily(gauge, "revwatch_build_info", "Always 1: the version of this program and of Go.")
	build.add(labels("version", clean(s.o.Version), "go", runtime.Version()), 1)
	config := newFamily(gauge, "revwatch_config_hash_info", "Always 1: the configuration in force.")
	if s.o.ConfigHash != "" {
		config.add(labels("hash", clean(s.o.ConfigHash)), 1)
	}
	ready := s.readiness()
	checks := newFamily(gauge, "revwatch_check_ok", "One condition of readiness: 1 when it holds.")
	for _, c := range ready.Checks {
		checks.raise(labels("check", c.Name), bit(c.OK))
	}
	write(w, build, config, single(gauge, "revwatch_ready", "1 when every condition of readiness holds.", bit(ready.OK)), checks)
}

func writeDeliveries(w io.Writer, all []alert.Status, now time.Time) {
	results := newFamily(counter, "revwatch_notifications_total", "Requests to a destination, by what came of them.")
	depth := newFamily(gauge, "revwatch_outbox_depth", "Incidents whose present state a destination was not told yet.")
	oldest := newFamily(gauge, "revwatch_outbox_oldest_seconds", "How long the oldest of these waits; 0 when none does.")
	down := newFamily(gauge, "revwatch_destination_down", "1 while a destination refuses for good what it is sent.")
	for _, d := range all {
		name := clean(d.Name)
		l := labels("destination", name)
		for _, result := range alert.Results { // a counter that begins at 1 shows no rise
			results.add(labels("destination", name, "result", result), 0)
		}
		for result, n := range d.Results {
			results.add(labels("destination", name, "result", clean(result)), float64(n))
		}
		depth.add(l, float64(d.Pending))
		oldest.raise(l, age(now, d.Oldest))
		down.raise(l, bit(d.Down))
	}
	write(w, results, depth, oldest, down)
}

func writeSilences(w io.Writer, all []alert.Silence, now time.Time) {
	on := 0
	for _, s := range all {
		if !now.Before(s.From) && now.Before(s.Until) {
			on++
		}
	}
	write(w, single(gauge, "revwatch_silences", "Silences that are on.", float64(on)))
}

// writeErrors writes the count that people know from Nango, untouched by joining and causes.
func (s *Server) writeErrors(w io.Writer, errors map[Integration]int64) {
	counts := make(map[Integration]int64, len(errors))
	for n, v := range errors {
		counts[n.clean()] += v
	}
	r := s.roster("integrations")
	r.admit(counts)
	f := newFamily(counter, "revwatch_refresh_token_external_errors_total", "Failed refreshes that Nango files under refresh_token_external_error.")
	for n, v := range counts {
		n = r.label(n)
		f.add(labels("environment", n.Environment, "provider", n.Provider, "integration", n.Integration), float64(v))
	}
	write(w, f)
}

func (s *Server) roster(of string) *roster {
	if s.rosters[of] == nil {
		s.rosters[of] = newRoster(s.o.MaxProviders)
	}
	return s.rosters[of]
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// age is 0 for no time and for one ahead of now.
func age(now, t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, now.Sub(t).Seconds())
}
