package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/detect"
)

// fakeHook takes webhooks: their bodies and headers, in order.
type fakeHook struct {
	receiving
	bodies  []string
	headers []http.Header
}

func newFakeHook(t *testing.T) *fakeHook {
	f := &fakeHook{}
	f.listen(t, func(w http.ResponseWriter, r *http.Request, body []byte) {
		if !json.Valid(body) || r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			f.errorf("got %s %q", r.Method, body)
		}
		f.bodies, f.headers = append(f.bodies, string(body)), append(f.headers, r.Header)
		w.WriteHeader(http.StatusAccepted)
	})
	return f
}

func (f *fakeHook) with(t *testing.T, w Webhook) *hook {
	w.URL, w.HTTP = Secret(f.URL+"/s3cr3t"), direct
	return must(NewWebhook(w))(t).(*hook)
}

func TestWebhookStatuses(t *testing.T) {
	f := newFakeHook(t)
	w := f.with(t, Webhook{})
	checkStatuses(t, &f.receiving, func() error { _, err := w.send(context.Background(), tell(revoked(), nil, open)); return err })
}

// TestWebhookSignature: the first vector is the one of the reference libraries; both were computed again with openssl, as
//
//	printf '%s' "$id.$at.$body" | openssl dgst -sha256 -mac HMAC -macopt hexkey:$(base64 -d <<<"$secret" | xxd -p) -binary | base64
func TestWebhookSignature(t *testing.T) {
	for _, c := range []struct {
		secret             Secret
		id, at, body, want string
	}{
		{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", `{"test": 2432232314}`, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
		{"a secret of our own", "3f9c0a1b2c3d4e5f_2_open_0", "1772629200", `{"a":"é"}`, "v1,6g4pnRfMoPAtMu2AvBBanYP5Kexw8x2UuKy5m8LHyts="},
	} {
		key, err := signingKey(c.secret)
		if err != nil {
			t.Fatal(err)
		}
		if got := signature(key(), c.id, c.at, []byte(c.body)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// TestWebhookHeaders: what a receiver checks is about the body that it got; a repetition has the id of the first, another state has another.
func TestWebhookHeaders(t *testing.T) {
	f := newFakeHook(t)
	w := f.with(t, Webhook{Secret: "a secret of our own", Headers: map[string]Secret{"x-token": "s3cr3t"}})
	now := time.Unix(1772629200, 0)
	w.now = func() time.Time { return now }
	first := tell(revoked(), nil, open)
	worse := tell(reopened(revoked()), nil, open)
	proof := ended(revoked())
	proof.Proof = 1
	odd := revoked()
	odd.ID = "a.b\nc"
	for _, d := range []delivery{first, first, worse, tell(ended(revoked()), nil, resolve), tell(proof, nil, resolve), tell(revoked(), nil, hush), tell(odd, nil, open)} {
		if _, err := w.send(context.Background(), d); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
	}
	seen := map[string]int{}
	for i, h := range f.headers {
		id, at := h.Get("webhook-id"), h.Get("webhook-timestamp")
		seen[id]++
		if at != fmt.Sprint(1772629200+i) || h.Get("x-token") != "s3cr3t" || strings.ContainsAny(id, ". \n") {
			t.Errorf("%v", h)
		}
		if want := signature("a secret of our own", id, at, []byte(f.bodies[i])); h.Get("webhook-signature") != want {
			t.Errorf("signed %s, want %s", h.Get("webhook-signature"), want)
		}
	}
	if len(seen) != 6 || seen[first.incident+"_1_open_0"] != 2 {
		t.Errorf("ids %v", seen)
	}
	plain := f.with(t, Webhook{})
	if _, err := plain.send(context.Background(), first); err != nil || f.headers[len(f.headers)-1].Get("webhook-signature") != "" {
		t.Errorf("%v: signed without a secret", err)
	}
}

// TestWebhookSilenceIsAnotherState: who drops what comes twice sees that an incident is silenced, and that it is not any more.
func TestWebhookSilenceIsAnotherState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &texts{id: "hook", t: (&hook{revisions: true}).traits()}
		n, end := deliverTo(t, Options{Destinations: []Destination{to}})
		defer end()
		in := opened(1)
		in.Since = time.Now()
		n.Tell([]detect.Incident{in})
		for range 2 {
			time.Sleep(time.Hour)
			if _, err := n.Silence(Silence{Match: Match{Provider: []string{"*"}}, Author: "a", Reason: "r", Until: time.Now().Add(time.Minute)}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		seen := map[string]bool{}
		for _, d := range to.told() {
			seen[webhookID(d)] = true
		}
		if all := to.told(); len(all) != 5 || len(seen) != 5 {
			t.Errorf("%d states with the ids %v", len(all), seen)
		}
	})
}

// TestWebhookExample holds the documented object, word by word.
func TestWebhookExample(t *testing.T) {
	in := revoked()
	in.Connections = in.Connections[:2]
	in.Affected, in.Customers, in.Remaining = 23, 9, detect.Remaining{Reconnected: 2, Broken: 21}
	in.Ranking = []detect.Lift{{Dimension: "reason", Value: "invalid_grant", Count: 22, Of: 23, Usual: 0.4, Lift: 2.4}}
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.TestMode, Evidence: "21 of 23 broke 7 days after their authorization", Source: "https://example.org/testing"}}
	in.Course = detect.Course{From: onset, Seconds: 3600, Counts: []int{0, 1, 23}, Upper: []float64{2, 2, 2}}
	d := tell(in, nil, open)
	d.message.spark, d.message.diagnoses = "▁▂█ peak 23 in 1 h", []string{"Google test mode: 21 of 23 broke 7 days after their authorization"}
	d.message.links = []link{{"Dashboard", "https://app.nango.dev/prod/logs"}}
	body, err := newPayload(d).body()
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/webhook.json", append(pretty.Bytes(), '\n'))
}

// TestWebhookIncidentIsThePublicOne: every field of an incident's public form is in the body as it stands there.
func TestWebhookIncidentIsThePublicOne(t *testing.T) {
	for _, e := range examples() {
		in := e.in
		body, err := newPayload(tell(in, nil, e.phase)).body()
		if err != nil {
			t.Fatal(err)
		}
		var got, want map[string]any
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(encode(in), &want); err != nil {
			t.Fatal(err)
		}
		for name := range want {
			if string(encode(got[name])) != string(encode(want[name])) {
				t.Errorf("%s: %s is %s, want %s", e.title, name, encode(got[name]), encode(want[name]))
			}
			delete(got, name)
		}
		if len(got) != 4 || got["phase"] != string(e.phase) || got["test"] != false || got["severity"] == "" || got["message"] == nil {
			t.Errorf("%s: beside the incident there is %v", e.title, got)
		}
	}
}

func TestWebhookFollows(t *testing.T) {
	const some = `{"text": {{json .Message.Headline}}}`
	for _, c := range []struct {
		w         Webhook
		revisions bool
	}{
		{Webhook{}, true},
		{Webhook{Template: some}, false},
		{Webhook{Template: some, Follow: followRevisions}, true},
		{Webhook{Follow: followMilestones}, false},
	} {
		c.w.URL = "https://h.example/s3cr3t"
		tr := must(NewWebhook(c.w))(t).traits()
		if tr.revisions != c.revisions || tr.keyed != c.revisions || tr.silences != c.revisions || tr.reports == c.revisions || tr.paired {
			t.Errorf("%+v: %+v", c.w, tr)
		}
		if c.revisions && tr.every != time.Minute {
			t.Errorf("every %v", tr.every)
		}
	}
}

func TestBadWebhooks(t *testing.T) {
	const good = "https://h.example/s3cr3t"
	for name, w := range map[string]Webhook{
		"no URL":                    {URL: "s3cr3t"},
		"no such follow":            {URL: good, Follow: "all"},
		"short secret":              {URL: good, Secret: "s3cr3t"},
		"short secret in base64":    {URL: good, Secret: "whsec_czNjcjN0"},
		"secret that is not base64": {URL: good, Secret: "whsec_s3cr3t s3cr3t s3cr3t"},
		"header name":               {URL: good, Headers: map[string]Secret{"a b": "s3cr3t"}},
		"header value":              {URL: good, Headers: map[string]Secret{"a": "s3cr3t\r\nHost: x"}},
		"header of ours":            {URL: good, Headers: map[string]Secret{"WEBHOOK-id": "s3cr3t"}},
		"header twice":              {URL: good, Headers: map[string]Secret{"a": "s3cr3t", "A": "s3cr3t"}},
		"template":                  {URL: good, Template: "{{"},
	} {
		if _, err := NewWebhook(w); err == nil || holdsSecret(err.Error(), "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWebhookIsNotPrinted(t *testing.T) {
	f := newFakeHook(t)
	w := f.with(t, Webhook{Secret: "s3cr3ts3cr3ts3cr3t", Headers: map[string]Secret{"a": "s3cr3t"}})
	a := must(NewAlertmanager(Alertmanager{URLs: []string{"http://h"}, User: "u", Password: "s3cr3t"}))(t)
	for _, d := range []Destination{w, a} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			if out := fmt.Sprintf(verb, d); holdsSecret(out, "") || strings.Contains(out, fmt.Sprintf("%x", "s3cr3t")) {
				t.Errorf(verb+" of %T: %s", d, d, out)
			}
		}
	}
}

// wildIncident draws an incident that no detector would make.
func wildIncident(t *rapid.T, m message) detect.Incident {
	moment := rapid.SampledFrom([]time.Time{onset, {}, onset.AddDate(9000, 0, 0), onset.AddDate(-4000, 0, 0)})
	number := rapid.SampledFrom([]float64{0, 1.5, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64})
	in := detect.Incident{Type: "incident", ID: m.id, Provider: m.component, Environment: m.environment, Cause: m.class, Explanation: m.why,
		Since: moment.Draw(t, "since"), Time: moment.Draw(t, "time"), Course: detect.Course{From: moment.Draw(t, "from")},
		Expected: number.Draw(t, "expected"), Score: number.Draw(t, "score"), OncePerDays: number.Draw(t, "once")}
	for range rapid.SampledFrom([]int{0, 1, 2, 80}).Draw(t, "connections") {
		in.Connections = append(in.Connections, detect.Broken{Connection: m.headline, Account: m.summary, Integration: m.component, Reason: m.class,
			Time: moment.Draw(t, "broke"), Created: moment.Draw(t, "created")})
	}
	for _, s := range m.diagnoses {
		in.Diagnoses = append(in.Diagnoses, detect.Diagnosis{Kind: s, Evidence: s, Source: s})
		in.Ranking = append(in.Ranking, detect.Lift{Dimension: s, Value: s, Usual: number.Draw(t, "usual"), Lift: number.Draw(t, "lift")})
		in.Course.Counts, in.Course.Upper = append(in.Course.Counts, 1, 2), append(in.Course.Upper, number.Draw(t, "upper"))
	}
	return in
}

// TestWebhookOfAnyIncident: the body of any input is JSON of bounded size, with clean texts, and the incident stays as it was.
func TestWebhookOfAnyIncident(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := wildMessage(t)
		in := wildIncident(t, m)
		before := fmt.Sprintf("%v", in)
		body, err := newPayload(delivery{message: m, in: &in}).body()
		if err != nil || len(body) > maxPayload || !json.Valid(body) {
			t.Fatalf("%d bytes, %v", len(body), err)
		}
		if fmt.Sprintf("%v", in) != before {
			t.Fatal("the incident was changed")
		}
		var p payload
		if err := json.Unmarshal(body, &p); err != nil {
			t.Fatal(err)
		}
		for _, s := range append([]string{p.ID, p.Provider, p.Message.Headline, p.Message.Summary}, append(p.Message.Why, p.Explanation...)...) {
			if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == '\u202e' }) {
				t.Fatalf("%q", s)
			}
		}
	})
}
