package main

import (
	"math"
	"math/rand/v2"
	"time"
)

// traits are what a provider is like. Each is drawn independently of the others, in the order of the fields.
type traits struct {
	// perDay is breaks a day before growth. 99.6 of 100: log-uniform from .05 (one in 20 days) to 300; the others log-uniform to 12,000 (500 an hour).
	perDay float64
	// shape is the season by hour of week, mean 1: offices in one to three time zones of eight, with random weights; in office hours (8-18 local) 1,
	// else 1 − depth, with depth uniform in [0, .9]; on local weekends times a factor uniform in [.15, .8].
	shape [168]float64
	// wander, tau: standard deviation (uniform in [.1, .25]) and time constant (log-uniform from half a day to 10 days) of the Ornstein-Uhlenbeck
	// process that the logarithm of the rate follows.
	wander float64
	tau    time.Duration
	// clusters is the part of ordinary events that are several connections of one customer within 6 hours, uniform in [0, .12]; so many are
	// 2 + a geometric number of mean 1, at most 12.
	clusters float64
	// holidays is the part of days with the rate times .4: one in 40 for half of the providers, none for the others.
	holidays float64
	// growth is the daily change of the logarithm of the rate: normal, mean .001, standard deviation .001.
	growth float64
	// onboard: 15 of 100 take on a customer at a uniform time, and the rate rises by 10 to 30 % over 5 to 20 days for good.
	onboard     time.Time
	onboardDays float64
	onboardRise float64
	// batch is the slot of the day in which a scheduled job finds a part of the breaks, −1 for none: 15 of 100 of those with at least 4 a day.
	// The part is uniform in [.15, .5]; 4 of 10 jobs rest at weekends.
	batch         int
	batchPart     float64
	batchWeekdays bool
	// life is the token life, 1 h (6 of 10), 2 h, 8 h or 24 h: a dead token is found out after a uniform part of it, or (3 of 10: refreshed on
	// use) after an exponential time with half of it as its mean, at most 24 h.
	life  time.Duration
	onUse bool
	// connections is how many there are: perDay over a daily hazard log-uniform from .2 to 2 %, held within 30 and 50,000.
	connections int
	// accounts is how many customers they belong to, 0 when that is not known (1 of 10): a quarter of the connections. The customer of rank k has
	// a share that falls like k^(1/tail − 1), tail uniform in [1, 2.2].
	accounts int
	tail     float64
	// integrations is 1 to 4, each number as likely, the first the largest.
	integrations int
	// start: 1 of 10 begin during the run, at a uniform time that leaves them 40 days; the others are there from the beginning.
	start time.Time
}

func drawTraits(w World, r *rand.Rand, i int) (t traits) {
	t.perDay = logUniform(r, .05, 300)
	if r.Float64() < .004 {
		t.perDay = logUniform(r, 300, 12_000)
	}
	if w.Rates != nil {
		t.perDay = w.Rates[i%len(w.Rates)]
	}
	t.shape = drawShape(r)
	t.wander = uniform(r, .1, .25)
	t.tau = time.Duration(logUniform(r, .5, 10) * float64(day))
	t.clusters = uniform(r, 0, .12)
	if r.Float64() < .5 {
		t.holidays = 1. / 40
	}
	t.growth = .001 + .001*r.NormFloat64()
	t.drawChanges(w, r)
	t.drawBatch(r)
	t.life = []time.Duration{1, 1, 1, 1, 1, 1, 2, 8, 24, 24}[r.IntN(10)] * time.Hour
	t.onUse = r.Float64() < .3
	t.connections = int(max(30, min(t.perDay/logUniform(r, .002, .02), 50_000)))
	if r.Float64() >= .1 {
		t.accounts = max(3, t.connections/4)
	}
	t.tail = uniform(r, 1, 2.2)
	t.integrations = 1 + r.IntN(4)
	t.start = epoch
	if late := w.Days - 40; r.Float64() < .1 && late > 0 {
		t.start = epoch.Add(time.Duration(r.Float64() * float64(late) * float64(day))).Truncate(time.Hour)
	}
	return t
}

func (t *traits) drawChanges(w World, r *rand.Rand) {
	at, days, rise := r.Float64()*float64(w.Days), uniform(r, 5, 20), uniform(r, .1, .3)
	if r.Float64() < .15 {
		t.onboard, t.onboardDays, t.onboardRise = epoch.Add(time.Duration(at*float64(day))), days, rise
	}
}

func (t *traits) drawBatch(r *rand.Rand) {
	slot, part, weekdays := r.IntN(slotsPerDay), uniform(r, .15, .5), r.Float64() < .4
	t.batch = -1
	if r.Float64() < .15 && t.perDay >= 4 {
		t.batch, t.batchPart, t.batchWeekdays = slot, part, weekdays
	}
}

// zones are the hours that offices are ahead of UTC.
var zones = []int{-8, -6, -5, 0, 1, 2, 5, 9}

func drawShape(r *rand.Rand) (shape [168]float64) {
	depth, weekend, sum := uniform(r, 0, .9), uniform(r, .15, .8), 0.0
	for range 1 + r.IntN(3) {
		zone, weight := zones[r.IntN(len(zones))], uniform(r, .2, 1)
		for i := range shape {
			local := (i + zone + 168) % 168
			x := weight
			if hour := local % 24; hour < 8 || hour >= 18 {
				x *= 1 - depth
			}
			if local >= 120 {
				x *= weekend
			}
			shape[i] += x
			sum += x
		}
	}
	for i := range shape {
		shape[i] *= 168 / sum
	}
	return shape
}

// trend is the rate at a time, over perDay: growth and onboarding.
func (t *traits) trend(at time.Time) float64 {
	x := math.Exp(t.growth * at.Sub(epoch).Hours() / 24)
	if !t.onboard.IsZero() {
		x *= 1 + t.onboardRise*max(0, min(at.Sub(t.onboard).Hours()/24/t.onboardDays, 1))
	}
	return x
}
