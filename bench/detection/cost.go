package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// costResult is what a detector of many providers costs, from its public methods: everything in it, the ledger and the daily fits too.
type costResult struct {
	providers int
	perTick   time.Duration // a provider and slot
	perEvent  time.Duration // all the time over events
	bytes     float64       // live heap a provider
	events    int64
}

// runCost runs one slice of a null world by itself.
func runCost(seed uint64, providers, days int) costResult {
	w := null(seed, min(providers, sliceSize), days)
	all := w.Slice(0, w.Providers)
	items := stream(all)
	h := newHearing(all)
	before := heap()
	d := detect.New(detect.Options{Budget: 90 * day})
	begun := time.Now()
	h.feed(d, all, items)
	spent := time.Since(begun)
	c := costResult{providers: len(all), events: h.run.Events, bytes: float64(heap()-before) / float64(len(all))}
	c.perTick, c.perEvent = spent/time.Duration(h.run.Ticks), spent/time.Duration(h.run.Events)
	runtime.KeepAlive(d)
	return c
}

// heap is how many bytes are in use after a collection.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func cost(o options) error {
	c := runCost(o.seed, o.providers, o.days)
	fmt.Fprintf(o.out, "%d providers, %d events over %d days: %v a provider and slot, or %v an event, fits and ledger included; %.0f KB a provider, its ledger included.\n",
		c.providers, c.events, o.days, c.perTick, c.perEvent, c.bytes/1000)
	return nil
}
