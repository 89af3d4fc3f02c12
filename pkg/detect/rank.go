package detect

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

const (
	rankLeast   = 3     // breaks that a trait needs,
	rankRise    = 1.2   // and so many times its usual share,
	rankCertain = 10.83 // and a likelihood ratio that chance reaches once in 1,000 comparisons (χ² with one degree of freedom)
	ranked      = 5     // traits that are told
)

// normal is the past that the breaks of an incident are compared with.
type normal struct {
	own   []*series // of its series
	wide  []*series // and of those beside them, which tell how usual an environment or a provider is
	today int64
}

// usual says how often a value occurred.
func (n normal) usual(x dimension, value string) (u usual) {
	if x < mixed {
		for _, s := range n.own {
			u = u.plus(s.mix.usual(x, value, n.today))
		}
		return u
	}
	for _, s := range n.wide {
		total := s.mix.total(n.today)
		u.of += total
		if x == byEnvironment && s.Environment == value || x == byProvider && s.Provider == value {
			u.had += total
		}
	}
	return u
}

// over is a trait that is over-represented.
type over struct {
	Lift
	slight bool // it occurred too seldom before to say how many times
}

// rank orders what is over-represented among the breaks of a census by how surely it is, the surest first. A trait that exactly the same breaks have as
// a better one is left out, as is a dimension in which there is no choice.
func (n normal) rank(c *census, choice func(dimension) bool) []over {
	type candidate struct {
		over
		x     dimension
		set   uint64
		ratio float64
	}
	var found []candidate
	for x := range byProvider + 1 {
		for value, f := range c.by[x] {
			if f.count < rankLeast || !choice(x) {
				continue
			}
			if l, ratio, ok := n.lift(x, value, f.count, c.of[x]); ok {
				found = append(found, candidate{l, x, f.set, ratio})
			}
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.ratio, a.ratio), cmp.Compare(a.x, b.x), cmp.Compare(a.Value, b.Value))
	})
	var list []over
	seen := map[uint64]bool{}
	for _, f := range found {
		if !seen[f.set] && len(list) < ranked {
			list = append(list, f.over)
		}
		seen[f.set] = true
	}
	return list
}

func anyDimension(dimension) bool { return true }

// lifts is the public form.
func lifts(top []over) (list []Lift) {
	for _, x := range top {
		list = append(list, x.Lift)
	}
	return list
}

// compare is the past of a series and of its provider in other environments, whose breaks of the same window enter the census.
func (d *Detector) compare(s *series, found *census) normal {
	n := normal{own: []*series{s}, today: floorDay(d.edge)}
	for _, o := range d.order {
		if o.Provider != s.Provider || o.kind() != s.kind() {
			continue
		}
		n.wide = append(n.wide, o)
		if o != s {
			found.of[byEnvironment] += distinct(o.within(s.incident.Peak))
		}
	}
	return n
}

// lift compares a trait of count of so many breaks with what is usual; ok is false where too little is known, or it is not credibly more.
func (n normal) lift(x dimension, value string, count, of int) (l over, ratio float64, ok bool) {
	u := n.usual(x, value)
	share := float64(count) / float64(of)
	l = over{Lift{Dimension: x.String(), Value: value, Count: count, Of: of, Usual: u.share(), Lift: share / u.share()}, u.had < rankLeast}
	if !u.known() || l.Lift.Lift < rankRise {
		return l, 0, false
	}
	ratio = surprise(float64(count), float64(of), u.had, u.of)
	return l, ratio, ratio >= rankCertain
}

// surprise is the log-likelihood ratio of two shares k/n and h/m against one share of both,
//
//	G² = 2 (ℓ(k, n, k/n) + ℓ(h, m, h/m) − ℓ(k, n, p) − ℓ(h, m, p)),  ℓ(k, n, p) = k log p + (n − k) log(1 − p),  p = (k + h)/(n + m),
//
// which holds for small counts, for rare traits and for those never seen, and weighs how much history there is (Dunning 1993, Computational Linguistics
// 19(1):61–74, https://aclanthology.org/J93-1003/).
func surprise(k, n, h, m float64) float64 {
	p := (k + h) / (n + m)
	return 2 * (binomial(k, n, k/n) + binomial(h, m, h/m) - binomial(k, n, p) - binomial(h, m, p))
}

// binomial is k log p + (n − k) log(1 − p), with 0 log 0 = 0.
func binomial(k, n, p float64) (l float64) {
	if k > 0 {
		l = k * math.Log(p)
	}
	if n > k {
		l += (n - k) * math.Log(1-p)
	}
	return l
}

// words say a trait to people: 22 of 23 with reason invalid_grant (usually 61 %, 1.6 times as often).
func (l over) words(all int) string {
	n, known := share(l.Count, l.Of), ""
	if l.Of < all {
		n, known = fmt.Sprintf("%d of %d", l.Count, l.Of), fmt.Sprintf("known of %d of %d; ", l.Of, all)
	}
	often := ""
	if !l.slight {
		often = ", " + times(l.Lift.Lift) + " times as often"
	}
	return fmt.Sprintf("%s %s (%susually %s%s)", n, said(l.Dimension, l.Value), known, percent(l.Usual), often)
}

// share says how many of some have something.
func share(n, of int) string {
	if n == of {
		return fmt.Sprintf("all %d", n)
	}
	return fmt.Sprintf("%d of %d", n, of)
}

func said(dimension, value string) string {
	switch dimension {
	case "integration":
		return "under integration " + value
	case "account":
		return "of customer account " + value
	case "reason":
		return "with reason " + value
	case "age":
		return "broke " + value + " after their authorization"
	case "auth_mode":
		return "with auth mode " + value
	case "environment":
		return "in environment " + value
	}
	return "of provider " + value
}

func percent(share float64) string {
	if share < .01 {
		return "under 1 %"
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

// tenths says an expected number: 2.0, 0, or that it is nearly nothing.
func tenths(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x < .05:
		return "under 0.1"
	}
	return fmt.Sprintf("%.1f", x)
}

func times(x float64) string {
	if x >= 10 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.1f", x)
}
