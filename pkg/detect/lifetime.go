package detect

import (
	"fmt"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// lifetime: most of the connections whose age is known, and it is of most, broke when their provider's tokens die: so long after their authorization.
// More must have done so than are expected by the usual mix. Where it is said of tokens that were not used, it may be so only. A client that is refused says
// nothing of tokens.
func lifetime(p *pattern) (Diagnosis, bool) {
	if p.in.Cause != string(nango.Revoked) {
		return Diagnosis{}, false
	}
	for _, b := range p.known.Behaviours {
		for _, life := range [...]time.Duration{b.Every, b.After} {
			if n, of := p.died(life); life > 0 && of >= agesLeast && float64(of) >= agesKnown*float64(len(p.breaks)) && most(n, of) && p.moreThanUsual(n, life) {
				return p.livedSoLong(b, life, n, of), true
			}
		}
	}
	return Diagnosis{}, false
}

// died counts the breaks at an age, and those whose age is known.
func (p *pattern) died(age time.Duration) (n, of int) {
	within := around(age)
	for i := range p.breaks {
		if x, known := ageOf(&p.breaks[i]); known {
			of++
			if (x - age).Abs() <= within {
				n++
			}
		}
	}
	return n, of
}

// around is how far from the end of a token's life a break is still its end: it shows at the next refresh, and the dates of long lives are not exact.
func around(life time.Duration) time.Duration {
	switch {
	case life < 4*day:
		return life / 8
	case life <= 8*day:
		return 12 * time.Hour
	}
	return max(day, life/50)
}

// moreThanUsual reports whether more broke at an age than the baseline expects of the window, by the usual share of that age.
func (p *pattern) moreThanUsual(n int, age time.Duration) bool {
	b := window.Break{Created: 1, Time: time.UnixMilli(1).Add(age)}
	u := p.past.usual(byAge, ageClass(&b))
	return !u.known() || float64(n) > minRise*p.expected*u.share()
}

func (p *pattern) livedSoLong(b nango.Behaviour, life time.Duration, n, of int) Diagnosis {
	x := Diagnosis{Kind: Lifetime, Source: b.Source, Evidence: fmt.Sprintf("%d of %d whose age is known broke %s after their authorization", n, of, long(life))}
	if of == len(p.breaks) {
		x.Evidence = fmt.Sprintf("%d of %d broke %s after their authorization", n, of, long(life))
	}
	if b.Testing {
		x.Kind = TestMode
	}
	if life == b.After {
		x.Evidence += "; a token that was not used for so long dies: these may not have been"
	}
	return x
}

// long says a time of days.
func long(d time.Duration) string {
	if d < 2*day {
		return fmt.Sprintf("%.0f hours", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
