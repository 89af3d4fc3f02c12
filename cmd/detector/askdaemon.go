package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/store"
	"github.com/revwatch/revwatch/pkg/web"
)

// errNoDaemon says that nobody listens where the daemon should.
var errNoDaemon = errors.New("no daemon answers")

// runningDaemon is one to be asked over HTTP.
type runningDaemon struct{ base, token string }

// String is where it is, without a password.
func (d runningDaemon) String() string {
	u, err := url.Parse(d.base)
	if err != nil {
		return "its URL"
	}
	return u.Redacted()
}

// daemonAt is the daemon at an URL, or, without one, that which listens at the configured address on this machine.
func daemonAt(base, listen string) runningDaemon {
	if base == "" {
		host, port, _ := net.SplitHostPort(listen)
		if isEvery(host) {
			host = "127.0.0.1"
		}
		base = "http://" + net.JoinHostPort(host, port)
	}
	return runningDaemon{base: strings.TrimRight(base, "/")}
}

// api is the daemon whose API is at an URL, or at the configured address.
func (c *config) api(base string) runningDaemon {
	d := daemonAt(base, c.admin.listen)
	d.token = c.admin.token
	return d
}

const (
	askTimeout = 30 * time.Second // longer than the daemon takes to say that it cannot answer, or to send what it may
	maxAnswer  = 256 << 20        // 200,000 connections are 66 MiB
)

// call asks for a path, with a JSON body when there is one. The error wraps errNoDaemon when no connection comes about.
func (d runningDaemon) call(ctx context.Context, method, path string, body []byte) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, d.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if d.token != "" {
		req.Header.Set("Authorization", "Bearer "+d.token)
	}
	if method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token is for the one who was named
	}
	r, err := client.Do(req)
	if err != nil {
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" {
			return 0, nil, fmt.Errorf("%w at %s: %w", errNoDaemon, d, dial.Err)
		}
		return 0, nil, err
	}
	defer r.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	if err == nil && len(answer) > maxAnswer {
		err = fmt.Errorf("the answer of %s is longer than %d MiB: ask for less", d, maxAnswer>>20)
	}
	return r.StatusCode, answer, err
}

// ask reads the answer to a request into v. The daemon's refusals are sentences.
func (d runningDaemon) ask(ctx context.Context, method, path string, body []byte, v any) error {
	status, answer, err := d.call(ctx, method, path, body)
	if err != nil {
		return err
	}
	var refused struct{ Error string }
	switch {
	case status/100 == 2 && json.Unmarshal(answer, v) == nil:
		return nil
	case json.Unmarshal(answer, &refused) == nil && refused.Error != "":
		return errors.New(clean(refused.Error))
	}
	return fmt.Errorf("what answers at %s is no detector of this version: status %d, %d bytes", d, status, len(bytes.TrimSpace(answer)))
}

// query writes parameters; empty ones are left out.
func query(path string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	return strings.TrimSuffix(path+"?"+values.Encode(), "?")
}

// explain asks what the daemon saw.
func (d runningDaemon) explain(ctx context.Context, q detect.Question, at string) (a detect.Answer, err error) {
	err = d.ask(ctx, http.MethodGet, query(web.ExplainPath, "signal", q.Signal, "environment", q.Environment, "provider", q.Provider, "cause", q.Cause, "at", at), nil, &a)
	if err == nil && a.Type != "explanation" {
		err = fmt.Errorf("what answers at %s is no detector of this version", d)
	}
	return a, err
}

// asking is whom a command asks: the state file, the daemon at an URL, or the configured daemon and then the configured state file.
type asking struct {
	config     config
	url, state string
}

// newAsking reads the configuration, if one is named. A state file needs nothing of how a daemon is asked.
func newAsking(path, url, state string) (s asking, err error) {
	s = asking{config: defaults(), url: url, state: state}
	if path != "" {
		unused := outward
		if state == "" {
			unused = outward[1:]
		}
		s.config, err = loadConfig(path, unused...)
	}
	return s, err
}

// ask asks the daemon, or what a state file that nobody uses holds. who says in words who answered.
func (s *asking) ask(daemon func(runningDaemon) error, stored func(*engine) error) (who string, err error) {
	who = "the state file " + cmp.Or(s.state, s.config.statePath)
	if s.state != "" {
		return who, s.read(s.state, stored)
	}
	at := s.config.api(s.url)
	if err = daemon(at); err == nil || s.url != "" || !errors.Is(err, errNoDaemon) {
		return "the daemon at " + at.String(), err
	}
	return who, s.instead(at, s.read(s.config.statePath, stored))
}

func (s *asking) read(path string, stored func(*engine) error) error {
	g := newEngine(&s.config, time.Time{})
	if err := store.View(path, g.detector.Restore); err != nil {
		return err
	}
	return stored(g)
}

// instead says of a state file that cannot answer for a daemon what to do.
func (s *asking) instead(at runningDaemon, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no daemon answers at %s, and there is no state file %s: say with --url or --state whom to ask", at, s.config.statePath)
	case errors.Is(err, store.ErrLocked):
		return fmt.Errorf("no daemon answers at %s, yet one has the state file %s in use: say with --url where its API listens", at, s.config.statePath)
	}
	return err
}
