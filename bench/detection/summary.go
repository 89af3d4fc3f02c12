package main

// summary is what the goals ask of one budget.
type summary struct {
	found, early                int     // early: said to be over too early
	one                         float64 // part of the found with exactly one alarm
	settled, settled90          float64 // hours from the end to the resolve: median, 90 of 100
	left, leftAlarmed           int
	leftKnown, leftKnownAlarmed int // where customer accounts are known
	outages, outagesAlarmed     int
}

func summarize(m Measured) (f summary) {
	var settled []float64
	for _, o := range m.Outcomes {
		for _, h := range o.Hits {
			switch {
			case h.Incident && h.Found:
				f.found++
				f.early += int(btof(h.Early))
				f.one += btof(h.Alarms == 1)
				if h.Solved {
					settled = append(settled, h.Settled.Hours())
				}
			case h.Kind == leaving:
				f.left, f.leftAlarmed = f.left+1, f.leftAlarmed+int(btof(h.Found))
				if o.Accounts {
					f.leftKnown, f.leftKnownAlarmed = f.leftKnown+1, f.leftKnownAlarmed+int(btof(h.Found))
				}
			case h.Kind == outage:
				f.outages, f.outagesAlarmed = f.outages+1, f.outagesAlarmed+int(btof(h.Found))
			}
		}
	}
	f.one /= float64(f.found)
	f.settled, f.settled90 = median(settled), quantile(settled, .9)
	return f
}

func btof(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
