package detect

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// One break in hour 0 of Monday, nothing else on the only day: weight w, r = w/24w = 1/24 an hour, so H = 30 days for the level. c48 is c0 for hour 0 of
// weekdays, c1 for their other hours, 1 for the weekend; Monday's own hours are shrunk once more.
func TestReferenceOwnShapeByHand(t *testing.T) {
	_, _, fits := refOne(1, refBroken(0, 1, 1)).run()
	fit := fits["a"][refDayOf(refSlot(refAt(1, 0)))]
	w, c, o := math.Pow(2, -.5/42), 100./48, 400./168
	c0, c1 := (c+w)/(c+w/24), c/(c+w/24)
	m0, m1 := c0*(o+w)/(o+c0*w/24), c1*o/(o+c1*w/24)
	mean := (m0 + 23*m1 + 4*c0 + 4*23*c1 + 48) / 168
	for hour, f := range map[int]float64{0: m0, 5: m1, 24: c0, 29: c1, 5 * 24: 1, 167: 1} {
		refNear(t, fmt.Sprint("f of hour ", hour), fit.f[hour], f/mean, 1e-12)
	}
	a := math.Pow(2, -.5/30)
	refNear(t, "a", fit.a, a, 1e-12)
	refNear(t, "b", fit.b, a*(m0+23*m1)/24/mean, 1e-12)
}

// Which windows may be judged, with which fluctuation, and what X adds.
func TestReferenceGates(t *testing.T) {
	track, fit := &refTrack{}, refFit{phi: 1, a: .5, lambda: 1, v: [4]float64{1, 2, 3, 4}}
	tau2 := [5]float64{2, 2, 3, 4, 5}
	for _, c := range []struct{ window, restart, first int64 }{ // first: the first slot with which the window may end
		{0, 0, 1008}, {1, 0, 1008}, {2, 0, 1008}, {3, 0, 431}, {4, 0, 719}, {0, 5000, 5000}, {1, 5000, 5005}, {4, 5000, 5431},
	} {
		sums := refSums{}
		sums.n[c.window], sums.lambda[c.window], sums.x[c.window] = 9, .5, 10
		_, want := refScore(9, .5+.05*10, 1, tau2[c.window], float64(refWindows[c.window]), refC(1))
		refNear(t, fmt.Sprint("s of ", c), track.best(c.first, c.restart, &sums, refX, &fit, func(refWindow) bool { return true }).s, want, 1e-12)
		refNear(t, fmt.Sprint("s too early of ", c), track.best(c.first-1, c.restart, &sums, refX, &fit, func(refWindow) bool { return true }).s, math.Inf(-1), 0)
	}
	track = refOne(9, refBroken(5, 10, 1)).play().tracks[0]
	slot := track.base + 5*144 + 10
	if in, out := track.sums(slot + 431).n[4], track.sums(slot + 432).n[4]; in != 1 || out != 0 {
		t.Errorf("a break 431 slots old counts %v in 72 h, one of 432 slots %v", in, out)
	}
}

func TestReferenceStretchStarts(t *testing.T) {
	for _, c := range []struct{ s, n, lambda, theta float64 }{{10, 9, 5, 0}, {9.2, 10, 5, 0}, {10, 10, 5, 1.5}, {10, 52, 10, 2}, {10, 100, .01, 40}} {
		track := &refTrack{masked: make([]bool, 20)}
		track.followStretch(refWindow{s: c.s, n: c.n, lambda: c.lambda, from: 3}, 8, true, &refFit{phi: 1})
		theta := 0.
		if track.stretch != nil {
			theta = track.stretch.theta
		}
		refNear(t, fmt.Sprint("theta of ", c), theta, c.theta, 1e-12)
		if track.masked[3] != (c.theta > 0) || track.masked[8] != (c.theta > 0) || track.masked[2] || track.masked[9] {
			t.Errorf("%v masks %v", c, track.masked)
		}
	}
}

// One break in the last 24 h does not keep a masked stretch going; two do.
func TestReferenceStretchEnds(t *testing.T) {
	burst := 15*144 + 72
	for later, end := range map[int]int{1: burst + 144, 2: burst + 144 + 132} {
		r := refOne(19, refBroken(15, 72, 10), refBroken(16, 60, later)).play()
		if masked := r.tracks[0].masked; !masked[end] || masked[end+1] {
			t.Errorf("%d later breaks: the mask ends with slot burst + %d", later, slices.Index(masked[burst:], false)-1)
		}
	}
}

// A silent stretch ends with its 144th slot, not before.
func TestReferenceStretchAge(t *testing.T) {
	track := &refTrack{n: make([]float64, 200), mu: make([]float64, 200), masked: make([]bool, 200), seen: slices.Repeat([]bool{true}, 200)}
	track.stretch = &refStretch{from: 3, theta: 2}
	slot := int64(4)
	for ; track.stretch != nil && slot < 199; slot++ {
		track.followStretch(refWindow{s: math.Inf(-1)}, slot, true, &refFit{phi: 1})
	}
	if slot != 3+144 || track.guardFrom != slot {
		t.Errorf("ended before slot %d, the scan starts at %d", slot, track.guardFrom)
	}
}

func TestReferenceMinimumOfConnections(t *testing.T) {
	breaks := refBroken(15, 72, 10)
	for i := range breaks {
		breaks[i].connection = fmt.Sprint(i % 2)
	}
	for minimum, incidents := range map[int]int{2: 1, 3: 0} {
		w := refOne(17, breaks)
		w.minConnections = minimum
		if _, found, _ := w.run(); len(found) != incidents {
			t.Errorf("at least %d connections: %d incidents, want %d", minimum, len(found), incidents)
		}
	}
}

func TestReferenceReopening(t *testing.T) {
	for gap, want := range map[time.Duration]int{72 * time.Hour: 1, 72*time.Hour + time.Second: 2} {
		r, track := &refRun{}, &refTrack{last: -1}
		r.openIncident(track, refWindow{from: 7}, 5, refMonday)
		r.incidents[0].resolved = refMonday.Add(time.Hour)
		r.openIncident(track, refWindow{from: 9}, 6, refMonday.Add(time.Hour+gap))
		if len(r.incidents) != want || r.incidents[0].reopened != 2-want || r.incidents[0].since != 7 {
			t.Errorf("%v after the end: %+v", gap, r.incidents)
		}
	}
}

// Four transient failures are worth .2 in D, and D uses theta of the most extreme window so far: sqrt(16/1) after sqrt(9/1), at most 20.
func TestReferenceIncidentFollows(t *testing.T) {
	r, fit := &refRun{incidents: make([]refIncident, 1)}, &refFit{phi: 1, v: [4]float64{0, .25}}
	track := &refTrack{n: []float64{0}, mu: []float64{.1}, x: []float64{4}, open: &refOpen{best: refWindow{n: 9, lambda: 1}, score: 5}}
	for _, c := range []struct{ score, n, theta float64 }{{4, 25, 3}, {6, 16, 4}} {
		track.open.d = 0
		r.followIncident(track, refWindow{n: c.n, lambda: 1}, c.score, 0, refMonday, false, fit)
		refNear(t, "D at a break", track.open.d, 0, 0)
		r.followIncident(track, refWindow{}, 0, 0, refMonday, true, fit)
		refNear(t, fmt.Sprint("D after ", c), track.open.d, (c.theta-1)*.3*1.5, 1e-12)
	}
	r.followIncident(track, refWindow{n: 1e6, lambda: 1}, 7, 0, refMonday, false, fit)
	o := track.open
	o.d = 0
	r.followIncident(track, refWindow{}, 0, 0, refMonday, true, fit)
	refNear(t, "D at the end", o.d, 19*.3*1.5, 1e-12)
	if track.open != nil || r.incidents[0].why != "rate" || track.alertFrom != 1 {
		t.Errorf("not ended: %+v, %+v", track.open, r.incidents)
	}
}
