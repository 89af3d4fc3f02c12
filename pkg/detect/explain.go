package detect

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/window"
)

// explainedFor is how far before the newest closed slot an instant may lie, in slots; older ones are answered by a replay that stops there.
const explainedFor = 72 * hour

// Question names a series and an instant. Empty names match every series; At zero is the newest closed slot.
type Question struct {
	Signal, Environment, Provider, Cause string

	At time.Time
}

// Answer is what the detector saw of a series at an instant: its windows, the gates each passed or not, and the verdict in words. All numbers
// are finite. Its JSON form is that of `detector explain --output json` and of the API.
type Answer struct {
	Type        string         `json:"type"` // always "explanation"
	Signal      string         `json:"signal"`
	Environment string         `json:"environment"`
	Provider    string         `json:"provider"` // of unknown connections: the integration
	Cause       string         `json:"cause"`
	At          time.Time      `json:"at"`
	State       string         `json:"state"`       // learning, quiet, open
	Incident    string         `json:"incident"`    // id, "" when none is open
	PerDay      float64        `json:"per_day"`     // breaks a day that are normal
	BudgetDays  float64        `json:"budget_days"` // B: days expected between two false alarms of the series
	Line        float64        `json:"line"`        // log B: the adjusted score that opens
	Kappa       float64        `json:"kappa"`       // the tail guard's factor, in (0, 1]
	Rho         float64        `json:"rho"`         // the tail guard's divisor of days, at least 1
	Windows     []WindowAnswer `json:"windows"`     // the shortest first
	Best        int            `json:"best"`        // index of the most extreme judged window, -1: none
	Verdict     []string       `json:"verdict"`     // sentences
	BudgetMet   bool           `json:"budget_met"`  // the series raises no more excursions than its budget promises
}

// WindowAnswer is one window that ends with the slot of the instant.
type WindowAnswer struct {
	Seconds     int       `json:"seconds"`
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`            // not in it
	Observed    int       `json:"observed"`      // breaks that count
	Connections int       `json:"connections"`   // distinct, those of capped accounts too
	Expected    float64   `json:"expected"`      // breaks
	Transient   float64   `json:"transient"`     // of it, expected because of an outage
	Dispersion  float64   `json:"dispersion"`    // φ: variance of counts over their mean, at least 1
	Uncertainty float64   `json:"uncertainty"`   // τ²: squared coefficient of variation of what is expected
	Score       float64   `json:"score"`         // s: log of days, 0 where nothing exceeds what is expected
	Adjusted    float64   `json:"adjusted"`      // s': s after the tail guard
	OncePerDays float64   `json:"once_per_days"` // exp(s'): days in which as much is expected once; 0 where nothing exceeds what is expected
	Needed      int       `json:"needed"`        // least count that would open an incident; 0: none would
	Gates       []Gate    `json:"gates"`         // in the order they are asked; all must be passed
}

// Gate is one condition that a window must pass to open an incident.
type Gate struct {
	Name   string `json:"name"` // observed, warm_up, restart, min_count, rise, min_connections, score, accounts
	Passed bool   `json:"passed"`
	Detail string `json:"detail"` // in words, with the figures
}

// Closed is the end of the newest closed slot; zero while there is none.
func (d *Detector) Closed() time.Time {
	if !d.begun {
		return time.Time{}
	}
	return window.SlotTime(d.edge)
}

// Explain answers what was seen at an instant: the windows that end with its slot, with the breaks up to it as they are known now. Its errors are
// sentences for people: no such series, several fit, or the instant is in a slot that is not closed yet or more than 72 h before the newest closed one.
func (d *Detector) Explain(q Question) (Answer, error) {
	s, err := d.match(q)
	if err != nil {
		return Answer{}, err
	}
	if q.At.IsZero() {
		q.At = d.Closed().Add(-time.Second)
	}
	to := window.SlotOf(q.At)
	if edge := window.SlotTime(to); q.At.Equal(edge) && len(s.breaks.Between(edge, edge.Add(1))) == 0 {
		to-- // an edge ends the slot before it
	}
	switch {
	case to >= d.edge:
		return Answer{}, fmt.Errorf("%s is not judged yet: the newest slot that is closed ends at %s", clock(q.At), clock(d.Closed()))
	case q.At.Before(window.SlotTime(d.edge - explainedFor)):
		return Answer{}, fmt.Errorf("%s is more than 72 h before %s, the end of the newest closed slot: ask a replay, with --input", clock(q.At), clock(d.Closed()))
	}
	return d.answer(s, q.At.UTC(), to), nil
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// match is the one series that a question fits.
func (d *Detector) match(q Question) (*series, error) {
	fits := func(want, is string) bool { return want == "" || want == is }
	var found []*series
	var names []string
	for _, s := range d.order {
		if fits(q.Signal, s.Signal) && fits(q.Environment, s.Environment) && fits(q.Provider, s.Provider) && fits(q.Cause, s.Cause) {
			found = append(found, s)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(d.order) == 0:
		return nil, fmt.Errorf("there is no series yet: no connection broke so far")
	}
	if len(found) == 0 && d.heardOf(q) {
		return nil, fmt.Errorf("no connection of %s newly broke so far: there is nothing to judge", q.Provider)
	}
	list, what := found, "several series fit, say more of"
	if len(found) == 0 {
		list, what = d.order, "no series has this name; there are"
	}
	for _, s := range list[:min(len(list), 20)] {
		names = append(names, strings.Join([]string{s.Environment, s.Provider, s.Cause, s.Signal}, " "))
	}
	if more := len(list) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return nil, fmt.Errorf("%s (environment provider cause signal): %s", what, strings.Join(names, "; "))
}

// heardOf reports whether rows spoke of the provider of a question, whose connections may all be well.
func (d *Detector) heardOf(q Question) bool {
	if q.Provider == "" || slices.ContainsFunc(d.order, func(s *series) bool { return s.Provider == q.Provider }) {
		return false
	}
	for at := range d.starts {
		if at.provider == q.Provider && (q.Environment == "" || at.environment == q.Environment) {
			return true
		}
	}
	return false
}

func (d *Detector) answer(s *series, at time.Time, to int64) Answer {
	x := s.on(floorDay(to))
	p := s.promise(d.edge)
	a := Answer{
		Type: "explanation", Signal: s.Signal, Environment: s.Environment, Provider: s.Provider, Cause: s.Cause, At: at, State: s.state(to),
		PerDay: x.Model.PerDay(), BudgetDays: math.Exp(x.Line), Line: x.Line, Kappa: or(x.Tail.Kappa, 1), Rho: or(x.Tail.Rho, 1), Best: -1, BudgetMet: p.met,
	}
	for _, e := range s.episodes {
		if !at.Before(e.Opened) && (e.End == math.MaxInt64 || at.Before(window.SlotTime(e.End+1))) {
			a.State, a.Incident = StateOpen, e.ID
		}
	}
	end := window.SlotTime(to + 1)
	if at.Before(end) {
		end = at.Add(1)
	}
	later := counted(s.breaks.Between(end, window.SlotTime(to+1)))
	for i, e := range d.evidence(s, to) {
		e.count -= later
		w := d.windowAnswer(s, e, end, to)
		if judged(w.Gates) && w.OncePerDays > 0 && (a.Best < 0 || w.Adjusted > a.Windows[a.Best].Adjusted) {
			a.Best = i
		}
		a.Windows = append(a.Windows, w)
	}
	a.Verdict = d.verdict(s, &a, to)
	return a
}

// state of a series without an incident at a slot.
func (s *series) state(slot int64) string {
	if slot-s.first < learningUntil {
		return StateLearning
	}
	return StateQuiet
}

func (d *Detector) windowAnswer(s *series, e evidence, end time.Time, to int64) WindowAnswer {
	from, x := to-int64(e.slots)+1, s.on(floorDay(to))
	c := calibration(x.Model.PerDay())
	w := WindowAnswer{
		Seconds: e.slots * int(window.Slot.Seconds()), From: window.SlotTime(from), To: window.SlotTime(to + 1), Observed: int(e.count), Transient: e.transient,
		Connections: distinct(s.breaks.Between(window.SlotTime(from), end)), Dispersion: e.clumping, Uncertainty: e.uncertainty,
	}
	e = e.withTransients()
	w.Expected = e.expected
	score, ok := e.score(c)
	if ok {
		w.Score, w.Adjusted = score, x.Tail.adjust(score)
		w.OncePerDays = min(math.Exp(w.Adjusted), math.MaxFloat64)
	}
	w.Gates = []Gate{
		gate("observed", d.rows.sees(to), "rows came", "no rows: nothing is decided"),
		gate("warm_up", s.mature(from, to), "old enough", fmt.Sprintf("too young: since %s", window.SlotTime(s.first).Format("2 Jan 15:04"))),
		gate("restart", from >= s.restart(to), "no incident in it", "reaches into the last incident"),
		gate("min_count", e.count >= minCount, fmt.Sprintf("%.0f broke", e.count), fmt.Sprintf("fewer than %d broke", minCount)),
		gate("rise", e.count > minRise*e.expected, "more than expected", fmt.Sprintf("no rise of %.1f times", minRise)),
		gate("min_connections", w.Connections >= d.opt.MinConnections, fmt.Sprintf("%d connections", w.Connections), fmt.Sprintf("fewer than %d connections", d.opt.MinConnections)),
		gate("score", ok && w.Adjusted >= x.Line, "rare enough", "not rare enough"),
	}
	if w.Adjusted >= x.Line && w.Connections >= d.opt.MinConnections {
		w.Gates = append(w.Gates, gate("accounts", d.wideEnough(s, peak{From: from, To: to}, e, c), "of several customers", "too many of one customer"))
	}
	if least := e.upper(c, x.Line, x.Tail); judged(w.Gates) && !math.IsInf(least, 1) {
		w.Needed = int(max(least, float64(d.opt.MinConnections)))
	}
	return w
}

func gate(name string, passed bool, yes, no string) Gate {
	if passed {
		return Gate{name, true, yes}
	}
	return Gate{name, false, no}
}

// judged reports whether a window is judged at all, whatever it holds: the first three gates.
func judged(gates []Gate) bool { return gates[0].Passed && gates[1].Passed && gates[2].Passed }

// verdict says in sentences what came of it, and what could not be seen.
func (d *Detector) verdict(s *series, a *Answer, to int64) (lines []string) {
	switch {
	case a.State == StateOpen:
		lines = append(lines, "Incident "+a.Incident+" is open.")
	case a.Best < 0 && !d.rows.sees(to):
		lines = append(lines, "No rows came in these ten minutes, or they were lost: nothing is decided without them.")
	case !slices.ContainsFunc(a.Windows, func(w WindowAnswer) bool { return judged(w.Gates) }):
		lines = append(lines, "No window is judged: each begins when the series was too young, or reaches into the last incident.")
	case a.Best < 0:
		lines = append(lines, fmt.Sprintf("No window that is judged holds %d breaks and more than is expected: there is nothing to tell.", minCount))
	default:
		w := a.Windows[a.Best]
		lines = append(lines, fmt.Sprintf("The most extreme window holds %d breaks where %.3g are expected: about once in %.3g days. An incident opens at once in %.0f days.",
			w.Observed, w.Expected, w.OncePerDays, a.BudgetDays))
	}
	if a.State == StateLearning {
		lines = append(lines, fmt.Sprintf("The series is young: until %s nothing is judged, and until %s only windows of a day or more.",
			clock(window.SlotTime(s.first+firstJudged)), clock(window.SlotTime(s.first+learningUntil))))
	}
	if t := a.Windows[len(a.Windows)-1].Transient; t > 0 {
		lines = append(lines, fmt.Sprintf("Refreshes of the provider fail for a moment, too: %.3g breaks more are expected in 72 h, in case some are misread.", t))
	}
	if missed := s.surfacing(to, to, &d.rows); missed > 0 {
		lines = append(lines, fmt.Sprintf("Rows were missing within the last day: up to %.3g breaks of that time may show now.", missed))
	}
	return lines
}
