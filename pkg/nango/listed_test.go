package nango

import (
	"slices"
	"testing"
	"time"

	"github.com/valyala/fastjson"
)

// Whose a listed connection is is what its rows would say, by the same settings; names of people and addresses are not kept.
func TestListed(t *testing.T) {
	const user = `"end_user":{"id":"u1","email":"ann@example.com","display_name":"Ann","tags":{"plan":"gold"},"organization":{"id":"acme","display_name":"Acme"}}`
	for _, c := range []struct {
		fields, tags  []string
		json          string
		account, kept string
	}{
		{nil, nil, `{"id":4}`, "", ""},
		{nil, nil, `{"tags":{"organization_id":"globex","end_user_id":"u2","end_user_email":"ann@example.com"}}`, "globex", "end_user_id=u2 organization_id=globex "},
		{nil, nil, `{` + user + `}`, "acme", "end_user_id=u1 organization_id=acme "},
		{nil, nil, `{"tags":{"organization_id":"globex"},` + user + `}`, "globex", "end_user_id=u1 organization_id=globex "},
		{nil, nil, `{"end_user":{"id":"u1","organization":null},"tags":{}}`, "u1", "end_user_id=u1 "},
		{nil, nil, `{"end_user":{"id":"Ann@Example.com"}}`, pseudonym("ann@example.com"), ""},
		{[]string{"endUserId"}, []string{"plan"}, `{` + user + `}`, "u1", "plan=gold "},
		{[]string{"tags.plan", "endUserId"}, []string{}, `{` + user + `}`, "gold", ""},
		{[]string{"endUser.tags.plan"}, []string{}, `{` + user + `}`, "gold", ""},
		{[]string{"tags.organization_id"}, nil, `{"tags":{"organization_id":"eyJhbGciOi.eyJzdWI.c2ln"}}`, "", ""},
		{nil, nil, `{"tags":[1],"end_user":"x"}`, "", ""},
	} {
		v := fastjson.MustParse(`{"connection_id":"c","provider_config_key":"crm","provider":"hubspot",` + c.json[1:])
		got, ok := NewLister(c.fields, c.tags).Read(v)
		kept := ""
		for k, value := range got.Tags.All() {
			kept += k + "=" + value + " "
		}
		if !ok || got.Account != c.account || kept != c.kept || got.Connection != "c" || got.Integration != "crm" || got.Provider != "hubspot" {
			t.Errorf("%s by %v: %+v, tags %q", c.json, c.fields, got, kept)
		}
	}
}

// A connection is listed with its age and whether its authorization is refused; what is no connection is none.
func TestListedState(t *testing.T) {
	l := NewLister(nil, nil)
	for text, want := range map[string]Listed{
		`{"connection_id":"c","provider_config_key":"crm","created":"2026-03-01T08:00:00.051+00:00","errors":[{"type":"sync"},{"type":"auth","log_id":"x"}]}`: {
			Integration: "crm", Connection: "c", Created: time.Date(2026, 3, 1, 8, 0, 0, 51e6, time.UTC), Refused: true},
		`{"connection_id":"c","provider_config_key":"crm","created":"yesterday","errors":[{"type":"sync"}]}`: {Integration: "crm", Connection: "c"},
		`{"connection_id":"c","provider_config_key":"crm","created":"0001-01-01T00:00:00Z","errors":{}}`:     {Integration: "crm", Connection: "c", Unsaid: true},
		`{"connection_id":"c","provider_config_key":"crm","errors":null}`:                                    {Integration: "crm", Connection: "c", Unsaid: true},
		`{"connection_id":"c","provider_config_key":"crm"}`:                                                  {Integration: "crm", Connection: "c", Unsaid: true},
		`{"connection_id":"c","provider_config_key":"crm","errors":[null]}`:                                  {Integration: "crm", Connection: "c"},
	} {
		if got, ok := l.Read(fastjson.MustParse(text)); !ok || got.Connection != want.Connection || got.Integration != want.Integration || !got.Created.Equal(want.Created) || got.Refused != want.Refused || got.Unsaid != want.Unsaid {
			t.Errorf("%s: %+v", text, got)
		}
	}
	for _, text := range []string{`{}`, `{"connection_id":"c"}`, `{"provider_config_key":"crm","connection_id":""}`, `{"provider_config_key":"crm","connection_id":["c"]}`, `null`, `7`, `[]`, `"c"`} {
		if got, ok := l.Read(fastjson.MustParse(text)); ok {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

// The name by which a list knows a connection is that by which rows do, however long it is.
func TestListedNameIsThatOfRows(t *testing.T) {
	long := string(slices.Repeat([]byte("x"), 2*maxName))
	r := NewReader(Options{})
	r.Open("t", 0, -1)
	r.Read([]byte(`{"id":"1790845201000_aaaaaaa1","type":"operation","operation":{"type":"auth","action":"create_connection"},"state":"success","environmentName":"prod","providerName":"p","integrationName":"`+long+`","connectionName":"`+long+`","createdAt":"2026-10-01T09:00:01Z"}`), Meta{Source: "t"})
	e := r.Flush()[0]
	if got, ok := NewLister(nil, nil).Read(fastjson.MustParse(`{"connection_id":"` + long + `","provider_config_key":"` + long + `"}`)); !ok || got.Connection != e.Connection || got.Integration != e.Integration {
		t.Errorf("%q and %q", got.Connection, e.Connection)
	}
}
