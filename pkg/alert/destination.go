package alert

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// Destination is one place that is told of incidents. NewSlack, NewPagerDuty, NewAlertmanager, NewWebhook and NewTerminal make them.
type Destination interface {
	name() string
	traits() traits
	// send makes one request and says what is known of it afterwards. An error that is not a *fault is taken for doubtful.
	// It returns soon after ctx ends.
	send(ctx context.Context, d delivery) (receipt, error)
}

// traits are the habits of a destination that decide when it is told what.
type traits struct {
	revisions bool          // follows the revision of an incident; otherwise its milestone
	every     time.Duration // between two changes of one incident that are no milestone
	gap       time.Duration // between any two requests
	timeout   time.Duration // of one request
	paired    bool          // an end is told only where a beginning may have been told
	keyed     bool          // the other side knows an incident by its id: the same request twice is one
	silences  bool          // it is told when somebody silences what it was told of (phase hush)
	reports   bool          // it is told what is no incident: the weekly line
	repeat    time.Duration // what is open is sent again so often, though nothing changed; 0: never
	repeatEnd time.Duration // and what is over, for so long after its end was accepted
}

// delivery is what send is asked to bring.
type delivery struct {
	message   message
	in        *detect.Incident // must not be changed
	incident  string           // its id
	milestone int
	revision  int
	remote    string    // what the last receipt said of the incident; "" when nothing was ever confirmed
	silence   string    // id of the one that hushes it, or that hushed it until now
	doubtful  time.Time // an earlier request since then may have arrived; zero: none
}

// receipt is what a destination says of an accepted request.
type receipt struct {
	remote string // kept and handed back with the next delivery of the incident
	more   bool   // the state is not wholly told yet: send again, with this remote
}

// verdict is what a failed request means for the next one.
type verdict string

const (
	failed   verdict = "failed"   // it did not happen; worth another try
	doubtful verdict = "doubtful" // it may have happened; worth another try
	refused  verdict = "refused"  // the other side will not have it, however often it is tried
)

// Results are what may come of a request, as Status counts it.
var Results = []string{"sent", "repeated", string(failed), string(doubtful), string(refused)}

// fault is an error of a destination. Its reason is our own text or a checked code: no URL, key or body is in it.
type fault struct {
	verdict verdict
	reason  string
	after   time.Duration // not before so long, when the other side said so
}

func (f *fault) Error() string { return f.reason }

// faultOf reads any error of send as a fault.
func faultOf(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	return &fault{verdict: doubtful, reason: "unexpected error"}
}

// Secret is a text that is never printed: not by fmt, a logger or an encoder. string(s) gives it.
type Secret string

const redacted = "<secret>"

// Format implements fmt.Formatter for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// sealed keeps a secret where not even reflection over unexported fields prints it.
type sealed func() string

func seal(s string) sealed { return func() string { return s } }
