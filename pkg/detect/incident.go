package detect

import (
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// Status of an incident.
type Status string

// The states an incident is told in. StatusUpdate is an open incident that changed.
const (
	StatusOpen     Status = "open"
	StatusUpdate   Status = "update"
	StatusResolved Status = "resolved"
	StatusReopened Status = "reopened"
)

// Signals: what an incident is about.
const (
	Revocations        = "revocations"         // connections newly broken
	UnknownConnections = "unknown_connections" // connections asked for that do not exist; the integration stands for the provider
	Silence            = "silence"             // no rows come: told by the pipeline itself, not by a series
)

// Incident is an unusual rise of one series, with all that a message about it needs. It is a value: copies are immutable snapshots.
// Its JSON form is one line of `detector replay --output json`.
type Incident struct {
	Type          string    `json:"type"` // always "incident"
	ID            string    `json:"id"`   // hash of signal, environment, provider, cause, opening edge; stable for life
	Parent        string    `json:"parent"`
	Revision      int       `json:"revision"` // grows with each change, starts at 1
	Status        Status    `json:"status"`
	Time          time.Time `json:"time"` // the slot edge or the break that opened it; of this change afterwards
	Signal        string    `json:"signal"`
	Scope         string    `json:"scope"` // integration, provider, family, all
	Environment   string    `json:"environment"`
	Provider      string    `json:"provider"`
	Integration   string    `json:"integration"` // set when one integration holds >= 80 % of the breaks
	Cause         string    `json:"cause"`
	Since         time.Time `json:"since"`          // onset estimate: start of the best window
	Observed      int       `json:"observed"`       // distinct newly broken connections in the window
	Expected      float64   `json:"expected"`       // by the baseline, in the same window
	WindowSeconds int       `json:"window_seconds"` // length of the best window
	Score         float64   `json:"score"`          // max(0, s')/log B: 1 is the alarm line
	OncePerDays   float64   `json:"once_per_days"`  // exp(s')
	Active        int       `json:"active"`         // connections seen active in 7 days; 0 = not known
	Explanation   []string  `json:"explanation"`
	Connections   []Broken  `json:"connections"` // at most 50, first broken first

	// Not part of the public form.
	Milestone  int       `json:"-"` // advances on opening, severity rise, widening, resolve, loud re-opening
	Past       bool      `json:"-"` // opened more than alerts.max_age behind the wall clock: recorded, not sent
	OpenedAt   time.Time `json:"-"`
	ResolvedAt time.Time `json:"-"`
	Resolution string    `json:"-"` // why it resolved, in words
	Recovered  []string  `json:"-"` // of Connections, those that work again at its end though nobody authorized them anew
}

// Broken is one connection of an incident.
type Broken struct {
	Integration string     `json:"integration"`
	Connection  string     `json:"connection"`
	Account     string     `json:"account"`
	Reason      string     `json:"reason"`
	Time        time.Time  `json:"time"` // when it newly broke
	Tags        nango.Tags `json:"tags,omitempty"`
}
