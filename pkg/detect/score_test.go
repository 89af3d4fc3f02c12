package detect

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/baseline"
)

func near(t *testing.T, name string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %v, want %v ± %v", name, got, want, tolerance)
	}
}

// Values worked out independently of this code.
func TestScoreCheckValues(t *testing.T) {
	for _, test := range []struct {
		e       evidence
		c, l, s float64
	}{
		{evidence{count: 4, expected: .05, clumping: 1.3, uncertainty: .045, slots: 6}, .4, 7.938701, 6.717279},
		{evidence{count: 14, expected: 1.2, clumping: 1.3, uncertainty: .045, slots: 12}, .6, 11.622499, 11.068732},
		{evidence{count: 300, expected: 150, clumping: 1.2, uncertainty: .03, slots: 144}, -.35, 3.018148, 5.310798},
		{evidence{count: 3, expected: .01, clumping: 1.3, uncertainty: .3, slots: 144}, -.75, 7.735227, 10.830164},
	} {
		near(t, "likelihood", test.e.likelihood(), test.l, 1e-6)
		s, ok := test.e.score(test.c)
		if !ok {
			t.Errorf("%+v: no excess", test.e)
		}
		near(t, "score", s, test.s, 1e-6)
	}
	if s, ok := (evidence{count: 12, expected: 11.5, clumping: 1.3, uncertainty: .045, slots: 36}).score(.6); ok {
		t.Errorf("12 of 11.5 expected: score %v, want no excess", s)
	}
}

// A series that never broke: three breaks within 24 h after so many quiet days are expected about once in so many days, with the
// calibration of eighteen windows; with that of five about 2.6 times as rare.
func TestZeroBaseline(t *testing.T) {
	const eighteen = -.75
	for _, test := range []struct {
		quiet, breaks int
		days          float64
	}{{14, 3, 477}, {21, 3, 1038}, {84, 3, 9400}, {14, 5, 17653}, {21, 5, 68105}} {
		m := quiet(test.quiet)
		e := evidence{count: float64(test.breaks), expected: m.PerDay(), clumping: m.Clumping, uncertainty: m.Uncertainty(slotsPerDay), slots: slotsPerDay}
		s, _ := e.score(eighteen)
		if ratio := math.Exp(s) / test.days; ratio < 0.9 || ratio > 1.1 {
			t.Errorf("%d breaks after %d quiet days: once in %.0f days, want about %.0f", test.breaks, test.quiet, math.Exp(s), test.days)
		}
		five, _ := e.score(calibration(m.PerDay()))
		if test.quiet == 14 {
			near(t, "five windows against eighteen", math.Exp(five-s), 2.6, 0.1)
		}
	}
}

// quiet is what is known of a series after so many days without a break.
func quiet(days int) baseline.Model {
	h := baseline.History{Today: int64(days), First: true}
	for range days {
		h.Days = append(h.Days, baseline.Day{Counts: make([]uint16, slotsPerDay)})
	}
	f := baseline.NewFleet()
	m, _ := baseline.Fit(&h, &f)
	return m
}

func TestCalibration(t *testing.T) {
	for _, p := range calibrationPoints {
		near(t, "at a point", calibration(p.perDay), calibrationBase+p.value, 1e-12)
	}
	near(t, "below", calibration(1e-9), -1.7, 1e-12)
	near(t, "zero", calibration(0), -1.7, 1e-12)
	near(t, "NaN", calibration(math.NaN()), -1.7, 1e-12)
	near(t, "above", calibration(1e9), -2.25, 1e-12)
	near(t, "between 1 and 4", calibration(2), -.35+.375, 1e-12)
}

// More breaks are never less unusual, a higher expectation never more, and no input gives NaN or infinity.
func TestScoreIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := evidence{
			count:       float64(rapid.IntRange(0, 5000).Draw(t, "n")),
			expected:    rapid.Float64Range(1e-6, 5000).Draw(t, "expected"),
			clumping:    rapid.Float64Range(1, 4).Draw(t, "clumping"),
			uncertainty: rapid.Float64Range(.003, 3).Draw(t, "uncertainty"),
			slots:       rapid.SampledFrom(windows[:]).Draw(t, "window"),
		}
		s, ok := e.score(0)
		if math.IsNaN(s) || math.IsInf(s, 0) {
			t.Fatalf("%+v: %v", e, s)
		}
		more, less := e, e
		more.count++
		less.expected *= 1.1
		if a, aok := more.score(0); ok && (!aok || a < s-1e-9) {
			t.Fatalf("%+v: %v, one more break: %v", e, s, a)
		}
		if a, aok := less.score(0); aok && (!ok || a > s+1e-9) {
			t.Fatalf("%+v: %v, a higher expectation: %v", e, s, a)
		}
	})
}
