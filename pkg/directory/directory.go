// Package directory asks Nango's API which connections there are, whose they are, and since when.
package directory

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/revwatch/revwatch/pkg/nango"
)

const (
	pageSize  = 2000             // the most that Nango gives at a time. With it a million connections can be listed
	walks     = 3                // so often is a list read from its begin when it changes faster than it is read
	perMinute = 30               // requests: a small part of the 100 or more that Nango allows an account, which others need too
	mostTime  = 30 * time.Minute // that a listing takes
)

// Options say what is asked, and how. The zero value of a field means its default.
type Options struct {
	URL         string           // of the API, such as https://api.nango.dev
	Key         string           // secret key of the environment; it is shown to nobody
	Environment string           // that the key belongs to, as rows name it
	Account     []string         // where a customer account is found, as nango.Options has it
	Tags        []string         // keys of tags that are kept, as nango.Options has it
	Now         func() time.Time // the clock of the listings (default time.Now)
	Pace        *rate.Limiter    // of requests, shared by keys of one Nango account (default 30 a minute)
	HTTP        *http.Client     // default: one that follows no redirect
}

// Client lists the connections of one environment. List belongs to one goroutine at a time; Status may be called from any.
type Client struct {
	o      Options
	base   string
	path   int       // of paths
	size   int       // of a page at most
	resume time.Time // nothing is asked before
	http   *http.Client
	lister *nango.Lister

	mu     sync.Mutex
	status Status
}

// Listing is what a complete list said. None of the connections that were there all the time is missing, unless it is Partial: then there are more.
type Listing struct {
	Time        time.Time // before the first page was asked for
	End         time.Time // after the last one came
	Connections []nango.Listed
	Unnamed     int // entries that named no connection, or could not be read: the listing is Partial then
	Partial     bool
}

// Status is how a Client fares.
type Status struct {
	Environment string
	Success     time.Time        // end of the last complete listing; zero: none yet
	Connections int              // in it
	Requests    map[string]int64 // so far, by what came of them: ok, or the kind of a Fault
	Fault       string           // why the newest listing failed, in words that hold no secret; "" when it did not
}

// NewPace is how fast keys of one Nango account ask together.
func NewPace() *rate.Limiter { return rate.NewLimiter(rate.Every(time.Minute/perMinute), 3) }

// New returns a Client that has asked nothing. The error says what is wrong with the options, without the key.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("want a URL such as https://api.nango.dev, without a user, a query or a fragment")
	}
	if strings.TrimSpace(o.Key) == "" || strings.ContainsFunc(o.Key, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return nil, fmt.Errorf("the secret key of environment %q is empty or holds white space or other characters that no key has", o.Environment)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Pace == nil {
		o.Pace = NewPace()
	}
	c := &Client{o: o, base: strings.TrimRight(u.String(), "/"), http: o.HTTP, lister: nango.NewLister(o.Account, o.Tags), size: pageSize}
	if c.http == nil {
		c.http = &http.Client{Transport: transport()}
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a key goes nowhere else
	c.status = Status{Environment: o.Environment, Requests: map[string]int64{}}
	return c, nil
}

// Environment is the one whose connections are listed.
func (c *Client) Environment() string { return c.o.Environment }

// Status says how it fares.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.status
	s.Requests = make(map[string]int64, len(c.status.Requests))
	for k, n := range c.status.Requests {
		s.Requests[k] = n
	}
	return s
}

func (c *Client) count(result string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status.Requests[result]++
}

// List reads all pages. An error is a *Fault, or that of ctx when that has ended.
func (c *Client) List(ctx context.Context) (l Listing, err error) {
	asked := ctx
	ctx, cancel := context.WithTimeout(asked, mostTime)
	defer cancel()
	for range walks {
		begin := c.o.Now()
		w := walk{known: map[id]int{}}
		if err = c.walk(ctx, &w); err == nil {
			l = Listing{Time: begin, End: c.o.Now(), Connections: w.all, Unnamed: w.unnamed, Partial: w.partial}
			c.mu.Lock()
			c.status.Success, c.status.Connections, c.status.Fault = l.End, len(w.all), ""
			c.mu.Unlock()
			return l, nil
		}
		if f, ours := errors.AsType[*Fault](err); !ours || f.Kind != Unsteady {
			break
		}
	}
	switch {
	case asked.Err() != nil:
		return l, asked.Err()
	case ctx.Err() != nil:
		err = &Fault{Kind: Unreachable, text: fmt.Sprintf("Nango is too slow: its list of connections did not come within %v", mostTime)}
	}
	c.mu.Lock()
	c.status.Fault = err.Error()
	c.mu.Unlock()
	return l, err
}
