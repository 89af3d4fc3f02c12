package alert

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	requestTimeout = 15 * time.Second
	dialTimeout    = 5 * time.Second
	maxAnswer      = 64 << 10 // bytes of an answer that are read, unless upTo says more
	maxRetryAfter  = 24 * time.Hour
)

// caller makes requests and turns whatever goes wrong into faults that hold no secret.
type caller struct {
	client *http.Client
	most   int // bytes of an answer that are read
}

// newCaller takes over a client's transport (nil: that of the strictest policy). Redirects are never followed: a webhook's URL is a secret
// and a redirect would carry the message to a place nobody configured.
func newCaller(client *http.Client) caller {
	c := http.Client{}
	if client != nil {
		c = *client
	}
	if c.Transport == nil {
		c.Transport = newTransport(newGate())
	}
	c.CheckRedirect, c.Jar = noRedirect, nil
	return caller{client: &c, most: maxAnswer}
}

// upTo reads longer answers.
func (c caller) upTo(most int) caller {
	c.most = most
	return c
}

// answer is what came back: the body as far as it is read, whole or not.
type answer struct {
	status int
	header http.Header
	body   []byte
	whole  bool
	now    time.Time
}

// call sends a request with a JSON body (nil: none) and reads the answer. An error is a *fault: failed when the request
// cannot have arrived, refused when the policy forbids it, doubtful otherwise.
func (c caller) call(ctx context.Context, method, target string, bearer string, body []byte) (answer, error) {
	header := http.Header{}
	if bearer != "" {
		header.Set("Authorization", "Bearer "+bearer)
	}
	return c.callWith(ctx, method, target, header, body)
}

// callWith is call with headers of one's own.
func (c caller) callWith(ctx context.Context, method, target string, header http.Header, body []byte) (answer, error) {
	if method == http.MethodPost && len(body) == 0 {
		return answer{}, &fault{verdict: refused, reason: "the message cannot be written as JSON"}
	}
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return answer{}, &fault{verdict: refused, reason: "the address is not a URL"}
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "revwatch")
	maps.Copy(req.Header, header)
	resp, err := c.client.Do(req)
	if err != nil {
		f := &fault{verdict: failed, reason: explain(err)}
		switch {
		case errors.Is(err, errPrivate):
			f.verdict = refused
		case written.Load():
			f.verdict = doubtful
		}
		return answer{}, f
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header, now: time.Now()}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, int64(c.most)+1))
	a.whole = err == nil && len(a.body) <= c.most
	a.body = a.body[:min(len(a.body), c.most)]
	return a, nil
}

// explain names the kind of a transport error in our own words: the error's text may hold the URL.
func explain(err error) string {
	var (
		dns  *net.DNSError
		cert *tls.CertificateVerificationError
		op   *net.OpError
		to   interface{ Timeout() bool }
	)
	switch {
	case errors.Is(err, errPrivate):
		return errPrivate.Error()
	case errors.Is(err, context.Canceled):
		return "stopped before the answer"
	case errors.As(err, &to) && to.Timeout():
		return "no answer in time"
	case errors.As(err, &dns):
		return "host name not found"
	case errors.As(err, &cert):
		return "the server's certificate is not trusted"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection lost"
	case errors.As(err, &op) && op.Op == "dial":
		return "cannot connect"
	}
	return "request failed"
}

// statusFault reads the status of an answer that is not the expected one: 408, 429 and 5xx pass, the rest stays. Another success than the expected
// one is somebody else's, such as a portal's: what became of the request is not known.
func (a answer) statusFault(detail string) *fault {
	f := &fault{verdict: refused, reason: "HTTP " + strconv.Itoa(a.status), after: a.retryAfter()}
	if detail != "" {
		f.reason += " " + detail
	}
	switch {
	case a.status >= 200 && a.status < 300:
		f.verdict = doubtful
	case a.status == http.StatusGatewayTimeout: // a proxy gave up waiting for the one who does the work
		f.verdict = doubtful
	case a.status == http.StatusRequestTimeout, a.status == http.StatusTooManyRequests, a.status >= 500:
		f.verdict = failed
	case a.status >= 300 && a.status < 400:
		f.reason += " (a redirect, not followed)"
	}
	return f
}

// retryAfter is how long the other side asks to wait: the longer of the header (seconds or a date) and the body's
// retry_after (seconds), at most 24 h.
func (a answer) retryAfter() time.Duration {
	wait := 0.0
	if h := a.header.Get("Retry-After"); h != "" {
		if s, err := strconv.ParseFloat(h, 64); err == nil {
			wait = s
		} else if t, err := http.ParseTime(h); err == nil {
			wait = t.Sub(a.now).Seconds() + 1 // a date has whole seconds
		}
	}
	var body struct {
		RetryAfter float64 `json:"retry_after"`
	}
	if json.Unmarshal(a.body, &body) == nil {
		wait = max(wait, body.RetryAfter)
	}
	if !(wait > 0) {
		return 0
	}
	return time.Duration(min(wait, maxRetryAfter.Seconds()) * float64(time.Second))
}

// code gives a text of the other side when it is a plain error code, and nothing otherwise.
func code(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 64 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return ""
	}
	return s
}

// endpoint checks a configured address. The error does not repeat it.
func endpoint(what, s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", fmt.Errorf("%s: want a URL such as https://host/path", what)
	}
	return s, nil
}
