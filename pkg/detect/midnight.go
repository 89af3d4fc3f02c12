package detect

import (
	"math"
	"time"

	"github.com/revwatch/revwatch/pkg/baseline"
	"github.com/revwatch/revwatch/pkg/window"
)

// midnight fits every series for the day that begins, and lets go of what is too old.
func (d *Detector) midnight() {
	today, at := floorDay(d.edge), window.SlotTime(d.edge)
	clear(d.live)
	for _, s := range d.order {
		if d.edge-s.newest <= int64(liveFor/window.Slot) {
			d.live[s.Signal]++
		}
	}
	if at.Weekday() == time.Monday && d.edge-d.began >= shapesFrom {
		d.shapes(today)
	}
	d.fitAll(today)
	for _, s := range d.order {
		d.teachMix(s, today)
		s.forget(d.edge)
		if s.incident != nil && !s.incident.ResolvedAt.IsZero() && at.Sub(s.incident.ResolvedAt) > keepResolved {
			d.forgetMembers(s.incident.ID)
			s.incident = nil
		}
	}
	for _, f := range d.fleets {
		if f.Own != nil && !f.Own.ResolvedAt.IsZero() && at.Sub(f.Own.ResolvedAt) > keepResolved {
			d.forgetMembers(f.Own.ID)
			f.Own, f.changed = nil, true
		}
	}
	d.sweepReplaced(at)
	d.ledger.Sweep(at, d.needed)
	d.asked.sweep(at)
	d.alive.sweep(today)
	d.rows.forget()
	d.week.forget(today)
	d.sweepShaky(today)
}

// shapes learns the week that the series of each kind have in common.
func (d *Detector) shapes(today int64) {
	for _, f := range d.fleets {
		var pool baseline.Pool
		for _, s := range d.order {
			if s.kind() == f.kind {
				pool.Add(d.history(s, today))
			}
		}
		f.Shape, f.changed = pool.Shape(), true
	}
}

// fitAll fits every series, and then the clumping that those of a kind have in common, which serves the fits of the next day.
func (d *Detector) fitAll(today int64) {
	for _, f := range d.fleets {
		excess, mean := 0.0, 0.0
		for _, s := range d.order {
			if s.kind() == f.kind {
				s.guard.forget(d.edge)
				d.fit(s, today)
				m := &s.today().Model
				excess, mean = excess+m.Excess, mean+m.Mean
			}
		}
		f.Clumping, f.changed = baseline.FleetClumping(excess, mean), true
	}
}

// budget is B of a series: the expected time between two false alarms of it.
func (d *Detector) budget(s *series) time.Duration {
	if b := d.opt.Overrides[s.Provider]; b > 0 {
		return b
	}
	if d.opt.Budget > 0 {
		return d.opt.Budget
	}
	every := d.opt.FalseAlarmsEvery
	if s.Signal == UnknownConnections {
		every = d.opt.UnknownEvery
	}
	shared := min(float64(every)*float64(max(1, d.live[s.Signal])), float64(MaxBudget))
	return max(budgetMin, time.Duration(shared))
}

// line is log B, B in days: the score at which an incident opens.
func (d *Detector) line(s *series) float64 {
	return math.Log(max(d.budget(s).Hours()/24, 2))
}
