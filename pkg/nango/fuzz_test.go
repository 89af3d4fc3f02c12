package nango

import (
	"testing"
	"time"
	"unicode/utf8"

	"github.com/valyala/fastjson"
)

func FuzzRead(f *testing.F) {
	for kind := range kinds {
		for _, x := range tell(kind, kind, worldStart).rows {
			for _, e := range wrappers {
				f.Add([]byte(e.wrap(x.value)), uint8(kind))
			}
		}
	}
	f.Add([]byte(webhookBody("refresh", 1, false)), uint8(0))
	f.Fuzz(func(t *testing.T, value []byte, offset uint8) {
		at := worldStart.Add(time.Hour)
		id := opID(at, 777)
		r := newReader(Options{Ceiling: at.Add(time.Hour)})
		r.Open("f", 0, -1)
		r.Read([]byte(operationRow(id, "auth", "refresh_token", "failed", whoOf(777), at, at)), Meta{Source: "f", Offset: 1})
		kept := append([]byte(nil), value...)
		r.Read(kept, Meta{Source: "f", Offset: int64(offset)})
		clear(kept) // the caller may reuse it
		r.Read([]byte(errorLogRow(id, external, 400, `{"dataMessage":{"error":"invalid_grant"}}`, at)), Meta{Source: "f", Offset: 2})
		if r.nested != 0 {
			t.Fatalf("%d parsers still in use", r.nested)
		}
		var stored int
		r.Changes(func(_, _ string, value []byte) { stored += len(value) })
		if stored > 64<<10+8*len(value) {
			t.Fatalf("%d bytes of state from %d", stored, len(value))
		}
		mine := false
		for _, e := range r.Flush() {
			mine = mine || e.OperationID == id && e.Cause == Revoked
			if e.Kind == 0 || e.Connection == "" || e.Time.Before(at0) || e.Kind == Failure && !isCode(e.Reason) {
				t.Fatalf("not an event: %+v", e)
			}
		}
		if !mine {
			t.Fatal("a neighbour was lost")
		}
		checkSum(t, r.Stats())
		checkCost(t, "value", value)
	})
}

// A row in any two envelopes gives the events of the bare row, whatever else the row says.
func FuzzWrap(f *testing.F) {
	for kind := range kinds {
		for _, x := range tell(kind, kind, worldStart.Add(time.Hour)).rows {
			f.Add([]byte(x.value), uint8(kind), uint8(5*kind))
		}
	}
	f.Fuzz(func(t *testing.T, row []byte, outer, inner uint8) {
		v, err := fastjson.ParseBytes(row)
		o, i := wrappers[int(outer)%len(wrappers)], wrappers[int(inner)%len(wrappers)]
		if err != nil || v.Type() != fastjson.TypeObject || !utf8.Valid(row) || len(row) > 1<<14 || !o.fits(i) || !identified(v) {
			t.Skip()
		}
		want, _ := read(t, Options{Ceiling: worldStart.Add(24 * time.Hour)}, string(row))
		got, st := read(t, Options{Ceiling: worldStart.Add(24 * time.Hour)}, o.wrap(i.wrap(string(v.MarshalTo(nil)))))
		if d := difference(got, want); d != "" {
			t.Fatalf("%s in %s: %s\n%+v", i.name, o.name, d, st)
		}
	})
}

// identified reports whether v is a row by itself: it says what it is, whose, and when, and its keys are those of a row.
func identified(v *fastjson.Value) bool {
	names := map[string]bool{}
	plain := true
	v.GetObject().Visit(func(k []byte, _ *fastjson.Value) {
		plain = plain && !names[string(k)] && (keyOf(k) < keyDoc || string(k) == "message") && keyOf(k) != keyDocID
		names[string(k)] = true
	})
	op := v.GetStringBytes("operation", "action") != nil && len(v.GetStringBytes("id")) > 0
	return plain && (op || len(v.GetStringBytes("parentId")) > 0) && parseTime(v.Get("createdAt")) != 0
}

var at0 = time.UnixMilli(minTime)
