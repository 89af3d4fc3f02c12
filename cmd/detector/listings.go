package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// list keeps a listing until it is due: at its time, or at what the watermark has reached already, so that it has its place among the events whatever is
// read at a time. One of an environment waits at most; false: an older one still does, and this one is dropped. One that is dated later was listed by a wrong clock, and gives
// way.
func (g *engine) list(l detect.Listing) bool {
	if i := slices.IndexFunc(g.listings, func(x detect.Listing) bool { return x.Environment == l.Environment }); i >= 0 {
		if !g.listings[i].Time.After(l.Time) {
			return false
		}
		g.listings = slices.Delete(g.listings, i, i+1)
	}
	l.Due = l.Time
	if w := g.reader.Watermark(); w.After(l.Due) {
		l.Due = w
	}
	g.listings = append(g.listings, l)
	slices.SortStableFunc(g.listings, func(a, b detect.Listing) int {
		return cmp.Or(a.Due.Compare(b.Due), strings.Compare(a.Environment, b.Environment))
	})
	return true
}

// takeListings takes those that are due before an event of that time. Slots are closed before as before an event.
func (g *engine) takeListings(before, newest, now time.Time) {
	for len(g.listings) > 0 && g.listings[0].Due.Before(before) {
		l := g.listings[0]
		if g.pass(earlier(l.Due, newest), now); g.stopped {
			return
		}
		g.listings = g.listings[1:]
		g.listed(l, g.detector.List(l))
	}
}
