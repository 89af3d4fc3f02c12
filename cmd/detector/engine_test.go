package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/simulate"
)

var worldStart = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// history is a made-up world of 25 days with a mass revocation on the 20th.
func history(t testing.TB) []simulate.Row {
	t.Helper()
	w := simulate.New(simulate.Config{Seed: 3, Start: worldStart, Calls: -1})
	for _, h := range []simulate.Happening{
		{Kind: simulate.MassRevocation, Integration: "google-mail", Connections: 50, At: worldStart.Add(20*24*time.Hour + 9*time.Hour), For: time.Hour},
		{Kind: simulate.Outage, Provider: "outlook", At: worldStart.Add(22*24*time.Hour + 9*time.Hour), For: 2 * time.Hour},
	} {
		if err := w.Schedule(h); err != nil {
			t.Fatal(err)
		}
	}
	var rows []simulate.Row
	w.Until(worldStart.Add(25*24*time.Hour), func(r simulate.Row) { rows = append(rows, r) })
	return rows
}

// caughtUp reads rows as a partition whose end was reached at now: what may still get its reason waits.
func caughtUp(rows []simulate.Row, now time.Time) *recorder {
	r := newRecorder(defaults())
	n := int64(len(rows))
	r.reader.Open("p", 0, n)
	for i, row := range rows {
		r.reader.Read(row.Value, nango.Meta{Source: "p", Offset: int64(i), Time: row.Time.UnixMilli()})
	}
	r.reader.Progress("p", n, n, now)
	r.advance(now)
	return r
}

// recorder is an engine whose output is kept.
type recorder struct {
	*engine
	events    []string
	incidents []string
	broken    int
}

func newRecorder(c config) *recorder {
	r := &recorder{engine: newEngine(&c, time.Time{})}
	r.event = func(e nango.Event, isNew bool) {
		if isNew {
			r.broken++
		}
		e.Due = time.Time{}
		r.events = append(r.events, fmt.Sprint(e, isNew))
	}
	r.incident = func(x detect.Incident) {
		line, err := json.Marshal(x)
		if err != nil {
			panic(err)
		}
		r.incidents = append(r.incidents, string(line))
	}
	return r
}

// whole reads rows from one file, in their order.
func whole(rows []simulate.Row) *recorder {
	r := newRecorder(defaults())
	r.read(rows)
	return r
}

// However the records are cut into batches, spread over partitions and interleaved, and wherever the process is stopped and started again, the
// events and the incidents are the same: live, and read from a file.
func TestSameIncidentsInAnyBatches(t *testing.T) {
	t.Parallel()
	rows := history(t)
	want := whole(rows)
	if want.broken < 100 || len(want.incidents) < 3 {
		t.Fatalf("the history holds too little: %d broken, incidents %v", want.broken, want.incidents)
	}
	for seed := range uint64(4) {
		if got := readLive(t, rows, rand.New(rand.NewPCG(seed, 0))); !slices.Equal(got.events, want.events) || !slices.Equal(got.incidents, want.incidents) || !sameFailures(got, want) {
			t.Fatalf("seed %d: %d events and incidents\n%v\nwant %d and\n%v", seed, len(got.events), got.incidents, len(want.events), want.incidents)
		}
	}
}

// readLive reads rows as partitions that are never caught up but by the newest row of each, as a topic under load is.
func readLive(t *testing.T, rows []simulate.Row, chance *rand.Rand) *recorder {
	return readLiveWith(t, rows, chance, nil)
}

// readLiveWith is the same with listings of Nango's API.
func readLiveWith(t *testing.T, rows []simulate.Row, chance *rand.Rand, listings []detect.Listing) *recorder {
	n, size, stop := 1+chance.IntN(4), []int{1, 50, 500, 5000}[chance.IntN(4)], chance.IntN(len(rows))
	parts := make([][]simulate.Row, n)
	for _, row := range rows {
		p := chance.IntN(n)
		parts[p] = append(parts[p], row)
	}
	r, next, read := newRecorder(defaults()), make([]int64, n), 0
	r.listings = slices.Clone(listings)
	open := func() {
		for p := range parts {
			r.reader.Open(fmt.Sprint("t/", p), next[p], next[p])
		}
	}
	open()
	for left := len(rows); left > 0; {
		p := behindOf(r.reader, parts, next)
		for range min(size, len(parts[p])-int(next[p])) {
			row := parts[p][next[p]]
			r.reader.Read(row.Value, nango.Meta{Source: fmt.Sprint("t/", p), Offset: next[p], Time: row.Time.UnixMilli()})
			next[p]++
			left--
			read++
		}
		r.advance(time.Time{})
		if stop > 0 && read >= stop {
			stop = 0
			r = restarted(t, r)
			open()
		}
	}
	r.flush(time.Time{})
	return r
}

// behindOf is the partition that has read least far of those that hold more.
func behindOf(r *nango.Reader, parts [][]simulate.Row, next []int64) int {
	best := -1
	for p := range parts {
		if int(next[p]) < len(parts[p]) && (best < 0 || r.RowTime(fmt.Sprint("t/", p)).Before(r.RowTime(fmt.Sprint("t/", best)))) {
			best = p
		}
	}
	return best
}

func sameFailures(got, want *recorder) bool {
	return maps.Equal(got.errors, want.errors) && maps.Equal(got.refused, want.refused) && len(want.refused) > 0
}

// restarted is a new engine with the state of r, and what r has told so far.
func restarted(t *testing.T, r *recorder) *recorder {
	t.Helper()
	stored := map[[2]string][]byte{}
	r.changes(func(bucket, key string, value []byte) { stored[[2]string{bucket, key}] = value })
	return restartedFrom(t, r, stored)
}

// restartedFrom is the same with a state that was committed bit by bit.
func restartedFrom(t *testing.T, r *recorder, stored map[[2]string][]byte) *recorder {
	t.Helper()
	n := newRecorder(defaults())
	for at, value := range stored {
		if value == nil {
			continue
		}
		if err := n.restore(at[0], at[1], value); err != nil {
			t.Fatal(err)
		}
	}
	n.listings = r.listings
	n.events, n.incidents, n.broken, n.errors, n.refused = r.events, r.incidents, r.broken, r.errors, r.refused
	return n
}

// A daemon that is caught up with several partitions, whose rows come late by seconds, and which is stopped and started again from what it
// committed, decides what a file of the same rows decides.
func TestSameIncidentsLive(t *testing.T) {
	t.Parallel()
	rows := history(t)
	want := whole(rows)
	for seed := range uint64(2) {
		chance := rand.New(rand.NewPCG(seed, 1))
		got := watched(t, rows, 1+chance.IntN(3), time.Duration(chance.IntN(20))*24*time.Hour, chance)
		if !slices.Equal(got.events, want.events) || !slices.Equal(got.incidents, want.incidents) || !sameFailures(got, want) {
			t.Fatalf("seed %d: %d events and incidents\n%v\nwant %d and\n%v", seed, len(got.events), got.incidents, len(want.events), want.incidents)
		}
	}
}

// watched reads rows as they are appended, each up to 20 s after it was written; those before the start are there already.
func watched(t *testing.T, rows []simulate.Row, n int, start time.Duration, chance *rand.Rand) *recorder {
	t.Helper()
	type record struct {
		value    []byte
		appended time.Time
	}
	parts, next := make([][]record, n), make([]int64, n)
	for _, row := range rows {
		p := chance.IntN(n)
		parts[p] = append(parts[p], record{row.Value, row.Time.Add(time.Duration(chance.IntN(20)) * time.Second)})
	}
	for _, p := range parts {
		slices.SortStableFunc(p, func(a, b record) int { return a.appended.Compare(b.appended) })
	}
	clock, end := worldStart.Add(start), worldStart.Add(25*24*time.Hour+time.Hour)
	high := func(p int) int64 {
		i, _ := slices.BinarySearchFunc(parts[p], clock, func(x record, c time.Time) int {
			if x.appended.After(c) {
				return 1
			}
			return -1
		})
		return int64(i)
	}
	r, stored := newRecorder(defaults()), map[[2]string][]byte{}
	open := func() {
		for p := range parts {
			r.reader.Open(fmt.Sprint("t/", p), next[p], high(p))
		}
	}
	for open(); clock.Before(end); clock = clock.Add(20 * time.Second) {
		for again := true; again; {
			again = false
			for p := range parts {
				name, to := fmt.Sprint("t/", p), high(p)
				for limit := min(to, next[p]+500); next[p] < limit && !r.reader.Paused(name); next[p]++ {
					x := parts[p][next[p]]
					r.reader.Read(x.value, nango.Meta{Source: name, Offset: next[p], Time: x.appended.UnixMilli()})
				}
				again = again || next[p] < to
				r.reader.Progress(name, next[p], to, clock)
				r.advance(clock)
			}
		}
		if chance.IntN(20_000) == 0 {
			r.changes(func(bucket, key string, value []byte) { stored[[2]string{bucket, key}] = value })
			r = restartedFrom(t, r, stored)
			open()
		}
	}
	r.flush(time.Time{})
	return r
}
