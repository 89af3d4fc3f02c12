package nango

import (
	"bytes"

	"github.com/valyala/fastjson"
)

// opKind is what an operation can mean to a connection.
type opKind uint8

const (
	opNone    opKind = iota // no operation row seen yet
	opRefresh               // auth:refresh_token
	opCreate                // auth:create_connection
	opProxy                 // proxy:call
	opScript                // a script run that failed on a connection
	opDelete                // events:pre_connection_deletion
	opWebhook               // an auth webhook taken as such, with an id of our own
	opOther                 // another auth:* operation: its rows are no refresh, and no riddle either
)

// opState orders states so that of two versions of a row the later one wins whatever order they come in.
type opState uint8

const (
	stateNone opState = iota
	stateWaiting
	stateRunning
	stateCancelled
	stateTimeout
	stateFailed
	stateSuccess
)

// stateNames are Nango's words, and the nearest others that a pipeline or a later release might put in their place.
var stateNames = map[string]opState{"waiting": stateWaiting, "running": stateRunning, "cancelled": stateCancelled, "timeout": stateTimeout,
	"failed": stateFailed, "success": stateSuccess, "pending": stateWaiting, "queued": stateWaiting, "started": stateRunning, "canceled": stateCancelled,
	"timed_out": stateTimeout, "failure": stateFailed, "error": stateFailed, "succeeded": stateSuccess, "successful": stateSuccess, "completed": stateSuccess}

func stateOf(v *fastjson.Value) opState {
	return stateNames[string(bytes.ToLower(v.GetStringBytes("state")))]
}

// maxName bounds every identifier taken from a row, in bytes.
const maxName = 256

// opRow reads an operation row, whole or partial (an update of the fields that changed).
func (r *Reader) opRow(v *fastjson.Value, id []byte) (found bool) {
	op := v.Get("operation")
	typ, action := op.GetStringBytes("type"), op.GetStringBytes("action")
	e := &r.entry
	*e = entry{Kind: kindOf(typ, action), State: stateOf(v)}
	switch {
	case op == nil: // a partial update
	case e.Kind == opNone:
		r.stats.Rows["other_operation"]++
		r.touch(v)
		return true
	}
	if own := v.GetStringBytes("id"); len(own) > 0 {
		id = own
	}
	if len(id) == 0 || len(id) > 64 {
		r.bad("no_operation_id")
		return true
	}
	var ok bool
	if e.Created, ok = r.stamp(v.Get("createdAt"), id); !ok {
		return true
	}
	e.Ended = r.clamp(parseTime(v.Get("endedAt")))
	r.seen(e.Created, max(e.Created, e.Ended, parseTime(v.Get("updatedAt"))))
	e.Environment = r.intern([]byte(r.named(v, "environmentName", "environmentId")))
	e.Provider = r.name(v, "providerName")
	e.Integration = r.intern([]byte(r.named(v, "integrationName", "integrationId")))
	e.Connection = r.named(v, "connectionName", "connectionId")
	e.Account, e.Tags = r.account(v), r.tags(v)
	r.owner(v)
	if op == nil || e.Kind == opScript || e.Kind == opProxy {
		r.opSign(v, e)
	}
	if op == nil {
		r.stats.Rows["update"]++
		r.join(id, e)
		return true
	}
	r.stats.Rows["operation"]++
	if !e.worthless() {
		r.join(id, e)
	}
	return true
}

// worthless reports whether a whole operation row can never lead to an event, whatever other rows say of it.
func (e *entry) worthless() bool {
	if e.Sign != 0 {
		return false
	}
	switch e.Kind {
	case opProxy:
		switch e.State {
		case stateSuccess:
			return e.Connection == "" || e.Provider == ""
		case stateFailed: // one that knows its provider has found its connection
			return e.Provider != ""
		}
		return e.State >= stateCancelled
	case opScript: // one that swallowed a refusal has succeeded; its messages say so
		return e.State == stateSuccess
	case opDelete:
		return e.State >= stateCancelled && e.State != stateSuccess
	}
	return false
}

func kindOf(typ, action []byte) opKind {
	switch string(typ) {
	case "auth":
		switch {
		case bytes.Contains(action, []byte("refresh")): // refresh_token, whatever it is called tomorrow
			return opRefresh
		case string(action) == "create_connection":
			return opCreate
		}
		return opOther
	case "proxy":
		return opProxy
	case "events":
		if string(action) == "pre_connection_deletion" {
			return opDelete
		}
		return opScript
	case "webhook":
		if bytes.HasPrefix(action, []byte("connection_")) {
			return opNone // the delivery of news about a connection says nothing about the connection
		}
		return opScript
	case "sync", "action", "function":
		return opScript
	}
	return opNone
}
