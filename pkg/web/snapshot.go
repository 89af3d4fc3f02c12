package web

import (
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/nango"
)

// Snapshot is what the owner of the core publishes after each commit. Nothing in it may be changed afterwards.
type Snapshot struct {
	At        time.Time // clock when it was taken
	Reader    nango.Stats
	Detector  detect.Stats
	Series    []detect.Series
	Incidents []detect.Incident
	Learning  detect.Learning
	Errors    map[Integration]int64 // failures that Nango files under refresh_token_external_error, so far
	Refused   map[Refusal]int64     // refreshes that failed, so far
	Watermark time.Time             // every event before it was judged; zero: none
	Newest    time.Time             // newest row that was read; zero: none
	Silent    bool                  // no row for longer than is usual
	Drift     map[string]bool       // by kind: what is read lacks what Nango's logs have
	Directory Directory             // what Nango's API says
	Input     Input
	Committed time.Time // last commit of the state; zero: none
}

// Integration names an integration.
type Integration struct{ Environment, Provider, Integration string }

// Refusal names what refreshes fail of, and where.
type Refusal struct {
	Environment, Provider string
	Cause                 nango.Cause
}

// Input is the source of the rows as a user sees it.
type Input struct {
	Joined, Owner bool   // member of the group; the member that reads
	Error         string // what hinders reading, "" when nothing does; it holds no secrets
	Partitions    []Partition
	Stalled       int              // stalls the watchdog has ended, so far
	Bytes         int64            // fetched so far
	Skipped       map[string]int64 // batches left out so far, by reason
}

// Partition is one partition that we own.
type Partition struct {
	Name     string // "topic/3"
	Lag      int64  // records to the end of the log
	Gap      int64  // records lost so far
	Position int64  // next offset

	GapAt time.Time // when the newest gap was found; zero: never
}
