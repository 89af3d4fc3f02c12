package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// goalBudget is the budget, in days, that goals without one of their own are measured at.
const goalBudget = 90

// goals measures what the detector is asked to reach, and says what it does not.
func goals(o options) error {
	fmt.Fprintln(o.out, "| goal | asked | measured | |\n|---|---|---|---|")
	ms := measure(null(o.seed, o.providers, o.days), nullBudgets)
	o.budgetGoal(ms)
	providers := dense(o.seed, o.providers, o.days).Slice(0, o.providers)
	dense := make([]Measured, len(sweepBudgets))
	for i, b := range sweepBudgets {
		dense[i].Days = b
	}
	for from := 0; from < len(providers); from += sliceSize {
		measureSlice(providers[from:min(from+sliceSize, len(providers))], dense)
	}
	o.powerGoal(sweepRevwatch(dense), providers)
	at90 := pick(dense, goalBudget)
	o.delayGoal(at90)
	o.oneAlertGoal(at90)
	o.togetherGoal(pick(ms, goalBudget))
	o.nuisanceGoal(at90)
	o.costGoal()
	o.explanationGoal(at90)
	return nil
}

func pick(ms []Measured, days int) Measured {
	for _, m := range ms {
		if m.Days == days {
			return m
		}
	}
	return Measured{}
}

func (o options) goal(met bool, name, asked, measured string, args ...any) {
	word := "not met"
	if met {
		word = "met"
	}
	fmt.Fprintf(o.out, "| %s | %s | %s | %s |\n", name, asked, fmt.Sprintf(measured, args...), word)
}

func (o options) budgetGoal(ms []Measured) {
	for _, m := range ms {
		v := spent(m, 0, math.Inf(1))
		o.goal(v.Value >= .5 && v.Value <= 1.2, fmt.Sprintf("budget, B = %d", m.Days), "realised / nominal .5-1.2", "%.2f (%.2f-%.2f)", v.Value, v.Low, v.High)
	}
	for i := 1; i < len(bands)-2; i++ {
		met, text := true, ""
		for _, m := range ms {
			v := spent(m, bands[i], bands[i+1])
			met = met && v.Value >= .4 && v.Value <= 1.5
			text += fmt.Sprintf("%.2f (%.2f-%.2f) at %d; ", v.Value, v.Low, v.High, m.Days)
		}
		o.goal(met, fmt.Sprintf("budget, %g-%g a day", bands[i], bands[i+1]), ".4-1.5 at every B", "%s", text)
	}
}

func (o options) powerGoal(ours Sweep, providers []Provider) {
	n := len(providers)
	best, counts := map[float64]float64{}, seriesOf(providers)
	for _, r := range o.chosen() {
		theirs := o.theirs(r, providers, counts)
		for _, fa := range []float64{.33, .1} {
			best[fa] = max(best[fa], at(theirs.curve(numbers(n)), fa).Recall)
		}
	}
	for _, x := range []struct{ fa, asked, ahead float64 }{{.33, .86, .12}, {.1, .8, .18}, {.033, .7, 0}} {
		v := bootstrap(n, func(who []int) float64 { return at(ours.curve(who), x.fa).Recall })
		o.goal(v.Value >= x.asked, fmt.Sprintf("recall at %g false alarms a month", x.fa), fmt.Sprintf("%.2f", x.asked), "%.3f (%.3f-%.3f)", v.Value, v.Low, v.High)
		if x.ahead > 0 && len(best) > 0 {
			ahead := v.Value - best[x.fa]
			o.goal(ahead >= x.ahead, fmt.Sprintf("ahead of the best other at %g", x.fa), fmt.Sprintf("%+.2f", x.ahead), "%+.3f", ahead)
		}
	}
	v := bootstrap(n, func(who []int) float64 { return area(ours.curve(who)) })
	o.goal(v.Value >= .82, "pAUC", ".82", "%.3f (%.3f-%.3f)", v.Value, v.Low, v.High)
}

func (o options) delayGoal(m Measured) {
	for _, x := range []struct {
		kind  string
		asked time.Duration
	}{{burst, 30 * time.Minute}, {integration, time.Hour}, {ramp, 48 * time.Hour}, {"", 8 * time.Hour}} {
		found := hits(m.Outcomes, func(h Hit) bool { return h.Incident && (x.kind == "" || h.Kind == x.kind) })
		v := bootstrap(len(found), func(who []int) float64 {
			drawn := make([]Hit, len(who))
			for i, j := range who {
				drawn[i] = found[j]
			}
			return median(delays(drawn))
		})
		name := "median delay"
		if x.kind != "" {
			name += ", " + x.kind
		}
		o.goal(v.Value <= x.asked.Hours(), name, fmt.Sprintf("%g h", x.asked.Hours()), "%.2f h (%.2f-%.2f)", v.Value, v.Low, v.High)
	}
}

func (o options) oneAlertGoal(m Measured) {
	f := summarize(m)
	o.goal(f.one >= .98, "exactly one alert per found incident", "98 %", "%.1f %% of %d", 100*f.one, f.found)
	o.goal(f.early*50 <= f.found, "said to be over more than 6 h before the end", "2 %", "%.1f %% of %d", 100*float64(f.early)/float64(f.found), f.found)
	o.goal(f.settled <= 6 && f.settled90 <= 24, "resolve after the end", "median 6 h, p90 24 h", "%.1f h, %.1f h", f.settled, f.settled90)
}

func (o options) togetherGoal(null Measured) {
	f := runTogether(o.seed, o.days, goalBudget)
	share := float64(f.under) / float64(f.alerts)
	o.goal(f.inTime == f.events && f.single == f.events, "all providers at once", "one fleet alert within 20 min",
		"%d of %d within 20 min (median %.0f min), exactly one in %d", f.inTime, f.events, median(f.delays), f.single)
	o.goal(share >= .95, "provider alerts under it", "95 %", "%.1f %% of %d", 100*share, f.alerts)
	years := o.fleetYears() + float64(o.days)/365
	n := len(null.Wide) + f.stray
	o.goal(float64(n) <= years, "false fleet alerts", "1 a year", "%d in %.1f years", n, years)
}

func (o options) nuisanceGoal(m Measured) {
	f := summarize(m)
	part := func(a, b int) float64 { return 100 * float64(a) / float64(b) }
	o.goal(part(f.leftAlarmed, f.left) <= 8, "a customer who leaves raises an alert", "8 %", "%.1f %% of %d; %.1f %% of %d where accounts are known",
		part(f.leftAlarmed, f.left), f.left, part(f.leftKnownAlarmed, f.leftKnown), f.leftKnown)
	o.goal(part(f.outagesAlarmed, f.outages) <= 10, "an outage raises an alert", "10 %", "%.1f %% of %d", part(f.outagesAlarmed, f.outages), f.outages)
}

func (o options) costGoal() {
	c := runCost(o.seed, o.providers, o.days)
	o.goal(c.perTick <= 2*time.Microsecond, "a provider and slot, all included", "2 µs", "%v", c.perTick)
	o.goal(c.bytes <= 50_000, "memory a provider, ledger included", "50 KB", "%.0f KB", c.bytes/1000)
}

func (o options) explanationGoal(m Measured) {
	full := 0
	for _, x := range m.Explained {
		full += int(btof(explained(x)))
	}
	o.goal(full == len(m.Explained), "alerts that explain themselves", "all", "%d of %d", full, len(m.Explained))
}

// explained reports whether an alert says its window, what was observed and expected, how seldom that is, when it began, and in words which accounts and
// integrations.
func explained(x detect.Incident) bool {
	return x.WindowSeconds > 0 && x.Observed > 0 && x.Expected > 0 && x.OncePerDays > 1 && x.Score >= 1 && !x.Since.IsZero() &&
		!x.Since.After(x.Time) && len(x.Connections) > 0 && (x.Scope == "all" || says(x, "account") && says(x, "integration"))
}

func says(x detect.Incident, what string) bool {
	return slices.ContainsFunc(x.Explanation, func(line string) bool { return strings.Contains(line, what) })
}
