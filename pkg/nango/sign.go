package nango

import (
	"bytes"
	"slices"
	"strings"

	"github.com/valyala/fastjson"
)

// maxSign bounds how deep an error is searched, and how wide.
const maxSign = 7

// Where an error, wrapped by scripts and interfaces any number of times, keeps what it wraps.
var (
	wrapKeys = []string{"error", "errors", "payload", "message", "error_description", "description", "cause", "response", "data", "body", "additional_properties"}
	signKeys = []string{"type", "code", "error", "name"}
)

var (
	refreshLimit  = []byte("he refresh limit has been reached")
	backingOff    = []byte("recent refresh attempt failed. Backing off")
	manualRefresh = []byte("Token manual refresh fetch was successful")
)

// opSign reads what the error or the request of a failed operation says about the connection that was asked for.
func (r *Reader) opSign(v *fastjson.Value, e *entry) {
	if e.State == stateSuccess {
		return
	}
	if h := v.Get("request", "headers"); h != nil && e.Kind != opScript {
		h.GetObject().Visit(func(key []byte, value *fastjson.Value) {
			switch string(bytes.ToLower(key)) {
			case "provider-config-key":
				e.SignIntegration = r.text(value)
			case "connection-id":
				e.SignConnection = r.text(value)
			}
		})
	}
	r.sign(v.Get("error"), e, 0)
	r.sign(v.Get("error_description"), e, 0)
}

// signRow reads a message row that says something about a connection without being of a refused refresh: a call or a script that did not get
// its connection, or the dashboard's manual refresh, which says here that it worked. A back-off alone proves nothing.
func (r *Reader) signRow(v *fastjson.Value, e *entry) bool {
	message := v.GetStringBytes("message")
	if bytes.HasPrefix(message, manualRefresh) {
		e.State, e.Ended = stateSuccess, r.clamp(parseTime(v.Get("createdAt")))
		return true
	}
	if string(v.GetStringBytes("request", "body", "from")) == "nango" {
		return false
	}
	r.sign(v.Get("error"), e, 0)
	r.sign(v.Get("error_description"), e, 0)
	if e.Sign < Exhausted { // what else a script writes proves only what is said in Nango's own words
		said := entry{}
		r.sign(v.Get("meta"), &said, 0)
		r.signText(message, &said, maxSign)
		if said.Sign == Exhausted {
			e.Sign = Exhausted
		}
	}
	return e.Sign >= Exhausted
}

// sign looks for proof that a connection is exhausted or does not exist: by error type or code, or by the sentence once those were wrapped.
func (r *Reader) sign(v *fastjson.Value, e *entry, depth int) {
	if v == nil || depth > maxSign {
		return
	}
	switch v.Type() {
	case fastjson.TypeString:
		r.signText(v.GetStringBytes(), e, depth)
	case fastjson.TypeArray:
		for _, x := range v.GetArray()[:min(len(v.GetArray()), maxSign)] {
			r.sign(x, e, depth+1)
		}
	case fastjson.TypeObject:
		for _, k := range signKeys {
			r.signCode(v.GetStringBytes(k), v, e)
		}
		for _, k := range wrapKeys {
			r.sign(v.Get(k), e, depth+1)
		}
	}
}

// signText reads a sentence of Nango's, alone or inside another text, or JSON as text.
func (r *Reader) signText(s []byte, e *entry, depth int) {
	switch {
	case bytes.Contains(s, refreshLimit):
		e.Sign = max(e.Sign, Exhausted)
	case bytes.Contains(s, backingOff):
		e.Sign = max(e.Sign, Seen)
	}
	if s = bytes.TrimSpace(s); depth < maxSign && len(s) > 0 && startsJSON(s[0]) {
		if v := r.parseNested(s); v != nil {
			r.sign(v, e, depth+1)
			r.nested--
		}
	}
}

func (r *Reader) signCode(code []byte, v *fastjson.Value, e *entry) {
	switch string(code) {
	case "connection_refresh_exhausted":
		e.Sign = max(e.Sign, Exhausted)
	case "connection_refresh_backoff", "invalid_credentials": // the sentence tells which
		e.Sign = max(e.Sign, Seen)
	case "unknown_connection":
		r.unknown(v, e)
	case "not_found":
		if v.Exists("payload", "connectionId") || ofConnection(v.GetStringBytes("message")) {
			r.unknown(v, e)
		}
	}
}

// How Nango says that a connection does not exist: these words and no more, or what was asked for behind them. Others find no connection in other words.
var (
	notFound = []string{"failed to find connection", "connection not found", "connection does not exist", "no connection found", "unknown connection"}
	askedFor = []string{"matching the provided params", "connectionid", "connection_id", "connection id", "providerconfigkey", "provider_config_key", "provider config key"}
)

func ofConnection(message []byte) bool {
	s := strings.Trim(strings.TrimPrefix(strings.ToLower(string(message[:min(len(message), 256)])), "error: "), " .!'\"")
	if slices.Contains(notFound, s) {
		return true
	}
	return strings.Contains(s, "connection") && slices.ContainsFunc(askedFor, func(words string) bool { return strings.Contains(s, words) })
}

// unknown notes that a connection does not exist, and which: the payload names it, as an object, as text, or inside the message.
func (r *Reader) unknown(v *fastjson.Value, e *entry) {
	e.Sign = UnknownConnection
	r.asked(v, e)
	p := v.Get("payload")
	r.asked(p, e)
	text := p.GetStringBytes()
	if m := v.GetStringBytes("message"); p == nil && bytes.IndexByte(m, '{') >= 0 {
		text = m[bytes.IndexByte(m, '{'):max(bytes.LastIndexByte(m, '}')+1, bytes.IndexByte(m, '{'))]
	}
	if len(text) == 0 {
		return
	}
	if inner := r.parseNested(text); inner != nil {
		r.asked(inner, e)
		r.nested--
	}
}

// asked reads which connection a caller asked for.
func (r *Reader) asked(v *fastjson.Value, e *entry) {
	if v == nil || v.Type() != fastjson.TypeObject {
		return
	}
	e.SignConnection = max(e.SignConnection, r.spelled(v, "connectionId", "connection_id"))
	e.SignIntegration = max(e.SignIntegration, r.spelled(v, "providerConfigKey", "provider_config_key"))
}
