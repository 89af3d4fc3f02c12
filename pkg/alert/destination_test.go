package alert

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// answerWith answers without doing anything.
func answerWith(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// cut closes the connection after the request was read.
func cut(w http.ResponseWriter, r *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// drip sends a header of a good answer and then a byte now and then, until the caller hangs up.
func drip(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		for {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(10 * time.Millisecond):
				fmt.Fprint(w, " ")
				_ = http.NewResponseController(w).Flush()
			}
		}
	}
}

func hang(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// flood answers with far more than is read.
func flood(status int, head string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		b := bufio.NewWriter(w)
		fmt.Fprint(b, head)
		for range 1 << 12 {
			if _, err := b.WriteString(strings.Repeat("x", 1<<10)); err != nil {
				return
			}
		}
		_ = b.Flush()
	}
}

func redirect(to string) http.HandlerFunc {
	return answerWith(http.StatusTemporaryRedirect, "", "Location", to)
}

type faultCase struct {
	name    string
	answer  http.HandlerFunc
	verdict verdict // "": taken
	reason  string
	after   time.Duration
}

// onAny are faults that mean the same to every destination over HTTP.
func onAny(elsewhere string) []faultCase {
	return []faultCase{
		{"429 header", answerWith(429, "", "Retry-After", "37"), failed, "HTTP 429", 37 * time.Second},
		{"429 body", answerWith(429, `{"retry_after": 4.5}`), failed, "HTTP 429", 4500 * time.Millisecond},
		{"429 both", answerWith(429, `{"retry_after": 4}`, "Retry-After", "9"), failed, "HTTP 429", 9 * time.Second},
		{"429 nonsense", answerWith(503, "", "Retry-After", "-NaN"), failed, "HTTP 503", 0},
		{"429 for ever", answerWith(429, "", "Retry-After", "1e300"), failed, "HTTP 429", maxRetryAfter},
		{"500", answerWith(500, "<html>"), failed, "HTTP 500", 0},
		{"504", answerWith(504, ""), doubtful, "HTTP 504", 0},
		{"408", answerWith(408, ""), failed, "HTTP 408", 0},
		{"404", answerWith(404, "no_service"), refused, "HTTP 404", 0},
		{"410", answerWith(410, ""), refused, "HTTP 410", 0},
		{"400", answerWith(400, "a body with "+pagerKey), refused, "HTTP 400", 0},
		{"redirect", redirect(elsewhere), refused, "HTTP 307", 0},
		{"reset", cut, doubtful, "connection lost", 0},
		{"hang", hang, doubtful, "no answer in time", 0},
		{"slow 500", drip(500), failed, "HTTP 500", 0},
		{"huge 500", flood(500, ""), failed, "HTTP 500", 0},
	}
}

// tryAll gives a destination one fault after the other.
func tryAll(t *testing.T, s *server, to Destination, cases []faultCase) {
	for _, c := range cases {
		s.mu.Lock()
		s.before = []http.HandlerFunc{c.answer}
		s.mu.Unlock()
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
	s := &server{}
	serve(t, s, func(http.ResponseWriter, *http.Request) { s.errorf("a redirect was followed") })
	return s.URL
}

func TestSlackWebhookFaults(t *testing.T) {
	t.Parallel()
	f := newFakeSlack(t)
	tryAll(t, &f.server, f.webhookTo(t), append(onAny(nowhere(t)),
		faultCase{"reason", answerWith(404, "no_service"), refused, "HTTP 404 no_service", 0},
		faultCase{"a text that is no code", answerWith(403, "Bearer "+slackToken), refused, "HTTP 403", 0},
		faultCase{"slow ok", drip(200), "", "", 0}, // the status says it: it is posted
		faultCase{"huge ok", flood(200, ""), "", "", 0},
		faultCase{"works", nil, "", "", 0},
	))
}

func TestSlackBotFaults(t *testing.T) {
	t.Parallel()
	f := newFakeSlack(t)
	no := func(e string) http.HandlerFunc { return answerWith(200, `{"ok":false,"error":"`+e+`"}`) }
	tryAll(t, &f.server, f.botTo(t), append(onAny(nowhere(t)),
		faultCase{"token", no("token_revoked"), refused, "token_revoked", 0},
		faultCase{"channel", no("channel_not_found"), refused, "channel_not_found", 0},
		faultCase{"archived", no("is_archived"), refused, "is_archived", 0},
		faultCase{"rate", answerWith(200, `{"ok":false,"error":"ratelimited"}`, "Retry-After", "7"), failed, "ratelimited", 7 * time.Second},
		faultCase{"rate 429", answerWith(429, `{"ok":false,"error":"ratelimited"}`, "Retry-After", "7"), failed, "HTTP 429 ratelimited", 7 * time.Second},
		faultCase{"busy", no("service_unavailable"), failed, "service_unavailable", 0},
		faultCase{"fatal", no("fatal_error"), doubtful, "fatal_error", 0},
		faultCase{"no code", no("Bearer " + slackToken), refused, "refused without", 0},
		faultCase{"not JSON", answerWith(200, "ok"), doubtful, "the answer cannot be read", 0},
		faultCase{"ok without ts", answerWith(200, `{"ok":true}`), doubtful, "the answer names no message", 0},
		faultCase{"slow", drip(200), doubtful, "the answer cannot be read", 0},
		faultCase{"huge", flood(200, `{"ok":true,"ts":"1","pad":"`), doubtful, "the answer cannot be read", 0},
		faultCase{"works", nil, "", "", 0},
	))
	if f.top() != 1 {
		t.Errorf("%d posts", f.top())
	}
}

func TestPagerDutyFaults(t *testing.T) {
	t.Parallel()
	f := newFakePager(t)
	all := append(onAny(nowhere(t)),
		faultCase{"429 that says nothing", answerWith(429, ""), failed, "HTTP 429", pagerDutyOff},
		faultCase{"403", answerWith(403, ""), refused, "HTTP 403", 0},
		faultCase{"200 is not 202", answerWith(200, "<html>a portal</html>"), refused, "HTTP 200", 0},
		faultCase{"slow 202", drip(202), "", "", 0},
		faultCase{"works", nil, "", "", 0},
	)
	tryAll(t, &f.server, f.to(t), all)
	if len(f.pages) != 1 {
		t.Errorf("pages %v", f.pages)
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
	f := newFakePager(t)
	to := f.to(t)
	f.Close()
	_, err := to.send(context.Background(), tell(revoked(), nil, open))
	if f := faultOf(err); f.verdict != failed || f.reason != "connection refused" {
		t.Errorf("%s %q", f.verdict, f.reason)
	}
}

func TestCertificateIsChecked(t *testing.T) {
	f := newFakePager(t)
	f.Close()
	f.Server = nil
	serveTLS(t, &f.server)
	to := must(NewPagerDuty(PagerDuty{RoutingKey: pagerKey, URL: f.URL, HTTP: loopback(t)}))(t)
	_, err := to.send(context.Background(), tell(revoked(), nil, open))
	if f := faultOf(err); f.verdict != failed || f.reason != "the server's certificate is not trusted" {
		t.Errorf("%s %q", f.verdict, f.reason)
	}
}

func TestSlackBotEditsOnePost(t *testing.T) {
	f := newFakeSlack(t)
	to, ctx := f.botTo(t), context.Background()
	send := func(d delivery) receipt {
		t.Helper()
		r, err := to.send(ctx, d)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	d := tell(revoked(), nil, open)
	r := send(d)
	grown := revoked()
	grown.Revision, grown.Observed = 2, 31
	d = tell(grown, nil, open)
	d.remote = r.remote
	f.mu.Lock()
	f.before = []http.HandlerFunc{cut}
	f.mu.Unlock()
	if _, err := to.send(ctx, d); faultOf(err).verdict != failed {
		t.Errorf("an edit whose answer was lost: %v", err) // made twice it is one
	}
	if r = send(d); r.more || f.edits != 1 || f.top() != 1 || !strings.Contains(f.posts[0].Blocks[1].Fields[3].Text, "31 connections") {
		t.Errorf("an edit made %+v, %d edits, %d posts", r, f.edits, f.top())
	}
	d = tell(ended(grown), nil, resolve)
	for d.remote = r.remote; ; d.remote = r.remote {
		if r = send(d); !r.more {
			break
		}
	}
	note := f.posts[len(f.posts)-1]
	if f.top() != 1 || len(f.posts) != 2 || note.Thread != "1" || note.Broadcast || !strings.Contains(note.Text, "is over") || f.edits != 2 {
		t.Errorf("the end made %d posts, %d edits, %+v", len(f.posts), f.edits, note)
	}
	d = tell(reopened(revoked()), nil, open)
	for d.remote = r.remote; ; d.remote = r.remote {
		if r = send(d); !r.more {
			break
		}
	}
	if note := f.posts[len(f.posts)-1]; f.top() != 1 || !note.Broadcast || note.Thread != "1" {
		t.Errorf("a loud re-opening made %+v", note)
	}
}

func TestSlackBotFindsWhatItPosted(t *testing.T) {
	for _, blind := range []bool{false, true} {
		f := newFakeSlack(t)
		f.noHistory = blind
		to, ctx := f.botTo(t), context.Background()
		d := tell(revoked(), nil, open)
		if _, err := to.send(ctx, d); err != nil {
			t.Fatal(err)
		}
		other := tell(misconfigured(), nil, open)
		other.doubtful = time.Now()
		d.doubtful = time.Now() // the answer to the first was lost
		for _, d := range []delivery{d, other} {
			for more := true; more; {
				r, err := to.send(ctx, d)
				if err != nil {
					t.Fatal(err)
				}
				d.remote, more = r.remote, r.more
			}
		}
		if want := map[bool]int{false: 2, true: 3}[blind]; f.top() != want {
			t.Errorf("history hidden: %v, %d posts", blind, f.top())
		}
	}
}

func TestSlackBotWhenItsPostIsDeleted(t *testing.T) {
	f := newFakeSlack(t)
	to, ctx := f.botTo(t), context.Background()
	r, err := to.send(ctx, tell(revoked(), nil, open))
	if err != nil {
		t.Fatal(err)
	}
	f.posts[0] = nil
	grown := revoked()
	grown.Revision = 2
	d := tell(grown, nil, open)
	d.remote = r.remote
	if r, err = to.send(ctx, d); err != nil || r.more || f.top() != 0 {
		t.Errorf("an edit of a deleted post: %+v, %v, %d posts", r, err, f.top())
	}
	d = tell(ended(grown), nil, resolve)
	d.remote = r.remote
	if r, err = to.send(ctx, d); err != nil || !r.more {
		t.Errorf("a milestone of a deleted post: %+v, %v", r, err)
	}
	d.remote = r.remote
	if r, err = to.send(ctx, d); err != nil || r.more || f.top() != 1 {
		t.Errorf("a milestone of a deleted post: %+v, %v, %d posts", r, err, f.top())
	}
}

func TestPagerDutyEvents(t *testing.T) {
	f := newFakePager(t)
	to := f.to(t)
	again := reopened(revoked())
	for _, d := range []delivery{tell(revoked(), nil, open), tell(revoked(), nil, open), tell(ended(revoked()), nil, resolve), tell(again, nil, open), tell(silence(), nil, open)} {
		if _, err := to.send(context.Background(), d); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.pages) != 3 || f.pages[0] != f.pages[1] || f.ends != 1 {
		t.Errorf("pages %v, ends %d", f.pages, f.ends)
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
