package nango

import "slices"

// layer is one thing wrapped around a row.
type layer uint8

const (
	layerNone layer = iota
	layerRow        // nothing around it
	layerElasticsearch
	layerBulk
	layerLogstash
	layerVector
	layerFluentBit
	layerDocker
	layerKubernetes
	layerCRI
	layerSyslog
	layerConnect
	layerPayload // {"payload": …} without a schema: Connect's or a webhook bridge's
	layerCloudEvents
	layerWebhook
	layerOTLP
	layerConsole
	layerAPI
	layerJSON // another object around it
	// What only holds several values, or one as text, is no envelope by itself.
	layerText
	layerBase64
	layerList
	layerLines
)

var layerNames = [...]string{"none", "row", "elasticsearch", "bulk", "logstash", "vector", "fluentbit", "docker", "kubernetes", "cri", "syslog", "connect",
	"connect", "cloudevents", "webhook", "otlp", "console", "api", "json", "text", "base64", "list", "lines"}

func (l layer) String() string { return layerNames[l] }

// counts reports whether l can be the outermost envelope.
func (l layer) counts() bool { return l < layerText }

// Envelopes are the values that Options.Envelope may have: auto recognises them all; any other one is the only outermost
// envelope accepted. What stands inside it, and several values in one record (a list, lines, a JSON text), is always recognised.
var Envelopes = append([]string{"auto"}, slices.Compact(slices.Clone(layerNames[layerRow:layerText]))...)

// pinned returns the layer that a name of Envelopes stands for; layerNone for auto.
func pinned(name string) layer {
	return layer(max(slices.Index(layerNames[:], name), 0))
}

// enter notes that what follows stands inside l. It returns false, and the record is no longer looked into, when another
// envelope is pinned. leave undoes it.
func (r *Reader) enter(l layer) bool {
	outermost := r.outermost() == layerNone && l.counts()
	r.layers = append(r.layers, l)
	if !outermost || r.accepts(l) {
		return true
	}
	r.leave()
	return false
}

func (r *Reader) leave() { r.layers = r.layers[:len(r.layers)-1] }

// outermost returns the first envelope around what is being read.
func (r *Reader) outermost() layer {
	for _, l := range r.layers {
		if l.counts() {
			return l
		}
	}
	return layerNone
}

// accepts reports whether l may be outermost, and notes the fault if it may not.
func (r *Reader) accepts(l layer) bool {
	switch {
	case r.pin == layerNone, r.pin == l:
	case l == layerPayload && (r.pin == layerWebhook || r.pin == layerConnect):
	case l == layerKubernetes && (r.pin == layerFluentBit || r.pin == layerVector || r.pin == layerDocker): // what runs there adds the pod to its own form
	default:
		r.bad(otherEnvelope)
		return false
	}
	r.accepted = true
	return true
}

// otherEnvelope is why a value is not read whose outermost envelope is not the pinned one.
const otherEnvelope = "other_envelope"

// enterRow notes that the object just looked at is a row of itself, with what a shipper put among its fields.
func (r *Reader) enterRow(l *look, is form) bool {
	if d := l.decoration(); d != layerNone {
		return r.enter(d)
	}
	if r.outermost() != layerNone {
		r.layers = append(r.layers, layerNone)
		return true
	}
	bare := layerRow
	switch is {
	case formWebhook:
		bare = layerWebhook
	case formUpdate, formPartial:
		bare = layerBulk
	case formSpan:
		bare = layerOTLP
	}
	if r.pin == layerRow && bare != layerOTLP {
		bare = layerRow
	}
	return r.enter(bare)
}

// around names the layers around the row being read, the outermost first; structure that says nothing is left out.
func (r *Reader) around() []string {
	var names []string
	for i, l := range r.layers {
		plain := l == layerNone || l == layerRow || (l == layerJSON || l == layerList) && i > 0
		if name := l.String(); !plain && (len(names) == 0 || names[len(names)-1] != name) {
			names = append(names, name)
		}
	}
	return names
}
