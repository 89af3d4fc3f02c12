package nango

import (
	"bytes"

	"github.com/valyala/fastjson"
)

// form is what an object is.
type form uint8

const (
	formBox form = iota // something around rows, or foreign
	formOperation
	formMessage
	formWebhook
	formUpdate  // {"doc": …}
	formPartial // changed fields of an operation without anything around them
	formSpan
	formAction  // the line of a bulk body that names the next document
	formKeyList // OTLP's way to write an object
	formLost    // a row of Nango that does not say whose it is
)

// look is what one pass over the keys of an object finds. An object is looked at once, however many keys it has.
type look struct {
	of   [keyEnd]*fastjson.Value
	keys int
}

func (l *look) at(v *fastjson.Value) {
	v.GetObject().Visit(func(k []byte, inner *fastjson.Value) {
		l.keys++
		if code := keyOf(k); code != keyOther && l.of[code] == nil {
			l.of[code] = inner
		}
	})
}

func (l *look) has(keys ...key) bool {
	for _, k := range keys {
		if l.of[k] != nil {
			return true
		}
	}
	return false
}

func (l *look) text(k key) []byte { return l.of[k].GetStringBytes() }

func isObject(v *fastjson.Value) bool { return v != nil && v.Type() == fastjson.TypeObject }

var nangoDot = []byte("nango.")

// form says what the object is; id is what the layers around it say of its id.
func (l *look) form(v *fastjson.Value, id []byte) form {
	switch op := l.of[keyOperation]; {
	case isObject(op) && len(op.GetStringBytes("action")) > 0:
		return formOperation
	case len(l.text(keyParent)) > 0:
		return formMessage
	case l.has(keyFrom) && l.has(keyConnection) && isWebhook(v):
		return formWebhook
	case l.keys == 1 && isAction(l):
		return formAction
	case l.has(keyAttributes, keyTags) && bytes.HasPrefix(l.text(keyName), nangoDot):
		return formSpan
	case isObject(l.of[keyDoc]):
		return formUpdate
	case l.has(keyList):
		return formKeyList
	case op == nil && stateNames[string(l.text(keyState))] != stateNone && l.has(keyEnded, keyUpdated) && isOperationID(id):
		return formPartial
	case l.has(keyLevel) && (string(l.text(keySource)) == "internal" || string(l.text(keySource)) == "user"):
		return formLost
	}
	return formBox
}

// isAction reports whether an object of one key is the action line of a bulk body: {"update":{"_id":…,"_index":…}}.
func isAction(l *look) bool {
	for _, k := range []key{keyActionIndex, keyActionUpdate, keyActionDelete} {
		if a := l.of[k]; isObject(a) && !a.Exists("status") {
			return a.Exists("_index") || a.Exists("_id") || a.GetObject().Len() == 0
		}
	}
	return false
}

// layer names the envelope that the object is.
func (l *look) layer() layer {
	switch {
	case l.has(keySpans):
		return layerOTLP
	case isObject(l.of[keyDoc]), l.has(keyUpsert), writePath(l.text(keyPath)):
		return layerBulk
	case l.has(keyHitSource, keyHits, keyIndex):
		return layerElasticsearch
	case l.has(keySpec):
		return layerCloudEvents
	}
	if d := l.decoration(); d != layerNone {
		return d
	}
	switch {
	case l.has(keyPayload) && l.has(keySchema), l.has(keyAfter):
		return layerConnect
	case l.has(keyAPI, keyStructured), l.has(keyOperation) && l.has(keyMessages):
		return layerAPI
	case l.has(keyBody) && l.has(keyHeaders, keyBase64, keyMethod, keyTime, keyTimestamp):
		return layerWebhook
	case l.has(keyPayload):
		return layerPayload
	}
	return layerJSON
}

// writePath reports whether a request with this path or address writes documents.
func writePath(path []byte) bool {
	_, verb, _ := bytes.Cut(path, []byte("/_"))
	for _, p := range []string{"update", "doc", "bulk", "create"} {
		if bytes.HasPrefix(verb, []byte(p)) {
			return true
		}
	}
	return false
}

// decoration names the shipper that left its own fields beside those of a row.
func (l *look) decoration() layer {
	switch {
	case l.has(keyKubernetes):
		return layerKubernetes
	case l.has(keyLog) && l.has(keyStream) && !l.has(keyDate):
		return layerDocker
	case l.has(keySourceType):
		return layerVector
	case l.has(keyAtVersion, keyAtTimestamp):
		return layerLogstash
	case l.has(keyDate, keyLog):
		return layerFluentBit
	}
	return layerNone
}
