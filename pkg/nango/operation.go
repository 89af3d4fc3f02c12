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

var stateNames = map[string]opState{"waiting": stateWaiting, "running": stateRunning, "cancelled": stateCancelled,
	"timeout": stateTimeout, "failed": stateFailed, "success": stateSuccess}

// maxName bounds every identifier taken from a row, in bytes.
const maxName = 256

// opRow reads an operation row, whole or partial (an update of the fields that changed).
func (r *Reader) opRow(v *fastjson.Value, id []byte) (found bool) {
	op := v.Get("operation")
	typ, action := op.GetStringBytes("type"), op.GetStringBytes("action")
	e := &r.entry
	*e = entry{Kind: kindOf(typ, action), State: stateNames[string(v.GetStringBytes("state"))]}
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
	e.Environment = r.name(v, "environmentName", "environmentId")
	e.Provider = r.name(v, "providerName", "")
	e.Integration = r.name(v, "integrationName", "integrationId")
	e.Connection = r.long(v, "connectionName", "connectionId")
	e.Account = r.account(v)
	if op == nil {
		r.stats.Rows["update"]++
		r.join(id, e)
		return true
	}
	r.stats.Rows["operation"]++
	if e.Kind == opScript || e.Kind == opProxy {
		r.opSign(v, e)
	}
	if !e.worthless() {
		r.join(id, e)
	}
	return true
}

// worthless reports whether an operation row by itself can never lead to an event.
func (e *entry) worthless() bool {
	switch e.Kind {
	case opProxy: // a failed one that knows its provider has found its connection
		return e.State != stateSuccess && e.State != stateFailed || e.State == stateSuccess && (e.Connection == "" || e.Provider == "") ||
			e.State == stateFailed && e.Sign == 0 && e.Provider != ""
	case opScript:
		return e.Sign == 0
	case opDelete:
		return e.State != stateSuccess
	}
	return false
}

func kindOf(typ, action []byte) opKind {
	switch string(typ) {
	case "auth":
		switch string(action) {
		case "refresh_token":
			return opRefresh
		case "create_connection":
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

// opSign reads what the error or the request of a failed operation says about the connection that was asked for.
func (r *Reader) opSign(v *fastjson.Value, e *entry) {
	if h := v.Get("request", "headers"); h != nil && e.Kind == opProxy {
		e.SignIntegration = r.long(h, "provider-config-key", "")
		e.SignConnection = r.long(h, "connection-id", "")
	}
	if err := v.Get("error"); err != nil && e.State != stateSuccess {
		r.sign(err, e, 0)
	}
}

var (
	refreshLimit = []byte("The refresh limit has been reached for this connection")
	connectionEn = []byte("onnection")
)

// sign looks for proof that a connection is exhausted or does not exist: by error type, or, once a script has wrapped it, by code and sentence.
func (r *Reader) sign(err *fastjson.Value, e *entry, depth int) {
	if depth > 3 || err.Type() != fastjson.TypeObject {
		return
	}
	code := err.GetStringBytes("type")
	if c := err.GetStringBytes("code"); len(c) > 0 {
		code = c
	}
	message := err.GetStringBytes("message")
	switch string(code) {
	case "connection_refresh_exhausted":
		e.Sign = max(e.Sign, Exhausted)
	case "invalid_credentials":
		if bytes.Contains(message, refreshLimit) {
			e.Sign = max(e.Sign, Exhausted)
		} else {
			e.Sign = max(e.Sign, Seen)
		}
	case "unknown_connection":
		e.Sign = max(e.Sign, UnknownConnection)
	case "not_found":
		if bytes.Contains(message, connectionEn) {
			e.Sign = max(e.Sign, UnknownConnection)
		}
	}
	if p := err.Get("payload"); p != nil && p.Type() == fastjson.TypeObject {
		if e.Sign == UnknownConnection && p.Exists("connectionId") {
			e.SignConnection = r.long(p, "connectionId", "")
			e.SignIntegration = r.long(p, "providerConfigKey", "")
		}
		if inner := p.Get("error"); inner != nil {
			r.sign(inner, e, depth+1)
		}
	}
}
