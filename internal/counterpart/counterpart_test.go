package counterpart

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "0123456789abcdef0123456789abcdef"

func trigger(payload, more string) string {
	return `{"routing_key":"` + key + `","event_action":"trigger","dedup_key":"k","payload":` + payload + more + `}`
}

// TestPagerDutyRefuses holds each rule of a field.
func TestPagerDutyRefuses(t *testing.T) {
	n := Loopback()
	defer n.Close()
	p := n.PagerDuty("pager", key)
	good := `{"summary":"s","source":"x","severity":"info"}`
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"good":        {trigger(good, `,"links":[{"href":"https://x.example","text":"t"}],"images":[{"src":"https://x.example/i.png"}],"client":"c","client_url":"https://x.example"`), 202},
		"no JSON":     {"{", 400},
		"unknown":     {trigger(good, `,"colour":"red"`), 400},
		"no payload":  {`{"routing_key":"` + key + `","event_action":"trigger","dedup_key":"k"}`, 400},
		"wrong key":   {strings.Replace(trigger(good, ""), key, strings.Repeat("x", 32), 1), 400},
		"action":      {strings.Replace(trigger(good, ""), "trigger", "open", 1), 400},
		"dedup":       {strings.Replace(trigger(good, ""), `"k"`, `"`+strings.Repeat("k", 256)+`"`, 1), 400},
		"no dedup":    {strings.Replace(trigger(good, ""), `"k"`, `""`, 1), 400},
		"no summary":  {trigger(`{"source":"x","severity":"info"}`, ""), 400},
		"summary":     {trigger(`{"summary":"`+strings.Repeat("é", 1025)+`","source":"x","severity":"info"}`, ""), 400},
		"long enough": {trigger(`{"summary":"`+strings.Repeat("é", 1024)+`","source":"x","severity":"info"}`, ""), 202},
		"source":      {trigger(`{"summary":"s","severity":"info"}`, ""), 400},
		"severity":    {trigger(`{"summary":"s","source":"x","severity":"fatal"}`, ""), 400},
		"timestamp":   {trigger(`{"summary":"s","source":"x","severity":"info","timestamp":"yesterday"}`, ""), 400},
		"details":     {trigger(`{"summary":"s","source":"x","severity":"info","custom_details":"text"}`, ""), 400},
		"link":        {trigger(good, `,"links":[{"href":"javascript:1"}]`), 400},
		"image":       {trigger(good, `,"images":[{"src":"http://x.example/i.png"}]`), 400},
		"too big":     {trigger(`{"summary":"s","source":"x","severity":"info","custom_details":{"a":"`+strings.Repeat("x", 512_000)+`"}}`, ""), 413},
	} {
		if status, answer, _ := do(t, n, http.MethodPost, p.URL+"/v2/enqueue", c.body); status != c.status {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
	if len(p.Wrong()) != 16 {
		t.Errorf("%d wrong: %q", len(p.Wrong()), p.Wrong())
	}
}

// TestPagerDutyPages: one page an incident, a new one after its end, each key by itself, 120 events a minute.
func TestPagerDutyPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := InMemory()
		defer n.Close()
		second := strings.Repeat("z", 32)
		p := n.PagerDuty("pager", key, second)
		send := func(routing, action string) int {
			body := strings.NewReplacer(key, routing, "trigger", action).Replace(trigger(`{"summary":"s","source":"x","severity":"info"}`, ""))
			status, _, _ := do(t, n, http.MethodPost, p.URL+"/v2/enqueue", body)
			return status
		}
		send(key, "resolve")
		for _, action := range []string{"trigger", "trigger", "acknowledge", "trigger", "resolve", "resolve", "acknowledge", "trigger"} {
			send(key, action)
		}
		send(second, "resolve")
		var got []string
		for _, page := range p.Pages() {
			got = append(got, fmt.Sprint(page.State, page.Events))
		}
		if fmt.Sprint(got) != "[resolved3 triggered1]" || fmt.Sprint(p.Misplaced()) != "[resolve k acknowledge k resolve k]" {
			t.Errorf("%v, misplaced %v", got, p.Misplaced())
		}
		for i := range 200 {
			if status := send(key, "trigger"); (status == 202) != (i < 120-9) {
				t.Fatalf("event %d: %d", i, status)
			}
		}
		time.Sleep(time.Minute)
		if send(key, "trigger") != 202 {
			t.Error("not taken after a minute")
		}
	})
}

// TestAlertmanagerAlerts: what is refused, and when people are told.
func TestAlertmanagerAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := InMemory()
		defer n.Close()
		a := n.Alertmanager("am")
		send := func(body string) int {
			status, _, _ := do(t, n, http.MethodPost, a.URL+"/prefix/api/v2/alerts", body, "Content-Type", "application/json")
			return status
		}
		for _, bad := range []string{
			`{}`, `[{"labels":{}}]`, `[{"labels":{"alertname":""}}]`, `[{"labels":{"alertname":"A","a-b":"x"}}]`, "[{\"labels\":{\"alertname\":\"A\",\"b\":\"\xff\"}}]",
			`[{"labels":{"alertname":"A"},"status":"firing"}]`, `[{"labels":{"alertname":"A"},"generatorURL":"x"}]`, `[{"labels":{"alertname":"A"},"annotations":{"1":"x"}}]`,
			`[{"labels":{"alertname":"A"},"startsAt":"2026-01-02T00:00:00Z","endsAt":"2026-01-01T00:00:00Z"}]`, `[{"labels":{"alertname":"A"},"startsAt":"yesterday"}]`,
		} {
			if status := send(bad); status != 400 {
				t.Errorf("%s: %d", bad, status)
			}
		}
		if status, _, _ := do(t, n, http.MethodPost, a.URL+"/api/v2/alerts", "[]"); status != 400 {
			t.Errorf("without a content type: %d", status)
		}
		fire := func(ends time.Duration) {
			send(fmt.Sprintf(`[{"labels":{"alertname":"A","empty":""},"endsAt":%q}]`, time.Now().Add(ends).Format(time.RFC3339)))
		}
		fire(4 * time.Minute)
		time.Sleep(time.Minute)
		fire(4 * time.Minute)
		if all := a.Alerts(); len(all) != 1 || all[0].Fired != 1 || all[0].Posted != 2 || !all[0].Firing(time.Now()) {
			t.Errorf("%+v", all)
		}
		time.Sleep(5 * time.Minute)
		if a.Alerts()[0].Firing(time.Now()) {
			t.Error("an alert goes on though nobody sends it")
		}
		fire(time.Minute)
		if a.Alerts()[0].Fired != 2 {
			t.Error("people were not told again")
		}
	})
}

// TestWebhookChecksItsSignature against values computed with openssl:
// printf '%s' 'msg.1.946684800.{"a":1}' | openssl dgst -sha256 -hmac 'a secret text' -binary | base64
func TestWebhookChecksItsSignature(t *testing.T) {
	const signature = "eVnk7ibQmEU49mmp2rAGI9oy1ksU94/WKeys7nVPAGQ="
	for _, secret := range []string{"a secret text", "whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret text"))} {
		synctest.Test(t, func(t *testing.T) { // in which it is 2000-01-01
			n := InMemory()
			defer n.Close()
			h := n.Webhook("hook", "/in", secret)
			send := func(id, stamp, body, signature string) int {
				status, _, _ := do(t, n, http.MethodPost, h.URL+"/in", body, "webhook-id", id, "webhook-timestamp", stamp, "webhook-signature", signature)
				return status
			}
			for name, status := range map[string]int{
				"another id":        send("msg.2", "946684800", `{"a":1}`, "v1,"+signature),
				"another time":      send("msg.1", "946684801", `{"a":1}`, "v1,"+signature),
				"another body":      send("msg.1", "946684800", `{"a":2}`, "v1,"+signature),
				"no signature":      send("msg.1", "946684800", `{"a":1}`, ""),
				"another version":   send("msg.1", "946684800", `{"a":1}`, "v2,"+signature),
				"no time":           send("msg.1", "now", `{"a":1}`, "v1,"+signature),
				"a signature alone": send("msg.1", "946684800", `{"a":1}`, signature),
			} {
				if status != 401 {
					t.Errorf("%s: %d", name, status)
				}
			}
			if send("msg.1", "946684800", `{"a":1}`, "v1,xxxx v1,"+signature) != 204 || send("msg.1", "946684800", `{"a":1}`, "v1,"+signature) != 204 {
				t.Error("a good one is refused")
			}
			if len(h.Deliveries()) != 1 || h.Again() != 1 {
				t.Errorf("%+v and %d again", h.Deliveries(), h.Again())
			}
			time.Sleep(time.Hour)
			if send("msg.1", "946684800", `{"a":1}`, "v1,"+signature) != 401 {
				t.Error("an old one is taken")
			}
		})
	}
}

func card(body, more string) string {
	return `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","contentUrl":null,"content":{"type":"AdaptiveCard","version":"1.4","body":[` + body + `]` + more + `}}]}`
}

func TestTeamsReadsCards(t *testing.T) {
	for name, body := range map[string]string{
		"no envelope":     `{"type":"AdaptiveCard","version":"1.4","body":[]}`,
		"an empty card":   card("", ""),
		"unknown element": card(`{"type":"Marquee","text":"x"}`, ""),
		"a bad action":    card(`{"type":"TextBlock","text":"x"}`, `,"actions":[{"type":"Action.OpenUrl","title":"t","url":"javascript:1"}]`),
		"too big":         card(`{"type":"TextBlock","text":"`+strings.Repeat("x", 28<<10)+`"}`, ""),
	} {
		if _, err := ReadCard([]byte(body)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	c, err := ReadCard([]byte(card(`{"type":"TextBlock","text":"[a](https://x.example) <at>Ann</at>"},{"type":"RichTextBlock","inlines":[{"type":"TextRun","text":"[b](https://y.example)"}]},
		{"type":"FactSet","facts":[{"title":"t","value":"https://z.example"}]}`, `,"actions":[{"type":"Action.OpenUrl","title":"go","url":"https://u.example"}]`)))
	if err != nil || len(c.Links) != 3 || len(c.Mentions) != 1 || !strings.Contains(c.Shown, "[b](https://y.example)") {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestFaultsHappen: each fault looks to a caller as it should, and the request behind it was worked on or not.
func TestFaultsHappen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := InMemory()
		defer n.Close()
		h := n.Webhook("hook", "/in", "")
		for _, c := range []struct {
			f      Fault
			url    string
			status int
			says   string
		}{
			{Busy(7 * time.Second), h.URL, 429, ""},
			{BusyInBody(7 * time.Second), h.URL, 429, "7"},
			{BusyUntil(time.Minute), h.URL, 429, ""},
			{Reset(), h.URL, 0, ""},
			{Cut(), h.URL, 0, "EOF"},
			{Cut().Late(), h.URL, 0, "EOF"},
			{Untrusted(), h.Secure, 0, "certificate"},
			{Redirect("http://elsewhere.test"), h.URL, 307, ""},
			{Flood(500, "head"), h.URL, 500, "headxxx"},
			{Echo(400), h.URL, 400, "{}"},
			{Fault{}, h.Secure, 204, ""},
		} {
			h.Fail(c.f)
			if status, body, _ := do(t, n, http.MethodPost, c.url+"/in", "{}"); status != c.status || !strings.Contains(body, c.says) {
				t.Errorf("%s: %d %.100s", c.f.Name, status, body)
			}
		}
		for _, f := range []Fault{Hang(), Drip(200, time.Second)} {
			h.Fail(f)
			began := time.Now()
			client := n.Over(&http.Transport{DisableKeepAlives: true})
			client.Timeout = 30 * time.Second
			if resp, err := client.Get(h.URL); err == nil {
				buf := make([]byte, 1000)
				for err == nil {
					_, err = resp.Body.Read(buf)
				}
				resp.Body.Close()
			}
			if took := time.Since(began); took != 30*time.Second {
				t.Errorf("%s took %v", f.Name, took)
			}
		}
		if len(h.Deliveries()) != 2 || len(h.Calls()) != 13 {
			t.Errorf("%d deliveries, %d calls", len(h.Deliveries()), len(h.Calls()))
		}
	})
}
