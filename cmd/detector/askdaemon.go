package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/web"
)

// errNoDaemon says that nobody listens where the daemon should.
var errNoDaemon = errors.New("no daemon answers")

// runningDaemon is one to be asked over HTTP.
type runningDaemon struct{ base string }

// daemonAt is the daemon at an URL, or, without one, that which listens at the configured address on this machine.
func daemonAt(base, listen string) runningDaemon {
	if base == "" {
		host, port, _ := net.SplitHostPort(listen)
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		base = "http://" + net.JoinHostPort(host, port)
	}
	return runningDaemon{strings.TrimRight(base, "/")}
}

const (
	askTimeout = 10 * time.Second // longer than the daemon takes to say that it cannot answer
	maxAnswer  = 64 << 20
)

// get asks for a path. The error wraps errNoDaemon when no connection comes about.
func (d runningDaemon) get(ctx context.Context, path string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base+path, nil)
	if err != nil {
		return 0, nil, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment}}
	r, err := client.Do(req)
	if err != nil {
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" {
			return 0, nil, fmt.Errorf("%w at %s: %w", errNoDaemon, d.base, dial.Err)
		}
		return 0, nil, err
	}
	defer r.Body.Close()
	body, err = io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	return r.StatusCode, body, err
}

// explain asks what the daemon saw. Its refusals are sentences.
func (d runningDaemon) explain(ctx context.Context, q detect.Question, at string) (a detect.Answer, err error) {
	asked := url.Values{}
	for name, v := range map[string]string{"signal": q.Signal, "environment": q.Environment, "provider": q.Provider, "cause": q.Cause, "at": at} {
		if v != "" {
			asked.Set(name, v)
		}
	}
	status, body, err := d.get(ctx, web.ExplainPath+"?"+asked.Encode())
	if err != nil {
		return a, err
	}
	var refused struct{ Error string }
	switch {
	case status == http.StatusOK && json.Unmarshal(body, &a) == nil && a.Type == "explanation":
		return a, nil
	case json.Unmarshal(body, &refused) == nil && refused.Error != "":
		return a, errors.New(clean(refused.Error))
	}
	return a, fmt.Errorf("what answers at %s is no detector of this version: status %d, %d bytes", d.base, status, len(bytes.TrimSpace(body)))
}
