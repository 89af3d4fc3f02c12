package nango

import (
	"bytes"
	"cmp"
	"strconv"
	"time"

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
	e := &r.row
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

// messageRow reads a message row; parent is the id of its operation.
func (r *Reader) messageRow(v *fastjson.Value, parent []byte) {
	e := &r.row
	*e = entry{}
	http := string(v.GetStringBytes("type")) == "http"
	var useful bool
	switch string(v.GetStringBytes("context")) {
	case "webhook", "script", "proxy":
	default:
		if http {
			useful = r.httpRow(v, e)
		} else {
			useful = r.logRow(v, e)
		}
	}
	if !useful && !http {
		useful = r.signRow(v, e)
	}
	if !useful {
		r.stats.Rows["other_message"]++
		r.touch(v)
		return
	}
	if len(parent) > 64 {
		r.bad("no_operation_id")
		return
	}
	at, ok := r.stamp(v.Get("createdAt"), parent)
	if !ok {
		return
	}
	e.Message = at
	r.seen(at, max(at, parseTime(v.Get("endedAt"))))
	if http {
		r.stats.Rows["message_http"]++
	} else {
		r.stats.Rows["message_log"]++
	}
	r.join(parent, e)
}

func isError(v *fastjson.Value) bool { return string(v.GetStringBytes("level")) == "error" }

// httpRow reads the token request of a refused refresh. It is the only row that knows the provider's status.
func (r *Reader) httpRow(v *fastjson.Value, e *entry) bool {
	if !isError(v) || string(v.GetStringBytes("request", "body", "from")) == "nango" {
		return false
	}
	f := &r.facts
	f.reset()
	if string(v.GetStringBytes("context")) == "auth" {
		f.typ = "client_credentials_fetch_error" // only that refresh marks its requests so
	}
	body := v.Get("meta", "body")
	f.status = v.GetInt("response", "code")
	if body != nil && body.Type() != fastjson.TypeNull {
		status := f.status
		r.body(f, body, 0)
		f.status = status
	}
	if err := v.Get("error"); err != nil {
		r.body(f, err, 0)
	}
	switch {
	case v.Get("response") == nil:
		f.shape = shapeNoResponse
	case body == nil && f.status == 406: // Nango's own, the provider's is lost
		f.shape, f.status = shapeUnreadable, 0
	case body == nil || body.Type() == fastjson.TypeNull:
		f.shape = shapeNull
	}
	e.HTTP = true
	e.Verdicts = r.rules.judge(f)
	return true
}

// logRow reads the row that carries Nango's error object.
func (r *Reader) logRow(v *fastjson.Value, e *entry) bool {
	meta := v.Get("meta")
	typ := meta.GetStringBytes("type")
	if len(typ) == 0 || len(typ) > maxName || !isError(v) && bytes.IndexByte(typ, '_') < 0 {
		return false
	}
	switch string(typ) {
	case "connection_test_failed", "connection_validation_failed":
		return false
	}
	f := &r.facts
	f.reset()
	f.typ = r.intern(typ)
	e.Log, e.Type = true, f.typ
	e.Sure = f.typ != "refresh_token_external_error" && f.typ != "client_credentials_fetch_error"
	r.payload(f, meta, e)
	e.Verdicts = r.rules.judge(f)
	return true
}

var genericSentence = []byte("The external API returned an error when trying to refresh the access token.")

// payload reads the reason out of Nango's error object. Sure is set where no http row can add to it.
func (r *Reader) payload(f *facts, meta *fastjson.Value, e *entry) {
	p := meta.Get("payload")
	if s := p.GetStringBytes(); len(s) > 0 {
		r.bodyText(f, s, 0)
		return
	}
	if p == nil || p.Type() != fastjson.TypeObject || p.GetObject().Len() == 0 {
		f.shape = shapeNoReason
		if !e.Sure && meta.GetInt("status") == 400 {
			f.shape = shapeUnreadable
		}
		return
	}
	if p.Exists("connection") { // a copy for callers: personal data, no reason
		f.shape = shapeNoReason
		return
	}
	if m := p.GetStringBytes("message"); len(m) > 0 {
		e.Sure = true
		if bytes.HasPrefix(m, genericSentence) {
			f.shape = shapeNoReason
		} else {
			r.bodyText(f, m, 0)
		}
	}
	if s := p.GetStringBytes("error"); len(s) > 0 {
		e.Sure = true
		f.addCodeOrText(s)
	}
	if c := p.GetStringBytes("code"); len(c) > 0 {
		f.addCodeOrText(c)
	}
	r.dataMessage(f, p.Get("dataMessage"))
	r.body(f, p.Get("provider_error_payload"), 1)
	r.body(f, p.Get("external_request_details", "payload"), 1)
}

func (r *Reader) dataMessage(f *facts, d *fastjson.Value) {
	if d == nil {
		return
	}
	if d.Type() == fastjson.TypeNull {
		f.shape = shapeNull
		return
	}
	if s := bytes.TrimSpace(d.GetStringBytes()); len(s) > 0 && (s[0] == '{' || s[0] == '[' || s[0] == '<') {
		if r.parseNested(s) != nil {
			r.nested--
		} else {
			f.shape = shapeBroken
		}
	}
	r.body(f, d, 0)
}

// signRow reads the row of a proxy call that did not get its connection.
func (r *Reader) signRow(v *fastjson.Value, e *entry) bool {
	err := v.Get("error")
	if err == nil || string(v.GetStringBytes("context")) == "script" {
		return false
	}
	switch string(err.GetStringBytes("type")) {
	case "unknown_connection", "connection_refresh_exhausted":
		r.sign(err, e, 0)
		return e.Sign != 0
	}
	return false
}

// account returns the first of the configured fields that the row holds.
func (r *Reader) account(v *fastjson.Value) string {
	for _, path := range r.accountFields {
		if a := v.Get(path...); a != nil {
			if s := r.text(a); s != "" {
				return r.intern([]byte(s))
			}
		}
	}
	return ""
}

// name returns a field that few values share, interned.
func (r *Reader) name(v *fastjson.Value, key, fallback string) string {
	return r.intern([]byte(r.long(v, key, fallback)))
}

// long returns a field as text, cleaned and bounded; the fallback field when it is not there.
func (r *Reader) long(v *fastjson.Value, key, fallback string) string {
	if s := r.text(v.Get(key)); s != "" || fallback == "" {
		return s
	}
	return r.text(v.Get(fallback))
}

func (r *Reader) text(v *fastjson.Value) string {
	switch {
	case v == nil:
		return ""
	case v.Type() == fastjson.TypeNumber:
		return string(v.MarshalTo(r.scratch[:0]))
	}
	return r.clean(v.GetStringBytes())
}

// clean copies an identifier: valid UTF-8, no more than maxName bytes.
func (r *Reader) clean(b []byte) string {
	if len(b) > maxName {
		b = b[:maxName]
	}
	return string(bytes.ToValidUTF8(b, []byte("\uFFFD")))
}

// Times that can be meant: Nango did not exist before 2015, and 2100 is a fault of a clock.
const (
	minTime = 1420070400_000
	maxTime = 4102444800_000
	ahead   = 5 * 60_000
)

// parseTime returns Unix milliseconds, 0 when v holds no time (the first moment of 1970, which is never meant, is 1). Text is RFC 3339, a number is milliseconds.
func parseTime(v *fastjson.Value) int64 {
	if v == nil {
		return 0
	}
	if v.Type() == fastjson.TypeNumber {
		return cmp.Or(int64(v.GetFloat64()), 1)
	}
	return parseStamp(v.GetStringBytes())
}

func parseStamp(s []byte) int64 {
	if len(s) == 24 && s[10] == 'T' && s[23] == 'Z' && s[19] == '.' { // as Nango writes it
		if ms, ok := fastStamp(s); ok {
			return cmp.Or(ms, 1)
		}
	}
	if t, err := time.Parse(time.RFC3339Nano, string(s)); err == nil {
		return cmp.Or(t.UnixMilli(), 1)
	}
	return 0
}

func fastStamp(s []byte) (int64, bool) {
	n := func(from, to int) (x int) {
		for _, c := range s[from:to] {
			if !isDigit(c) {
				return -1 << 40
			}
			x = x*10 + int(c-'0')
		}
		return x
	}
	y, mo, d, h, mi, sec, ms := n(0, 4), n(5, 7), n(8, 10), n(11, 13), n(14, 16), n(17, 19), n(20, 23)
	if y < 0 || mo < 1 || mo > 12 || d < 1 || d > 31 || h < 0 || h > 23 || mi < 0 || mi > 59 || sec < 0 || sec > 60 || ms < 0 {
		return 0, false
	}
	return time.Date(y, time.Month(mo), d, h, mi, sec, ms*1e6, time.UTC).UnixMilli(), true
}

// idTime reads the creation time that begins every operation id; 0 when the id is of another form.
func idTime(id []byte) int64 {
	if len(id) < 15 || id[13] != '_' {
		return 0
	}
	ms, err := strconv.ParseInt(string(id[:13]), 10, 64)
	if err != nil {
		return 0
	}
	return ms
}

// stamp returns a row's event time, judged by the append time. ok is false, and the reason counted, when it cannot be meant.
func (r *Reader) stamp(v *fastjson.Value, id []byte) (ms int64, ok bool) {
	ms = parseTime(v)
	if ms == 0 {
		ms = idTime(id)
	}
	if ms == 0 {
		ms = r.meta.Time
	}
	switch {
	case ms == 0:
		r.bad("no_time")
		return 0, false
	case ms < minTime:
		r.bad("implausible_time")
		return 0, false
	case r.meta.Time > 0:
		if c := r.clamp(ms); c != ms {
			r.stats.ClockAhead++
			return c, true
		}
	case ms > maxTime:
		r.bad("implausible_time")
		return 0, false
	case r.ceiling > 0 && ms > r.ceiling+ahead:
		r.bad("future")
		return 0, false
	}
	return ms, true
}

// touch lets a row that does not matter otherwise tell the time.
func (r *Reader) touch(v *fastjson.Value) {
	t := r.clamp(parseTime(v.Get("createdAt")))
	if t != 0 && (r.meta.Time > 0 || r.ceiling == 0 || t <= r.ceiling+ahead) {
		r.seen(t, t)
	}
}

// clamp replaces a time far ahead of the append time by the append time.
func (r *Reader) clamp(ms int64) int64 {
	if r.meta.Time > 0 && ms > r.meta.Time+ahead {
		return r.meta.Time
	}
	if ms < minTime || ms > maxTime {
		return 0
	}
	return ms
}
