package main

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// page is where a test's demo shows itself.
type page struct {
	mu   sync.Mutex
	text strings.Builder
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *page) has(part string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Contains(p.text.String(), part)
}

// The demo's whole story, six times as fast: the mass revocation is found and resolves; the outage and the leaving customer open nothing.
func TestDemo(t *testing.T) {
	t.Parallel()
	p := &page{}
	s, err := newStage(1, "127.0.0.1:0", p)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.speed *= 6
	if err := s.verdict(); err == nil {
		t.Error("the verdict is good before anything happened")
	}
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { ended <- s.play(ctx); close(ended) }()
	defer func() { stop(); <-ended }() // before the stage is taken away under it
	for deadline := time.Now().Add(2 * patience); !p.has("is over"); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-ended:
			t.Fatalf("ended: %v", err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for the end of the incident:\n%s", p.text.String())
		}
	}
	if err := s.verdict(); err != nil {
		t.Error(err)
	}
	for _, part := range []string{"Metrics: http://127.0.0.1:", "hubspot goes down", "losing connections faster than usual", "invalid_grant"} {
		if !p.has(part) {
			t.Errorf("the demo did not say %q", part)
		}
	}
	excerpt, said := "", "\n"+likeness(p.text.String())
	for _, text := range fences(t, "../../README.md")[""] {
		if strings.HasPrefix(text, "$ go run ./cmd/detector demo") {
			excerpt = text
		}
	}
	if strings.Count(excerpt, "\n") < 10 {
		t.Errorf("README shows %q of the demo", excerpt)
	}
	for line := range strings.Lines(excerpt) {
		status := strings.HasSuffix(line, " open\n") // once in five seconds of the machine's
		if line[0] != '$' && line != "…\n" && !status && !strings.Contains(said, "\n"+likeness(line)) {
			t.Errorf("README shows of the demo %q, which it did not say", line)
		}
	}
}

var varies = regexp.MustCompile(`about |less than |[0-9][0-9.:]*(ms|s|m[0-9.]+s)?( years| days)?`)

// likeness is a text without what differs from one demo to the next: figures and times.
func likeness(text string) string { return varies.ReplaceAllString(text, "") }

// A demo that has no time ends with exit code 1, and leaves nothing running.
func TestDemoWithoutTime(t *testing.T) {
	t.Parallel()
	var out, errs strings.Builder
	if code := command(t.Context(), []string{"demo", "--for", "200ms", "--listen", "127.0.0.1:0"}, nil, &out, &errs); code != exitFailure || !strings.Contains(errs.String(), "not found") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

func TestClip(t *testing.T) {
	for line, want := range map[string]string{"": "", "abcd": "abcd", "abcde": "abcd\x1b[0m", "\x1b[31mabcd\x1b[0m": "\x1b[31mabcd\x1b[0m", "éééé!": "éééé\x1b[0m"} {
		if got := clip(line, 4); got != want {
			t.Errorf("clip(%q) is %q, want %q", line, got, want)
		}
	}
}
