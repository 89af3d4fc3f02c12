package web

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Readiness says how Nango's API fares, and does not hang on it.
func TestReadinessSaysHowListingsFare(t *testing.T) {
	s := New(Options{Now: func() time.Time { return noon }})
	s.Check("kafka", true, "")
	s.Publish(Snapshot{Directory: Directory{Environments: []Listed{
		{Environment: "prod", Success: noon, Connections: 410}, {Environment: "dev", Fault: "Nango does not\naccept the secret key (401)"}, {Environment: "stage", Success: noon, Fault: "Nango fails (HTTP 503)"},
	}}})
	code, body := ask(s, http.MethodGet, "/readyz", "")
	want := []string{"ok nango prod: 410 connections, listed at 2026-03-02T12:00:00Z\n", "ok nango dev: not listed yet; fails: Nango does not", "ok nango stage: 0 connections, listed at 2026-03-02T12:00:00Z; fails: Nango fails (HTTP 503)\n"}
	for _, w := range want {
		if code != http.StatusOK || !strings.Contains(body, w) {
			t.Errorf("%d %s, want %s", code, body, w)
		}
	}
}

// Of more providers than have labels of their own the rest is summed, as in all metrics.
func TestConnectionsAreBounded(t *testing.T) {
	s := New(Options{MaxProviders: 1, Now: func() time.Time { return noon }})
	x := small()
	s.Publish(Snapshot{Directory: x.Directory})
	all := scrape(t, s)["revwatch_connections"]
	sum := 0.0
	for _, v := range all.samples {
		sum += v
	}
	if len(all.samples) != 2 || sum != 413 || all.samples[`revwatch_connections{environment="prod",provider="github"}`] != 410 {
		t.Errorf("%+v", all.samples)
	}
}
