package nango

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/valyala/fastjson"
)

// flatten writes the objects of a row as dotted fields.
func flatten(row string, wrap func(string) string) string {
	out := map[string]json.RawMessage{}
	var visit func(prefix string, v *fastjson.Value)
	visit = func(prefix string, v *fastjson.Value) {
		v.GetObject().Visit(func(k []byte, inner *fastjson.Value) {
			if isObject(inner) && inner.GetObject().Len() > 0 {
				visit(prefix+string(k)+".", inner)
				return
			}
			out[prefix+string(k)] = json.RawMessage(wrap(string(inner.MarshalTo(nil))))
		})
	}
	visit("", fastjson.MustParse(row))
	return string(must(json.Marshal(out)))
}

// A pipeline may flatten the objects in a row, or make texts of them.
func TestFlatRows(t *testing.T) {
	same := func(s string) string { return s }
	inList := func(s string) string { return "[" + s + "]" }
	asText := func(row string) string {
		v := fastjson.MustParse(row)
		for _, k := range []string{"operation", "meta", "response", "request"} {
			if inner := v.Get(k); isObject(inner) {
				v.Set(k, fastjson.MustParse(quoted(string(inner.MarshalTo(nil)))))
			}
		}
		return string(v.MarshalTo(nil))
	}
	for kind := range kinds {
		if kind == 5 || kind >= 10 { // a tee's request, and rows of no meaning
			continue
		}
		for name, flat := range map[string]func(string) string{
			"dots":                   func(r string) string { return flatten(r, same) },
			"fields of a search hit": func(r string) string { return `{"_index":"x","_id":"y","fields":` + flatten(r, inList) + `}` },
			"dots, as text":          func(r string) string { return `{"message":` + quoted(flatten(r, same)) + `}` },
			"texts":                  asText,
		} {
			t.Run(fmt.Sprint(kind, "/", name), func(t *testing.T) {
				var bare, values []string
				for _, x := range tell(kind, kind, worldStart.Add(time.Hour)).rows {
					bare, values = append(bare, x.value), append(values, flat(x.value))
				}
				want, _ := read(t, Options{}, bare...)
				got, st := read(t, Options{}, values...)
				if d := difference(got, want); d != "" || len(st.Quarantined) > 0 {
					t.Errorf("%s %+v\n%s", d, st, values[0])
				}
			})
		}
	}
}

// A field that is a value and an object, and a text that is no object, take nothing with them.
func TestFlatAndTorn(t *testing.T) {
	at := worldStart.Add(time.Hour)
	op := `{"id":"` + opID(at, 1) + `","operation.type":"auth","operation.action":"refresh_token","state":"success","endedAt":"` + stampOf(at) + `","environmentName":"live","integrationName":"mail-live","providerName":"google-mail","connectionName":"` + connectionName(1) + `"`
	want := []Event{*refused(Reconnected, 1, opID(at, 1), at, "", "", "")}
	for _, more := range []string{"", `,"error":"x","error.type":"y"`, `,"error.type":"y","error":"x"`, `,"operation":"{broken}"`, `,"meta":"{broken}","..":1`} {
		got, st := read(t, Options{}, op+more+`}`)
		sameEvents(t, got, want)
		checkSum(t, st)
	}
	if _, st := read(t, Options{}, `{"operation":"{broken}","id":"`+opID(at, 1)+`"}`); st.Ignored != 1 {
		t.Errorf("%+v", st)
	}
}
