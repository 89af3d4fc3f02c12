package window

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// accountBreaks and accountSpan cap what one customer account adds to a series: one customer who leaves is no incident of the provider.
const (
	accountBreaks = 2
	accountSpan   = 24 * time.Hour
)

// Break is one connection that newly broke.
type Break struct {
	AuthMode string `json:",omitempty"` // how the connection authorizes, "" when not known

	Time        time.Time
	Integration string
	Connection  string
	Account     string // "" when not known
	Reason      string
	Created     int64 `json:",omitempty"` // when its user had last authorized it, Unix ms; 0: not known
	First       int64 `json:",omitempty"` // its first failure, Unix ms, where it was told apart from an outage only later; 0: Time
	Counted     bool  // it is in the ring: the account was below its cap
}

// Breaks are the recent breaks of one series in the order of time, integration, connection. The zero value is empty.
type Breaks struct {
	list    []Break
	counted map[string][]time.Time // account → times of its breaks that count
}

// Add takes a break and decides whether it counts: where its account is known, fewer than two counted breaks of that account may lie
// within 24 h before or after it.
func (b *Breaks) Add(x Break) (counted bool) {
	near := 0
	for _, t := range b.counted[x.Account] {
		if x.Time.Sub(t).Abs() <= accountSpan {
			near++
		}
	}
	x.Counted = near < accountBreaks
	b.insert(x)
	return x.Counted
}

// Spread reports whether breaks of so many customers count, and at least so many breaks when each customer has two at most; one whose account is not known
// is a customer of its own. counted is how many of the breaks count in all: it looks no further than it must.
func Spread(breaks []Break, counted, customers, least int) bool {
	of, unknown, capped, seen := map[string]int{}, 0, 0, 0
	for i := 0; i < len(breaks) && seen < counted; i++ {
		b := &breaks[i]
		if !b.Counted {
			continue
		}
		if seen++; b.Account == "" {
			unknown++
			capped++
		} else if of[b.Account]++; of[b.Account] <= accountBreaks {
			capped++
		}
		if unknown+len(of) >= customers && capped >= least {
			return true
		}
	}
	return false
}

// Restore takes back a break that was decided before.
func (b *Breaks) Restore(x Break) { b.insert(x) }

func (b *Breaks) insert(x Break) {
	i := len(b.list)
	for i > 0 && b.list[i-1].compare(x) > 0 {
		i--
	}
	b.list = slices.Insert(b.list, i, x)
	if x.Counted && x.Account != "" {
		if b.counted == nil {
			b.counted = map[string][]time.Time{}
		}
		b.counted[x.Account] = append(b.counted[x.Account], x.Time)
	}
}

func (x Break) compare(y Break) int {
	return cmp.Or(x.Time.Compare(y.Time), strings.Compare(x.Integration, y.Integration), strings.Compare(x.Connection, y.Connection))
}

// Since returns the breaks at or after t, the oldest first. The slice is valid until the next Add or Forget.
func (b *Breaks) Since(t time.Time) []Break {
	i, _ := slices.BinarySearchFunc(b.list, t, func(x Break, t time.Time) int { return x.Time.Compare(t) })
	return b.list[i:]
}

// Between returns the breaks in [from, to), the oldest first, valid as those of Since.
func (b *Breaks) Between(from, to time.Time) []Break {
	since := b.Since(from)
	return since[:len(since)-len(b.Since(to))]
}

// Forget lets go of the breaks before t and returns them.
func (b *Breaks) Forget(t time.Time) (gone []Break) {
	kept := b.Since(t)
	gone = b.list[:len(b.list)-len(kept)]
	if len(gone) > 0 {
		b.list = slices.Clone(kept)
	}
	for i := range gone {
		b.uncount(&gone[i])
	}
	return gone
}

// uncount takes a break out of the times of its account.
func (b *Breaks) uncount(x *Break) {
	times := b.counted[x.Account]
	i := slices.IndexFunc(times, x.Time.Equal)
	if !x.Counted || i < 0 {
		return
	}
	if b.counted[x.Account] = slices.Delete(times, i, i+1); len(times) == 1 {
		delete(b.counted, x.Account)
	}
}
