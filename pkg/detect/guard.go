package detect

import (
	"math"
	"slices"

	"github.com/revwatch/revwatch/pkg/window"
)

// guard watches over the fit of one series, apart from alarms: which extremes its scores really reach, and which stretches may not teach.
type guard struct {
	Restart int64       // no window of the guard scan begins before it: the end of the last stretch
	Running bool        // an excursion goes on:
	High    int64       // its newest slot above u
	Peak    excursion   // its peak so far
	Ended   []excursion // of the last 84 days, by the time of their end
	Stretch *stretch    // that may not teach, while it goes on
}

// excursion is one time at which the score was above u = log 2.
type excursion struct {
	At       int64   // slot of its peak
	Excess   float64 // e: peak of the guard scan's s, less u
	Adjusted float64 // peak of the alert scan's s'
	Clear    bool    // a stretch that may not teach began in it
}

// see takes the scores of an instant, and reports whether they changed anything. running is whether the slot they end with is still open.
func (g *guard) see(p peak, adjusted float64, running bool) bool {
	if p.Score <= excursionFrom {
		return false
	}
	if !g.Running {
		g.Running, g.Peak = true, excursion{Excess: -1}
	}
	g.High = max(g.High, p.To)
	if e := p.Score - excursionFrom; e > g.Peak.Excess {
		g.Peak.At, g.Peak.Excess = p.To, e
	}
	g.Peak.Adjusted = max(g.Peak.Adjusted, adjusted)
	if g.Stretch == nil && p.Score >= maskScore && p.Count > maskRise*p.Expected {
		g.Stretch, g.Peak.Clear = newStretch(p, running), true
	}
	return true
}

// rest ends the excursion when the score was at or below u for 12 h of observed slots.
func (g *guard) rest(slot int64, r *rows) (ended bool) {
	if !g.Running || slot <= g.High || r.observed(g.High+1, slot) < excursionRest {
		return false
	}
	g.Running = false
	g.Ended = append(g.Ended, g.Peak)
	return true
}

// forget lets go of excursions whose peak is 84 days old.
func (g *guard) forget(now int64) {
	before := now - excursionKept*slotsPerDay
	g.Ended = slices.DeleteFunc(g.Ended, func(x excursion) bool { return x.At < before })
}

// tail corrects a score by the extremes that its series really shows. The zero value corrects nothing.
type tail struct {
	Kappa float64 // κ: how steeply extremes thin out, against the promised e^−s; 1 as promised
	Rho   float64 // ρ: how often excursions begin, against the promise; 1 as promised
}

// tail learns from the excursions of the last D days, at most 84. The two largest of those in which a stretch began are incidents, and say nothing of an
// ordinary life; of the others' peak excesses e over u the ⌊D/45⌋ largest are dropped too, as they may be, and the rest count 8 at most. With k left,
//
//	κ = min(1, (k + 25)/(Σe + 25)),  ρ = max(1, (k + 12)/(0.8 D e^−u + 12)):
//
// the excesses of a calibrated score are exponential of mean 1 and begin e^−u times a day, a fifth of them melted together; both with priors.
func (g *guard) tail(days int64) tail {
	days = max(0, min(days, excursionKept))
	excess := make([]float64, 0, 64)
	var clearly []float64
	for _, x := range g.Ended {
		if x.Clear {
			clearly = append(clearly, x.Excess)
		} else {
			excess = append(excess, x.Excess)
		}
	}
	slices.Sort(clearly)
	excess = append(excess, clearly[:max(0, len(clearly)-excursionsClear)]...)
	slices.Sort(excess)
	excess = excess[:max(0, len(excess)-int(days/excursionsDrop))]
	k, sum := float64(len(excess)), 0.0
	for _, e := range excess {
		sum += math.Min(e, excursionCap)
	}
	return tail{
		Kappa: math.Min(1, (k+tailPrior)/(sum+tailPrior)),
		Rho:   math.Max(1, (k+ratePrior)/(promisedShare*float64(days)*math.Exp(-excursionFrom)+ratePrior)),
	}
}

// adjust is s' = u + κ(s − u) − log ρ above u.
func (t tail) adjust(s float64) float64 {
	if s <= excursionFrom || t.Kappa == 0 {
		return s
	}
	return excursionFrom + t.Kappa*(s-excursionFrom) - math.Log(t.Rho)
}

// realised counts the excursions of the last 28 days at or above log 7, of which one a week is promised.
func (g *guard) realised(now int64) (n float64) {
	since := now - promiseDays*slotsPerDay
	count := func(x excursion) {
		if x.At >= since && x.Adjusted >= promiseScore {
			n++
		}
	}
	for _, x := range g.Ended {
		count(x)
	}
	if g.Running {
		count(g.Peak)
	}
	return n
}

// promise is what the last 28 days hold against what was promised of them.
type promise struct {
	realised, promised float64
	met                bool
}

func (s *series) promise(now int64) promise {
	days := float64(min(now-s.first, promiseDays*slotsPerDay)) / slotsPerDay
	p := promise{realised: s.guard.realised(now), promised: days / 7, met: true}
	p.met = days < promiseDays || p.realised <= promiseRatio*p.promised
	return p
}

// stretch is a time so clearly unusual that its slots may not teach what is normal.
type stretch struct {
	Begin    int64   // the first slot that the test of its end sees
	From, To int64   // slots that are masked so far
	Theta    float64 // θ: the rise that the end is tested against
	Decay    float64 // D: evidence that the rate is what was expected again
}

func newStretch(p peak, running bool) *stretch {
	x := &stretch{Begin: p.To + 1, From: p.From, To: p.From - 1, Theta: bounded(math.Sqrt(p.Count/max(minRise*p.Expected, tiny)), maskThetaMin, maskThetaMax)}
	if running {
		x.Begin = p.To
	}
	return x
}

// tiny keeps divisions by what was expected finite.
const tiny = 1e-9

func bounded(x, low, high float64) float64 { return math.Max(low, math.Min(x, high)) }

// decay is D after one more slot with n breaks where mu are expected: a sequential test of the old rate against one that is θ times as high (Page's
// cumulative sum of Poisson log-likelihood ratios; v and φ allow for rates that fluctuate and breaks that clump),
//
//	D = max(0, D − (n log θ − (θ − 1) μ (1 + √v))/φ).
func decay(d, theta, n, mu, v, phi float64) float64 {
	return math.Max(0, d-(n*math.Log(theta)-(theta-1)*mu*(1+math.Sqrt(v)))/phi)
}

// pass brings the stretch of a series over the slot that has just closed.
func (d *Detector) pass(s *series, slot int64) {
	x := s.guard.Stretch
	if x == nil {
		return
	}
	for ; x.To < slot; x.To++ {
		s.ring.Mask(x.To + 1)
		s.changedDays[floorDay(x.To+1)] = true
	}
	s.changed = true
	if slot < x.Begin {
		return
	}
	age := d.rows.observed(x.From, slot)
	m := &s.today().Model
	x.Decay = decay(x.Decay, x.Theta, s.ring.Count(slot), s.expected(slot, slot, &d.rows), m.Fluctuation[1], m.Clumping)
	switch {
	case age >= acceptAfter:
		d.adopt(s, x)
		s.guard.Stretch, s.guard.Restart = nil, midnightAfter(slot)
		return
	case x.Decay > maskDecayed, age >= slotsPerDay && s.ring.Sum(d.rows.back(slot, slotsPerDay), slot) <= maskQuiet:
	default:
		return
	}
	s.guard.Stretch, s.guard.Restart = nil, slot+1
}

// midnightAfter is the first slot of the next day: when a new level is taken for normal, it is expected from then on.
func midnightAfter(slot int64) int64 { return (floorDay(slot) + 1) * slotsPerDay }

// adopt takes a stretch that went on for 14 days for normal: it teaches, and what was before it no longer says how high the level is, nor the forecasts
// that it has proved wrong how much it varies. An incident that is open ends with it.
func (d *Detector) adopt(s *series, x *stretch) {
	for i := x.From; i <= x.To; i++ {
		s.ring.Unmask(i)
		s.changedDays[floorDay(i)] = true
	}
	s.level, s.adopted = floorDay(x.From)+1, floorDay(x.To)
	if s.open() {
		s.incident.Age = acceptAfter
	}
	d.opt.Adopted(Adopted{s.Signal, s.Environment, s.Provider, s.Cause, window.SlotTime(x.From), window.SlotTime(x.To + 1)})
}
