package window

import (
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// State of a connection, as far as its signs say.
type State string

// The states. What the ledger does not know has none.
const (
	Working     State = "working"     // nothing that counts says that it is broken
	Broken      State = "broken"      // its last word is a counted failure or exhaustion, or it was refused before anybody watched
	Reconnected State = "reconnected" // it was broken, and works again
	Deleted     State = "deleted"     // it is no more, unless a later sign of it says so
)

func (n *entry) state() State {
	switch {
	case n.counts():
		return Broken
	case n.Deleted:
		return Deleted
	case n.Mended:
		return Reconnected
	}
	return Working
}

// counts reports whether the last word is a counted failure, exhaustion, or that it was refused before anybody watched.
func (n *entry) counts() bool {
	return !n.Revoked.IsZero() || !n.Misconfig.IsZero() || n.Exhausted || !n.Refused.IsZero()
}

// State returns the state of a connection, "" when the ledger does not know it.
func (l *Ledger) State(environment, integration, connection string) State {
	if n := l.entries[ledgerKey{environment, integration, connection}]; n != nil {
		return n.state()
	}
	return ""
}

// Owner returns what is known of whose a connection is: its customer account and tags, empty when not known.
func (l *Ledger) Owner(environment, integration, connection string) (account string, tags nango.Tags) {
	if n := l.entries[ledgerKey{environment, integration, connection}]; n != nil {
		return n.Account, n.Tags
	}
	return "", ""
}

// Origin returns how a connection authorizes and when its user last authorized it; empty and zero when no row has said it.
func (l *Ledger) Origin(environment, integration, connection string) (authMode string, created time.Time) {
	if n := l.entries[ledgerKey{environment, integration, connection}]; n != nil {
		return n.AuthMode, n.Created
	}
	return "", time.Time{}
}

// ByItself reports whether a connection works again that was broken, without having been authorized anew: what broke it was no revocation.
func (l *Ledger) ByItself(environment, integration, connection string) bool {
	n := l.entries[ledgerKey{environment, integration, connection}]
	return n != nil && n.Itself && !n.counts()
}

// Connection is what the ledger knows of one connection. Times are zero and texts empty where it knows nothing.
type Connection struct {
	Environment, Integration, Connection string
	Provider, Account, AuthMode          string

	Tags        nango.Tags
	State       State
	Created     time.Time // when its user last authorized it
	First       time.Time // first failure since it last worked
	Failed      time.Time // last failure of any cause, or sign of exhaustion
	Cause       nango.Cause
	Reason      string
	Exhausted   bool // Nango has given up on it
	BeforeStart bool // it was broken before anybody watched
}

// Connection returns what the ledger knows of one connection, at least its name.
func (l *Ledger) Connection(environment, integration, connection string) Connection {
	key := ledgerKey{environment, integration, connection}
	if n := l.entries[key]; n != nil {
		return n.known(key)
	}
	return Connection{Environment: environment, Integration: integration, Connection: connection}
}

func (n *entry) known(key ledgerKey) Connection {
	return Connection{
		Environment: key.Environment, Integration: key.Integration, Connection: key.Connection,
		Provider: n.Provider, Account: n.Account, AuthMode: n.AuthMode, Tags: n.Tags, State: n.state(), Created: n.Created,
		First: n.First, Failed: n.Failed, Cause: n.Cause, Reason: n.Reason, Exhausted: n.Exhausted, BeforeStart: n.BeforeStart,
	}
}

// All yields every connection the ledger knows, in no order.
func (l *Ledger) All(yield func(Connection) bool) {
	for key, n := range l.entries {
		if !yield(n.known(key)) {
			return
		}
	}
}

// Names yields the name of every connection the ledger knows and that is not deleted, in no order.
func (l *Ledger) Names(yield func(environment, integration, connection string)) {
	for key, n := range l.entries {
		if n.state() != Deleted {
			yield(key.Environment, key.Integration, key.Connection)
		}
	}
}
