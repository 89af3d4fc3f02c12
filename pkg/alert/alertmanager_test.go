package alert

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/detect"
)

// fakePeer is an Alertmanager on loopback: what it was sent, in order.
type fakePeer struct {
	receiving
	alerts []promAlert
	auth   string
}

func newFakePeer(t *testing.T) *fakePeer {
	f := &fakePeer{}
	f.listen(t, func(w http.ResponseWriter, r *http.Request, body []byte) {
		var all []promAlert
		if !f.known(body, &all) || len(all) != 1 || r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/api/v2/alerts") {
			f.errorf("got %s %s", r.Method, r.URL.Path)
		}
		f.auth = r.Header.Get("Authorization")
		f.alerts = append(f.alerts, all...)
	})
	return f
}

func toPeers(t *testing.T, urls ...string) *alertmanager {
	return must(NewAlertmanager(Alertmanager{URLs: urls, Labels: map[string]string{"team": "integrations"}, HTTP: direct}))(t).(*alertmanager)
}

func TestAlertmanagerStatuses(t *testing.T) {
	f := newFakePeer(t)
	a := toPeers(t, f.URL)
	send := func() error { _, err := a.send(context.Background(), tell(revoked(), nil, open)); return err }
	checkStatuses(t, &f.receiving, send)
	f.next(says(200, "Content-Type", "text/html; charset=utf-8"))
	if f := faultOf(send()); f.verdict != refused || f.reason != "a web page answers there, no API" {
		t.Errorf("a login page: %+v", f)
	}
}

// TestAlertmanagerTellsEveryPeer: it is told when one peer took it; the trouble of the others is in the status, and they are left alone for a moment.
func TestAlertmanagerTellsEveryPeer(t *testing.T) {
	one, two, three := newFakePeer(t), newFakePeer(t), newFakePeer(t)
	a := toPeers(t, one.URL, two.URL+"/prefix/", three.URL)
	now := time.Now()
	a.peers.now = func() time.Time { return now }
	d := tell(revoked(), nil, open)
	send := func() error { _, err := a.send(context.Background(), d); return err }
	if err := send(); err != nil || len(one.alerts)+len(two.alerts)+len(three.alerts) != 3 || a.trouble() != "" {
		t.Fatalf("%v, trouble %q", err, a.trouble())
	}
	one.next(says(503))
	three.next(says(429, "Retry-After", "90"))
	if err := send(); err != nil || a.trouble() != "peer 1 of 3: HTTP 503; peer 3 of 3: HTTP 429" {
		t.Errorf("%v, trouble %q", err, a.trouble())
	}
	if err := send(); err != nil || one.calls != 2 || two.calls != 3 || three.calls != 2 {
		t.Errorf("%v, calls %d %d %d", err, one.calls, two.calls, three.calls)
	}
	now = now.Add(time.Minute)
	if err := send(); err != nil || one.calls != 3 || three.calls != 2 || a.trouble() != "peer 3 of 3: HTTP 429" {
		t.Errorf("%v, calls %d %d, trouble %q", err, one.calls, three.calls, a.trouble())
	}
	now = now.Add(time.Minute)
	if err := send(); err != nil || three.calls != 3 || a.trouble() != "" {
		t.Errorf("%v, calls %d, trouble %q", err, three.calls, a.trouble())
	}
	if strings.Contains(a.trouble(), one.URL) {
		t.Error("an address is told")
	}
}

// TestAlertmanagerMostHopefulFault: what no peer took is tried again as long as one of them may take it.
func TestAlertmanagerMostHopefulFault(t *testing.T) {
	for _, c := range []struct {
		one, two http.HandlerFunc
		verdict  verdict
		reason   string
		after    time.Duration
	}{
		{says(404), says(503), failed, "HTTP 503", 0},
		{says(503), hangsUp, doubtful, "connection lost", 0},
		{says(404), says(400), refused, "HTTP 404", 0},
		{says(429, "Retry-After", "60"), says(429, "Retry-After", "20"), failed, "HTTP 429", 20 * time.Second},
	} {
		one, two := newFakePeer(t), newFakePeer(t)
		one.next(c.one)
		two.next(c.two)
		a := toPeers(t, one.URL, two.URL)
		_, err := a.send(context.Background(), tell(revoked(), nil, open))
		if f := faultOf(err); f.verdict != c.verdict || f.reason != c.reason || f.after != c.after {
			t.Errorf("%+v, want %v %q after %v", f, c.verdict, c.reason, c.after)
		}
		if c.after > 0 {
			_, err := a.send(context.Background(), tell(revoked(), nil, open))
			if f := faultOf(err); one.calls+two.calls != 2 || f.verdict != failed || f.after <= 0 {
				t.Errorf("asked before the time: %d calls, %v", one.calls+two.calls, err)
			}
		}
	}
}

// scripted is a transport without a network: it answers by host.
type scripted map[string]time.Duration

func (s scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(s[r.URL.Host]):
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// TestAlertmanagerSlowPeer: a peer that hangs costs an alert two seconds, and the alerts after it nothing.
func TestAlertmanagerSlowPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := must(NewAlertmanager(Alertmanager{URLs: []string{"http://slow", "http://good"}, HTTP: &http.Client{Transport: scripted{"slow": time.Hour, "good": time.Second}}}))(t).(*alertmanager)
		for i, want := range []time.Duration{time.Second + peerGrace, time.Second} {
			began := time.Now()
			if _, err := a.send(context.Background(), tell(revoked(), nil, open)); err != nil || time.Since(began) != want {
				t.Errorf("%d: %v after %v", i, err, time.Since(began))
			}
		}
		if a.trouble() != "peer 1 of 2: no answer in time" {
			t.Errorf("trouble %q", a.trouble())
		}
	})
}

func TestAlertmanagerAuthorization(t *testing.T) {
	for _, c := range []struct {
		with Alertmanager
		want string
	}{
		{Alertmanager{Token: "s3cr3t"}, "Bearer s3cr3t"},
		{Alertmanager{User: "revwatch", Password: "s3cr3t"}, "Basic cmV2d2F0Y2g6czNjcjN0"},
		{Alertmanager{}, ""},
	} {
		f := newFakePeer(t)
		c.with.URLs, c.with.HTTP = []string{f.URL}, direct
		if _, err := must(NewAlertmanager(c.with))(t).send(context.Background(), tell(revoked(), nil, open)); err != nil || f.auth != c.want {
			t.Errorf("%v, authorized by %q, want %q", err, f.auth, c.want)
		}
	}
}

func TestBadAlertmanagers(t *testing.T) {
	good := []string{"http://am:9093"}
	for name, a := range map[string]Alertmanager{
		"no peer":               {},
		"password in URL":       {URLs: []string{"http://u:s3cr3t@am:9093"}},
		"token in URL":          {URLs: []string{"http://am:9093/?token=s3cr3t"}},
		"no URL":                {URLs: []string{"am:9093/s3cr3t"}},
		"token and user":        {URLs: good, Token: "s3cr3t", User: "u"},
		"password alone":        {URLs: good, Password: "s3cr3t"},
		"label name":            {URLs: good, Labels: map[string]string{"a-b": "c"}},
		"label of Prometheus":   {URLs: good, Labels: map[string]string{"__name__": "c"}},
		"label of ours":         {URLs: good, Labels: map[string]string{"alertname": "c"}},
		"label without value":   {URLs: good, Labels: map[string]string{"a": ""}},
		"label that is no text": {URLs: good, Labels: map[string]string{"a": "\xff"}},
	} {
		if _, err := NewAlertmanager(a); err == nil || holdsSecret(err.Error(), "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAlertLabels: labels say which alert it is and nothing that changes; those it began with stay, whatever happens.
func TestAlertLabels(t *testing.T) {
	a := toPeers(t, "http://am:9093")
	text := func(labels map[string]string) string { return string(encode(labels)) }
	for _, c := range []struct {
		in   detect.Incident
		want string
	}{
		{revoked(), `{"alertname":"RevocationSpike","cause":"revoked","environment":"prod","provider":"google-mail","signal":"revocations","team":"integrations"}`},
		{misconfigured(), `{"alertname":"RevocationSpike","cause":"misconfigured","environment":"prod","provider":"hubspot","signal":"revocations","team":"integrations"}`},
		{strange(), `{"alertname":"UnknownConnections","cause":"unknown","environment":"prod","integration":"github-prod","signal":"unknown_connections","team":"integrations"}`},
		{silence(), `{"alertname":"NangoRowsSilent","signal":"silence","team":"integrations"}`},
		{everywhere(), `{"alertname":"RevocationSpike","cause":"revoked","signal":"revocations","team":"integrations"}`},
	} {
		d := tell(c.in, nil, open)
		if got := text(labelsOf(d, a.labels)); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
		d.remote = text(labelsOf(d, a.labels))
		worse := reopened(c.in)
		worse.Scope, worse.Integration, worse.Environment = "all", "", "other"
		after := tell(worse, nil, open)
		after.remote = d.remote
		if got := text(labelsOf(after, map[string]string{"team": "others"})); got != c.want {
			t.Errorf("labels changed: %s", got)
		}
	}
	d := tell(revoked(), nil, open)
	d.message.test, d.remote = true, "accepted"
	if labels := labelsOf(d, nil); labels["test"] != "true" || labels["alertname"] != "RevocationSpike" {
		t.Errorf("of a test: %v", labels)
	}
}

func TestAlertExtent(t *testing.T) {
	now := onset.Add(24 * time.Hour)
	in := ended(revoked())
	future := in
	future.ResolvedAt = now.Add(time.Hour)
	instant := in
	instant.ResolvedAt = in.Since
	for _, c := range []struct {
		name       string
		in         detect.Incident
		phase      phase
		begin, end time.Time
	}{
		{"open", revoked(), open, onset, now.Add(4 * time.Minute)},
		{"resolved", in, resolve, onset, in.ResolvedAt},
		{"resolved by a clock ahead of ours", future, resolve, onset, now},
		{"over at once", instant, resolve, onset.Add(-time.Second), onset},
		{"part of a wider one", child(), fold, onset, child().Time},
		{"silenced", revoked(), hush, onset, now},
		{"of no known onset", detect.Incident{}, open, now, now.Add(4 * time.Minute)},
		{"of nothing known", detect.Incident{}, resolve, now.Add(-time.Second), now},
		{"of no year", detect.Incident{Since: onset.AddDate(-4000, 0, 0), ResolvedAt: onset.AddDate(-3000, 0, 0)}, resolve, now.Add(-time.Second), now},
		{"of the future", detect.Incident{Since: now.Add(time.Hour)}, open, now, now.Add(4 * time.Minute)},
	} {
		begin, end := extent(delivery{in: &c.in, message: message{phase: c.phase}}, now, 4*time.Minute)
		if !begin.Equal(c.begin) || !end.Equal(c.end) {
			t.Errorf("%s: %v to %v, want %v to %v", c.name, begin, end, c.begin, c.end)
		}
	}
}

// TestAlertExample holds one alert as it is sent, word by word.
func TestAlertExample(t *testing.T) {
	d := tell(revoked(), nil, open)
	d.message.spark, d.message.diagnoses = "▁▂█ peak 23 in 1 h", []string{"Google test mode: 21 of 23 broke 7 days after their authorization"}
	d.message.links = []link{{"Dashboard", "https://app.nango.dev/prod/logs"}, {"Runbook", "https://wiki.example.org/revocations"}}
	got, err := json.MarshalIndent(newPromAlert(d, labelsOf(d, nil), onset.Add(time.Hour), 4*time.Minute), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/alertmanager.json", append(got, '\n'))
}

// golden compares with a file, and writes it with -update.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s changed; when that is meant, run go test ./pkg/alert -update\n%s", file, got)
	}
}

// TestAlertOfAnyMessage: labels and annotations of any input are what Alertmanager takes.
func TestAlertOfAnyMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := wildMessage(t)
		in := detect.Incident{Signal: rapid.SampledFrom([]string{detect.Revocations, detect.UnknownConnections, detect.Silence, ""}).Draw(t, "signal"),
			Environment: m.environment, Provider: m.component, Cause: m.class, Since: onset}
		d := delivery{message: m, in: &in, remote: rapid.SampledFrom([]string{"", "accepted", "{", "null", `{"a":1}`}).Draw(t, "remote")}
		a := newPromAlert(d, labelsOf(d, nil), onset.Add(time.Hour), 4*time.Minute)
		b := encode(a)
		if len(b) > 512000 || !json.Valid(b) || a.Labels["alertname"] == "" {
			t.Fatalf("%d bytes, labels %v", len(b), a.Labels)
		}
		for name, text := range a.Labels {
			if !labelName.MatchString(name) || text == "" || !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxLabel || strings.ContainsAny(text, "\n\r\x00") {
				t.Fatalf("label %s=%q", name, text)
			}
		}
		for name, text := range a.Annotations {
			if !labelName.MatchString(name) || text == "" || utf8.RuneCountInString(text) > maxDescription+maxHrefs*maxHref {
				t.Fatalf("annotation %s of %d", name, len(text))
			}
		}
		if again := labelsOf(delivery{in: &in, message: m, remote: string(encode(a.Labels))}, map[string]string{"x": "y"}); !maps.Equal(again, a.Labels) {
			t.Fatalf("%v became %v", a.Labels, again)
		}
	})
}

// TestStatusSaysWhichPeersFail: a cluster of which one peer is gone works, and its status says so.
func TestStatusSaysWhichPeersFail(t *testing.T) {
	good, gone := newFakePeer(t), newFakePeer(t)
	gone.Close()
	n, err := NewNotifier(Options{Destinations: []Destination{toPeers(t, good.URL, gone.URL)}, Save: func(string, string, []byte) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	done := make(chan struct{})
	go func() { defer close(done); n.Run(ctx) }()
	n.Tell([]detect.Incident{revoked()})
	if err := n.Settled(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if st := n.Status()[0]; st.Pending != 0 || st.Err != "peer 2 of 2: connection refused" || st.Down {
		t.Errorf("%+v", st)
	}
	cancel()
	<-done
}
