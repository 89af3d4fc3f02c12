package detect

import "github.com/revwatch/revwatch/pkg/window"

// part is the breaks of one series that an incident is about.
type part struct {
	*series
	breaks []window.Break
}

// holders are the breaks that have a trait.
type holders struct {
	count int
	set   uint64 // which they are: equal for the same ones
}

// census counts the traits of the breaks of an incident.
type census struct {
	all int // breaks
	of  [byProvider + 1]int
	by  [byProvider + 1]map[string]*holders
}

// take counts the traits of breaks, those that tell series apart too.
func take(parts ...part) *census {
	c := &census{}
	for x := range c.by {
		c.by[x] = map[string]*holders{}
	}
	for _, p := range parts {
		for i := range p.breaks {
			c.all++
			mark := scatter(uint64(c.all))
			for x := range mixed {
				c.add(x, trait(&p.breaks[i], x), mark)
			}
			c.add(byEnvironment, p.Environment, mark)
			c.add(byProvider, p.Provider, mark)
		}
	}
	return c
}

func (c *census) add(x dimension, value string, mark uint64) {
	if value == "" {
		return
	}
	c.of[x]++
	f := c.by[x][value]
	if f == nil {
		f = &holders{}
		c.by[x][value] = f
	}
	f.count++
	f.set += mark
}

// scatter spreads numbers over all of 64 bits (the finalizer of SplitMix64), so that sums of different sets of them differ.
func scatter(x uint64) uint64 {
	x *= 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// top is the most frequent value of a dimension, of equal ones the first in the alphabet.
func (c *census) top(x dimension) (value string, n int) {
	for v, f := range c.by[x] {
		if f.count > n || f.count == n && v < value {
			value, n = v, f.count
		}
	}
	return value, n
}

// reasons counts the breaks whose reason fits, and names the most frequent of these.
func (c *census) reasons(fits func(string) bool) (n int, reason string) {
	most := 0
	for r, f := range c.by[byReason] {
		if !fits(r) {
			continue
		}
		if n += f.count; f.count > most || f.count == most && r < reason {
			most, reason = f.count, r
		}
	}
	return n, reason
}
