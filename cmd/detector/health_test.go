package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/web"
)

// The answers of a daemon's own health addresses, as a container's health check sees them.
func TestHealth(t *testing.T) {
	t.Parallel()
	w := web.New(web.Options{})
	server := httptest.NewServer(w.Handler())
	defer server.Close()
	file := write(t, "http.listen: "+strings.TrimPrefix(server.URL, "http://")+"\nslack.webhook_url_file: /not/there\nstate.path: /not/there\n")
	ask := func(code int, says string, args ...string) {
		t.Helper()
		got, out, errs := said(t, append([]string{"health"}, args...)...)
		if got != code || !strings.Contains(out+errs, says) || strings.Count(out+errs, "\n") != 1 {
			t.Errorf("%v: exit code %d, said %q, want %d and %q in one line", args, got, out+errs, code, says)
		}
	}
	w.Check("kafka", false, "not reached\nyet")
	ask(exitOK, "alive", "-config", file)
	ask(exitOK, "alive", "--url", server.URL+"/")
	ask(exitFailure, "not ready: "+server.URL+" answers 503: kafka: not reached", "-config", file, "-ready")
	w.Check("kafka", true, "")
	ask(exitOK, "ready", "-config", file, "-ready")

	still := web.New(web.Options{Live: time.Nanosecond})
	hung := httptest.NewServer(still.Handler())
	defer hung.Close()
	ask(exitFailure, "not alive: "+hung.URL+" answers 503: loop: has not moved for", "-url", hung.URL)

	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	ask(exitFailure, "answers 404: is it a detector?", "-url", other.URL)
	nobody := "http://" + freeAddress(t)
	ask(exitFailure, "not alive: no daemon answers at "+nobody, "-url", nobody)
}

// Who accepts and never answers is not alive.
func TestHealthOfOneThatHangs(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if code, out, errs := said(t, "health", "-url", "http://"+l.Addr().String()); code != exitFailure || out != "" || !strings.Contains(errs, "did not answer within 3s") {
		t.Errorf("exit code %d, said %s%s", code, out, errs)
	}
}
