package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"time"
)

// ratesShown are the false alarms per clean provider-month that recall is given at.
var ratesShown = []float64{.033, .1, .33, 1}

// table compares all detectors on one world.
func table(o options) error {
	w := dense(o.seed, o.providers, o.days)
	providers := w.Slice(0, w.Providers)
	o.describe(providers)
	only(providers, o.size)
	all := []Sweep{o.ours(providers)}
	counts := seriesOf(providers)
	for _, r := range o.chosen() {
		all = append(all, o.theirs(r, providers, counts))
	}
	o.rows(all, len(providers))
	if o.plot != "" {
		return o.draw(all, len(providers))
	}
	return nil
}

// only takes the incidents of other sizes out of what is to be found. They stay out of clean time.
func only(providers []Provider, size string) {
	for i := range providers {
		for j := range providers[i].Labels {
			l := &providers[i].Labels[j]
			l.Incident = l.Incident && (size == "" || l.Size == size)
		}
	}
}

func (o options) ours(providers []Provider) Sweep {
	ms := make([]Measured, 0, len(sweepBudgets))
	for _, b := range o.budgets(sweepBudgets) {
		ms = append(ms, Measured{Days: b})
	}
	begun := time.Now()
	for from := 0; from < len(providers); from += sliceSize {
		measureSlice(providers[from:min(from+sliceSize, len(providers))], ms)
	}
	o.note("Revwatch at %d budgets: %v", len(ms), time.Since(begun).Round(time.Second))
	return sweepRevwatch(ms)
}

// theirs runs a rival on what breaks, and on what counts under the cap, and keeps the better.
func (o options) theirs(r Rival, providers []Provider, counts []series) Sweep {
	begun := time.Now()
	with := sweepRival(r.Name+" / capped", r, providers, counts, true)
	without := sweepRival(r.Name+" / uncapped", r, providers, counts, false)
	o.note("%s: %v", r.Name, time.Since(begun).Round(time.Second))
	everybody := numbers(len(providers))
	if area(without.curve(everybody)) > area(with.curve(everybody)) {
		return without
	}
	return with
}

func numbers(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// describe says what the world holds.
func (o options) describe(providers []Provider) {
	months := time.Duration(0)
	count := map[string]int{}
	for i := range providers {
		months += cleanTime(&providers[i])
		for _, l := range providers[i].Labels {
			if l.Incident {
				count["incidents"]++
			}
			count[l.Kind]++
		}
	}
	fmt.Fprintf(o.out, "%d providers, %d days, %d incidents, %d customers who leave, %d outages, %.0f clean provider-months.\n\n",
		len(providers), o.days, count["incidents"], count[leaving], count[outage], float64(months)/float64(month))
}

func (o options) rows(all []Sweep, n int) {
	everybody := numbers(n)
	slices.SortStableFunc(all, func(a, b Sweep) int { return cmp.Compare(area(b.curve(everybody)), area(a.curve(everybody))) })
	fmt.Fprintln(o.out, "| detector / input | pAUC (95 %) | recall @0.033 | @0.1 | @0.33 | @1 | median delay (h) @0.33 |\n|---|---|---|---|---|---|---|")
	for _, s := range all {
		v := bootstrap(n, func(who []int) float64 { return area(s.curve(who)) })
		fmt.Fprintf(o.out, "| %s | %.3f (%.3f-%.3f) |", s.Name, v.Value, v.Low, v.High)
		for _, fa := range ratesShown {
			r := bootstrap(n, func(who []int) float64 { return at(s.curve(who), fa).Recall })
			fmt.Fprintf(o.out, " %.2f (%.2f-%.2f) |", r.Value, r.Low, r.High)
		}
		fmt.Fprintf(o.out, " %.1f |\n", at(s.curve(everybody), .33).Delay)
	}
}

func (o options) draw(all []Sweep, n int) error {
	var curves []Curve
	for _, s := range all {
		c := Curve{Name: s.Name, Ours: s.Name == "Revwatch"}
		for _, p := range s.curve(numbers(n)) {
			c.FA, c.Recall = append(c.FA, p.FA), append(c.Recall, p.Recall)
		}
		curves = append(curves, c)
	}
	f, err := os.Create(o.plot)
	if err != nil {
		return err
	}
	if err := PlotRecall(f, curves); err != nil {
		return err
	}
	return f.Close()
}
