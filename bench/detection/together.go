package main

import "time"

const (
	togetherProviders = 300
	togetherEvents    = 10
	fleetWithin       = 20 * time.Minute // an alert of all is asked for so soon
	togetherFor       = day              // alerts of providers until so long after the begin belong to it
)

// fleetResult is what became of events that hit all providers at once.
type fleetResult struct {
	events, inTime, single int // events; with a fleet alert in 20 minutes; with exactly one
	alerts, under          int // of providers during the events; of those under the fleet alert
	stray                  int // fleet alerts outside of events
	delays                 []float64
}

// runTogether runs a world of its own, in which nothing else is labelled.
func runTogether(seed uint64, days, budget int) fleetResult {
	w := World{Seed: seed, Providers: togetherProviders, Days: days, History: days * 2 / 5, Null: true, Together: togetherEvents}
	providers := w.Slice(0, w.Providers)
	return w.fleet(runRevwatch(providers, stream(providers), time.Duration(budget)*day))
}

func (w World) fleet(run Run) (f fleetResult) {
	f.events = w.Together
	explained := 0
	for i := range w.Together {
		begin := w.moment(i)
		n, first := opened(run.Wide, begin, begin.Add(notCounted))
		explained += n
		f.single += int(btof(n == 1))
		if n > 0 {
			f.delays = append(f.delays, first.Sub(begin).Minutes())
			f.inTime += int(btof(first.Sub(begin) <= fleetWithin))
		}
		for _, alarms := range run.Alarms {
			for _, a := range alarms {
				if !a.Opened.Before(begin) && a.Opened.Before(begin.Add(togetherFor)) {
					f.alerts++
					f.under += int(btof(a.Child))
				}
			}
		}
	}
	f.stray = len(run.Wide) - explained
	return f
}

// opened counts the alarms that opened in [from, to), and says when the first did.
func opened(alarms []Alarm, from, to time.Time) (n int, first time.Time) {
	for _, a := range alarms {
		if a.Opened.Before(from) || !a.Opened.Before(to) {
			continue
		}
		if n++; n == 1 || a.Opened.Before(first) {
			first = a.Opened
		}
	}
	return n, first
}
