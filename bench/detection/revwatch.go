package main

import (
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// Alarm is one time a detector spoke about a provider.
type Alarm struct {
	Opened   time.Time
	Resolved time.Time // zero: never, within the simulated time
	Ended    time.Time // when it was first said to be over, though it may have gone on in silence; zero: never
	Child    bool      // part of a wider one and not sent, or widened itself
}

// Run is what Revwatch said about a slice of providers at one budget.
type Run struct {
	Alarms    [][]Alarm // by provider, by time
	Wide      []Alarm   // fleet alerts: scope all
	Explained []detect.Incident
	Ticks     int64 // provider slots
	Events    int64
}

// runRevwatch feeds providers through one detector, with a budget of one false alarm per provider in so long.
func runRevwatch(providers []Provider, items []item, budget time.Duration) Run {
	h := newHearing(providers)
	h.feed(detect.New(detect.Options{Budget: budget}), providers, items)
	return h.run
}

// feed hands a stream to a detector as the pipeline does: the slots before an event are closed, then it is observed. Some row is
// read in every slot outside of gaps, and of a gap the detector is told that offsets are missing.
func (h *hearing) feed(d *detect.Detector, providers []Provider, items []item) {
	next := 0
	var never time.Time
	for _, g := range providers[0].Gaps {
		d.Unobserved(g.from, g.to.Add(-1))
	}
	for at := epoch; at.Before(providers[0].End); at = at.Add(10 * time.Minute) {
		if inGap(providers[0].Gaps, at) {
			continue
		}
		d.Row(at)
		h.hear(d.Advance(at, never))
		for limit := at.Add(10 * time.Minute).UnixMilli(); next < len(items) && items[next].ms < limit; next++ {
			e := items[next].event(&providers[items[next].provider])
			h.hear(d.Advance(e.Due, never))
			h.hear(d.Observe(e, never).Incidents)
		}
		h.run.Ticks += int64(len(providers))
	}
	h.run.Events = int64(next)
}

// hearing turns changed incidents into alarms.
type hearing struct {
	run   Run
	index map[string]int // provider
	known map[string]*heard
}

// heard is what was said of one incident. It is an alarm whenever its milestone rises at an opening: re-opened in silence it is the old one.
type heard struct {
	list      *[]Alarm
	at        int
	milestone int
	wide      bool
}

func newHearing(providers []Provider) *hearing {
	h := &hearing{index: map[string]int{}, known: map[string]*heard{}}
	h.run.Alarms = make([][]Alarm, len(providers))
	for i, p := range providers {
		h.index[p.Name] = i
	}
	return h
}

func (h *hearing) hear(changed []detect.Incident) {
	for _, x := range changed {
		h.one(x)
	}
}

func (h *hearing) one(x detect.Incident) {
	k := h.known[x.ID]
	first := k == nil
	if first {
		list := &h.run.Wide
		if i, ok := h.index[x.Provider]; ok {
			list = &h.run.Alarms[i]
		}
		k = &heard{list: list}
		h.known[x.ID] = k
	}
	switch {
	case first, x.Status == detect.StatusReopened && x.Milestone > k.milestone:
		k.at = len(*k.list)
		*k.list = append(*k.list, Alarm{Opened: x.Time})
		if first {
			h.run.Explained = append(h.run.Explained, x)
		}
	case x.Status == detect.StatusReopened:
		(*k.list)[k.at].Resolved = time.Time{}
	case x.Status == detect.StatusResolved:
		a := &(*k.list)[k.at]
		if a.Resolved = x.ResolvedAt; a.Ended.IsZero() {
			a.Ended = x.ResolvedAt
		}
	}
	(*k.list)[k.at].Child = (*k.list)[k.at].Child || x.Parent != ""
	if wide := x.Scope == "all"; wide && !k.wide && k.list != &h.run.Wide { // a provider's incident that was widened
		k.wide, (*k.list)[k.at].Child = true, true
		h.run.Wide = append(h.run.Wide, Alarm{Opened: x.Time})
	}
	k.milestone = max(k.milestone, x.Milestone)
}
