package detect

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/revwatch/revwatch/pkg/window"
)

// Week is what one environment saw in seven days.
type Week struct {
	Environment string
	Broken      int     // connections that newly broke
	Expected    float64 // by the baseline, in the same days
	Reconnected int     // connections that were broken and work again
	StillBroken int     // that are broken now, since whenever
}

const (
	weekDays     = 7
	weekDaysKept = 3 * weekDays   // a week may be asked for two weeks late
	maxWeekDays  = 23 * maxSeries // days of environments that are remembered
)

// weekDay is what one environment saw in one UTC day.
type weekDay struct{ Broken, Reconnected int }

type environmentDay struct {
	environment string
	day         int64
}

// week counts by environment and UTC day. A connection that breaks, works again and breaks once more in a day counts twice.
type week struct {
	days    map[environmentDay]weekDay
	changed map[environmentDay]struct{}
}

func newWeek() week { return week{map[environmentDay]weekDay{}, map[environmentDay]struct{}{}} }

// noteWeek adds to a day of an environment.
func (d *Detector) noteWeek(environment string, slot int64, add weekDay) {
	w, at := &d.week, environmentDay{environment, floorDay(slot)}
	x, known := w.days[at]
	if !known && len(w.days) >= maxWeekDays {
		d.stats.Dropped++
		d.dirty = true
		return
	}
	w.days[at] = weekDay{x.Broken + add.Broken, x.Reconnected + add.Reconnected}
	w.changed[at] = struct{}{}
}

func (w *week) forget(today int64) {
	for at := range w.days {
		if at.day < today-weekDaysKept {
			delete(w.days, at)
			w.changed[at] = struct{}{}
		}
	}
}

func (w *week) changes(put func(bucket, key string, value []byte)) {
	for at := range w.changed {
		x, known := w.days[at]
		put(bucketWeek, encodeKey(at.environment, strconv.FormatInt(at.day, 10)), ifKnown(known, func() []byte { return encode(x) }))
	}
	clear(w.changed)
}

func (w *week) restore(key string, value []byte) error {
	p, err := decodeKey(key, 2)
	if err != nil {
		return err
	}
	day, err := strconv.ParseInt(p[1], 10, 64)
	if err != nil {
		return err
	}
	var x weekDay
	if err := json.Unmarshal(value, &x); err != nil {
		return err
	}
	w.days[environmentDay{p[0], day}] = x
	return nil
}

// Week returns what every environment saw in the seven UTC days that ended at the last midnight that is neither after now nor after the newest closed
// slot; now zero: the newest closed slot alone decides. It may be asked for up to two weeks later. Both causes of revocations count, also the breaks that
// the cap of an account keeps out of the score; unknown connections do not. Expected is what was forecast of those days when each began, of slots that were
// not observed nothing, and like Broken of the series that are known: a provider that never broke expects nothing. StillBroken is of now.
//
// The environments are sorted, and are those that have anything to say.
func (d *Detector) Week(now time.Time) []Week {
	if !d.begun {
		return nil
	}
	edge := d.edge
	if !now.IsZero() {
		edge = min(edge, window.SlotOf(now))
	}
	end := floorDay(edge)
	found := map[string]*Week{}
	of := func(environment string) *Week {
		if found[environment] == nil {
			found[environment] = &Week{Environment: environment}
		}
		return found[environment]
	}
	for at, x := range d.week.days {
		if at.day >= end-weekDays && at.day < end {
			w := of(at.environment)
			w.Broken, w.Reconnected = w.Broken+x.Broken, w.Reconnected+x.Reconnected
		}
	}
	for _, s := range d.order {
		from, to := max((end-weekDays)*slotsPerDay, s.first), end*slotsPerDay-1
		if s.Signal == Revocations && from <= to {
			of(s.Environment).Expected += s.expected(from, to, &d.rows)
		}
	}
	d.ledger.Environments(func(name string) { of(name).StillBroken = d.ledger.BrokenIn(name) })
	out := make([]Week, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		out = append(out, *found[name])
	}
	return out
}
