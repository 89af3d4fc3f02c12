package detect

import (
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the tables of docs/detection.md anew")

const page = "../../docs/detection.md"

// documented holds a block of the page, between its mark and the next end, to what the code says.
func documented(t *testing.T, name, want string) {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(raw), "<!-- "+name+" -->\n")
	got, after, ended := strings.Cut(rest, "<!-- end -->")
	if !begun || !ended {
		t.Fatalf("the page has no block %q", name)
	}
	if got == want {
		return
	}
	if !*update {
		t.Errorf("the block %q of docs/detection.md is\n%s\nbut should be (-update writes it)\n%s", name, got, want)
		return
	}
	if err := os.WriteFile(page, []byte(before+"<!-- "+name+" -->\n"+want+"<!-- end -->"+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// rounded writes a number from 10 on with two digits that count, and commas.
func rounded(x float64) string {
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	s := fmt.Sprintf("%.0f", math.Round(x/unit)*unit)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// lived is a detector that read so many days of a provider in which connections broke at some times, and goes on for a day.
func lived(t *testing.T, days int, breaks ...time.Duration) *Detector {
	t.Helper()
	h := newHistory(1)
	h.life("a", 0, monday, monday.Add(time.Duration(days+1)*day))
	for _, at := range breaks {
		h.breaks("a", "a", monday.Add(at), 1, 0)
	}
	d := New(Options{Budget: MaxBudget})
	feed(d, h.sorted(), time.Time{})
	return d
}

// windowsAt are the windows of a detector that lived, at a time.
func windowsAt(t *testing.T, d *Detector, at time.Duration) []WindowAnswer {
	t.Helper()
	a, err := d.Explain(Question{At: monday.Add(at)})
	if err != nil {
		t.Fatal(err)
	}
	return a.Windows
}

// What a series can see that never broke, by its age.
func TestDocumentedYoungSeries(t *testing.T) {
	text := row("quiet days before", "3 breaks", "4 breaks", "5 breaks") + "|---|---|---|---|\n"
	for _, days := range []int{7, 14, 21, 84} {
		cells := []string{fmt.Sprint(days)}
		for n := 3; n <= 5; n++ {
			var breaks []time.Duration
			for i := range n {
				breaks = append(breaks, time.Duration(days)*day+time.Duration(i)*20*time.Hour/time.Duration(n-1)+time.Minute)
			}
			w := windowsAt(t, lived(t, days, breaks...), breaks[n-1])[3]
			cells = append(cells, fmt.Sprintf("once in %s days", rounded(math.Exp(w.Score))))
		}
		text += row(cells...)
	}
	documented(t, "young", text+"\n")
}

// example is the provider of the worked example: six single breaks in 84 days, and then three within an hour.
func example(t *testing.T) []WindowAnswer {
	t.Helper()
	var breaks []time.Duration
	for _, age := range exampleAges {
		breaks = append(breaks, 84*day-time.Duration(age*24)*time.Hour)
	}
	at := 84*day + 10*time.Hour + time.Minute
	return windowsAt(t, lived(t, 84, append(breaks, at, at+20*time.Minute, at+40*time.Minute)...), at+40*time.Minute)
}

var exampleAges = []float64{10.5, 24.5, 38.5, 52.5, 66.5, 80.5} // days

// The example that is worked out by hand: the formulas once more, without the code that they explain, from figures as the page prints them. What comes
// out is what the detector says.
func TestDocumentedExample(t *testing.T) {
	const count, phi, v, f = 3., 1.22, .003, .936
	a, b := 0.0, 0.0
	for _, age := range exampleAges {
		a += math.Exp2(-age / 60)
	}
	for age := 2.5; age < 84; age++ {
		b += math.Exp2(-age / 60)
	}
	near(t, "b as a geometric series", math.Exp2(-2.5/60)*(1-math.Exp2(-82./60))/(1-math.Exp2(-1./60)), b, 1e-9)
	perDay := (a + .5) / (b + .5)
	expected := perDay * f / 24
	x, y, tau2 := (count-.5)/phi, 1.3*expected/phi, v+phi/(a+.5)
	r := 1 / tau2
	l := x*math.Log(x/y) - (x+r)*math.Log((x+r)/(y+r))
	z := math.Sqrt(2 * l)
	tail := math.Erfc(z/math.Sqrt2) / 2
	c := calibration(perDay)
	days := 1 / (24 * tail * math.Exp(c))

	w := example(t)[1]
	near(t, "φ", w.Dispersion, phi, .005)
	near(t, "τ²", w.Uncertainty, tau2, .002)
	near(t, "Λ over that of the detector", expected/w.Expected, 1, .002)
	near(t, "days over those of the detector", days/w.OncePerDays, 1, .02)
	documented(t, "example", "| what | formula | value |\n|---|---|---|\n"+strings.Join([]string{
		row("breaks known, a", "Σ 2^(−age/60) over the six", fmt.Sprintf("%.4g", a)),
		row("days known, b", "2^(−2.5/60) · (1 − 2^(−82/60))/(1 − 2^(−1/60))", fmt.Sprintf("%.4g", b)),
		row("level λ, breaks a day", "(a + .5)/(b + .5)", fmt.Sprintf("%.4g", perDay)),
		row("expected in the hour, Λ", fmt.Sprintf("λ · %.3f/24", f), fmt.Sprintf("%.4g", expected)),
		row("x", fmt.Sprintf("(3 − .5)/φ, φ = %.2f", phi), fmt.Sprintf("%.4g", x)),
		row("y", "1.3 Λ/φ", fmt.Sprintf("%.4g", y)),
		row("τ²", fmt.Sprintf("v + φ/(a + .5), v = %.3f", v), fmt.Sprintf("%.4g", tau2)),
		row("r", "1/τ²", fmt.Sprintf("%.4g", r)),
		row("l", "x log(x/y) − (x + r) log((x + r)/(y + r))", fmt.Sprintf("%.4g", l)),
		row("z", "√(2 l)", fmt.Sprintf("%.4g", z)),
		row("tail of the normal curve beyond z", "erfc(z/√2)/2", fmt.Sprintf("%.3g", tail)),
		row("C", betweenPoints(perDay), fmt.Sprintf("%.4g", c)),
		row("once in so many days", "1/(24 · tail · e^C)", rounded(days)),
	}, "")+"\n")
}

// betweenPoints is the formula of the calibration of a rate that lies between two of its points.
func betweenPoints(perDay float64) string {
	i := 1
	for calibrationPoints[i].perDay < perDay {
		i++
	}
	a, b := calibrationPoints[i-1], calibrationPoints[i]
	return fmt.Sprintf("%.2f + %.2f · log(λ/%g)/log(%g/%g)", calibrationBase+a.value, b.value-a.value, a.perDay, b.perDay, a.perDay)
}

func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

// The five windows of the example, as the detector itself sees them.
func TestDocumentedWindows(t *testing.T) {
	text := row("window", "broke", "expected", "once in so many days") + "|---|---|---|---|\n"
	for i, w := range example(t) {
		days := rounded(w.OncePerDays)
		if w.OncePerDays == 0 {
			days = "fewer than 3: not judged"
		}
		text += row([]string{"10 min", "1 h", "6 h", "24 h", "72 h"}[i], fmt.Sprint(w.Observed), fmt.Sprintf("%.2g", w.Expected), days)
	}
	documented(t, "windows", text+"\n")
}

// What is promised of so many series.
func TestDocumentedBudget(t *testing.T) {
	text := row("series", "B of each, days", "in all, one false alarm in") + "|---|---|---|\n"
	for _, n := range []int{1, 5, 20, 100, 300} {
		d := New(Options{})
		d.live[Revocations] = n
		b := d.budget(&series{key: key{Signal: Revocations}}).Hours() / 24
		text += row(fmt.Sprint(n), fmt.Sprintf("%.0f", b), fmt.Sprintf("%.0f days", b/float64(n)))
	}
	documented(t, "budget", text+"\n")
}

// The calibration of the score.
func TestDocumentedCalibration(t *testing.T) {
	rates, values, line := []string{"breaks a day"}, []string{"C"}, "|---|"
	for _, p := range calibrationPoints {
		rates, values = append(rates, fmt.Sprint(p.perDay)), append(values, fmt.Sprintf("%.2f", calibration(p.perDay)))
		line += "---|"
	}
	documented(t, "calibration", row(rates...)+line+"\n"+row(values...)+"\n")
}

// The ranking in an example: what is told of some traits of 23 breaks, by what is known of before.
func TestDocumentedRanking(t *testing.T) {
	text := row("breaks", "before, by weight", "usually", "times", "G²", "what is told") + "|---|---|---|---|---|---|\n"
	for _, c := range []struct {
		count, of int
		u         usual
		x         dimension
		value     string
	}{
		{23, 23, usual{16, 80}, byIntegration, "google-mail-eu"}, {22, 23, usual{49, 80}, byReason, "invalid_grant"}, {4, 23, usual{0, 80}, byAccount, "acme"},
		{15, 23, usual{45, 80}, byAuthMode, "OAUTH2"}, {5, 6, usual{2, 9}, byReason, "token_expired"},
	} {
		s := &series{}
		s.mix.Of[c.x].List = []weight{{c.value, c.u.had}, {c.value + "'", c.u.of - c.u.had}}
		l, _, told := normal{own: []*series{s}}.lift(c.x, c.value, c.count, c.of)
		words := "nothing: not credibly more"
		if told {
			words = l.words(max(c.of, c.count))
		}
		text += row(fmt.Sprintf("%d of %d", c.count, c.of), fmt.Sprintf("%.0f of %.0f", c.u.had, c.u.of), percent(l.Usual), times(l.Lift.Lift),
			fmt.Sprintf("%.1f", surprise(float64(c.count), float64(c.of), c.u.had, c.u.of)), words)
	}
	documented(t, "ranking", text+"\n")
}
