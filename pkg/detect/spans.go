package detect

import (
	"slices"
	"sort"
)

// span is the slots from From to To, both in it.
type span struct{ From, To int64 }

// spans are slots as a sorted list of spans that neither touch nor overlap.
type spans []span

// search returns the first span that ends at or after a slot.
func (s spans) search(slot int64) int {
	return sort.Search(len(s), func(i int) bool { return s[i].To >= slot })
}

func (s spans) has(slot int64) bool {
	i := s.search(slot)
	return i < len(s) && s[i].From <= slot
}

// within counts the slots in [from, to].
func (s spans) within(from, to int64) (n int64) {
	for i := s.search(from); i < len(s) && s[i].From <= to; i++ {
		n += min(s[i].To, to) - max(s[i].From, from) + 1
	}
	return n
}

// add puts [from, to] in; nothing when it is empty.
func (s *spans) add(from, to int64) {
	if from > to {
		return
	}
	i := s.search(from - 1)
	j := i
	for j < len(*s) && (*s)[j].From <= to+1 {
		from, to = min(from, (*s)[j].From), max(to, (*s)[j].To)
		j++
	}
	*s = slices.Replace(*s, i, j, span{from, to})
}

// remove takes one slot out and reports whether it was there.
func (s *spans) remove(slot int64) bool {
	if !s.has(slot) {
		return false
	}
	i := s.search(slot)
	x := (*s)[i]
	*s = slices.Delete(*s, i, i+1)
	s.add(x.From, slot-1)
	s.add(slot+1, x.To)
	return true
}

// forget takes out every slot before one and reports whether there was any.
func (s *spans) forget(before int64) bool {
	i := s.search(before)
	cut := i < len(*s) && (*s)[i].From < before
	if cut {
		(*s)[i].From = before
	}
	*s = slices.Delete(*s, 0, i)
	return cut || i > 0
}
