package nango

import "time"

// entry is all that is known of one operation: who (from its operation row), why (from its message rows), and where it
// stands in the order of release. Merging is commutative and idempotent: the order and number of rows do not matter.
// Its JSON form is the stored one.
type entry struct {
	Kind        opKind  `json:"k,omitempty"`
	State       opState `json:"s,omitempty"`
	Environment string  `json:"e,omitempty"`
	Provider    string  `json:"p,omitempty"`
	Integration string  `json:"i,omitempty"`
	Connection  string  `json:"c,omitempty"`
	Account     string  `json:"a,omitempty"`
	Tags        Tags    `json:"x,omitempty"`
	AuthMode    string  `json:"am,omitempty"`
	Created     int64   `json:"t,omitempty"` // Unix ms of the operation
	Ended       int64   `json:"z,omitempty"`
	Message     int64   `json:"m,omitempty"` // Unix ms of the earliest message row

	Type     string    `json:"y,omitempty"` // Nango's error type
	Verdicts []verdict `json:"v,omitempty"`
	Log      bool      `json:"l,omitempty"` // the row with the error object was seen
	HTTP     bool      `json:"h,omitempty"` // the refused token request was seen
	Heard    bool      `json:"w,omitempty"` // one of these said something, were it that it does not know the reason
	Sure     bool      `json:"u,omitempty"` // no http row can add to the reason
	Status   int       `json:"n,omitempty"` // the provider's HTTP status
	Detail   string    `json:"d,omitempty"` // the provider's sentence, scrubbed

	Sign            Kind   `json:"g,omitempty"`  // what a failed call says: UnknownConnection, Exhausted, Seen
	Anew            bool   `json:"an,omitempty"` // webhook: its user authorized it
	SignIntegration string `json:"gi,omitempty"`
	SignConnection  string `json:"gc,omitempty"`

	Late bool `json:"b,omitempty"` // its last row came more than 72 h behind the watermark

	id          string
	due         int64  // the watermark that releases it
	place       int    // in the heap
	echo, whose uint64 // what it tells, and of which connection when that is a refusal, as noted while it is held
	spot        int    // among those that tell the same
	cause       Cause  // by the rows so far
	counted     uint8  // as a refused refresh, as one of which rows told, as one with a reason
	dirty       bool
	stored      bool
}

// fate is what is to become of an entry.
type fate uint8

const (
	waits  fate = iota // a row may still come
	ready              // an event as soon as the watermark reaches it
	leaves             // nothing will come of it
)

// merge adds what another row of the same operation says.
func (e *entry) merge(o *entry) {
	e.Kind = max(e.Kind, o.Kind)
	e.State = max(e.State, o.State)
	for _, s := range [...]struct {
		to   *string
		from string
	}{
		{&e.Environment, o.Environment}, {&e.Provider, o.Provider}, {&e.Integration, o.Integration}, {&e.Connection, o.Connection},
		{&e.Account, o.Account}, {&e.AuthMode, o.AuthMode}, {&e.Type, o.Type}, {&e.SignIntegration, o.SignIntegration}, {&e.SignConnection, o.SignConnection},
	} {
		*s.to = max(*s.to, s.from) // they do not differ, unless one is empty or a number
	}
	e.Tags = e.Tags.merge(o.Tags)
	e.Created = earliest(e.Created, o.Created)
	e.Message = earliest(e.Message, o.Message)
	e.Ended = max(e.Ended, o.Ended)
	e.Verdicts = addVerdicts(e.Verdicts, o.Verdicts)
	e.Log, e.HTTP, e.Heard, e.Sure = e.Log || o.Log, e.HTTP || o.HTTP, e.Heard || o.Heard, e.Sure || o.Sure
	e.Sign = max(e.Sign, o.Sign)
	e.Status, e.Detail = max(e.Status, o.Status), max(e.Detail, o.Detail)
}

func earliest(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// start is when the operation began, as far as is known.
func (e *entry) start() int64 {
	if e.Created != 0 {
		return e.Created
	}
	return e.Message
}

// event says what the entry amounts to: with final false, if no more rows were needed; with final true, if none come.
func (e *entry) event(rules *Rules, final bool) (Event, fate) {
	ev := Event{Time: at(e.start()), Environment: plainName(e.Environment), Provider: e.Provider, Integration: plainName(e.Integration),
		Connection: plainName(e.Connection), Account: e.Account, AuthMode: e.AuthMode, OperationID: e.id, Tags: e.Tags}
	if e.Kind == opWebhook {
		ev.OperationID = ""
	}
	switch e.Kind {
	case opRefresh, opWebhook:
		return e.refresh(ev, rules, final)
	case opCreate:
		return e.created(ev, final)
	case opProxy, opScript:
		return e.called(ev, final)
	case opDelete:
		ev.Kind = Deleted
		if e.State != stateSuccess {
			return ev, over(final)
		}
		if e.Ended != 0 {
			ev.Time = at(e.Ended)
		}
		return ev, named(&ev, ready, final)
	}
	return ev, over(final)
}

func (e *entry) refresh(ev Event, rules *Rules, final bool) (Event, fate) {
	if e.State == stateSuccess {
		return e.reconnected(ev, final)
	}
	if e.Sign == Seen {
		ev.Kind = Seen
		return ev, named(&ev, ready, final)
	}
	v, ok := rules.decide(e.Provider, e.Verdicts)
	if !ok {
		v = verdict{Cause: Unknown, Reason: "no_reason"}
	}
	ev.Kind, ev.Cause, ev.Reason, ev.Type, ev.Status, ev.Detail = Failure, v.Cause, v.Reason, e.Type, e.Status, e.Detail
	if v.Cause != Unknown || e.Log && (e.HTTP || e.Sure) || final {
		return ev, named(&ev, ready, final)
	}
	return ev, waits
}

func (e *entry) created(ev Event, final bool) (Event, fate) {
	if e.State == stateSuccess {
		return e.reconnected(ev, final)
	}
	ev.Kind = Seen
	if ev.Connection != "" && (e.State >= stateCancelled || final) {
		return ev, ready
	}
	return ev, over(final)
}

func (e *entry) reconnected(ev Event, final bool) (Event, fate) {
	ev.Kind, ev.Authorized = Reconnected, e.Kind == opCreate || e.Anew
	if e.Ended != 0 {
		ev.Time = at(e.Ended)
	}
	return ev, named(&ev, ready, final)
}

func (e *entry) called(ev Event, final bool) (Event, fate) {
	if e.State == stateSuccess && e.Kind == opProxy {
		ev.Kind = Active
		return ev, named(&ev, ready, final)
	}
	if e.SignConnection != "" {
		ev.Connection = e.SignConnection
	}
	if e.SignIntegration != "" {
		ev.Integration = e.SignIntegration
	}
	ev.Kind = e.Sign
	if e.Sign == 0 {
		return ev, over(final)
	}
	return ev, named(&ev, ready, final)
}

// named lets an event pass that says whose it is.
func named(ev *Event, f fate, final bool) fate {
	if ev.Connection == "" {
		return over(final)
	}
	return f
}

func over(final bool) fate {
	if final {
		return leaves
	}
	return waits
}

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
