package web

import (
	"io"
	"strconv"

	"github.com/revwatch/revwatch/pkg/detect"
)

// seriesFamilies are the metrics that every series has a part in.
type seriesFamilies struct {
	total, observed, expected, upper, score, budget, excursions, promised, met, broken, active, states, alarms *family
}

func newSeriesFamilies() seriesFamilies {
	return seriesFamilies{
		total:    newFamily(counter, "revwatch_broken_connections_total", "Connections newly broken."),
		observed: newFamily(gauge, "revwatch_revoked_connections", "Connections newly broken that count, in the window that ends with the last closed slot."),
		expected: newFamily(gauge, "revwatch_expected", "Connections expected to break newly in the window."),
		upper:    newFamily(gauge, "revwatch_upper_bound", "The least count in the window that opens an incident; +Inf while it is not judged."),
		score:    newFamily(gauge, "revwatch_score", "How unusual the most extreme window is; 1 is the alarm line."),
		budget:   newFamily(gauge, "revwatch_budget_days", "Days expected between two false alarms."),
		broken:   newFamily(gauge, "revwatch_connections_broken", "Connections of the provider that are broken now."),
		active:   newFamily(gauge, "revwatch_connections_active", "Connections of the provider seen alive in the last 7 days; missing where that is not known."),
		states:   newFamily(gauge, "revwatch_series", "Series, by state."),
		alarms:   newFamily(gauge, "revwatch_expected_false_alarms_per_week", "False alarms expected a week, over all series: the sum of their budgets."),

		excursions: newFamily(gauge, "revwatch_series_excursions", "Times that the score rose to what should be seen once a week, in the last 28 days."),
		promised:   newFamily(gauge, "revwatch_series_excursions_promised", "How many of these excursions should be seen at most; a multiple of it for weeks means that the budget is not kept."),
		met:        newFamily(gauge, "revwatch_budget_met", "0 when there are so many more excursions than promised that the budget is not kept."),
	}
}

// writeSeries writes the series; those of names without a label of their own are summed up, of their scores the highest is told, and of their
// bounds none, as there is none that they have together.
func (s *Server) writeSeries(w io.Writer, all []detect.Series) {
	s.admit(all)
	f := newSeriesFamilies()
	f.alarms.add("", 0)
	for _, state := range []string{detect.StateLearning, detect.StateQuiet, detect.StateOpen} {
		f.states.add(labels("state", state), 0)
	}
	seen := map[Integration]bool{}
	for _, x := range all {
		n := s.roster(x.Signal).label(place(x))
		f.add(x, labels("environment", n.Environment, "provider", n.Provider, "cause", clean(x.Cause), "signal", clean(x.Signal)))
		if raw := (Integration{x.Environment, x.Provider, ""}); x.Signal == detect.Revocations && !seen[raw] { // the same in every series of it
			seen[raw] = true
			f.addPlace(x, labels("environment", n.Environment, "provider", n.Provider))
		}
	}
	for l, perDay := range f.budget.samples {
		f.budget.samples[l] = 1 / perDay
	}
	write(w, f.total, f.observed, f.expected, f.upper, f.score, f.budget, f.excursions, f.promised, f.met, f.broken, f.active, f.states, f.alarms)
}

func (f seriesFamilies) add(x detect.Series, l string) {
	f.total.add(l, float64(x.Total))
	f.score.raise(l, x.Score)
	f.budget.add(l, 1/x.BudgetDays) // rates add up, times between do not
	f.alarms.add("", 7/x.BudgetDays)
	f.excursions.add(l, x.Realised)
	f.promised.add(l, x.Promised)
	f.met.lower(l, bit(x.BudgetMet))
	f.states.add(labels("state", x.State), 1)
	for _, v := range x.Windows {
		in := l + `,window="` + length(v.Seconds) + `"`
		f.observed.add(in, v.Observed)
		f.expected.add(in, v.Expected)
		f.upper.only(in, v.Upper)
	}
}

func (f seriesFamilies) addPlace(x detect.Series, l string) {
	f.broken.add(l, float64(x.Broken))
	if x.Active > 0 {
		f.active.add(l, float64(x.Active))
	}
}

// admit gives labels to the providers of each signal, first to those with most broken connections.
func (s *Server) admit(all []detect.Series) {
	counts := map[string]map[Integration]int64{}
	for _, x := range all {
		if counts[x.Signal] == nil {
			counts[x.Signal] = map[Integration]int64{}
		}
		counts[x.Signal][place(x)] += x.Total
	}
	for signal, c := range counts {
		s.roster(signal).admit(c)
	}
}

func place(x detect.Series) Integration {
	return Integration{Environment: x.Environment, Provider: x.Provider}.clean()
}

// length of a window as people say it: 10m, 1h, 72h.
func length(seconds int) string {
	if seconds%3600 == 0 {
		return strconv.Itoa(seconds/3600) + "h"
	}
	return strconv.Itoa(seconds/60) + "m"
}

// writeIncidents counts open incidents. Those that are recorded and not told, because they are of the past or part of another one, are apart: an
// alarm over revwatch_incidents_open must not page for them. The weekly line is no incident.
func (s *Server) writeIncidents(w io.Writer, x *Snapshot) {
	open := newFamily(gauge, "revwatch_incidents_open", "Open incidents, by severity.")
	muted := newFamily(gauge, "revwatch_incidents_muted", "Open incidents that are not told: of the past, or part of a wider one.")
	in := func(signal, environment, provider string) []string {
		if environment == "" { // no rows come, from wherever
			return []string{"environment", "all", "signal", clean(signal)}
		}
		n := s.roster(signal).label(Integration{Environment: environment, Provider: provider}.clean())
		return []string{"environment", n.Environment, "signal", clean(signal)}
	}
	graded := func(place []string, severity string, v float64) {
		open.add(labels(append(place, "severity", severity)...), v)
	}
	all := func(place []string) { // a missing sample would not end an alarm, it would lose it
		graded(place, "warning", 0)
		graded(place, "critical", 0)
	}
	for _, v := range x.Series {
		all(in(v.Signal, v.Environment, v.Provider))
	}
	for i := range x.Incidents {
		v := &x.Incidents[i]
		place, on := in(v.Signal, v.Environment, v.Provider), bit(v.Status != detect.StatusResolved)
		switch {
		case v.Signal == detect.Weekly:
		case untold(v):
			muted.add(labels(place...), on)
		default:
			all(place)
			graded(place, s.o.Severity.Of(v), on)
		}
	}
	write(w, open, muted)
}
