package main

import (
	"sync/atomic"
	"time"
)

// clock is the time of the demo: it stands at start until it runs, and then goes speed times as fast as the machine's.
type clock struct {
	start time.Time
	speed float64
	began atomic.Pointer[time.Time]
}

func (c *clock) run() {
	now := time.Now()
	c.began.CompareAndSwap(nil, &now)
}

func (c *clock) runs() bool { return c.began.Load() != nil }

func (c *clock) now() time.Time {
	began := c.began.Load()
	if began == nil {
		return c.start
	}
	return c.start.Add(time.Duration(float64(time.Since(*began)) * c.speed))
}
