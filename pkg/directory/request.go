package directory

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	tries       = 6                // of one page
	timeout     = time.Minute      // of one request, with its answer
	dialTimeout = 10 * time.Second // of a connection
	longest     = 5 * time.Minute  // that is waited for the next try; who is asked to wait longer gives up the listing
	leave       = 4                // less than this part of the account's limit is left to others
)

// paths are where Nango lists connections; older releases know the second one only.
var paths = []string{"/connections", "/connection"}

// transport makes a connection for each request: they are rare.
func transport() *http.Transport {
	d := net.Dialer{Timeout: dialTimeout}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: d.DialContext, TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: timeout,
		MaxResponseHeaderBytes: 64 << 10, DisableKeepAlives: true, ForceAttemptHTTP2: true,
	}
}

// get asks for a page until it comes, or it is of no use to ask again.
func (c *Client) get(ctx context.Context, page, limit int) (a answer, err error) {
	last := faultOf(Unreachable, 0)
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = time.Second, time.Minute
	a, err = backoff.Retry(ctx, func() (answer, error) {
		a, fault := c.ask(ctx, page, limit)
		if fault == nil {
			return a, nil
		}
		last = fault
		if !fault.passes() || fault.After > longest {
			return a, backoff.Permanent(fault)
		}
		if fault.After > 0 {
			return a, &backoff.RetryAfterError{Duration: fault.After}
		}
		return a, fault
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0))
	switch {
	case err == nil:
		return a, nil
	case ctx.Err() != nil:
		return a, ctx.Err()
	}
	return a, last
}

// ask sends one request when its turn has come. Where the answer is that there is no such path, the older one is asked from then on.
func (c *Client) ask(ctx context.Context, page, limit int) (a answer, fault *Fault) {
	if err := errors.Join(c.yield(ctx), c.o.Pace.Wait(ctx)); err != nil {
		return a, ofError(err)
	}
	a, fault = c.send(ctx, paths[c.path], page, limit)
	if fault != nil && fault.Kind == NotFound && c.path == 0 && page == 0 {
		c.count(string(NotFound))
		if a, older := c.send(ctx, paths[1], page, limit); older == nil {
			c.path = 1
			c.count("ok")
			return a, nil
		}
	}
	if fault != nil {
		c.count(string(fault.Kind))
		return a, fault
	}
	c.count("ok")
	c.resume = time.Now().Add(a.rest)
	return a, nil
}

func (c *Client) send(ctx context.Context, path string, page, limit int) (a answer, fault *Fault) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	query := url.Values{"limit": {strconv.Itoa(limit)}, "page": {strconv.Itoa(page)}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path+"?"+query.Encode(), nil)
	if err != nil {
		return a, faultOf(Refused, 0)
	}
	req.Header.Set("Authorization", "Bearer "+c.o.Key)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "revwatch")
	resp, err := c.http.Do(req)
	if err != nil {
		return a, ofError(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		fault = ofStatus(resp.StatusCode)
		if fault.passes() {
			fault.After = askedToWait(resp.Header, time.Now())
		}
		return a, fault
	}
	a, err = c.read(resp.Body)
	if err != nil {
		if ctx.Err() != nil || errors.Is(err, errLost) {
			return a, ofError(err)
		}
		return a, faultOf(Unreadable, 0)
	}
	if page == 0 && a.entries > 0 && len(a.connections) == 0 {
		return a, faultOf(Unreadable, 0)
	}
	a.rest = restOf(resp.Header, time.Now())
	return a, nil
}

// yield waits until the account has its requests back, where few were left of them: others need them more.
func (c *Client) yield(ctx context.Context) error {
	t := time.NewTimer(time.Until(c.resume))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// askedToWait reads Retry-After, whole seconds rounded down or a date, and else when the limit begins anew.
func askedToWait(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(text, 64); err == nil && s >= 0 {
		return time.Duration(min(s, 24*3600)*float64(time.Second)) + time.Second
	}
	if t, err := http.ParseTime(text); err == nil {
		return min(max(t.Sub(now), 0), 24*time.Hour) + time.Second
	}
	return untilReset(h, now)
}

// untilReset is how long it takes until the limit begins anew, by Nango's clock; 0: not said, or nothing that can be meant.
func untilReset(h http.Header, now time.Time) time.Duration {
	reset, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil {
		return 0
	}
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		now = t
	}
	if d := time.Unix(reset, 0).Sub(now) + time.Second; d > 0 && d <= longest {
		return d
	}
	return 0
}

// restOf is how long to rest after an answer, because few requests of the account are left.
func restOf(h http.Header, now time.Time) time.Duration {
	limit, err := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	left, err2 := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	if err != nil || err2 != nil || left >= limit/leave {
		return 0
	}
	return untilReset(h, now)
}
