package main

import (
	"sync/atomic"
	"time"
)

// clock is the time of the demo. It stands where it was set: up to there everything that happened is in Kafka, so that on a machine however slow
// nothing comes late.
type clock struct {
	ms   atomic.Int64
	live atomic.Bool // the history is over
}

func (c *clock) now() time.Time  { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) set(t time.Time) { c.ms.Store(t.UnixMilli()) }
