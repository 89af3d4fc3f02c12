package detect

import (
	"math"
	"sort"
	"time"
)

// The naive reference of the detector: plain loops over all slots and all breaks, no prefix sums, nothing carried that can be counted again.
// It exists to prove the streaming detector right or wrong, so it shares no code with it. Symbols are those of the method's description.
//
// Where the description leaves something open, this is what was chosen:
//
//  1. A series lives from its first slot, also before its first break; the day of its first slot has the fit of an empty history (lambda = 1).
//     The slots before began are unobserved, and "the first slot of all" of the fleet shape is that of began.
//  2. A slot that holds a break or a transient failure is observed, whatever observed says.
//  3. A closed slot at midnight is judged by the fit of the day it belongs to; the fits of the new day come after its step, so masks and excursions that
//     end in that step are seen. A day whose 00:00 is the end of the world is fitted.
//  4. Every break makes a step, also one that the account cap keeps out of n. The cap looks at counted breaks at a distance of at most 24 h, the
//     distance 24 h included. A break without account is never capped.
//  5. "Until 7 days after first" speaks of the slot the window ends with: before first + 7*144 only windows of 24 h and 72 h.
//  6. The best window is the one with the largest s; of equal ones the shortest. The alert scan passes over windows at or above log B with fewer than
//     min_connections distinct connections (capped breaks' too), or three customers, or that would be below it if each account had two at most.
//  7. X of the running slot, in a step at a break, are the transient failures no later than the break.
//  8. A step first scores, then an open incident or stretch takes the score, then (closed slots only) D, silence and age are advanced, then it may end. So
//     one that starts at a break sees the closing of its own slot, one that starts at a closed slot begins with the next. The restart is the next slot.
//  9. D, silence and age of an incident count from its opening; the age of a masked stretch counts from its first slot, the start of the best window.
//     Silence is 144 observed slots since the last break, counted or not. If two endings come together: 14 days before D before silence.
//  10. "Most extreme window so far" is the one with the largest s' since the (re-)opening; a re-opening starts afresh and keeps since and openScore.
//     Re-opening: at most 72 h, included, after the edge at which it was resolved.
//  11. The expectation of a gap is mu without X. It is part of both scans, so of Lambda in theta and in n > 1.82 Lambda, but not of the mu in D.
//     Something is observed before a gap if an observed slot of this series, from its first on, precedes it.
//  12. If weekdays have fewer than 3 days of their own, neither class has batches, however many weekends there are. If the median daily count is 0,
//     the share is 0.
//  13. An excursion is kept while the slot of its peak (the first of equal ones) lies in the 84 days before the fit.
const (
	refSlotsADay = 144
	refX         = .05
)

var refWindows = [5]int64{1, 6, 36, 144, 432}
var refU = math.Log(2)

type refBreak struct {
	at                               time.Time
	connection, account, integration string
}

type refSeries struct {
	name       string
	first      time.Time
	breaks     []refBreak
	transients []time.Time // X: each connection once in 24 h
}

type refWorld struct {
	began          time.Time
	observed       func(slot int64) bool // nil: always
	series         []refSeries
	end            time.Time
	budgetDays     float64 // of each series
	minConnections int
}

// refStep is one judgement: s of the guard scan, sAlert of the alert scan, adjusted its s' after the tail guard, each -Inf without a judged window. n and lambda
// are the sums over the five windows, judged or not, without X; lambdaX is lambda with rho X.
type refStep struct {
	series              string
	slot                int64
	atBreak             bool
	s, sAlert, adjusted float64
	n, lambda, lambdaX  [5]float64
}

// refIncident has why "rate", "silence" or "accepted" once it is resolved, and the empty string and a zero resolved while it is open.
type refIncident struct {
	series           string
	opened, resolved time.Time
	openScore        float64
	why              string
	reopened         int
	since            int64
}

type refWindow struct {
	s, n, lambda float64
	from         int64
}

type refOpen struct {
	incident int // index into the run's incidents
	best     refWindow
	score, d float64
	age      int
}

type refStretch struct {
	from     int64
	theta, d float64
}

type refExcursion struct {
	excess float64
	clear  bool // a stretch began in it
	slot   int64
	calm   int
	ended  bool
}

type refGap struct {
	g int64
	m float64
}

// refTrack is one series while the world runs. Slices are indexed by slot - base.
type refTrack struct {
	refSeries
	base, first          int64
	n, x, mu             []float64
	seen, masked         []bool
	past                 []refBreak // breaks so far
	counted              []bool     // by past
	fits                 map[int64]refFit
	gaps                 []refGap
	guardFrom, alertFrom int64
	levelFrom, adopted   int64 // days: the level is learned from the first on; forecasts up to the second teach no dispersion
	excursions           []refExcursion
	stretch              *refStretch
	open                 *refOpen
	last                 int // index of its newest incident, -1: none
}

type refRun struct {
	refWorld
	tracks    []*refTrack
	pi        [168]float64
	steps     []refStep
	incidents []refIncident
}

func refSlot(t time.Time) int64      { return t.Unix() / 600 }
func refEdge(slot int64) time.Time   { return time.Unix(slot*600, 0).UTC() }
func refDayOf(slot int64) int64      { return slot / refSlotsADay }
func refWeekday(day int64) int64     { return (day + 3) % 7 } // day 0 was a Thursday; 0 is Monday
func refHourOfWeek(slot int64) int64 { return refWeekday(refDayOf(slot))*24 + slot%refSlotsADay/6 }

func refClass(day int64) int {
	if refWeekday(day) >= 5 {
		return 1
	}
	return 0
}

func refClamp(x, low, high float64) float64 { return math.Max(low, math.Min(high, x)) }

// run is what the comparison uses: all steps and incidents in order, and the fits by series and day.
func (w refWorld) run() (steps []refStep, incidents []refIncident, fits map[string]map[int64]refFit) {
	r := w.play()
	fits = map[string]map[int64]refFit{}
	for _, t := range r.tracks {
		fits[t.name] = t.fits
	}
	return r.steps, r.incidents, fits
}

// play passes the world slot by slot: the breaks of a slot in order of time, then its closing, then, at 00:00, the fits.
func (w refWorld) play() *refRun {
	r := w.start()
	base := r.tracks[0].base
	r.fitDay(refDayOf(base))
	for slot := base; refEdge(slot).Before(w.end); slot++ {
		for _, t := range r.tracks {
			t.noteGap(slot)
		}
		for _, which := range r.breaksIn(slot) {
			r.step(r.tracks[which[0]], slot, &r.tracks[which[0]].breaks[which[1]])
		}
		if refEdge(slot + 1).After(w.end) {
			break
		}
		for _, t := range r.tracks {
			if t.isSeen(slot) {
				r.step(t, slot, nil)
			}
		}
		if (slot+1)%refSlotsADay == 0 {
			r.fitDay(refDayOf(slot + 1))
		}
	}
	return r
}

// start lays out the slots of every series from the first day of all to the day after the end.
func (w refWorld) start() *refRun {
	r := &refRun{refWorld: w}
	for i := range r.pi {
		r.pi[i] = 1
	}
	low := refSlot(w.began)
	for _, s := range w.series {
		low = min(low, refSlot(s.first))
	}
	base := refDayOf(low) * refSlotsADay
	size := (refDayOf(refSlot(w.end))+2)*refSlotsADay - base
	for _, s := range w.series {
		t := &refTrack{refSeries: s, base: base, first: refSlot(s.first), last: -1, fits: map[int64]refFit{}}
		t.n, t.x, t.mu = make([]float64, size), make([]float64, size), make([]float64, size)
		t.seen, t.masked = make([]bool, size), make([]bool, size)
		for i := range t.seen {
			slot := base + int64(i)
			t.seen[i] = slot >= t.first && (w.holdsRow(slot) || slot >= refSlot(w.began) && (w.observed == nil || w.observed(slot)))
		}
		r.tracks = append(r.tracks, t)
	}
	return r
}

// holdsRow reports whether a break or a transient failure of any series falls into slot.
func (w refWorld) holdsRow(slot int64) bool {
	for _, s := range w.series {
		b := sort.Search(len(s.breaks), func(i int) bool { return refSlot(s.breaks[i].at) >= slot })
		x := sort.Search(len(s.transients), func(i int) bool { return refSlot(s.transients[i]) >= slot })
		if b < len(s.breaks) && refSlot(s.breaks[b].at) == slot || x < len(s.transients) && refSlot(s.transients[x]) == slot {
			return true
		}
	}
	return false
}

// breaksIn names the breaks of a slot as (series, index), by time, then by order of the series; breaks after the end never come.
func (r *refRun) breaksIn(slot int64) (found [][2]int) {
	for i, s := range r.series {
		k := sort.Search(len(s.breaks), func(k int) bool { return refSlot(s.breaks[k].at) >= slot })
		for ; k < len(s.breaks) && refSlot(s.breaks[k].at) == slot && !s.breaks[k].at.After(r.end); k++ {
			found = append(found, [2]int{i, k})
		}
	}
	at := func(i int) time.Time { return r.series[found[i][0]].breaks[found[i][1]].at }
	sort.SliceStable(found, func(i, j int) bool { return at(i).Before(at(j)) })
	return found
}

func (t *refTrack) isSeen(slot int64) bool {
	return slot >= t.base && slot < t.base+int64(len(t.seen)) && t.seen[slot-t.base]
}
func (t *refTrack) usable(slot int64) bool { return t.isSeen(slot) && !t.masked[slot-t.base] }

// noteGap remembers the unobserved stretch that ends before slot, with the expectation of at most its last 72 h.
func (t *refTrack) noteGap(slot int64) {
	if slot <= t.first || !t.isSeen(slot) || t.isSeen(slot-1) {
		return
	}
	from, m := slot, 0.
	for from > t.first && !t.isSeen(from-1) {
		from--
		if slot-from <= 432 {
			m += t.mu[from-t.base]
		}
	}
	if from > t.first { // the slot before from is observed
		t.gaps = append(t.gaps, refGap{g: slot, m: m})
	}
}
