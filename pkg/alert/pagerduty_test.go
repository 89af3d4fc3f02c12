package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/detect"
)

const oldPagerKey = "0lds3cr3t00000000000000000000000"

// pagerBook is a PagerDuty that knows incidents by routing key and dedup key, and which keys it refuses.
type pagerBook struct {
	receiving
	open    map[string]string // "triggered" or "acknowledged", by "new id" or "old id"
	events  []string          // key, action, id
	refuses string
}

func newPagerBook(t *testing.T) *pagerBook {
	f := &pagerBook{open: map[string]string{}}
	f.listen(t, func(w http.ResponseWriter, r *http.Request, body []byte) {
		var e pagerEvent
		if !f.known(body, &e) {
			return
		}
		key := map[string]string{pagerKey: "new", oldPagerKey: "old"}[e.RoutingKey]
		id := key + " " + e.DedupKey
		if key == f.refuses {
			http.Error(w, "{}", http.StatusBadRequest)
			return
		}
		f.events = append(f.events, key+" "+e.Action)
		switch {
		case e.Action == "trigger" && f.open[id] == "":
			f.open[id] = "triggered"
		case e.Action == "acknowledge" && f.open[id] != "":
			f.open[id] = "acknowledged"
		case e.Action == "resolve":
			delete(f.open, id)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	return f
}

func (f *pagerBook) with(t *testing.T, key, previous Secret) Destination {
	return must(NewPagerDuty(PagerDuty{RoutingKey: key, PreviousKey: previous, URL: f.URL, HTTP: direct}))(t)
}

// TestPagerDutyKeyRotation: what one key took is ended through it, and nothing else is.
func TestPagerDutyKeyRotation(t *testing.T) {
	const stranger = "key 0123456789abcdef"
	for _, c := range []struct {
		name   string
		told   string // who took the beginning: new, old, stranger, "" nobody, "?" perhaps somebody, "old?" old and perhaps new
		phase  phase
		events string
		reason string
	}{
		{"first", "", open, "new trigger", ""},
		{"first, in doubt", "?", open, "old resolve, new trigger", ""},
		{"end, in doubt", "?", resolve, "old resolve, new resolve", ""},
		{"silence, in doubt", "?", hush, "old acknowledge, new acknowledge", ""},
		{"worse", "new", open, "new trigger", ""},
		{"end", "new", resolve, "new resolve", ""},
		{"wider", "new", fold, "new resolve", ""},
		{"silence", "new", hush, "new acknowledge", ""},
		{"worse, of the old key", "old", open, "old resolve, new trigger", ""},
		{"end, of the old key", "old", resolve, "old resolve", ""},
		{"silence, of the old key", "old", hush, "old acknowledge", ""},
		{"worse, of the old key, in doubt", "old?", open, "old resolve, new trigger", ""},
		{"end, of the old key, in doubt", "old?", resolve, "old resolve, new resolve", ""},
		{"silence, of the old key, in doubt", "old?", hush, "old acknowledge, new acknowledge", ""},
		{"end, after that silence", either, resolve, "old resolve, new resolve", ""},
		{"worse, of a key that is gone", stranger, open, "new trigger", ""},
		{"end, of a key that is gone", stranger, resolve, "", "was told under a routing key that is configured no more"},
		{"silence, of a key that is gone", stranger, hush, "", "was told under a routing key that is configured no more"},
	} {
		f := newPagerBook(t)
		to := f.with(t, pagerKey, oldPagerKey)
		d := tell(revoked(), nil, c.phase)
		switch c.told {
		case "new":
			d.remote = newRouting(pagerKey).fingerprint
		case "old":
			d.remote = newRouting(oldPagerKey).fingerprint
		case "old?":
			d.remote, d.doubtful = newRouting(oldPagerKey).fingerprint, time.Now()
		case "?":
			d.doubtful = time.Now()
		default:
			d.remote = c.told
		}
		got, err := to.send(context.Background(), d)
		reason := ""
		if err != nil {
			reason = err.Error()
		}
		if events := strings.Join(f.events, ", "); events != c.events || reason != c.reason || err != nil && faultOf(err).verdict != refused {
			t.Errorf("%s: %q, %v", c.name, events, err)
		}
		last := newRouting(pagerKey).fingerprint
		if c.events == "old resolve" || c.events == "old acknowledge" {
			last = newRouting(oldPagerKey).fingerprint
		}
		if c.phase == hush && strings.HasSuffix(c.told, "?") {
			last = either
		}
		if err == nil && (got.remote != last || got.more) {
			t.Errorf("%s: receipt %+v", c.name, got)
		}
	}
}

// TestPagerDutyRotationKeepsOneIncident lets a key change while an incident is open, in the middle of it.
func TestPagerDutyRotationKeepsOneIncident(t *testing.T) {
	f := newPagerBook(t)
	before, after := f.with(t, oldPagerKey, ""), f.with(t, pagerKey, oldPagerKey)
	id := revoked().ID
	r, err := before.send(context.Background(), tell(revoked(), nil, open))
	if err != nil || f.open["old "+id] == "" {
		t.Fatal(r, err, f.open)
	}
	d := tell(reopened(revoked()), nil, open)
	d.remote = r.remote
	f.next(nil, says(503)) // the end through the old key works, the beginning through the new one does not
	if _, err = after.send(context.Background(), d); faultOf(err).verdict != failed {
		t.Errorf("%v", err)
	}
	if r, err = after.send(context.Background(), d); err != nil || len(f.open) != 1 || f.open["new "+id] != "triggered" {
		t.Errorf("%v, open %v", err, f.open)
	}
	d = tell(ended(reopened(revoked())), nil, resolve)
	d.remote = r.remote
	if _, err = after.send(context.Background(), d); err != nil || len(f.open) != 0 {
		t.Errorf("%v, open %v", err, f.open)
	}
	if strings.Contains(r.remote, "s3cr3t") {
		t.Errorf("a receipt holds the key: %q", r.remote)
	}
}

// TestPagerDutyRefusedPreviousKey: an old integration that was deleted does not keep a page back.
func TestPagerDutyRefusedPreviousKey(t *testing.T) {
	f := newPagerBook(t)
	f.refuses = "old"
	d := tell(revoked(), nil, open)
	d.remote = newRouting(oldPagerKey).fingerprint
	if _, err := f.with(t, pagerKey, oldPagerKey).send(context.Background(), d); err != nil || f.open["new "+d.incident] != "triggered" {
		t.Errorf("%v, open %v", err, f.open)
	}
	d.message.phase = resolve
	if _, err := f.with(t, pagerKey, oldPagerKey).send(context.Background(), d); faultOf(err).verdict != refused {
		t.Errorf("an end that the old key refuses: %v", err)
	}
}

// TestPagerDutySilence: a silence acknowledges; the end of the incident still resolves.
func TestPagerDutySilence(t *testing.T) {
	f := newPagerBook(t)
	to := f.with(t, pagerKey, "")
	for i, p := range []phase{open, hush, resolve} {
		d := tell(revoked(), nil, p)
		if _, err := to.send(context.Background(), d); err != nil {
			t.Fatal(err)
		}
		if want := []string{"triggered", "acknowledged", ""}[i]; f.open["new "+d.incident] != want {
			t.Errorf("%s: %v", p, f.open)
		}
	}
	if tr := to.traits(); !tr.silences || !tr.paired || !tr.keyed || tr.revisions || tr.reports {
		t.Errorf("%+v", tr)
	}
}

func TestPagerDutyEvent(t *testing.T) {
	d := tell(revoked(), nil, open)
	d.message.spark, d.message.diagnoses = "▁▂█ peak 23 in 1 h", []string{"Google test mode"}
	d.message.links = []link{{"Runbook", "https://wiki.example.org/x"}, {"Dashboard", "https://app.nango.dev/prod/logs"}}
	d.message.test = true
	e := newEvent(pagerKey, d)
	if e.ClientURL != "https://app.nango.dev/prod/logs" || len(e.Links) != 2 || e.Links[0] != (pagerLink{"https://wiki.example.org/x", "Runbook"}) {
		t.Errorf("%q %v", e.ClientURL, e.Links)
	}
	if e.Payload.Details["Course"] != d.message.spark || e.Payload.Details["Looks like"] != "Google test mode" || e.Payload.Group != "prod" {
		t.Errorf("%v", e.Payload)
	}
	if !strings.HasPrefix(e.Payload.Summary, "[TEST] prod: ") {
		t.Errorf("a test says %q", e.Payload.Summary)
	}
	for _, p := range []phase{resolve, fold, hush} {
		d.message.phase = p
		if b := string(encode(newEvent(pagerKey, d))); strings.Contains(b, "payload") || strings.Contains(b, "links") {
			t.Errorf("%s: %s", p, b)
		}
	}
}

// wildMessage draws a message that no composer would make: texts of any kind and length.
func wildMessage(t *rapid.T) message {
	text := rapid.Custom(func(t *rapid.T) string {
		s := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "\x00", "\"\\", "<!channel>", "\u202e", "\xff\xfe", "🏴", "**b**", "{{DATE(2017-02-14T06:00:00Z)}}", "[a](https://x.example)"})).Draw(t, "s")
		return strings.Repeat(s, rapid.SampledFrom([]int{1, 1, 1, 1, 1, 20, 2000}).Draw(t, "times"))
	})
	lines := rapid.SliceOfN(text, 0, 12)
	m := message{
		id: text.Draw(t, "id"), phase: open, severity: rapid.SampledFrom([]severity{warning, critical, "", "x"}).Draw(t, "severity"),
		environment: text.Draw(t, "environment"), component: text.Draw(t, "component"), class: text.Draw(t, "class"), test: rapid.Bool().Draw(t, "test"),
		line: rapid.Bool().Draw(t, "line"), headline: text.Draw(t, "headline"), summary: text.Draw(t, "summary"), spark: text.Draw(t, "spark"),
		diagnoses: lines.Draw(t, "diagnoses"), why: lines.Draw(t, "why"), samples: lines.Draw(t, "samples"), todo: lines.Draw(t, "todo"),
	}
	for i := range rapid.IntRange(0, 30).Draw(t, "facts") {
		m.facts = append(m.facts, fact{fmt.Sprint(i, text.Draw(t, "name")), text.Draw(t, "value")})
	}
	for range rapid.IntRange(0, 12).Draw(t, "links") {
		m.links = append(m.links, link{text.Draw(t, "link"), "https://h.example/" + text.Draw(t, "url")})
	}
	return m
}

// TestPagerDutyEventOfAnyMessage holds PagerDuty's limits for any input.
func TestPagerDutyEventOfAnyMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := wildMessage(t)
		e := newEvent(pagerKey, delivery{message: m, incident: m.id, in: &detect.Incident{Since: onset}})
		b := encode(e)
		p := e.Payload
		switch {
		case len(b) > 512000:
			t.Fatalf("%d bytes", len(b))
		case !json.Valid(b) || !utf8.Valid(b) || len(b) < 100:
			t.Fatalf("%q", b)
		case p.Summary == "" || utf8.RuneCountInString(p.Summary) > 1024 || p.Source == "" || utf8.RuneCountInString(e.DedupKey) > 255:
			t.Fatalf("%+v", p)
		case !slices.Contains([]string{"warning", "critical"}, p.Severity):
			t.Fatalf("severity %q", p.Severity)
		case m.test && !strings.HasPrefix(p.Summary, "[TEST]"):
			t.Fatalf("a test says %q", p.Summary)
		}
	})
}

func TestBadRoutingKeys(t *testing.T) {
	for _, p := range []PagerDuty{{RoutingKey: pagerKey, PreviousKey: "s3cr3t"}, {RoutingKey: pagerKey + "0"}} {
		if _, err := NewPagerDuty(p); err == nil || holdsSecret(err.Error(), "") {
			t.Errorf("%v", err)
		}
	}
	same := must(NewPagerDuty(PagerDuty{RoutingKey: pagerKey, PreviousKey: pagerKey}))(t).(*pagerDuty)
	if same.previous.key != nil {
		t.Error("the current key is its own predecessor")
	}
}
