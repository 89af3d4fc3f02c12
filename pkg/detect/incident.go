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
	Weekly             = "weekly"              // no incident: the weekly line, told by the pipeline itself
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
	Since         time.Time `json:"since"`           // onset estimate, of its newest rise where it was opened again: first break at or after the slot of greatest likelihood
	Observed      int       `json:"observed"`        // distinct newly broken connections in the window
	Expected      float64   `json:"expected"`        // by the baseline, in the same window
	WindowSeconds int       `json:"window_seconds"`  // length of the best window
	Score         float64   `json:"score"`           // max(0, s')/log B: 1 is the alarm line
	OncePerDays   float64   `json:"once_per_days"`   // exp(s')
	Active        int       `json:"active"`          // connections seen active in 7 days; 0 = not known
	Total         int       `json:"total,omitempty"` // connections there are, as Nango's API listed them in the last 24 h: of the provider, of the family, of all; 0 = not known
	Explanation   []string  `json:"explanation"`
	Connections   []Broken  `json:"connections"` // at most 50, first broken first

	Affected     int         `json:"affected"`               // distinct connections newly broken in its window or since its first onset, also of what is part of it
	Customers    int         `json:"customers"`              // distinct customer accounts of these; 0: not known
	Remaining    Remaining   `json:"remaining"`              // what became of these
	Ranking      []Lift      `json:"ranking,omitempty"`      // what is over-represented among the breaks of the window, the most telling first; at most 5
	Diagnoses    []Diagnosis `json:"diagnoses,omitempty"`    // what the pattern says, the surest first
	Environments []string    `json:"environments,omitempty"` // of scope all: those in which series rise, sorted
	Course       Course      `json:"course,omitzero"`        // of the counts up to now

	// Not part of the public form.
	Milestone   int       `json:"-"` // advances on opening, severity rise, widening, resolve, loud re-opening
	Past        bool      `json:"-"` // opened more than alerts.max_age behind the wall clock: recorded, not sent
	Beyond      bool      `json:"-"` // more connections broke than are followed: Affected is "at least"
	OpenedAt    time.Time `json:"-"` // the last time
	ResolvedAt  time.Time `json:"-"`
	Resolution  string    `json:"-"` // why it resolved, in words
	Proof       int       `json:"-"` // advances when Remaining changes after the resolve, which is no revision
	FirstOpened time.Time `json:"-"` // of one that was opened again; zero: OpenedAt
	Recovered   []string  `json:"-"` // of Connections, those that work again at its end though nobody authorized them anew
}

// Broken is one connection of an incident.
type Broken struct {
	Integration string     `json:"integration"`
	Connection  string     `json:"connection"`
	Account     string     `json:"account"`
	Reason      string     `json:"reason"`
	Time        time.Time  `json:"time"` // when it newly broke
	Tags        nango.Tags `json:"tags,omitempty"`
	Created     time.Time  `json:"created,omitzero"`    // when its user last authorized it before that; zero: not known
	Elsewhere   string     `json:"elsewhere,omitempty"` // of an unknown connection: where rows of 90 days know this id, in words; "" when nowhere
}

// Remaining says what became of the connections that an incident broke: the three add up to Affected. Of unknown connections nothing can become: all are 0.
type Remaining struct {
	Reconnected int `json:"reconnected"` // they work again
	Deleted     int `json:"deleted"`     // they are no more
	Broken      int `json:"broken"`      // they still need somebody
}

// Lift is one trait that the breaks of an incident have more often than those of its series usually have.
type Lift struct {
	Dimension string  `json:"dimension"` // integration, environment, account, reason, age or auth_mode
	Value     string  `json:"value"`
	Count     int     `json:"count"` // breaks with the trait
	Of        int     `json:"of"`    // breaks of which it is known
	Usual     float64 `json:"usual"` // share of the trait among the breaks of before, 0 to 1
	Lift      float64 `json:"lift"`  // Count/Of over Usual
}

// Diagnosis is a known pattern that the breaks of an incident show.
type Diagnosis struct {
	Kind     string `json:"kind"`
	Evidence string `json:"evidence"`         // one sentence with the figures it rests on
	Source   string `json:"source,omitempty"` // the https address of the page that describes the pattern, "" where it is our own
}

// Kinds of Diagnosis.
const (
	OAuthClient  = "oauth_client"    // the OAuth client's id or secret is wrong or has expired
	TestMode     = "test_mode"       // an app in testing: its tokens live seven days
	Lifetime     = "lifetime"        // tokens of this provider live so long and no longer
	OneCustomer  = "one_customer"    // one customer leaves
	TokenLimit   = "token_limit"     // new authorizations push out old tokens
	PolicyChange = "policy_change"   // an administrator or the provider changed who may have access
	Outage       = "provider_outage" // the provider fails for other reasons too
	NangoFault   = "nango_fault"     // all providers at once: the fault is on our side
	VendorEvent  = "vendor_event"    // the provider announced it for this day
	WrongPlace   = "wrong_place"     // unknown connections that exist, but elsewhere
)

// Course is how many breaks that count, two of a customer in 24 h at most, there were in equal steps of time.
type Course struct {
	From    time.Time `json:"from"`
	Seconds int       `json:"seconds"` // of a step
	Counts  []int     `json:"counts"`
	Upper   []float64 `json:"upper"` // of each step, the count that the baseline exceeds once in 100 such steps
}
