package nango

import (
	"math"
	"slices"
	"time"
)

const (
	pauseAhead = 3600_000    // a source further ahead of the slowest one waits for it
	unreadable = 10 * 60_000 // a source without an answer for so long leaves the minimum
	settling   = 5_000       // while history is filled in, rows of different sources come one after the other: it is over when none came for so long
	backfill   = 3600_000    // a row appended later than this after it was written was shipped from history
)

// source is one partition or file.
type source struct {
	name   string
	open   bool
	behind bool
	end    int64 // behind until the position reaches it; < 0: until Close
	newest int64 // T_p: newest row time read, or the clock less the usual delay once caught up
	heard  int64 // clock of the last answer, 0 = none yet
	lost   bool  // no answer for 10 min: holds nobody back
	delays delays
	dirty  bool
}

// Open begins a source at position next whose log ends at end now. It is behind, and holds everything back, until
// Progress reaches end; with end < 0 (a file) until Close.
func (r *Reader) Open(name string, next, end int64) {
	s := r.open(name, end)
	s.end, s.behind, s.heard, s.lost = end, end < 0 || next < end, 0, false
}

func (r *Reader) open(name string, end int64) *source {
	s := r.sources[name]
	if s == nil {
		s = &source{name: name, behind: true}
		r.sources[name] = s
	}
	if !s.open {
		s.open, s.behind, s.end = true, true, end
	}
	return s
}

// Progress tells that everything before position next was read, and that the log ended at high when it was asked at
// fetched, the clock before the request. next >= high: caught up, and the source's time moves on with the clock, up to an
// hour past the newest row of all: where nothing comes, what a shipper held back or somebody fills in is not late.
func (r *Reader) Progress(name string, next, high int64, fetched time.Time) {
	s := r.sources[name]
	if s == nil || !s.open {
		return
	}
	s.heard, s.lost = fetched.UnixMilli(), false
	if next >= high || s.end >= 0 && next >= s.end {
		s.behind = false
	}
	if next >= high && r.newest > 0 {
		s.move(min(fetched.UnixMilli()-r.usualDelay(s), r.newest+pauseAhead))
	}
}

// Close ends a source: a file that ended, a partition that was revoked. It no longer holds others back.
func (r *Reader) Close(name string) {
	if s := r.sources[name]; s != nil {
		s.open, s.dirty = false, true
	}
}

func (s *source) move(t int64) {
	if t > s.newest {
		s.newest, s.dirty = t, true
	}
}

// seen notes the time of a row, and when the row was last written.
func (r *Reader) seen(created, written int64) {
	r.source.move(created)
	r.times++
	r.row(at(created))
	if created > r.newest {
		r.newest, r.header = created, true
	}
	if d := r.meta.Time - written; r.meta.Time > 0 && !r.source.behind && d <= backfill {
		r.source.delays.add(r.meta.Time, d)
	}
}

// frontier is min T_p - disorder over the sources that can be read. ok is false while one of them is behind or has no
// time yet, or there is none.
func (r *Reader) frontier(now time.Time) (w int64, ok bool) {
	w = math.MaxInt64
	r.stats.Stalled = 0
	r.stood(now)
	waiting, slowest := r.filling(now), r.slowest()
	for _, s := range r.sources {
		if !s.open {
			continue
		}
		if s.gone(now, s.newest > slowest+pauseAhead) {
			r.stats.Stalled++
			continue
		}
		waiting = waiting || s.waiting()
		w = min(w, s.newest)
	}
	return w - r.disorder, !waiting && w < math.MaxInt64
}

// filling reports whether history is still coming in: rows came lately, and they were of long ago, or came after a long time without any.
func (r *Reader) filling(now time.Time) bool {
	if now.IsZero() || r.newest == 0 {
		return false
	}
	clock, behind := now.UnixMilli(), r.behind()
	reading := behind || r.behindSeen // what was there at the start is read to its end before anything is released
	r.behindSeen = behind
	if !reading && r.times != r.timesSeen && (clock-r.newest > backfill || r.newestSeen > 0 && r.newest-r.newestSeen > backfill) {
		r.fed = clock
	}
	r.timesSeen, r.newestSeen = r.times, r.newest
	return clock-r.fed < settling
}

// behind reports whether a source has not been read to where it ended when it was opened.
func (r *Reader) behind() bool {
	for _, s := range r.sources {
		if s.open && s.behind {
			return true
		}
	}
	return false
}

// standstill is the time between two looks in which nobody can have asked the sources: the process slept, or waited for its disk.
const standstill = 60_000

// stood forgives the sources the time in which they were not asked.
func (r *Reader) stood(now time.Time) {
	if now.IsZero() {
		return
	}
	if passed := now.UnixMilli() - r.looked; r.looked > 0 && passed > standstill {
		for _, s := range r.sources {
			if s.heard > 0 {
				s.heard += passed
			}
		}
	}
	r.looked = now.UnixMilli()
}

// Stalled reports whether a source could not be read for 10 min and no longer holds the others back.
func (r *Reader) Stalled(name string) bool {
	s := r.sources[name]
	return s != nil && s.open && s.lost
}

// waiting reports whether the source holds everything back: it is behind, or does not know what time it is.
func (s *source) waiting() bool { return s.behind || s.newest == 0 }

// gone notes whether a source could not be read for 10 min. One that is paused was not asked.
func (s *source) gone(now time.Time, paused bool) bool {
	if now.IsZero() || s.end < 0 {
		return false
	}
	if s.heard == 0 || paused {
		s.heard = now.UnixMilli()
	}
	s.lost = now.UnixMilli()-s.heard > unreadable
	return s.lost
}

// Watermark returns W: every event due up to it was returned by Advance. Zero means none.
func (r *Reader) Watermark() time.Time { return orZero(r.mark) }

// Newest returns the newest row time read.
func (r *Reader) Newest() time.Time { return orZero(r.newest) }

// RowTime returns the newest row time read from a source (a caught-up source moves with the clock). Zero means none.
func (r *Reader) RowTime(name string) time.Time {
	if s := r.sources[name]; s != nil {
		return orZero(s.newest)
	}
	return time.Time{}
}

// Paused reports whether a source is more than 1 h ahead of the slowest one and should not be read for now.
func (r *Reader) Paused(name string) bool {
	s := r.sources[name]
	if s == nil || !s.open {
		return false
	}
	return s.newest > r.slowest()+pauseAhead
}

func (r *Reader) slowest() int64 {
	t := int64(math.MaxInt64 - pauseAhead)
	for _, s := range r.sources {
		if s.open && !s.lost {
			t = min(t, s.newest)
		}
	}
	return t
}

func orZero(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return at(ms)
}

// delays is how long after they were written rows were appended, over the last 24 h of append time: counts in buckets
// whose edges grow by a quarter, from 1 s to 15 min, in four generations of 6 h.
type delays struct {
	Generation int64                   `json:"g"` // append time / 6 h of the newest one
	Counts     [4][delayBuckets]uint32 `json:"c"`
}

const (
	delayBuckets = 32
	maxDelay     = 15 * 60_000
	generation   = 6 * 3600_000
)

var delayEdges = func() (edges [delayBuckets]int64) {
	for i := range edges {
		edges[i] = min(int64(1000*math.Pow(1.25, float64(i))), maxDelay)
	}
	return edges
}()

func (d *delays) add(appended, delay int64) {
	g := appended / generation
	if g > d.Generation {
		for i := max(d.Generation+1, g-3); i <= g; i++ {
			d.Counts[i%4] = [delayBuckets]uint32{}
		}
		d.Generation = g
	}
	if g <= d.Generation-4 {
		return
	}
	i, _ := slices.BinarySearch(delayEdges[:], min(delay, maxDelay))
	d.Counts[g%4][min(i, delayBuckets-1)]++
}

// usualDelay is the 99th percentile of the source's delays, in ms; of all sources together when it has none yet.
func (r *Reader) usualDelay(s *source) int64 {
	var sum [delayBuckets]uint64
	total := s.delays.sum(&sum)
	if total == 0 {
		for _, o := range r.sources {
			total += o.delays.sum(&sum)
		}
	}
	if total == 0 {
		return 0
	}
	rest := total / 100 // so many may be slower
	for i := delayBuckets - 1; i > 0; i-- {
		if sum[i] > rest {
			return delayEdges[i]
		}
		rest -= sum[i]
	}
	return delayEdges[0]
}

func (d *delays) sum(to *[delayBuckets]uint64) (total uint64) {
	for g := range d.Counts {
		for i, n := range d.Counts[g] {
			to[i] += uint64(n)
			total += uint64(n)
		}
	}
	return total
}
