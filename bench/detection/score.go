package main

import (
	"slices"
	"time"
)

const (
	foundLate  = 24 * time.Hour // an alarm so long after the end still counts as having found it
	notCounted = 72 * time.Hour // so long after a label the time is not clean
	month      = 30 * day
	overEarly  = 6 * time.Hour // an alarm that is said to be over so long before the end was so too early
)

// Hit is what a detector made of one label.
type Hit struct {
	Label
	Found   bool
	Delay   time.Duration // from the start to the first alarm
	Alarms  int           // that opened until 72 h after the end
	Settled time.Duration // from the end to the resolve of the last of those
	Solved  bool          // that one resolved within the simulated time
	Early   bool          // the first was said to be over more than 6 h before the end
}

// Outcome is what a detector made of one provider.
type Outcome struct {
	PerDay, Months float64 // clean months of 30 days
	False          int     // alarms that opened in clean time
	Accounts       bool
	Hits           []Hit
}

// judge scores the alarms of a provider, in the order of opening.
func judge(p *Provider, alarms []Alarm) Outcome {
	o := Outcome{PerDay: p.PerDay, Months: float64(cleanTime(p)) / float64(month), Accounts: p.Accounts}
	for _, a := range alarms {
		if clean(p, a.Opened) {
			o.False++
		}
	}
	for _, l := range p.Labels {
		o.Hits = append(o.Hits, hit(l, alarms))
	}
	return o
}

// clean reports whether a time is judged and neither in a label nor in the 72 h after one.
func clean(p *Provider, t time.Time) bool {
	if t.Before(p.Judged) || !t.Before(p.End) {
		return false
	}
	return !slices.ContainsFunc(p.Labels, func(l Label) bool { return !t.Before(l.Start) && t.Before(l.End.Add(notCounted)) })
}

// cleanTime is how much of the time is clean.
func cleanTime(p *Provider) time.Duration {
	sum, from := time.Duration(0), p.Judged
	for _, l := range p.Labels {
		if l.Start.After(from) {
			sum += l.Start.Sub(from)
		}
		if end := l.End.Add(notCounted); end.After(from) {
			from = end
		}
	}
	return sum + max(0, p.End.Sub(from))
}

// hit finds the alarms of a label: those that opened from its start to 24 h after its end. Alarms and Settled go on to 72 h.
func hit(l Label, alarms []Alarm) Hit {
	h := Hit{Label: l}
	for _, a := range alarms {
		late := a.Opened.Sub(l.End)
		if a.Opened.Before(l.Start) || late >= notCounted {
			continue
		}
		if !h.Found && late <= foundLate {
			h.Found, h.Delay = true, a.Opened.Sub(l.Start)
			h.Early = !a.Ended.IsZero() && l.End.Sub(a.Ended) > overEarly
		}
		h.Alarms++
		h.Solved = !a.Resolved.IsZero()
		h.Settled = a.Resolved.Sub(l.End)
	}
	return h
}

// falseRate is false alarms per clean provider-month.
func falseRate(outcomes []Outcome) float64 {
	n, months := 0, 0.0
	for _, o := range outcomes {
		n += o.False
		months += o.Months
	}
	return float64(n) / months
}

// hits returns the labels that fit.
func hits(outcomes []Outcome, fits func(Hit) bool) (out []Hit) {
	for _, o := range outcomes {
		for _, h := range o.Hits {
			if fits(h) {
				out = append(out, h)
			}
		}
	}
	return out
}
