package nango

import (
	"bytes"

	"github.com/valyala/fastjson"
)

// messageRow reads a message row; parent is the id of its operation.
func (r *Reader) messageRow(v *fastjson.Value, parent []byte) {
	e := &r.entry
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
	if !useful {
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
	if !isError(v) || string(v.GetStringBytes("request", "body", "from")) == "nango" || bytes.Contains(v.GetStringBytes("request", "url"), introspect) {
		return false
	}
	f := &r.facts
	f.reset()
	f.from = byRequest
	if string(v.GetStringBytes("context")) == "auth" {
		f.typ = "client_credentials_fetch_error" // only that refresh marks its requests so
	}
	body, status := v.Get("meta", "body"), number(v.Get("response", "code"))
	switch {
	case v.Get("response") == nil:
		f.shape = shapeNoResponse
	case body == nil && status == 406: // Nango's own, the provider's is lost
		f.shape, status = shapeUnreadable, 0
	case body == nil || body.Type() == fastjson.TypeNull:
		f.shape = shapeNull
	case body.Type() == fastjson.TypeString && status == 502: // Nango's own, for what it could not parse
		status = 0
	}
	r.dataMessage(f, body)
	if err := v.Get("error"); err != nil {
		r.body(f, err, roleCode, 0)
	}
	f.status = status
	e.HTTP = true
	r.conclude(f, e)
	return true
}

// introspect is in the address of a request that asks about a token; Salesforce's are asked about on each use.
var introspect = []byte("/introspect")

// logRow reads the row that carries Nango's error object.
func (r *Reader) logRow(v *fastjson.Value, e *entry) bool {
	meta := v.Get("meta")
	typ := meta.GetStringBytes("type")
	if len(typ) == 0 || len(typ) > maxName || !isError(v) && bytes.IndexByte(typ, '_') < 0 {
		return false
	}
	if isTest(typ) {
		return false
	}
	f := &r.facts
	f.reset()
	f.typ = r.boundedType(typ)
	e.Log, e.Type = true, f.typ
	e.Sure = f.typ != "refresh_token_external_error" && f.typ != "client_credentials_fetch_error"
	r.payload(f, meta, e)
	r.conclude(f, e)
	return true
}

// isTest reports whether an error type is of a check of stored keys, which refreshes no token.
func isTest(typ []byte) bool {
	return string(typ) == "connection_test_failed" || string(typ) == "connection_validation_failed"
}

// conclude keeps of a row's facts what may be kept.
func (r *Reader) conclude(f *facts, e *entry) {
	r.verdicts = r.rules.judge(f, r.verdicts[:0])
	if f.status == 0 && (f.told/100 == 5 || f.told == 429) { // other numbers may be anything
		f.from, f.status = byBody, f.told
		r.verdicts = r.rules.judge(f, r.verdicts)
		f.status = 0
	}
	e.Verdicts = r.verdicts
	e.Heard = f.status > 0 || f.shape != "" || f.strange || len(f.codes)+len(f.words)+len(f.said) > 0
	if f.status >= 100 && f.status <= 599 {
		e.Status = f.status
	}
	if len(f.said) > 0 {
		r.scratch = r.rules.lookup.scrub(r.scratch[:0], f.said)
		e.Detail = r.intern(r.scratch)
	}
}

var genericSentence = []byte("The external API returned an error when trying to refresh the access token.")

// payload reads the reason out of Nango's error object. Sure is set where no http row can add to it.
func (r *Reader) payload(f *facts, meta *fastjson.Value, e *entry) {
	p := meta.Get("payload")
	if s := p.GetStringBytes(); len(s) > 0 {
		r.body(f, p, roleCode, 0)
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
		r.bodyString(f, s, roleCode, 0)
	}
	if c := p.GetStringBytes("code"); len(c) > 0 {
		r.bodyString(f, c, roleCode, 0)
	}
	status := f.status
	r.dataMessage(f, p.Get("dataMessage"))
	if p.Exists("error_description") || p.Get("error").GetObject() != nil {
		r.body(f, p, roleCode, 0) // an answer without anything around it
	}
	f.status, f.told = status, f.status // a number in the body may be the provider's own; its HTTP status is in the http row,
	if n := number(p.Get("external_request_details", "statusCode")); n != 0 {
		f.status = n // or here, in the releases of 2023
	}
	r.body(f, p.Get("provider_error_payload"), roleCode, 1)
	r.body(f, p.Get("external_request_details", "payload"), roleCode, 1)
}

// dataMessage reads a provider's answer. Text that should have been JSON was cut off, or is a page of somebody in between.
func (r *Reader) dataMessage(f *facts, d *fastjson.Value) {
	if d == nil {
		return
	}
	s := bytes.TrimSpace(d.GetStringBytes())
	switch {
	case d.Type() == fastjson.TypeNull:
		f.shape = shapeNull
		return
	case len(s) > 0 && (s[0] == '{' || s[0] == '['):
		if r.parseNested(s) != nil {
			r.nested--
		} else {
			f.shape = shapeBroken
		}
	case isPage(s):
		f.shape = shapeBroken
	}
	r.body(f, d, roleCode, 0)
}
