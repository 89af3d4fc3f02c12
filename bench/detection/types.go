// Command detection measures detectors of mass revocations on simulated histories of which the truth is known: Revwatch's own, through the
// same code that runs in production, and others from the literature, all at equal rates of false alarms.
//
//	go run ./bench/detection -what table
package main

import "time"

// Seeds. Whoever chooses a constant of the detector looks at design seeds only; what is published is measured on test seeds.
const (
	designSeedFirst, designSeedLast = 1, 99
	testSeedFirst                   = 1001
)

// seedKind names what a seed may be used for.
func seedKind(seed uint64) string {
	switch {
	case seed >= designSeedFirst && seed <= designSeedLast:
		return "design"
	case seed >= testSeedFirst:
		return "test"
	}
	return "neither design nor test"
}

const day = 24 * time.Hour

// Break is one newly broken connection as every detector sees it.
type Break struct {
	Time                             time.Time
	Integration, Connection, Account string // Account is "" when it is not known
}

// Ending is what became of a broken connection.
type Ending struct {
	Time                    time.Time
	Integration, Connection string
	Deleted                 bool // it was deleted; else it was authorized again
}

// The kinds of labels: five of incidents, three of nuisances.
const (
	burst       = "burst"       // many tokens refused from one moment on, found out as they are refreshed
	step        = "step"        // the rate is higher for some days
	ramp        = "ramp"        // the rate rises for some days
	cohort      = "cohort"      // connections made together reach the end of a fixed token life together
	integration = "integration" // the connections of one integration are refused within hours
	leaving     = "leaving"     // one customer's connections go
	outage      = "outage"      // the provider fails for hours, and a few of its answers read as a revocation
	everything  = "everything"  // all providers at once, because of ourselves
)

var incidentKinds = []string{burst, step, ramp, cohort, integration}

// Label is something that happened, with the truth about it.
type Label struct {
	Kind       string
	Size       string // small, medium or large; "" for nuisances
	Start, End time.Time
	Extra      int  // breaks it caused
	Incident   bool // it should be found
}

// Provider is one simulated series.
type Provider struct {
	Name      string
	PerDay    float64   // true mean ordinary rate, over its life
	Accounts  bool      // customer accounts are known
	Start     time.Time // when it exists from
	Judged    time.Time // incidents and alarms before it are history and not scored
	End       time.Time // of the simulated time
	Breaks    []Break   // distinct newly broken, by time
	Transient []Break   // refreshes that failed by an outage, by time
	Endings   []Ending  // by time
	Labels    []Label   // by time, none overlaps another
	Gaps      []gap     // without rows, by time
}

// Rival scores a series: one score for each 10-minute slot of counts (0: nothing unusual), the larger the more unusual; the threshold is swept.
// first is the slot (UTC, since 1970) of counts[0].
type Rival struct {
	Name, Source string
	Score        func(counts []float64, first int64) []float64
}
