package simulate

import (
	"fmt"
	"math"
	"time"
)

const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// The habits of the world.
const (
	accounts     = 150
	smallest     = 20       // the last so many accounts hold one connection of each integration
	giveUp       = 4        // Nango stops at the first failure of the fourth failing day
	memory       = 7 * day  // a failure after a longer rest is news again
	confirm      = 6 * hour // a mute refusal is believed once it has gone on for so long
	repaired     = .8       // share of dead connections that are authorized anew
	abandoned    = 14 * day // the others are deleted after so long
	hasty        = .15      // share of failures that are retried after Nango's cooldown of 30 s
	parallel     = .05      // share of failures of two callers at once
	weekend      = .4       // of the deaths of a working day
	manualPerDay = 1.       // refreshes by hand
)

// hours is how the deaths of a day spread over it; mean 1.
var hours = [24]float64{.4, .3, .3, .3, .3, .4, .6, .9, 1.4, 1.7, 1.8, 1.7, 1.5, 1.6, 1.8, 1.7, 1.6, 1.3, 1.1, .9, .8, .7, .5, .4}

// connection is the grant of one user.
type connection struct {
	in            *integration
	account       string
	id            string // as users know it
	number        int    // as the database knows it
	period, phase int64  // somebody needs its credentials every period

	life      int  // grows with each new authorization and makes older plans void
	armed     bool // its next access is on the calendar
	dead      bool // the provider has revoked it
	exhausted bool // Nango has given up
	lost      bool // its customer is gone: nobody authorizes it anew
	noticed   bool // what becomes of it is decided
	culprit   *Happened

	failedDay, lastFailed, unexplained int64 // unexplained: since when only mute refusals come
	failedDays                         int
	counted                            map[string]bool // causes of which it is known as broken
}

// populate makes the connections: accounts of log-normal sizes, access every 30 min (40 %), 3 h (30 %), or by Nango's own daily visit.
func (w *World) populate() {
	var weights [accounts - smallest]float64
	total := 0.
	for i := range weights {
		weights[i] = math.Exp(w.story.NormFloat64())
		total += weights[i]
	}
	draw := func() int {
		x := w.story.Float64() * total
		for i, v := range weights {
			if x -= v; x < 0 {
				return i + 1
			}
		}
		return len(weights)
	}
	for _, p := range providers() {
		for i := range p.integrations {
			in := &p.integrations[i]
			in.provider, in.number = p, 100+len(w.integrations)
			w.integrations = append(w.integrations, in)
			for n := range in.size {
				account := accounts - n
				if n >= smallest {
					account = draw()
				}
				w.settle(in, fmt.Sprintf("acme-%03d", account))
			}
		}
	}
}

func (w *World) settle(in *integration, account string) {
	c := &connection{in: in, account: account, period: day}
	x := w.story.Float64()
	switch {
	case x < .4:
		c.period = 30 * minute
	case x < .7 || in.provider.mute:
		c.period = 3 * hour
	}
	c.phase = w.story.Int64N(c.period)
	w.name(c)
	in.connections = append(in.connections, c)
	w.connections = append(w.connections, c)
	if w.cfg.Calls > 0 {
		w.at(w.nextCall(), func() { w.call(c) })
	}
}

func (w *World) name(c *connection) {
	w.numbers++
	c.number = 1000 + w.numbers
	c.id = fmt.Sprintf("%s-%05d", c.account, w.numbers)
	c.counted = map[string]bool{}
}

// day draws the deaths and the refreshes by hand of the day that begins.
func (w *World) day() {
	midnight := w.now - w.now%day
	share := w.busy
	if d := moment(midnight).Weekday(); d == time.Saturday || d == time.Sunday {
		share *= weekend
	}
	for _, in := range w.integrations {
		p, size := in.provider, 0
		for _, i := range p.integrations {
			size += i.size
		}
		for range w.poisson(p.perDay * share * float64(in.size) / float64(size)) {
			c := in.connections[w.story.IntN(in.size)]
			w.plan(midnight+w.timeOfDay(), c, func() { w.revoke(c, nil) })
		}
	}
	for range w.poisson(manualPerDay) {
		c := w.connections[w.story.IntN(len(w.connections))]
		w.plan(midnight+w.timeOfDay(), c, func() { w.byHand(c) })
	}
	w.at(midnight+day, w.day)
}

func (w *World) timeOfDay() int64 {
	x := w.story.Float64() * 24
	for h, v := range hours {
		if x < v {
			return int64(h)*hour + w.story.Int64N(hour)
		}
		x -= v
	}
	return w.story.Int64N(day)
}

// poisson multiplies uniforms until they are smaller than exp(-mean): exact, and quick for small means.
func (w *World) poisson(mean float64) int {
	n := 0
	for p := w.story.Float64(); p > math.Exp(-mean); p *= w.story.Float64() {
		n++
	}
	return n
}

// plan puts something on the calendar that is void if the connection is authorized anew before.
func (w *World) plan(at int64, c *connection, do func()) {
	life := c.life
	w.at(at, func() {
		if c.life == life {
			do()
		}
	})
}

// revoke kills a connection at the provider. Nobody sees it before the next access.
func (w *World) revoke(c *connection, by *Happened) {
	if !c.dead {
		c.dead, c.culprit = true, by
		w.arm(c)
	}
}

// arm puts the next access on the calendar. Accesses that work write nothing, so only those that may fail are there.
func (w *World) arm(c *connection) {
	next := w.now - w.now%c.period + c.phase
	if next <= w.now {
		next += c.period
	}
	w.armAt(next+w.story.Int64N(c.period/20), c)
}

func (w *World) armAt(at int64, c *connection) {
	if !c.armed {
		c.armed = true
		w.plan(at, c, func() { w.access(c) })
	}
}

// access is somebody who needs the credentials of a connection.
func (w *World) access(c *connection) {
	c.armed = false
	if c.exhausted {
		c.lastFailed = w.now
		w.writeExhausted(c)
		w.armAt(w.now+day, c)
		return
	}
	a, culprit := w.fault(c)
	if a == nil {
		c.failedDays = 0
		return
	}
	w.writeFailure(c, a, w.story.Float64() < parallel)
	w.count(c, a, culprit)
	if today := w.now / day; today != c.failedDay {
		c.failedDay = today
		c.failedDays++
		c.exhausted = c.failedDays >= giveUp
	}
	if (c.dead || c.exhausted) && !c.noticed {
		c.noticed = true
		w.decide(c)
	}
	if w.story.Float64() < hasty {
		w.armAt(w.now+minute/2+w.story.Int64N(minute), c)
	}
	w.arm(c)
}

// fault says why a refresh would fail now, nil if it would work.
func (w *World) fault(c *connection) (*answer, *Happened) {
	p := c.in.provider
	switch {
	case w.outages[p] != nil:
		from := outage
		if p.refused.code == 0 || p.mute {
			from = outage[1:3]
		}
		return &from[w.story.IntN(len(from))], w.outages[p]
	case c.in.secret != nil:
		return &p.client, c.in.secret
	case c.dead:
		return &p.refused, c.culprit
	}
	return nil, nil
}

// count keeps the truth: a connection breaks once per cause until it works again or was not heard of for a week.
func (w *World) count(c *connection, a *answer, by *Happened) {
	if by != nil && by.Onset.IsZero() {
		by.Onset = moment(w.now)
	}
	cause := a.cause
	switch {
	case cause == transient:
		c.unexplained = 0
	case cause == "" && c.dead && c.in.provider.mute:
		if c.unexplained == 0 {
			c.unexplained = w.now
		}
		if w.now-c.unexplained >= confirm {
			cause = revoked
		}
	}
	if (cause == revoked || cause == misconfigured) && (!c.counted[cause] || w.now-c.lastFailed > memory) {
		c.counted[cause] = true
		w.broken[Series{w.cfg.Environment, c.in.provider.name, cause}]++
		if by != nil {
			by.Broken++
		}
	}
	c.lastFailed = w.now
}

// decide what becomes of a dead connection: its user authorizes it anew after hours (median 6 h), or it is deleted and another takes its place.
func (w *World) decide(c *connection) {
	if c.lost || w.story.Float64() >= repaired {
		w.plan(w.now+abandoned, c, func() { w.replace(c) })
		return
	}
	delay := min(6*float64(hour)*math.Exp(w.story.NormFloat64()), 5*float64(day))
	if c.in.provider.mute {
		delay += float64(confirm + c.period + day/4)
	}
	w.plan(w.now+int64(delay), c, func() { w.repair(c) })
}

func (w *World) repair(c *connection) {
	if c.in.secret != nil || w.outages[c.in.provider] != nil {
		w.plan(w.now+6*hour, c, func() { w.repair(c) })
		return
	}
	w.writeCreated(w.now, c)
	c.revive()
}

func (w *World) replace(c *connection) {
	w.writeDeleted(c)
	c.account = fmt.Sprintf("acme-%03d", 1+w.story.IntN(accounts-smallest))
	w.name(c)
	w.writeCreated(w.now+second, c)
	c.revive()
}

func (c *connection) revive() {
	*c = connection{in: c.in, account: c.account, id: c.id, number: c.number, period: c.period, phase: c.phase, life: c.life + 1,
		counted: map[string]bool{}}
}

// works is told when a row proves that the connection works.
func (c *connection) works() {
	clear(c.counted)
	c.unexplained, c.failedDays = 0, 0
}

func (w *World) byHand(c *connection) {
	if w.healthy(c) {
		w.writeRefreshed(c)
		c.works()
	}
}

// call is a proxy call that works, if the connection does, and plans the next.
func (w *World) call(c *connection) {
	if w.healthy(c) {
		w.writeCall(c)
		c.works()
	}
	w.at(w.nextCall(), func() { w.call(c) })
}

func (w *World) nextCall() int64 {
	return w.now + int64(float64(day)*w.story.ExpFloat64()/w.cfg.Calls)
}

func (w *World) healthy(c *connection) bool {
	return !c.dead && !c.exhausted && c.in.secret == nil && w.outages[c.in.provider] == nil
}
