package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// silence raises the alarm that no rows come, and ends it when they do. It is told as an incident of its own signal.
type silence struct {
	told   notices   // ended ones stay for silenceKept
	armed  bool      // rows came as they are written, once: without it old rows would raise an alarm
	seen   time.Time // newest row at the last look
	since  time.Time // when this process first saw that row, or had read everything there was
	dirty  bool
	change func(detect.Incident)
}

const (
	bucketSilence = "silence"
	silenceKept   = 9 * 24 * time.Hour // the weekly line of its first day may be told a day late
)

type storedSilence struct {
	Armed bool
	Told  []storedNotice
}

// notices are incidents that the detector does not know, because they are of the pipeline itself. The newest is the last.
type notices []*detect.Incident

// storedNotice adds what the public form of an incident leaves out.
type storedNotice struct {
	Incident             detect.Incident
	Milestone            int
	OpenedAt, ResolvedAt time.Time
	Resolution           string
}

func (n notices) incidents() []detect.Incident {
	out := make([]detect.Incident, 0, len(n))
	for _, x := range n {
		out = append(out, *x)
	}
	return out
}

func (n notices) stored() (all []storedNotice) {
	for _, x := range n {
		all = append(all, storedNotice{*x, x.Milestone, x.OpenedAt, x.ResolvedAt, x.Resolution})
	}
	return all
}

func restoredNotices(all []storedNotice) (n notices) {
	for _, x := range all {
		in := x.Incident
		in.Milestone, in.OpenedAt, in.ResolvedAt, in.Resolution = x.Milestone, x.OpenedAt, x.ResolvedAt, x.Resolution
		n = append(n, &in)
	}
	return n
}

// look compares the newest row with now, the clock at which everything there was had been read: what waits in Kafka is no silence of its source,
// and a Kafka that cannot be reached is told by /readyz. Old rows alone raise nothing, and while a backlog is shipped its rows are news.
func (s *silence) look(newest, now time.Time, usual time.Duration) {
	if now.IsZero() || newest.IsZero() {
		s.since = time.Time{}
		return
	}
	if s.since.IsZero() || newest.After(s.seen) {
		s.seen, s.since = newest, now
	}
	if !s.armed && now.Sub(newest) <= usual {
		s.armed, s.dirty = true, true
	}
	open := s.open()
	switch {
	case open != nil && newest.After(open.Since):
		open.Status, open.Time, open.ResolvedAt = detect.StatusResolved, now, now
		open.Resolution = "rows come again"
		s.changed(open)
	case open == nil && s.armed && now.Sub(newest) > usual && now.Sub(s.since) > usual:
		s.told = append(s.told, newSilence(newest, now, usual))
		s.changed(s.told[len(s.told)-1])
	}
	n := len(s.told)
	s.told = slices.DeleteFunc(s.told, func(x *detect.Incident) bool { return x != s.open() && now.Sub(x.ResolvedAt) > silenceKept })
	s.dirty = s.dirty || len(s.told) != n
}

func newSilence(newest, now time.Time, usual time.Duration) *detect.Incident {
	id := sha256.Sum256(fmt.Appendf(nil, "%q %d", detect.Silence, newest.UnixMilli()))
	return &detect.Incident{
		Type: "incident", ID: hex.EncodeToString(id[:8]), Status: detect.StatusOpen, Time: now, OpenedAt: now, Since: newest,
		Signal: detect.Silence, Scope: "all", Score: 1, Connections: []detect.Broken{},
		Explanation: []string{fmt.Sprintf("Rows usually come at least every %s.", formatDuration(usual))},
	}
}

func (s *silence) changed(x *detect.Incident) {
	x.Revision++
	x.Milestone++
	s.dirty = true
	s.change(*x)
}

// open is the alarm that is on, nil when there is none.
func (s *silence) open() *detect.Incident {
	if n := len(s.told); n > 0 && s.told[n-1].ResolvedAt.IsZero() {
		return s.told[n-1]
	}
	return nil
}

func (s *silence) changes(put func(bucket, key string, value []byte)) {
	if !s.dirty {
		return
	}
	s.dirty = false
	value, err := json.Marshal(storedSilence{s.armed, s.told.stored()})
	if err != nil {
		panic(err) // plain structs of finite numbers, strings and times
	}
	put(bucketSilence, bucketSilence, value)
}

func (s *silence) restore(bucket, _ string, value []byte) error {
	if bucket != bucketSilence {
		return nil
	}
	var stored storedSilence
	if err := json.Unmarshal(value, &stored); err != nil {
		return fmt.Errorf("restore %s: %w", bucket, err)
	}
	s.armed, s.told = stored.Armed, restoredNotices(stored.Told)
	return nil
}
