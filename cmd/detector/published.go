package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/web"
)

// publish shows the state as it is now. It takes a twentieth of the time at most.
func (f *follower) publish() {
	if f.committed.IsZero() && f.positions.owned() > 0 {
		return // nothing was committed yet
	}
	begin := time.Now()
	if begin.Before(f.published) {
		return
	}
	x := web.Snapshot{
		At: f.now(), Reader: f.reader.Stats(), Detector: f.detector.Stats(), Series: f.detector.Series(), Incidents: f.incidents(),
		Errors: maps.Clone(f.errors), Refused: maps.Clone(f.refused), Watermark: f.reader.Watermark(), Newest: f.reader.Newest(), Silent: f.silence.open() != nil, Learning: f.detector.Learning(),
		Drift: f.drift.state(), Directory: f.directory(),
		Input: f.input(), Committed: f.committed,
	}
	f.watchLearning(x.Learning)
	f.server.Publish(x)
	f.watch(x)
	f.published = begin.Add(20 * time.Since(begin))
}

func (f *follower) input() web.Input {
	s := f.consumer.Status()
	in := web.Input{Joined: s.Joined, Owner: s.Owner, Error: s.Err, Stalled: s.Stalled, Bytes: s.Bytes, Skipped: s.Skipped}
	for _, p := range f.positions.byName {
		if p.owned {
			in.Partitions = append(in.Partitions, web.Partition{Name: p.name, Lag: p.lag(), Gap: p.Gap, GapAt: p.GapAt, Position: p.Next})
		}
	}
	slices.SortFunc(in.Partitions, func(a, b web.Partition) int { return strings.Compare(a.Name, b.Name) })
	return in
}

// check tells what readiness hangs on.
func (f *follower) check() {
	s := f.consumer.Status()
	switch {
	case s.Err != "":
		f.server.Check("kafka", false, s.Err)
	case !s.Joined:
		f.server.Check("kafka", false, "joining the group")
	case s.Partitions == 0:
		f.server.Check("kafka", true, "standing by: another member reads")
	default:
		f.server.Check("kafka", true, fmt.Sprintf("reading %d partitions, %d records behind", s.Partitions, f.positions.lag()))
	}
	if n := f.reader.Stats().Stalled; n > 0 && s.Partitions > 0 {
		f.server.Check("partitions", false, plural(n, "partition")+" cannot be read for 10 minutes")
	} else {
		f.server.Check("partitions", true, "")
	}
	if f.failing != nil {
		f.server.Check("state", false, f.failing.Error())
		return
	}
	f.server.Check("state", true, "")
}
