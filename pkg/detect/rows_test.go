package detect

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/window"
)

// Spans are a set of slots.
func TestSpansAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s spans
		set := map[int64]bool{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			from := rapid.Int64Range(-5, 30).Draw(t, "from")
			to := from + rapid.Int64Range(-1, 6).Draw(t, "length")
			switch rapid.IntRange(0, 5).Draw(t, "do") {
			case 0:
				if s.remove(from) != set[from] {
					t.Fatalf("%v: removed %d wrongly", s, from)
				}
				delete(set, from)
			case 1:
				any := false
				for x := range set {
					if x < from-20 {
						any = true
						delete(set, x)
					}
				}
				if s.forget(from-20) != any {
					t.Fatalf("%v: forgot before %d wrongly", s, from-20)
				}
			default:
				s.add(from, to)
				for x := from; x <= to; x++ {
					set[x] = true
				}
			}
			n := int64(0)
			for x := int64(-30); x <= 40; x++ {
				if s.has(x) != set[x] {
					t.Fatalf("%v: has %d: %v", s, x, s.has(x))
				}
				if set[x] && x >= from && x <= to {
					n++
				}
			}
			if s.within(from, to) != n {
				t.Fatalf("%v: %d within [%d, %d], want %d", s, s.within(from, to), from, to, n)
			}
			for i := range s {
				if s[i].From > s[i].To || i > 0 && s[i].From <= s[i-1].To+1 {
					t.Fatalf("%v is not in its form", s)
				}
			}
		}
	})
}

// Which slots are observed follows from the plain list of slots with a row, however far ahead they were read.
func TestObservedIsThePlainRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const first = 3_000_000
		var held []int64
		for s := int64(first); len(held) < 30; {
			held = append(held, s)
			s += rapid.SampledFrom([]int64{1, 1, 2, 4, 7, 13, 30, 200, 1200}).Draw(t, "gap")
		}
		silence := rapid.SampledFrom([]time.Duration{0, time.Hour, 5 * time.Hour}).Draw(t, "silence")
		d := New(Options{Silence: silence})
		read := 0
		for i, s := range held {
			for n := min(i+1+rapid.IntRange(0, 10).Draw(t, "ahead"), len(held)); read < n; read++ {
				d.Row(window.SlotTime(held[read]).Add(time.Minute))
			}
			d.Advance(window.SlotTime(s).Add(2*time.Minute), time.Time{})
			d.Advance(window.SlotTime(s).Add(11*time.Minute-1e6), time.Time{}) // the clock goes on, no row is that old
			if d.edge != s {
				t.Fatalf("the edge is at %d after a row in %d", d.edge, s)
			}
		}
		for s := held[0]; s < held[len(held)-1]; s++ {
			if got, want := d.rows.sees(s), plainlyObserved(held, s, int64(silence/window.Slot)); got != want && held[len(held)-1]-s < window.Days*slotsPerDay {
				t.Fatalf("slot %d: observed %v, want %v; rows in %v", s-first, got, want, held)
			}
		}
	})
}

// plainlyObserved: a slot holds a row, or lies in a gap no longer than allowed: twice the longest of the 7 days before, at least 6 slots.
func plainlyObserved(held []int64, slot, allowed int64) bool {
	i, found := slices.BinarySearch(held, slot)
	if found {
		return true
	}
	last, next := held[i-1], held[i]
	if allowed == 0 {
		allowed = 6
		for j := 1; j < i; j++ {
			if g := min(held[j]-held[j-1], 1008); g > 1 && held[j] > last-1008 {
				allowed = max(allowed, 2*g)
			}
		}
	}
	return next-last <= allowed
}

// A row that comes late makes its slot observed; one of a time nobody can mean is counted.
func TestLateAndImpossibleRows(t *testing.T) {
	d := New(Options{})
	d.Row(monday)
	d.Row(monday.Add(10 * time.Hour))
	d.Advance(monday.Add(10*time.Hour), time.Time{})
	slot := window.SlotOf(monday.Add(5 * time.Hour))
	if d.rows.sees(slot) {
		t.Fatal("a slot in ten hours of silence counts as observed")
	}
	d.Row(window.SlotTime(slot))
	if !d.rows.sees(slot) || d.rows.sees(slot+1) || d.rows.sees(slot-1) {
		t.Error("a late row did not make its slot, and only it, observed")
	}
	d.Row(time.Time{})
	d.Row(time.Unix(-1, 0))
	if d.Stats().Unseen != 2 {
		t.Errorf("%+v, want two unseen", d.Stats())
	}
}

func TestNothingClosesWithoutALaterRow(t *testing.T) {
	d := New(Options{})
	d.Advance(monday, time.Time{})
	if d.begun {
		t.Error("began without a row")
	}
	d.Row(monday)
	d.Row(monday.Add(5 * day)) // read, but the watermark is not there
	d.Advance(monday.Add(4*day), time.Time{})
	if want := window.SlotOf(monday); d.edge != want {
		t.Errorf("%d slots closed because of the clock", d.edge-want)
	}
	if d.Silence() != time.Hour {
		t.Errorf("silence after %v", d.Silence())
	}
}
