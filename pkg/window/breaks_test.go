package window

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A break counts unless two counted ones of its account lie within 24 h of it; breaks come in any order of time.
func TestAccountCapIsThePlainRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Breaks
		var all []Break
		for range rapid.IntRange(1, 40).Draw(t, "breaks") {
			x := Break{
				Time:        start.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "at")) * 6 * time.Hour).Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "ns"))),
				Account:     rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "account"),
				Integration: "mail", Connection: rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "connection"),
			}
			near := 0
			for _, y := range all {
				if y.Counted && y.Account == x.Account && y.Time.Sub(x.Time).Abs() <= 24*time.Hour {
					near++
				}
			}
			x.Counted = x.Account == "" || near < 2
			if got := b.Add(x); got != x.Counted {
				t.Fatalf("%+v counts: %v, with %d near it", x, got, near)
			}
			all = append(all, x)
		}
		slices.SortStableFunc(all, Break.compare)
		if !slices.EqualFunc(b.Since(time.Time{}), all, func(x, y Break) bool { return x.compare(y) == 0 }) {
			t.Fatalf("%v\nwant %v", b.Since(time.Time{}), all)
		}
	})
}

func TestForgetBreaks(t *testing.T) {
	var b Breaks
	for i := range 5 {
		b.Add(Break{Time: start.Add(time.Duration(i) * time.Hour)})
	}
	kept := b.Since(start.Add(2 * time.Hour))
	gone := b.Forget(start.Add(2 * time.Hour))
	if len(gone) != 2 || len(kept) != 3 || len(b.Since(time.Time{})) != 3 || !b.Since(time.Time{})[0].Time.Equal(start.Add(2*time.Hour)) {
		t.Errorf("%d went, %d are left", len(gone), len(b.Since(time.Time{})))
	}
	if len(b.Forget(start)) != 0 {
		t.Error("forgot twice")
	}
}

// Breaks restored in any order are the same list.
func TestBreaksAreRestored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a, b Breaks
		for i := range rapid.IntRange(1, 12).Draw(t, "breaks") {
			a.Add(Break{Time: start.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "at")) * time.Hour), Connection: string(rune('a' + i)), Account: "x"})
		}
		all := slices.Clone(a.Since(time.Time{}))
		for _, x := range rapid.Permutation(all).Draw(t, "order") {
			b.Restore(x)
		}
		if !slices.Equal(b.Since(time.Time{}), all) {
			t.Fatalf("%v, want %v", b.Since(time.Time{}), all)
		}
	})
}

// What counts follows from the plain list of the breaks that are held, in whatever order they come, and wherever old ones are let go or restored.
func TestCapIsThePlainRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Breaks
		var held []Break
		for i := range rapid.IntRange(1, 60).Draw(t, "breaks") {
			x := Break{Time: start.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "hour")) * time.Hour), Connection: fmt.Sprint(i), Account: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "account")}
			near := 0
			for _, y := range held {
				if y.Counted && y.Account == x.Account && x.Account != "" && x.Time.Sub(y.Time).Abs() <= 24*time.Hour {
					near++
				}
			}
			x.Counted = near < 2
			if got := b.Add(x); got != x.Counted {
				t.Fatalf("%+v counts: %v, want %v", x, got, x.Counted)
			}
			held = append(held, x)
			if rapid.IntRange(0, 9).Draw(t, "forget") == 0 {
				before := start.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "before")) * time.Hour)
				b.Forget(before)
				held = slices.DeleteFunc(held, func(y Break) bool { return y.Time.Before(before) })
			}
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				b = Breaks{}
				for _, y := range held {
					b.Restore(y)
				}
			}
		}
	})
}

// A customer has two breaks at most, one that is not known is one of its own, and what does not count is of nobody.
func TestSpreadIsThePlainRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var breaks []Break
		counted, capped, of := 0, 0, map[string]int{}
		for i := range rapid.IntRange(0, 20).Draw(t, "breaks") {
			b := Break{Account: rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "account"), Counted: rapid.Bool().Draw(t, "counts")}
			breaks = append(breaks, b)
			if !b.Counted {
				continue
			}
			name := b.Account
			if name == "" {
				name = fmt.Sprint("nobody", i)
			}
			counted++
			if of[name]++; of[name] <= 2 {
				capped++
			}
		}
		customers, least := rapid.IntRange(1, 5).Draw(t, "customers"), rapid.IntRange(1, 9).Draw(t, "least")
		if got, want := Spread(breaks, counted, customers, least), len(of) >= customers && capped >= least; got != want {
			t.Fatalf("%v for %d customers and %d of %+v", got, customers, least, breaks)
		}
	})
}
