package alert

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/internal/counterpart"
)

type faultCase struct {
	name    string
	answer  counterpart.Fault
	verdict verdict // "": taken
	reason  string
	after   time.Duration
}

// onAny are faults that mean the same to every destination over HTTP.
func onAny(elsewhere string) []faultCase {
	return []faultCase{
		{"429 header", counterpart.Status(429, "", "Retry-After", "37"), failed, "HTTP 429", 37 * time.Second},
		{"429 body", counterpart.Status(429, `{"retry_after": 4.5}`), failed, "HTTP 429", 4500 * time.Millisecond},
		{"429 both", counterpart.Status(429, `{"retry_after": 4}`, "Retry-After", "9"), failed, "HTTP 429", 9 * time.Second},
		{"429 nonsense", counterpart.Status(503, "", "Retry-After", "-NaN"), failed, "HTTP 503", 0},
		{"429 for ever", counterpart.Status(429, "", "Retry-After", "1e300"), failed, "HTTP 429", maxRetryAfter},
		{"500", counterpart.Status(500, "<html>"), failed, "HTTP 500", 0},
		{"504", counterpart.Status(504, ""), doubtful, "HTTP 504", 0},
		{"408", counterpart.Status(408, ""), failed, "HTTP 408", 0},
		{"404", counterpart.Status(404, "no_service"), refused, "HTTP 404", 0},
		{"410", counterpart.Status(410, ""), refused, "HTTP 410", 0},
		{"400", counterpart.Status(400, "a body with "+pagerKey), refused, "HTTP 400", 0},
		{"redirect", counterpart.Redirect(elsewhere), refused, "HTTP 307", 0},
		{"reset", counterpart.Cut(), doubtful, "connection lost", 0},
		{"hang", counterpart.Hang(), doubtful, "no answer in time", 0},
		{"slow 500", counterpart.Drip(500, 10*time.Millisecond), failed, "HTTP 500", 0},
		{"huge 500", counterpart.Flood(500, ""), failed, "HTTP 500", 0},
	}
}

// tryAll gives a destination one fault after the other.
func tryAll(t *testing.T, s *counterpart.Server, to Destination, cases []faultCase) {
	for _, c := range cases {
		s.Fail(c.answer)
		patience := 20 * time.Second
		if c.name == "hang" || strings.HasPrefix(c.name, "slow") {
			patience = 500 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		began := time.Now()
		fresh := revoked()
		fresh.OpenedAt = time.Now() // nobody can have told it before
		_, err := to.send(ctx, tell(fresh, nil, open))
		cancel()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s took %v", c.name, took)
		}
		if c.verdict == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s was taken", c.name)
			continue
		}
		f := faultOf(err)
		if f.verdict != c.verdict || !strings.HasPrefix(f.reason, c.reason) || f.after != c.after {
			t.Errorf("%s: %s %q after %v", c.name, f.verdict, f.reason, f.after)
		}
		if holdsSecret(err.Error(), s.URL) {
			t.Errorf("%s tells a secret: %v", c.name, err)
		}
	}
}

// nowhere is an address to which nothing may ever be sent.
func nowhere(t *testing.T) string {
	n := onLoopback(t)
	s := n.PagerDuty("nowhere")
	t.Cleanup(func() {
		if len(s.Calls()) > 0 {
			t.Error("a redirect was followed")
		}
	})
	return s.URL
}

func TestSlackWebhookFaults(t *testing.T) {
	t.Parallel()
	n, f := newSlack(t)
	tryAll(t, &f.Server, webhookTo(t, n, f), append(onAny(nowhere(t)),
		faultCase{"reason", counterpart.Status(404, "no_service"), refused, "HTTP 404 no_service", 0},
		faultCase{"a text that is no code", counterpart.Status(403, "Bearer "+slackToken), refused, "HTTP 403", 0},
		faultCase{"slow ok", counterpart.Drip(200, 10*time.Millisecond), "", "", 0}, // the status says it: it is posted
		faultCase{"huge ok", counterpart.Flood(200, ""), "", "", 0},
		faultCase{"works", counterpart.Fault{}, "", "", 0},
	))
}

func TestSlackBotFaults(t *testing.T) {
	t.Parallel()
	n, f := newSlack(t)
	no := func(e string) counterpart.Fault { return counterpart.Status(200, `{"ok":false,"error":"`+e+`"}`) }
	tryAll(t, &f.Server, botTo(t, n, f), append(onAny(nowhere(t)),
		faultCase{"token", no("token_revoked"), refused, "token_revoked", 0},
		faultCase{"channel", no("channel_not_found"), refused, "channel_not_found", 0},
		faultCase{"archived", no("is_archived"), refused, "is_archived", 0},
		faultCase{"rate", counterpart.Status(200, `{"ok":false,"error":"ratelimited"}`, "Retry-After", "7"), failed, "ratelimited", 7 * time.Second},
		faultCase{"rate 429", counterpart.Status(429, `{"ok":false,"error":"ratelimited"}`, "Retry-After", "7"), failed, "HTTP 429 ratelimited", 7 * time.Second},
		faultCase{"busy", no("service_unavailable"), failed, "service_unavailable", 0},
		faultCase{"fatal", no("fatal_error"), doubtful, "fatal_error", 0},
		faultCase{"no code", no("Bearer " + slackToken), refused, "refused without", 0},
		faultCase{"not JSON", counterpart.Status(200, "ok"), doubtful, "the answer cannot be read", 0},
		faultCase{"ok without ts", counterpart.Status(200, `{"ok":true}`), doubtful, "the answer names no message", 0},
		faultCase{"slow", counterpart.Drip(200, 10*time.Millisecond), doubtful, "the answer cannot be read", 0},
		faultCase{"huge", counterpart.Flood(200, `{"ok":true,"ts":"1","pad":"`), doubtful, "the answer cannot be read", 0},
		faultCase{"works", counterpart.Fault{}, "", "", 0},
	))
	if posts := f.Posts(); len(posts) != 1 {
		t.Errorf("%d posts", len(posts))
	}
}

func TestPagerDutyFaults(t *testing.T) {
	t.Parallel()
	n, f := newPager(t)
	all := append(onAny(nowhere(t)),
		faultCase{"429 that says nothing", counterpart.Status(429, ""), failed, "HTTP 429", pagerDutyOff},
		faultCase{"403", counterpart.Status(403, ""), refused, "HTTP 403", 0},
		faultCase{"200 is not 202", counterpart.Status(200, "<html>a portal</html>"), doubtful, "HTTP 200", 0},
		faultCase{"slow 202", counterpart.Drip(202, 10*time.Millisecond), "", "", 0},
		faultCase{"works", counterpart.Fault{}, "", "", 0},
	)
	tryAll(t, &f.Server, pagerTo(t, n, f), all)
	if pages := f.Pages(); len(pages) != 1 {
		t.Errorf("pages %v", pages)
	}
}

// endless is a transport whose answers do not end.
type endless struct{ read int }

func (e *endless) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 500, Header: http.Header{}, Body: e}, nil
}
func (e *endless) Read(p []byte) (int, error) { e.read += len(p); return len(p), nil }
func (e *endless) Close() error               { return nil }

func TestAnswerIsReadInPart(t *testing.T) {
	e := &endless{}
	to := must(NewPagerDuty(PagerDuty{RoutingKey: pagerKey, HTTP: &http.Client{Transport: e}}))(t)
	if _, err := to.send(context.Background(), tell(revoked(), nil, open)); err == nil || e.read > 2*maxAnswer {
		t.Errorf("read %d bytes, %v", e.read, err)
	}
}

func TestNobodyThere(t *testing.T) {
	n, f := newPager(t)
	to := pagerTo(t, n, f)
	n.Close()
	_, err := to.send(context.Background(), tell(revoked(), nil, open))
	if f := faultOf(err); f.verdict != failed || f.reason != "connection refused" {
		t.Errorf("%s %q", f.verdict, f.reason)
	}
}

func TestCertificateIsChecked(t *testing.T) {
	n := counterpart.InMemory()
	t.Cleanup(n.Close)
	p := n.PagerDuty("pager", pagerKey)
	p.Fail(counterpart.Untrusted())
	to := must(NewPagerDuty(PagerDuty{RoutingKey: pagerKey, URL: p.Secure, HTTP: over(n)}))(t)
	_, err := to.send(context.Background(), tell(revoked(), nil, open))
	if f := faultOf(err); f.verdict != failed || f.reason != "the server's certificate is not trusted" {
		t.Errorf("%s %q", f.verdict, f.reason)
	}
	if len(p.Events()) != 0 {
		t.Error("talked to a stranger")
	}
}

// sendAll makes the requests of one state, one after the other, and gives the last receipt.
func sendAll(t *testing.T, to Destination, d delivery) receipt {
	t.Helper()
	for {
		r, err := to.send(context.Background(), d)
		if err != nil {
			t.Fatal(err)
		}
		if d.remote = r.remote; !r.more {
			return r
		}
	}
}

func TestSlackBotEditsOnePost(t *testing.T) {
	n, f := newSlack(t)
	to := botTo(t, n, f)
	d := tell(revoked(), nil, open)
	r := sendAll(t, to, d)
	grown := revoked()
	grown.Revision, grown.Observed = 2, 31
	d = tell(grown, nil, open)
	d.remote = r.remote
	f.Fail(counterpart.Cut())
	if _, err := to.send(context.Background(), d); faultOf(err).verdict != failed {
		t.Errorf("an edit whose answer was lost: %v", err) // made twice it is one
	}
	r, err := to.send(context.Background(), d)
	if posts := f.Posts(); err != nil || r.more || len(f.Edits()) != 1 || len(posts) != 1 || !strings.Contains(posts[0].Shown, "31 connections") {
		t.Errorf("an edit made %+v, %v, %+v", r, err, posts)
	}
	d = tell(ended(grown), nil, resolve)
	d.remote = r.remote
	r = sendAll(t, to, d)
	if notes := f.Notes(); len(f.Posts()) != 1 || len(f.Edits()) != 2 || len(notes) != 1 || notes[0].Broadcast || !strings.Contains(notes[0].Shown, "is over") {
		t.Errorf("the end made %d posts, %d edits, %+v", len(f.Posts()), len(f.Edits()), notes)
	}
	d = tell(reopened(revoked()), nil, open)
	d.remote = r.remote
	sendAll(t, to, d)
	if posts, notes := f.Posts(), f.Notes(); len(posts) != 1 || len(notes) != 2 || !notes[1].Broadcast || notes[1].Thread != posts[0].TS {
		t.Errorf("a loud re-opening made %+v", notes)
	}
}

func TestSlackBotWhenItsPostIsDeleted(t *testing.T) {
	n, f := newSlack(t)
	to := botTo(t, n, f)
	r := sendAll(t, to, tell(revoked(), nil, open))
	f.Delete(f.Posts()[0].TS)
	grown := revoked()
	grown.Revision = 2
	d := tell(grown, nil, open)
	d.remote = r.remote
	r, err := to.send(context.Background(), d)
	if err != nil || r.more || len(f.Posts()) != 0 {
		t.Errorf("an edit of a deleted post: %+v, %v, %d posts", r, err, len(f.Posts()))
	}
	d = tell(ended(grown), nil, resolve)
	d.remote = r.remote
	if r, err = to.send(context.Background(), d); err != nil || !r.more {
		t.Errorf("a milestone of a deleted post: %+v, %v", r, err)
	}
	d.remote = r.remote
	if r, err = to.send(context.Background(), d); err != nil || r.more || len(f.Posts()) != 1 {
		t.Errorf("a milestone of a deleted post: %+v, %v, %d posts", r, err, len(f.Posts()))
	}
}

func TestPagerDutyEvents(t *testing.T) {
	n, f := newPager(t)
	to := pagerTo(t, n, f)
	again := reopened(revoked())
	for _, d := range []delivery{tell(revoked(), nil, open), tell(revoked(), nil, open), tell(ended(revoked()), nil, resolve), tell(again, nil, open), tell(silence(), nil, open)} {
		sendAll(t, to, d)
	}
	pages := f.Pages()
	if len(pages) != 3 || pages[0].Key != pages[1].Key || pages[0].State != "resolved" || pages[0].Events != 2 || pages[1].State != "triggered" || len(f.Misplaced()) != 0 {
		t.Errorf("pages %+v", pages)
	}
	e := newEvent(pagerKey, tell(revoked(), nil, open))
	p := e.Payload
	if p.Severity != "critical" || p.Source != "Nango prod" || p.Component != "google-mail" || p.Class != "revocations revoked" || p.Timestamp != "2026-03-04T13:12:00Z" {
		t.Errorf("payload %+v", p)
	}
	for _, want := range []string{"Observed", "Since", "Why", "Affected", "What to do", "Integration"} {
		if p.Details[want] == "" {
			t.Errorf("no %s in %v", want, p.Details)
		}
	}
	if newEvent(pagerKey, tell(misconfigured(), nil, open)).Payload.Severity != "warning" {
		t.Error("a small incident is critical")
	}
}

func TestBadDestinations(t *testing.T) {
	for name, make := range map[string]func() (Destination, error){
		"slack: nothing": func() (Destination, error) { return NewSlack(Slack{}) },
		"slack: both": func() (Destination, error) {
			return NewSlack(Slack{WebhookURL: "https://h/x", Token: slackToken, Channel: "C"})
		},
		"slack: no channel":    func() (Destination, error) { return NewSlack(Slack{Token: slackToken}) },
		"slack: no URL":        func() (Destination, error) { return NewSlack(Slack{WebhookURL: Secret(slackToken)}) },
		"slack: no API URL":    func() (Destination, error) { return NewSlack(Slack{Token: slackToken, Channel: "C", APIURL: "x"}) },
		"pagerduty: no key":    func() (Destination, error) { return NewPagerDuty(PagerDuty{}) },
		"pagerduty: short key": func() (Destination, error) { return NewPagerDuty(PagerDuty{RoutingKey: Secret(pagerKey[:31])}) },
		"pagerduty: no URL": func() (Destination, error) {
			return NewPagerDuty(PagerDuty{RoutingKey: pagerKey, URL: "ftp://" + pagerKey})
		},
		"terminal: no terminal": func() (Destination, error) { return NewTerminal(nil, TerminalOptions{}) },
	} {
		if _, err := make(); err == nil || holdsSecret(err.Error(), "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDefaultAddresses(t *testing.T) {
	p := must(NewPagerDuty(PagerDuty{RoutingKey: pagerKey}))(t).(*pagerDuty)
	s := must(NewSlack(Slack{Token: slackToken, Channel: "C"}))(t).(*slackBot)
	if p.target != "https://events.pagerduty.com/v2/enqueue" || p.name() != "pagerduty" || s.base != "https://slack.com/api/" || s.name() != "slack" {
		t.Errorf("%q %q %q %q", p.target, p.name(), s.base, s.name())
	}
}
