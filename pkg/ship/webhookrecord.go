package ship

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/segmentio/kafka-go"
)

// glance is what a look at a body says.
type glance struct {
	json       bool
	auth       bool   // an auth webhook of Nango's
	kind       string // of what is none: one of dropKinds
	connection string
}

// dropKinds are the kinds of webhooks that are received and not written, as a label: Nango sends them to the same URL.
var dropKinds = []string{"sync", "async_action", "forward", "other"}

var topNames = []string{"from", "type", "connectionId"}

// lookAt reads the names at the top of a body. It builds nothing of the rest: what a provider sends to Nango is signed and forwarded to us too, and a
// megabyte of numbers would take fifty as a tree.
func lookAt(body []byte) glance {
	if !json.Valid(body) {
		return glance{}
	}
	top := topOf(body)
	s := glance{json: true, kind: "other", connection: top["connectionId"]}
	nango, kind := top["from"] == "nango", top["type"]
	s.auth = nango && kind == "auth"
	if slices.Contains(dropKinds, kind) && (nango || kind == "forward") { // what is forwarded is from whom it came
		s.kind = kind
	}
	return s
}

// topOf returns those texts at the top of an object that say what it is, the first of each name; of other JSON none.
func topOf(body []byte) map[string]string {
	texts := map[string]string{}
	d := json.NewDecoder(bytes.NewReader(body))
	if t, _ := d.Token(); t != json.Delim('{') {
		return texts
	}
	for d.More() {
		var value json.RawMessage
		key, _ := d.Token()
		if d.Decode(&value) != nil {
			break // it was valid before
		}
		name, _ := key.(string)
		if _, twice := texts[name]; twice || !slices.Contains(topNames, name) {
			continue
		}
		var text string
		_ = json.Unmarshal(value, &text) // another value is as good as none
		texts[name] = text
	}
	return texts
}

// keptHeaders are all that is kept of a request beside its body: never a signature, with which who reads the topic could send it again, nor cookies.
var keptHeaders = []string{"Content-Type", "User-Agent"}

const maxHeader = 256

// webhookRecord is the value of a record: a form that pkg/nango reads by itself, and that keeps the bytes of the body.
type webhookRecord struct {
	ReceivedAt string            `json:"received_at"`
	Signed     bool              `json:"signed"` // and the signature was right
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
	Base64     bool              `json:"isBase64Encoded,omitempty"` // of a body that is no text
}

const stampFormat = "2006-01-02T15:04:05.000Z07:00"

// recordOf is the record of a delivery: what is of one connection has one key, and so stays in order.
func recordOf(connection string, body []byte, h http.Header, signed bool, at time.Time) kafka.Message {
	at = at.UTC()
	v := webhookRecord{ReceivedAt: at.Format(stampFormat), Signed: signed, Headers: map[string]string{}, Body: string(body)}
	if v.Base64 = !utf8.Valid(body); v.Base64 {
		v.Body = base64.StdEncoding.EncodeToString(body)
	}
	for _, name := range keptHeaders {
		if text := h.Get(name); text != "" && len(text) <= maxHeader {
			v.Headers[string(bytes.ToLower([]byte(name)))] = text
		}
	}
	var value bytes.Buffer
	e := json.NewEncoder(&value)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // texts and truth values always encode
	m := kafka.Message{Value: bytes.TrimSuffix(value.Bytes(), []byte("\n")), Time: at}
	if connection != "" {
		m.Key = []byte(connection)
	}
	return m
}
