package nango

import (
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"
)

func isWebhook(v *fastjson.Value) bool {
	return string(v.GetStringBytes("from")) == "nango" && string(v.GetStringBytes("type")) == "auth" && v.Exists("connectionId")
}

// webhook reads an auth webhook. It has no id and seldom a time: its own timestamp, else the wrapper's, else the append
// time, else the newest time of its source stand for it.
func (r *Reader) webhook(v *fastjson.Value, c wrapper) {
	at := parseTime(v.Get("timestamp"))
	for _, t := range []int64{c.time, r.meta.Time, r.source.newest} {
		if at == 0 {
			at = t
		}
	}
	if at < minTime || at > maxTime && r.meta.Time == 0 {
		r.bad("no_time")
		return
	}
	if clamped := r.clamp(at); clamped != at {
		r.stats.ClockAhead++
		at = clamped
	}
	if r.meta.Time == 0 && r.ceiling > 0 && at > r.ceiling+ahead {
		r.bad("future")
		return
	}
	e := &r.entry
	*e = entry{Kind: opWebhook, Created: at, Ended: at}
	e.Environment = r.name(v, "environment")
	e.Integration = r.name(v, "providerConfigKey")
	e.Connection = r.text(v.Get("connectionId"))
	e.Account, e.Tags, e.AuthMode = r.account(v), r.tags(v), r.authMode(v.Get("authMode"))
	if p := r.name(v, "provider"); p != "unknown" {
		e.Provider = p
	}
	if e.Connection == "" {
		r.bad("no_connection")
		return
	}
	operation := string(v.GetStringBytes("operation"))
	switch worked, said := truth(v.Get("success")); {
	case worked:
		e.State, e.Anew = stateSuccess, operation != "refresh"
	case operation == "refresh" && (said || v.Exists("error")) && !isTest(v.GetStringBytes("error", "type")):
		r.webhookFailure(v, e)
	default: // a refused creation or re-authorization leaves the connection as it was; a test is no refresh
		e.State, e.Sign = stateFailed, Seen
	}
	r.stats.Rows["webhook"]++
	r.seen(at, at)
	r.join([]byte(webhookID(e, operation)), e)
}

// truth reads a truth value, also one that a pipeline made a text or a number of; said is false when it is none.
func truth(v *fastjson.Value) (value, said bool) {
	if v == nil {
		return false, false
	}
	switch s := strings.ToLower(strings.Trim(v.String(), `"`)); s {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

func (r *Reader) webhookFailure(v *fastjson.Value, e *entry) {
	f := &r.facts
	f.reset()
	f.typ = r.boundedType(v.GetStringBytes("error", "type"))
	f.shape = shapeNoReason
	e.State, e.Type, e.Sure, e.Log = stateFailed, f.typ, true, true
	r.conclude(f, e)
}

// webhookID names a delivery by its content and time, so that the same one twice is one. "~" keeps it apart from operation ids.
func webhookID(e *entry, operation string) string {
	h := fnv.New64a()
	for _, s := range []string{e.Environment, e.Integration, e.Connection, operation, e.Type, strconv.Itoa(int(e.State))} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return "~" + strconv.FormatInt(e.Created, 10) + "_" + strconv.FormatUint(h.Sum64(), 36)
}
