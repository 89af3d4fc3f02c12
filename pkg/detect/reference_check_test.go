package detect

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"
)

var refMonday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// refAt is a time in the given slot of the given day after refMonday.
func refAt(day, slot int) time.Time {
	return refMonday.Add(time.Duration(day*refSlotsADay+slot)*10*time.Minute + time.Minute)
}

// refBroken are n breaks of n connections a second apart.
func refBroken(day, slot, n int) (breaks []refBreak) {
	for i := range n {
		breaks = append(breaks, refBreak{at: refAt(day, slot).Add(time.Duration(i) * time.Second), connection: fmt.Sprint(day, slot, i)})
	}
	return breaks
}

func refOne(days int, breaks ...[]refBreak) refWorld {
	return refWorld{began: refMonday, end: refAt(days, 0), budgetDays: 90, minConnections: 3,
		series: []refSeries{{name: "a", first: refMonday, breaks: slices.Concat(breaks...)}}}
}

func refNear(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if !(math.Abs(got-want) <= relative*math.Abs(want)) && got != want {
		t.Errorf("%s = %.9g, want %.9g", what, got, want)
	}
}

func TestReferenceCheckValues(t *testing.T) {
	for _, c := range [][8]float64{
		{4, .05, 1.3, .045, 6, .4, 7.938701, 6.717279},
		{14, 1.2, 1.3, .045, 12, .6, 11.622499, 11.068732},
		{300, 150, 1.2, .03, 144, -.35, 3.018148, 5.310798},
		{3, .01, 1.3, .3, 144, -.75, 7.735227, 10.830164},
		{12, 11.5, 1.3, .045, 36, .6, 0, math.Inf(-1)},
	} {
		l, s := refScore(c[0], c[1], c[2], c[3], c[4], c[5])
		refNear(t, fmt.Sprint("l of ", c), l, c[6], 2e-7)
		refNear(t, fmt.Sprint("s of ", c), s, c[7], 2e-7)
	}
	for rate, c := range map[float64]float64{.001: -1.7, .07: -1.7, .25: -.9, 1: -.25, 2: .025, 4: .3, 16: -.4, 400: -2.25, 5000: -2.25} {
		refNear(t, fmt.Sprint("C of ", rate), refC(rate), c, 1e-12)
	}
}

// A known series that never broke, the only one of its fleet, then five breaks of one day: the third 10.5 h, the fifth 21 h after the first. The level
// leaves out the last two days once there are more than ten. C for the five windows is .95 below the one for eighteen at these rates, a factor of 2.6.
func TestReferenceZeroBaseline(t *testing.T) {
	eighteen := func(rate float64) float64 {
		return -.35 + refLine(math.Log(rate), [][2]float64{{.07, -.4}, {.25, .4}, {1, 1}, {4, .95}, {16, .7}, {80, .2}, {400, 0}})
	}
	for quiet, want := range map[int][2]float64{7: {546.608, 14337.11}, 14: {1517.133, 77968.4}, 21: {3784.532, 367063}, 84: {28172.65, 11015956}} {
		var breaks []refBreak
		for _, slot := range []int{6, 38, 69, 101, 132} {
			breaks = append(breaks, refBroken(quiet, slot, 1)...)
		}
		r := refOne(quiet, breaks)
		r.end = breaks[4].at
		steps, _, fits := r.run()
		steps = slices.DeleteFunc(steps, func(s refStep) bool { return !s.atBreak })
		refNear(t, fmt.Sprint("three: once per days after ", quiet), math.Exp(steps[2].adjusted), want[0], 1e-4)
		refNear(t, fmt.Sprint("five: once per days after ", quiet), math.Exp(steps[4].adjusted), want[1], 1e-4)
		rate := fits["a"][refDayOf(refSlot(r.end))].lambda
		refNear(t, "five windows against eighteen", math.Exp(eighteen(rate)-refC(rate)), 2.5857, 1e-4)
	}
}

// Three quiet days, then three breaks in slot 72 of day 3, on paper: f = 1 everywhere, v at its floor, and
// lambda of day T is .5/(.5 + sum of 2^(-age/60)); only the windows of 24 h (since day 2) may be judged.
func TestReferenceBurstByHand(t *testing.T) {
	var lambda [4]float64
	for day, b := 0, 0.; day < 4; day++ {
		lambda[day] = .5 / (.5 + b)
		b = 0
		for age := .5; age < float64(day+1); age++ {
			b += math.Pow(2, -age/60)
		}
	}
	squares := func(days int) (sum, square float64) { // eight blocks of lambda/8 a day, no break in them
		for _, l := range lambda[:days] {
			sum, square = sum+l, square+l*l/8
		}
		return sum, square
	}
	x2, square := squares(2)
	phibar := (.97*square + 260) / (x2 + 200)
	x2, square = squares(3)
	phi := (.97*square + 30*phibar) / (x2 + 30)
	expected := (71*lambda[2] + 73*lambda[3]) / 144
	c := -.35 - 1.35 + .8*math.Log(lambda[3]/.07)/math.Log(.25/.07)
	x, y, k := 2.5/phi, 1.3*expected/phi, 1/(.003+phi/.5)
	l := x*math.Log(x/y) - (x+k)*math.Log((x+k)/(y+k))
	want := -math.Log(math.Erfc(math.Sqrt(l))/2) - c

	steps, _, _ := refOne(4, refBroken(3, 72, 3)).run()
	i := slices.IndexFunc(steps, func(s refStep) bool { return s.atBreak && s.n[0] == 3 })
	refNear(t, "s at the third break", steps[i].s, want, 1e-6)
	refNear(t, "expected in 24 h", steps[i].lambda[3], expected, 1e-6)
	if !math.IsInf(steps[i-1].s, -1) {
		t.Errorf("two breaks score %v", steps[i-1].s)
	}
}

// Day 0 has lambda = 1 and three breaks in one slot. Blocks of 3 h: m = 1/8; one with n = 3: 2.875^2 - .03/64 = 8.265156 (limit 12.125), seven with
// .97/64 = .015156: x1 = 8.37125, x2 = 1, phi = (8.37125 + 39)/31 = 1.528105. Hours: m = 1/24, the full one is cut at 14(phi m + .06 m^2) + 1 = 1.892851:
// s2 = 1.829180 - 23*.061935 = .404678, s0 = 1/24, v = (.404678 + 10*.04)/10.041667 = .080134. Six hours: m = 1/4, cut at 6.400868:
// s2 = 6.018842 - 3*.319526 = 5.060263, s0 = 1/4, prior .064107: v = (5.060263 + .641068)/10.25 = .556227.
func TestReferenceClumpingAndFluctuationByHand(t *testing.T) {
	_, _, fits := refOne(1, refBroken(0, 7, 3)).run()
	fit := fits["a"][refDayOf(refSlot(refAt(1, 0)))]
	refNear(t, "phi", fit.phi, 1.528105, 1e-6)
	refNear(t, "v 1 h", fit.v[0], .080134, 1e-5)
	refNear(t, "v 6 h", fit.v[1], .556227, 1e-5)
}

// Two series have 16 and 25 breaks, two in each of the first 8 hours and the odd one out capped at two: 16 and 24 count, in 8 and 12 hours, and weigh 4 and
// √24. A third with ten is left out, a fourth is quiet and shows the shape as its own f. Hour 30 of the only week is not observed: every other hour of the
// 1,002 bins has six. c/cbar 168/T is 168/8 = 21 in a busy hour of the first, 14 of the second; N = (4 + √24)²/(1 + 1)/168.
func TestReferenceFleetShapeByHand(t *testing.T) {
	hourly := func(hours int) (breaks []refBreak) {
		for h := range hours {
			breaks = append(breaks, refBroken(0, h*6+1, 2)...)
		}
		return breaks
	}
	w := refOne(8, hourly(8))
	w.observed = func(slot int64) bool { s := slot - refSlot(refMonday); return s < 180 || s >= 186 }
	for i, breaks := range [][]refBreak{append(hourly(12), refBroken(0, 71, 1)...), hourly(5), nil} {
		w.series = append(w.series, refSeries{name: string(rune('b' + i)), first: refMonday, breaks: breaks})
	}
	_, _, fits := w.run()
	monday := refDayOf(refSlot(refAt(7, 0)))
	one, two := 4., math.Sqrt(24)
	sum := (one + two) * 6 * 168 / 1002
	worth := (one + two) * (one + two) / 2 / 168
	pi := func(up float64) float64 { return .1 + .9*(3+worth*up/sum)/(3+worth) }
	want := map[int]float64{0: pi(one*21 + two*14), 9: pi(two * 14), 20: pi(0), 30: 1}
	mean := (8*want[0] + 4*want[9] + want[30] + 155*want[20]) / 168
	for hour, x := range want {
		refNear(t, fmt.Sprint("shape in hour ", hour), fits["d"][monday].f[hour], x/mean, 1e-9)
		refNear(t, fmt.Sprint("shape the day before in hour ", hour), fits["d"][monday-1].f[hour], 1, 1e-9)
	}
}

// Six breaks in slot 60 and two elsewhere a day: med = 6, m0 = 0, share 6/8, beta = .75/.25 = 3, from the fourth day after the first on; the weekend
// copies. Of nine expected a day, weights apart, 3 parts of 4 fall into the slot, and lambda is the rate of the rest.
func TestReferenceBatchByHand(t *testing.T) {
	var breaks []refBreak
	for day := range 5 {
		breaks = slices.Concat(breaks, refBroken(day, 20, 1), refBroken(day, 60, 6), refBroken(day, 100, 1))
	}
	r := refOne(6, breaks).play()
	first := refDayOf(refSlot(refMonday))
	for day := int64(0); day <= 5; day++ {
		fit := r.tracks[0].fits[first+day]
		for slot := range 144 {
			want := 0.
			if slot == 60 && day == 5 {
				want = 3
			}
			if fit.beta[0][slot] != want || fit.beta[1][slot] != want {
				t.Errorf("day %d slot %d: beta %v %v, want %v", day, slot, fit.beta[0][slot], fit.beta[1][slot], want)
			}
		}
	}
	fit := r.tracks[0].fits[first+5]
	refNear(t, "a/b", fit.a/fit.b, 8./4, .1)
	mu := r.tracks[0].mu[5*refSlotsADay+60]
	refNear(t, "mu of the batch slot", mu, fit.lambda*(3+fit.f[4*24+24+10]/144), 1e-6)
}

// Silence ends the mask and the incident with the slot 24 h after the burst; the next burst within 72 h re-opens, the one after is a new incident.
func TestReferenceMaskSilenceAndReopening(t *testing.T) {
	r := refOne(25, refBroken(15, 72, 10), refBroken(18, 72, 10), refBroken(23, 72, 10)).play()
	track, burst := r.tracks[0], int64(15*144+72)
	for i := int64(0); i < burst+400; i++ {
		if track.masked[i] != (i >= burst && i <= burst+144) {
			t.Errorf("slot %d after the burst: masked %v", i-burst, track.masked[i])
		}
	}
	if len(r.incidents) != 2 {
		t.Fatalf("incidents %+v", r.incidents)
	}
	one, two := r.incidents[0], r.incidents[1]
	if one.reopened != 1 || one.why != "silence" || !one.resolved.Equal(refAt(19, 73).Add(-time.Minute)) || one.since-track.base != burst {
		t.Errorf("first incident %+v", one)
	}
	if !one.opened.Equal(refAt(15, 72).Add(2*time.Second)) || two.reopened != 0 || !two.opened.Equal(refAt(23, 72).Add(2*time.Second)) {
		t.Errorf("opened %v, %v", one.opened, two.opened)
	}
}

// theta = sqrt(8/2) = 2, phi = 1, no fluctuation, mu = .5: a quiet slot adds .5, so the sixth passes 2.5; a slot with one break takes log 2 - .5 off.
func TestReferenceReverseTestByHand(t *testing.T) {
	fit := refFit{phi: 1}
	o := refOpen{best: refWindow{n: 8, lambda: 2}}
	for i := range 5 {
		if why := o.close(1, 0, .5, &fit); why != "" || o.d != .5*float64(i+1) {
			t.Fatalf("quiet slot %d: D %v, %q", i+1, o.d, why)
		}
	}
	o.close(0, 1, .5, &fit)
	refNear(t, "D after a break", o.d, 2.5-math.Ln2+.5, 1e-12)
	if why := o.close(1, 0, .5, &fit); why != "rate" {
		t.Errorf("D %v ends as %q", o.d, why)
	}
	silent, steady := refOpen{best: refWindow{n: 8, lambda: 2}}, refOpen{best: refWindow{n: 8, lambda: 2}}
	for i := range 14 * 144 {
		if why := silent.close(i+1, 0, 1e-9, &fit); (why == "silence") != (i >= 143) {
			t.Fatalf("%q after %d silent slots", why, i+1)
		}
		if why := steady.close(0, 1, .5, &fit); (why == "accepted") != (i == 14*144-1) {
			t.Fatalf("%q after %d steady slots", why, i+1)
		}
		silent.age = 0
	}
}

// Twelve a day for ever instead of one: masked for 14 days and not learned, then learned. The incident, opened after the mask, may end by the new level's rate.
func TestReferenceNewLevel(t *testing.T) {
	var breaks []refBreak
	for day := range 38 {
		for slot := 3; slot < 144; slot += 12 {
			if day >= 20 || slot == 3 {
				breaks = append(breaks, refBroken(day, slot, 1)...)
			}
		}
	}
	r := refOne(38, breaks).play()
	first := refDayOf(refSlot(refMonday))
	before, after := r.tracks[0].fits[first+33].lambda, r.tracks[0].fits[first+37].lambda
	if before > 1.7 || after < 4 || slices.Contains(r.tracks[0].masked, true) || r.incidents[0].resolved.Before(refAt(33, 0)) {
		t.Errorf("lambda %v, then %v, %+v", before, after, r.incidents)
	}
}

func TestReferenceGap(t *testing.T) {
	w := refOne(12)
	w.observed = func(slot int64) bool { s := slot - refSlot(refMonday); return s < 9*144 || s >= 10*144 }
	r := w.play()
	track, g := r.tracks[0], refSlot(refAt(10, 0))
	m := 0.
	for slot := g - 144; slot < g; slot++ {
		m += track.mu[slot-track.base]
	}
	for from, share := range map[int64]float64{g - 200: 1, g - 5: 1, g: 1, g + 36: .75, g + 143: 1. / 144, g + 144: 0} {
		refNear(t, fmt.Sprint("on top of the window from g + ", from-g), track.ofGaps(from, g+150), share*m, 1e-12)
	}
	own := 0.
	for slot := g; slot <= g+99; slot++ {
		own += track.mu[slot-track.base]
	}
	refNear(t, "lambda of 24 h, 44 slots of them in the gap", track.sums(g + 99).lambda[3], own+m, 1e-12)
	if lambda := track.sums(g - 1).lambda[3]; lambda != 0 || len(track.gaps) != 1 {
		t.Errorf("inside the gap %v are expected; gaps %v", lambda, track.gaps)
	}
}

func TestReferenceAccountCap(t *testing.T) {
	var breaks []refBreak
	for i, hours := range []int{0, 1, 2, 24, 25, 26, 50} { // 24 sees 0 and 1; 25 sees only 1; 26 sees 25 only
		breaks = append(breaks, refBreak{at: refAt(0, 0).Add(time.Duration(hours) * time.Hour), connection: fmt.Sprint(i), account: "x"})
	}
	r := refOne(4, breaks).play()
	if want := []bool{true, true, false, false, true, true, true}; !slices.Equal(r.tracks[0].counted, want) {
		t.Errorf("counted %v, want %v", r.tracks[0].counted, want)
	}
}

// Three excursions end, one runs on: of 45 days the largest is dropped, 10 is the largest: kept 1 and 9, cut to 8: kappa = 27/34, rho = 14/(18 + 12).
func TestReferenceTailByHand(t *testing.T) {
	track := &refTrack{first: 0}
	for i, excess := range []float64{1, 10, 9, 30} {
		slot := int64(1000 * (i + 1))
		track.followExcursion(refU+excess/2, slot, false)
		for range 71 {
			track.followExcursion(refU, slot, true)
		}
		track.followExcursion(refU+excess, slot+1, true)
		for k := int64(0); k < 72 && i < 3; k++ {
			if track.excursions[i].ended {
				t.Fatalf("excursion %d ended after %d slots", i, k)
			}
			track.followExcursion(math.Inf(-1), slot+2+k, false) // a break is not a closed slot
			track.followExcursion(refU, slot+2+k, true)
		}
	}
	fit := refFit{}
	track.tail(45, &fit)
	refNear(t, "kappa", fit.kappa, 27./34, 1e-12)
	refNear(t, "rho", fit.rho, 1, 1e-12)
	refNear(t, "s'", fit.adjust(refU+3.4), refU+2.7, 1e-12)
	track.tail(44, &fit) // one day less: nothing dropped
	refNear(t, "kappa of 44 days", fit.kappa, 28./42, 1e-12)
	track.tail(6, &fit) // nothing dropped: 1 + 8 + 8, 15/(2.4 + 12)
	refNear(t, "kappa", fit.kappa, 28./42, 1e-12)
	refNear(t, "rho", fit.rho, 15/14.4, 1e-12)
}

// refRandom is a world of three rates with bursts, accounts, transients and a gap of a day.
func refRandom(seed uint64, days int) refWorld {
	rng := rand.New(rand.NewPCG(seed, 5))
	w := refOne(days)
	w.observed = func(slot int64) bool { s := slot - refSlot(refMonday); return s < 20*144+30 || s > 21*144+30 }
	w.series = nil
	for i, rate := range []float64{.3, 5, 40} {
		s := refSeries{name: fmt.Sprint("s", i), first: refMonday.Add(time.Duration(i*7) * time.Hour)}
		for day := range days {
			burst := 1. + 12*math.Floor(rng.Float64()*1.08)
			for n := rng.ExpFloat64() / rate / burst; n < 1; n += rng.ExpFloat64() / rate / burst {
				at := refAt(day, 0).Add(time.Duration(n * float64(24*time.Hour)))
				if at.Before(s.first) || !w.observed(refSlot(at)) {
					continue
				}
				s.breaks = append(s.breaks, refBreak{at: at, connection: fmt.Sprint(rng.IntN(500)), account: fmt.Sprint(rng.IntN(40))})
				if rng.IntN(4) == 0 {
					s.transients = append(s.transients, at.Add(time.Duration(rng.IntN(300))*time.Second))
				}
			}
		}
		sort.Slice(s.transients, func(a, b int) bool { return s.transients[a].Before(s.transients[b]) })
		w.series = append(w.series, s)
	}
	return w
}

// What is known later changes nothing that was said before: a world cut off anywhere says the beginning of what the whole world says.
func TestReferenceDoesNotLookAhead(t *testing.T) {
	w := refRandom(1, 26)
	steps, incidents, _ := w.run()
	if len(incidents) < 2 {
		t.Fatalf("only %d incidents", len(incidents))
	}
	for _, cut := range []time.Time{refAt(20, 40), w.series[2].breaks[700].at} {
		w.end = cut
		if part, _, _ := w.run(); !slices.Equal(part, steps[:len(part)]) {
			t.Errorf("the world until %v says something else", cut)
		}
	}
}

func BenchmarkReference(b *testing.B) {
	w := refRandom(2, 60)
	for b.Loop() {
		w.play()
	}
}
