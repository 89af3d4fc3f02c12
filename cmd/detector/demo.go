package main

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"github.com/revwatch/revwatch/pkg/simulate"
)

const (
	demoTopic   = "nango-logs"
	demoHistory = 28 * 24 * time.Hour
	demoSpeed   = 3600                  // an hour a second
	demoStep    = 50 * time.Millisecond // of the machine's time, between two looks at it
	demoGrain   = 4 * time.Minute       // of the demo's time: so much is written at once; a row may not be 5 min ahead of what is known as now
)

// demoStart is the Monday morning on which the demo goes live. It is fixed, so that every demo of one seed tells the same story.
var demoStart = time.Date(2026, 2, 2, 8, 0, 0, 0, time.UTC)

// scene is one thing that happens while the demo is live.
type scene struct {
	after     time.Duration
	happening simulate.Happening
	text      string
}

var script = []scene{
	{time.Hour, simulate.Happening{Kind: simulate.Outage, Provider: "hubspot", For: 3 * time.Hour},
		"hubspot goes down for 3 hours: refreshes fail, but nothing is revoked. No alert is due."},
	{3 * time.Hour, simulate.Happening{Kind: simulate.CustomerLeaving, For: 6 * time.Hour},
		"one customer leaves, and all of its connections with it. No alert is due."},
	{6 * time.Hour, simulate.Happening{Kind: simulate.MassRevocation, Integration: madeUpRevoker, Connections: 60, For: 2 * time.Hour},
		"google-mail revokes 60 of 220 connections of one OAuth client within 2 hours. An alert is due."},
}

// demo runs the same pipeline as run on a made-up Nango and a Kafka in this process: four weeks of history, then an hour a second.
func demo(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("demo", errs)
	last := f.Duration("for", 0, "end after this `TIME`: exit code 0 when the mass revocation was found and nothing else was, 1 otherwise; 0 runs until Ctrl-C")
	seed := f.Uint64("seed", 1, "another `NUMBER` tells another story")
	listen := f.String("listen", "127.0.0.1:9847", "`ADDRESS` of the metrics; when it is taken, a free port")
	if err := parse(f, args); err != nil {
		return err
	}
	if *last < 0 {
		return usageError{fmt.Sprintf("demo: --for %s: a time above 0, or 0", *last)}
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGPIPE) // whoever read has gone: clean up
	defer stop()
	stage, err := newStage(*seed, *listen, out)
	if err != nil {
		return err
	}
	defer stage.close()
	limit := ctx
	if *last > 0 {
		var cancel context.CancelFunc
		limit, cancel = context.WithTimeout(ctx, *last)
		defer cancel()
	}
	err = stage.play(limit)
	switch {
	case err != nil && limit.Err() == nil:
		return err
	case ctx.Err() != nil: // Ctrl-C
		if err := stage.verdict(); err != nil {
			stage.screen.say("Ended: %v.", err)
		}
		return nil
	}
	return stage.verdict()
}
