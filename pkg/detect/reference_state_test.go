package detect

import (
	"math"
	"time"
)

func (t *refTrack) followExcursion(s float64, slot int64, closed bool) {
	last := len(t.excursions) - 1
	running := last >= 0 && !t.excursions[last].ended
	switch {
	case s > refU && !running:
		t.excursions = append(t.excursions, refExcursion{excess: s - refU, slot: slot})
	case s > refU:
		e := &t.excursions[last]
		e.calm = 0
		if s-refU > e.excess {
			e.excess, e.slot = s-refU, slot
		}
	case running && closed:
		e := &t.excursions[last]
		e.calm++
		e.ended = e.calm == 72
	}
}

// refReverse is one slot of the reverse test of A.7 and A.8.
func refReverse(d, n, mu, theta float64, fit *refFit) float64 {
	return math.Max(0, d-(n*math.Log(theta)-(theta-1)*mu*(1+math.Sqrt(fit.v[1])))/fit.phi)
}

// followStretch is A.7: starts, prolongs and ends the stretch that is kept out of the baseline.
func (t *refTrack) followStretch(guard refWindow, slot int64, closed bool, fit *refFit) {
	started := false
	if t.stretch == nil {
		if guard.s < math.Log(10000) || guard.n <= 1.82*guard.lambda {
			return
		}
		started = true
		t.stretch = &refStretch{from: guard.from, theta: refClamp(math.Sqrt(guard.n/(1.3*guard.lambda)), 1.5, 40)}
		t.setMask(guard.from, slot, true)
		if len(t.excursions) > 0 {
			t.excursions[len(t.excursions)-1].clear = true
		}
	}
	t.setMask(slot, slot, true)
	if !closed || started {
		return
	}
	t.stretch.d = refReverse(t.stretch.d, t.n[slot-t.base], t.mu[slot-t.base], t.stretch.theta, fit)
	age, recent := t.observedIn(t.stretch.from, slot), t.recent(slot)
	switch {
	case age < 14*refSlotsADay && (t.stretch.d > 4 || age >= 144 && recent <= 1):
	case age >= 14*refSlotsADay:
		t.setMask(t.stretch.from, slot, false)
		t.levelFrom, t.adopted = refDayOf(t.stretch.from)+1, refDayOf(slot)
		if t.open != nil {
			t.open.age = 14 * refSlotsADay
		}
		t.stretch, t.guardFrom = nil, (refDayOf(slot)+1)*refSlotsADay
		return
	default:
		return
	}
	t.stretch, t.guardFrom = nil, slot+1
}

func (t *refTrack) setMask(from, to int64, masked bool) {
	for slot := from; slot <= to; slot++ {
		t.masked[slot-t.base] = masked
	}
}

func (t *refTrack) observedIn(from, to int64) (slots int) {
	for slot := from; slot <= to; slot++ {
		if t.isSeen(slot) {
			slots++
		}
	}
	return slots
}

// recent counts the breaks of the last 144 observed slots.
func (t *refTrack) recent(slot int64) (n float64) {
	for slots := 0; slots < 144 && slot >= t.first; slot-- {
		if t.isSeen(slot) {
			slots++
			n += t.n[slot-t.base]
		}
	}
	return n
}

// followIncident is A.8: opens, re-opens, follows and resolves.
func (r *refRun) followIncident(t *refTrack, alert refWindow, adjusted float64, slot int64, now time.Time, closed bool, fit *refFit) {
	if t.open == nil {
		if adjusted >= math.Log(r.budgetDays) {
			r.openIncident(t, alert, adjusted, now)
		}
		return
	}
	o := t.open
	if adjusted > o.score {
		o.best, o.score = alert, adjusted
	}
	if !closed {
		return
	}
	if why := o.close(t.quiet(slot), t.n[slot-t.base], t.mu[slot-t.base]+refX*t.x[slot-t.base], fit); why != "" {
		r.incidents[o.incident].resolved, r.incidents[o.incident].why = now, why
		if t.open, t.alertFrom = nil, slot+1; why == "accepted" {
			t.alertFrom = (refDayOf(slot) + 1) * refSlotsADay
		}
	}
}

// close passes one closed observed slot and says why the incident ends with it, if it does.
func (o *refOpen) close(quiet int, n, mu float64, fit *refFit) string {
	o.d = refReverse(o.d, n, mu, refClamp(math.Sqrt(o.best.n/o.best.lambda), 1.5, 20), fit)
	o.age++
	switch {
	case o.age >= 14*refSlotsADay:
		return "accepted"
	case o.d > 2.5:
		return "rate"
	case quiet >= 144:
		return "silence"
	}
	return ""
}

// withoutLeaver is s' of a window in which each account has two at most; -Inf where it holds fewer than three customers, one without account being one.
func (t *refTrack) withoutLeaver(w refWindow, slot int64, fit *refFit) float64 {
	bins := slot - w.from + 1
	n, by, customers := 0., map[string]float64{}, 0
	for i, b := range t.past {
		if at := refSlot(b.at); at < w.from || at > slot || !t.counted[i] {
			continue
		}
		by[b.account]++
		if b.account == "" || by[b.account] == 1 {
			customers++
		}
		if b.account == "" || by[b.account] <= 2 {
			n++
		}
	}
	if customers < 3 {
		return math.Inf(-1)
	}
	v := fit.v[map[int64]int{1: 0, 6: 0, 36: 1, 144: 2, 432: 3}[bins]]
	_, s := refScore(n, w.lambda, fit.phi, v+fit.phi/(fit.a+.5), float64(bins), refC(fit.lambda))
	return fit.adjust(s)
}

// quiet are the observed slots up to one since a connection broke, counted or not.
func (t *refTrack) quiet(slot int64) int {
	if len(t.past) == 0 {
		return 0
	}
	return t.observedIn(refSlot(t.past[len(t.past)-1].at)+1, slot)
}

func (r *refRun) openIncident(t *refTrack, alert refWindow, adjusted float64, now time.Time) {
	if t.last >= 0 && now.Sub(r.incidents[t.last].resolved) <= 72*time.Hour {
		i := &r.incidents[t.last]
		i.reopened, i.resolved, i.why = i.reopened+1, time.Time{}, ""
	} else {
		t.last = len(r.incidents)
		r.incidents = append(r.incidents, refIncident{series: t.name, opened: now, openScore: adjusted, since: alert.from})
	}
	t.open = &refOpen{incident: t.last, best: alert, score: adjusted}
}

// connections are the distinct ones that broke in the slots [from, to] so far.
func (t *refTrack) connections(from, to int64) int {
	distinct := map[string]bool{}
	for _, b := range t.past {
		if slot := refSlot(b.at); slot >= from && slot <= to {
			distinct[b.integration+"\x00"+b.connection] = true
		}
	}
	return len(distinct)
}
