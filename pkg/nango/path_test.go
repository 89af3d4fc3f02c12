package nango

import (
	"strings"
	"testing"
	"time"
)

// The address to which an update was sent names its operation, wherever a tee writes it.
func TestUpdateNamedByAnAddress(t *testing.T) {
	at := worldStart.Add(time.Hour)
	id := opID(at, 1)
	running := operationRow(id, "auth", "refresh_token", "running", whoOf(1), at, time.Time{})
	doc := `{"doc":{"state":"success","endedAt":"` + stampOf(at.Add(time.Second)) + `"}}`
	fill := strings.NewReplacer("ID", id, "DOC", doc, "TEXT", quoted(doc)).Replace
	want := []Event{*refused(Reconnected, 1, id, at.Add(time.Second), "", "", "")}
	for _, v := range []string{
		`{"request_uri":"/i/_update/ID","request_body":TEXT}`,
		`{"request_body":TEXT,"request":"POST /i/_update/ID?retry_on_conflict=3 HTTP/1.1","status":"200"}`,
		`{"request":{"url":"http://search:9200/i/_update/ID?refresh=false","method":"POST","body":DOC}}`,
		`{"url":{"path":"/i/_update/ID","port":9200},"http":{"request":{"body":{"content":TEXT}}}}`,
		`{"rawPath":"/i/_update/ID","rawQueryString":"","body":TEXT,"isBase64Encoded":false}`,
		`{"start":"2026-03-02T01:00:01Z",":path":"/i/_update/ID",":method":"POST","body":TEXT}`,
		`{"request":{"headers":[{"key":":method","value":"POST"},{"key":":path","value":"/i/_update/ID"}],"body":{"as_string":TEXT}}}`,
		`{"attributes":[{"key":"url.path","value":{"stringValue":"/i/_doc/ID/_update"}}],"body":{"stringValue":TEXT}}`,
		`{"to":"/i/_update/ID","doc":{"state":"success","endedAt":"` + stampOf(at.Add(time.Second)) + `"}}`,
		"POST /i/_update/ID?refresh=false HTTP/1.1\r\nHost: search:9200\r\nContent-Type: application/json\r\n\r\nDOC",
		`{"payload":"POST /i/_update/ID HTTP/1.1\r\nHost: search:9200\r\n\r\n` + strings.Trim(quoted(doc), `"`) + `"}`,
		`[{"uri":"/i/_search"},{"address":"/i/_update/ID","sent":DOC},{"address":"/i/_update/1772413200000_Zz000009","sent":{}}]`,
	} {
		t.Run("", func(t *testing.T) {
			t.Log(v)
			got, _ := read(t, Options{}, running, fill(v))
			sameEvents(t, got, want)
		})
	}
}

// So does one in a header of the record.
func TestUpdateNamedByAHeader(t *testing.T) {
	at := worldStart.Add(time.Hour)
	id := opID(at, 1)
	r := newReader(Options{})
	r.Read([]byte(`{"doc":{"state":"success","endedAt":"`+stampOf(at)+`"}}`), Meta{Source: "f", Headers: []Header{{"host", []byte("search:9200")}, {":path", []byte("/i/_update/" + id)}}})
	r.Read([]byte(operationRow(id, "auth", "refresh_token", "running", whoOf(1), at, time.Time{})), Meta{Source: "f"})
	sameEvents(t, r.Flush(), []Event{*refused(Reconnected, 1, id, at, "", "", "")})
}

// What names another thing, or several, names no update.
func TestUpdateOfNobodyKnowsWhat(t *testing.T) {
	at := worldStart.Add(time.Hour)
	one, two := opID(at, 1), opID(at, 2)
	running := operationRow(one, "auth", "refresh_token", "running", whoOf(1), at, time.Time{})
	fill := strings.NewReplacer("ONE", one, "TWO", two, "DOC", `{"doc":{"state":"success","endedAt":"`+stampOf(at)+`"}}`).Replace
	for _, v := range []string{
		`{"request":"POST /i/_update/ONE HTTP/1.1","referrer":"/i/_doc/TWO","body":DOC}`,
		`{"to":"/i/_update/ONE","bodies":[DOC,DOC]}`,
		`[{"to":"/i/_update/ONE"},{"body":DOC}]`,
		`{"to":"/i/_search/ONE","body":DOC}`,
		`{"to":"/i/_update/ONE-x","body":DOC}`,
		`{"doc":{"state":"success","message":"/i/_update/ONE"}}`,
		"POST /i/_update/ONE HTTP/1.1\r\n\r\n{\"script\":{\"source\":\"x\"}}\r\nPOST /i/_bulk HTTP/1.1\r\n\r\nDOC",
	} {
		got, st := read(t, Options{}, running, fill(v))
		if len(got) != 1 || got[0].Kind != Failure || st.Quarantined["no_operation_id"] != 1 { // it never ended, as far as we know
			t.Errorf("%s: %+v, %+v", v, got, st)
		}
	}
}
