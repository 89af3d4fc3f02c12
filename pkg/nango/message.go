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
	if !isError(v) || string(v.GetStringBytes("request", "body", "from")) == "nango" {
		return false
	}
	f := &r.facts
	f.reset()
	if string(v.GetStringBytes("context")) == "auth" {
		f.typ = "client_credentials_fetch_error" // only that refresh marks its requests so
	}
	body := v.Get("meta", "body")
	f.status = number(v.Get("response", "code"))
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
		f.shape = shapeUnreadable
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
		f.addWords(s)
	}
	if c := p.GetStringBytes("code"); len(c) > 0 {
		f.addCodeOrText(c)
	}
	status := f.status
	r.dataMessage(f, p.Get("dataMessage"))
	f.status = status // a number in the body may be the provider's own; its HTTP status is in the http row,
	if n := number(p.Get("external_request_details", "statusCode")); n != 0 {
		f.status = n // or here, in the releases of 2023
	}
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
