// Package nango turns Kafka values that hold Nango log rows, in whatever envelope, into joined, ordered events with a cause.
//
// It is pure: no goroutine, lock, clock, file, network, log or metric. Time is a parameter.
package nango

import "time"

// Kind says what an Event is about.
type Kind uint8

// The kinds of events.
const (
	// Failure: a token refresh of a connection was refused or failed; Cause and Reason say why.
	Failure Kind = iota + 1
	// Reconnected: the connection is known to work again (authorization or refresh succeeded, recovery webhook).
	Reconnected
	// Active: a successful proxy call of the connection that started at Time; proof that its credentials worked then.
	Active
	// Seen: the connection was seen by a script, a creation attempt or a webhook that repeats what is known; says that it exists and whose it
	// is, not that it works.
	Seen
	// Exhausted: Nango will not refresh this connection any more; confirms a broken connection, is no new failure.
	Exhausted
	// Deleted: the connection was deleted.
	Deleted
	// UnknownConnection: a caller asked for a connection that does not exist.
	UnknownConnection
	// Refused: Nango's API lists the connection with an error of its authorization, and did so when it was first asked. No row says it.
	Refused
)

var kindNames = [...]string{"none", "failure", "reconnected", "active", "seen", "exhausted", "deleted", "unknown_connection", "refused"}

// String returns the name of the kind in machine-readable output and metrics.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "none"
}

// Cause is the class of a failure.
type Cause string

// The classes of causes. What the rows do not hold is Unknown, never a guess.
const (
	// Revoked: only a new authorization by the user helps.
	Revoked Cause = "revoked"
	// Transient: provider, network, throttle or Nango-internal fault; the same token works later.
	Transient Cause = "transient"
	// Misconfigured: our OAuth client, secret or policy is wrong.
	Misconfigured Cause = "misconfigured"
	// Other: policy re-login, deleted connection.
	Other Cause = "other"
	// Unknown: the rows do not hold the reason.
	Unknown Cause = "unknown"
)

// Event is one thing that happened to one connection, at event time.
type Event struct {
	Kind        Kind
	Time        time.Time // UTC, millisecond resolution
	Environment string
	Provider    string
	Integration string
	Connection  string    // the id users know (connectionName)
	Account     string    // the customer account, "" when the rows do not hold it
	Cause       Cause     // Failure only
	Reason      string    // Failure only: stable code such as invalid_grant, aadsts_700082, lock_timeout
	Type        string    // Failure only: Nango's own error type such as refresh_token_external_error, "" when no row names it
	Status      int       // Failure only: the HTTP status the provider answered with, 0 when the rows do not hold it
	Detail      string    // Failure only: the provider's own sentence, at most 160 bytes; what is no ordinary word in it is "…"
	Authorized  bool      // Reconnected only: its user authorized it anew; else a refresh worked
	Listed      bool      // Reconnected only: a list of Nango's API says it, which does not tell whether its user authorized it anew
	AuthMode    string    // how the connection authorizes, as Nango names it: OAUTH2, OAUTH2_CC, TBA …; "" when this sign does not say it
	OperationID string    // "" for webhooks
	Tags        Tags      // of the connection, as far as this sign says them
	Due         time.Time // the watermark that released it: Time, or later for a failure that waited for its reason
}
