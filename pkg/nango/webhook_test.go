package nango

import (
	"strings"
	"testing"
	"time"
)

func TestWebhooks(t *testing.T) {
	appended := worldStart.Add(time.Hour)
	failure := Event{Kind: Failure, Time: appended, Environment: "live", Provider: "google-mail", Integration: "mail-live", Connection: connectionName(1),
		Account: "org_1", AuthMode: "OAUTH2", Cause: Unknown, Reason: "no_reason", Type: external, Tags: TagsOf(map[string]string{"organization_id": "org_1"})}
	back := failure
	back.Kind, back.Cause, back.Reason, back.Type = Reconnected, "", "", ""
	anew := back
	anew.Authorized = true
	attempt := back
	attempt.Kind = Seen
	stamped := failure
	stamped.Time = worldStart
	fail := webhookBody("refresh", 1, false)
	for _, tt := range []struct {
		name, value string
		want        []Event
	}{
		{"bare", fail, []Event{failure}},
		{"with headers", `{"headers":{"x-nango-signature":"00","content-type":"application/json"},"body":` + fail + `}`, []Event{failure}},
		{"body as text", `{"headers":{},"body":` + quoted(fail) + `}`, []Event{failure}},
		{"payload", `{"payload":` + fail + `}`, []Event{failure}},
		{"own time", `{"timestamp":"` + stampOf(worldStart) + `",` + fail[1:], []Event{stamped}},
		{"the bridge's time", `{"received_at":"` + stampOf(worldStart) + `","body":` + quoted(fail) + `}`, []Event{stamped}},
		{"recovery", webhookBody("refresh", 1, true), []Event{back}},
		{"override", webhookBody("override", 1, true), []Event{anew}},
		{"creation", webhookBody("creation", 1, true), []Event{anew}},
		{"recovery, true as text", strings.Replace(webhookBody("refresh", 1, true), "true", `"true"`, 1), []Event{back}},
		{"failure, false as text", strings.Replace(fail, "false", `"false"`, 1), []Event{failure}},
		{"a refused re-authorization", webhookBody("override", 1, false), []Event{attempt}},
		{"a check of stored keys", strings.Replace(fail, external, "connection_test_failed", 1), []Event{attempt}},
		{"a sync's webhook", `{"from":"nango","type":"sync","connectionId":"x","success":true}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newReader(Options{})
			r.Open("t/0", 0, 0)
			for range 2 { // delivered twice at the same time: once
				r.Read([]byte(tt.value), Meta{Source: "t/0", Offset: 1, Time: appended.UnixMilli()})
			}
			sameEvents(t, r.Flush(), tt.want)
		})
	}
}

// How a connection authorizes is a name of at most 32 letters, digits and underscores, or is not known. An operation row does not say it: the oauth2 of
// its meta stands for every mode that a browser goes through.
func TestAuthMode(t *testing.T) {
	for said, want := range map[string]string{
		`"OAUTH2_CC"`: "OAUTH2_CC", `"oauth2"`: "OAUTH2", `"TBA"`: "TBA", `"` + strings.Repeat("A", 32) + `"`: strings.Repeat("A", 32),
		`"` + strings.Repeat("A", 33) + `"`: "", `""`: "", `"API KEY"`: "", `"X-Y"`: "", `"Ä"`: "", `"<!here>"`: "", `7`: "", `null`: "", `["OAUTH2"]`: "", `{"a":"OAUTH2"}`: "",
	} {
		body := strings.Replace(webhookBody("creation", 1, true), `"OAUTH2"`, said, 1)
		r := newReader(Options{})
		r.Open("t/0", 0, 0)
		r.Read([]byte(body), Meta{Source: "t/0", Offset: 1, Time: worldStart.UnixMilli()})
		if got := r.Flush(); len(got) != 1 || got[0].AuthMode != want {
			t.Errorf("%s: %+v, want %q", said, got, want)
		}
	}
	row := operationRow(opID(worldStart, 1), "auth", "create_connection", "success", whoOf(1)+`,"meta":{"authType":"oauth2"}`, worldStart, worldStart)
	if got, _ := read(t, Options{}, row); len(got) != 1 || got[0].AuthMode != "" {
		t.Errorf("%+v", got)
	}
}

// Without any time of its own a webhook happens when its neighbours do; with none at all it cannot be placed.
func TestWebhookWithoutTime(t *testing.T) {
	at := worldStart.Add(time.Hour)
	got, _ := read(t, Options{}, refreshAt(2, at, "success"), webhookBody("refresh", 1, false))
	if len(got) != 2 || !got[0].Time.Equal(at) || !got[1].Time.Equal(at) {
		t.Errorf("got %+v", got)
	}
	if _, st := read(t, Options{}, webhookBody("refresh", 1, false)); st.Quarantined["no_time"] != 1 {
		t.Errorf("%+v", st)
	}
}

func TestAccountFields(t *testing.T) {
	at := worldStart
	op := operationRow(opID(at, 1), "auth", "refresh_token", "success", whoOf(1)+`,"endUserId":77,"endUser":{"organizationId":"acme"}`, at, at)
	for want, fields := range map[string][]string{"acme": nil, "77": {"endUserId"}, "": {"nowhere.at.all"}} {
		got, _ := read(t, Options{AccountFields: fields}, op)
		if len(got) != 1 || got[0].Account != want {
			t.Errorf("%v: got %+v, want account %q", fields, got, want)
		}
	}
}
