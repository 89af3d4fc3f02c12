//go:build integration

package grafana

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// pages stand between the stores and a running demo. They pass its metrics on, hold them still when asked to, so that two stores that scrape at
// different moments can be compared, and make up a member that stands by.
type pages struct {
	url    string
	target atomic.Pointer[string]
	still  atomic.Pointer[string]
}

// jobs of the stores: alone is the demo; pair the demo beside a member that stands by; full is a server that was fed something of everything.
const scrapes = `
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: alone
    static_configs:
      - {targets: [TARGET], labels: {instance: owner, __metrics_path__: /owner}}
  - job_name: pair
    static_configs:
      - {targets: [TARGET], labels: {instance: owner, __metrics_path__: /owner}}
      - {targets: [TARGET], labels: {instance: standby, __metrics_path__: /standby}}
  - job_name: full
    static_configs:
      - {targets: [TARGET], labels: {instance: owner, __metrics_path__: /full}}
`

func newPages(t *testing.T) *pages {
	t.Helper()
	golden, err := os.ReadFile("../../pkg/web/testdata/metrics.golden")
	if err != nil {
		t.Fatal(err)
	}
	p := &pages{}
	mux := http.NewServeMux()
	mux.HandleFunc("/owner", func(w http.ResponseWriter, _ *http.Request) { p.answer(w, func(text string) string { return text }) })
	mux.HandleFunc("/standby", func(w http.ResponseWriter, _ *http.Request) { p.answer(w, standby) })
	mux.HandleFunc("/full", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(golden) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// config writes a configuration of Prometheus, which VictoriaMetrics reads too.
func (p *pages) config(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scrape.yml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(scrapes, "TARGET", strings.TrimPrefix(p.url, "http://"))), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func (p *pages) answer(w http.ResponseWriter, as func(string) string) {
	text, err := p.text()
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = io.WriteString(w, as(text))
}

func (p *pages) text() (string, error) {
	if s := p.still.Load(); s != nil {
		return *s, nil
	}
	u := p.target.Load()
	if u == nil {
		return "", io.ErrUnexpectedEOF
	}
	r, err := http.Get(*u)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return string(text), err
}

// freeze passes on the same figures from now on, and a mark beside them.
func (p *pages) freeze(t *testing.T) {
	t.Helper()
	text, err := p.text()
	if err != nil {
		t.Fatal(err)
	}
	text += "held_still 1\n"
	p.still.Store(&text)
}

var sample = regexp.MustCompile(`(?m)^(revwatch_\w+)(\{.*\})? (\S+)$`)

// standby is a healthy member that does not own the partitions, and whose other figures are all wrong.
func standby(text string) string {
	return sample.ReplaceAllStringFunc(text, func(line string) string {
		m := sample.FindStringSubmatch(line)
		v, err := strconv.ParseFloat(m[3], 64)
		switch {
		case err != nil || strings.HasSuffix(m[1], "_info"):
			return line
		case m[1] == "revwatch_owner", m[1] == "revwatch_input_failing":
			v = 0
		default:
			v = v*10 + 3
		}
		return m[1] + m[2] + " " + strconv.FormatFloat(v, 'g', -1, 64)
	})
}

var metricsAt = regexp.MustCompile(`http://127\.0\.0\.1:\d+/metrics`)

// demo builds the program and runs its demo; the pages show its metrics.
func (p *pages) demo(t *testing.T) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "detector")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/detector").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := exec.Command(binary, "demo", "--listen", "127.0.0.1:0")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if u := metricsAt.FindString(lines.Text()); u != "" {
				p.target.Store(&u)
			}
		}
	}()
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		hard := time.AfterFunc(10*time.Second, func() { _ = c.Process.Kill() })
		<-read
		_ = c.Wait()
		hard.Stop()
	})
}
