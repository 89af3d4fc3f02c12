//go:build integration

package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// promPeer is a real Alertmanager on loopback.
type promPeer struct {
	t       *testing.T
	args    []string
	url     string // with its prefix
	process *exec.Cmd
}

// alertmanagerProgram finds the program. It is asked for by name where the test has to run, as in continuous integration.
func alertmanagerProgram(t *testing.T) string {
	name := os.Getenv("REVWATCH_ALERTMANAGER")
	asked := name != "" || os.Getenv("CI") != ""
	if name == "" {
		name = "prometheus-alertmanager"
	}
	path, err := exec.LookPath(name)
	if err != nil && asked {
		t.Fatalf("%s is missing (package prometheus-alertmanager)", name)
	}
	if err != nil {
		t.Skipf("%s is missing (package prometheus-alertmanager)", name)
	}
	return path
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startPeers starts a cluster of two that calls hook for each notification. The second one has a path prefix.
func startPeers(t *testing.T, hook string) (all []*promPeer) {
	program, dir := alertmanagerProgram(t), t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	text := fmt.Sprintf("route: {receiver: hook, group_by: ['...'], group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}\nreceivers: [{name: hook, webhook_configs: [{url: '%s'}]}]\n", hook)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	first := freeAddress(t)
	for i, prefix := range []string{"", "/second"} {
		web, cluster := freeAddress(t), freeAddress(t)
		args := []string{"--config.file=" + config, "--web.listen-address=" + web, "--web.route-prefix=/" + strings.TrimPrefix(prefix, "/"), "--cluster.peer-timeout=2s",
			"--cluster.settle-timeout=1s", "--log.level=warn"}
		if i == 0 {
			args = append(args, "--cluster.listen-address="+first)
		} else {
			args = append(args, "--cluster.listen-address="+cluster, "--cluster.peer="+first)
		}
		p := &promPeer{t: t, args: append([]string{program}, args...), url: "http://" + web + prefix}
		p.start()
		all = append(all, p)
	}
	return all
}

// start runs a peer that remembers nothing, and waits until it answers.
func (p *promPeer) start() {
	p.process = exec.Command(p.args[0], append(p.args[1:], "--storage.path="+p.t.TempDir())...)
	p.process.Stderr = os.Stderr
	if err := p.process.Start(); err != nil {
		p.t.Fatal(err)
	}
	process := p.process
	p.t.Cleanup(func() { _ = process.Process.Kill(); _ = process.Wait() })
	await(p.t, "an Alertmanager answers", func() bool { _, err := p.alerts(); return err == nil })
}

func (p *promPeer) kill() {
	_ = p.process.Process.Kill()
	_ = p.process.Wait()
}

// seenAlert is an alert as the peer shows it.
type seenAlert struct {
	Labels, Annotations map[string]string
	Fingerprint         string
	StartsAt, EndsAt    time.Time
	GeneratorURL        string
	Status              struct{ State string }
}

// alerts are those that are not over.
func (p *promPeer) alerts() (all []seenAlert, err error) {
	resp, err := direct.Get(p.url + "/api/v2/alerts")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP %d", resp.StatusCode)
	}
	return all, json.NewDecoder(resp.Body).Decode(&all)
}

// only is the one alert that the peer shows, if it is one.
func (p *promPeer) only() (seenAlert, bool) {
	all, err := p.alerts()
	if err != nil || len(all) != 1 {
		return seenAlert{}, false
	}
	return all[0], true
}

// await asks until something is true, for a minute at most.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// receiver records what Alertmanager tells people.
type receiver struct {
	mu   sync.Mutex
	told []string // firing or resolved, and the incident
}

func (r *receiver) ServeHTTP(_ http.ResponseWriter, q *http.Request) {
	var n struct {
		Alerts []struct {
			Status      string
			Annotations map[string]string
		}
	}
	_ = json.NewDecoder(q.Body).Decode(&n)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range n.Alerts {
		r.told = append(r.told, a.Status+" "+a.Annotations["incident"])
	}
}

func (r *receiver) count(what string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.told {
		if s == what {
			n++
		}
	}
	return n
}

// recent is an incident of the last minutes.
func recent(id string) detect.Incident {
	in := revoked()
	now := time.Now().UTC().Truncate(time.Millisecond)
	in.ID, in.Since, in.Time = id, now.Add(-10*time.Minute), now
	return in
}

// runNotifier tells the peers, with a short time between repeats, until the returned function is called.
func runNotifier(t *testing.T, peers []*promPeer) (*Notifier, func()) {
	a := must(NewAlertmanager(Alertmanager{URLs: []string{peers[0].url, peers[1].url + "/"}, Labels: map[string]string{"team": "integrations"}, HTTP: direct}))(t).(*alertmanager)
	a.repeat = time.Second
	n, err := NewNotifier(Options{Destinations: []Destination{a}, Save: func(string, string, []byte) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); n.Run(ctx) }()
	stop := func() { cancel(); <-done }
	t.Cleanup(stop)
	return n, stop
}

// The whole life of an alert in two real Alertmanagers: it appears in both, stays as long as it is sent again, is the same alert whatever changes,
// comes back to a peer that lost it, ends when its incident does, and ends by itself when nobody sends it any more.
func TestIntegrationAlertmanager(t *testing.T) {
	people := &receiver{}
	hook := httptest.NewServer(people)
	defer hook.Close()
	peers := startPeers(t, hook.URL)
	n, stop := runNotifier(t, peers)
	in := recent("aaaa0a1b2c3d4e5f")
	n.Tell([]detect.Incident{in})
	both := func(is func(seenAlert) bool) func() bool {
		return func() bool {
			for _, p := range peers {
				if a, ok := p.only(); !ok || !is(a) {
					return false
				}
			}
			return true
		}
	}
	var first seenAlert
	await(t, "both peers show the alert", both(func(a seenAlert) bool { first = a; return a.Status.State == "active" }))
	if first.Labels["alertname"] != "RevocationSpike" || first.Labels["provider"] != "google-mail" || first.Labels["team"] != "integrations" || len(first.Labels) != 6 ||
		!first.StartsAt.Equal(in.Since) || first.Annotations["observed"] != "23" || first.Annotations["severity"] != "critical" {
		t.Errorf("%+v", first)
	}
	await(t, "the alert lives on", both(func(a seenAlert) bool { return a.EndsAt.After(first.EndsAt.Add(2 * alertLasts * time.Second)) }))

	in.Revision, in.Milestone, in.Scope, in.Integration, in.Observed, in.Status = 2, 2, "all", "", 58, detect.StatusUpdate
	n.Tell([]detect.Incident{in})
	await(t, "both peers show the wider incident", both(func(a seenAlert) bool {
		return a.Annotations["observed"] == "58" && a.Fingerprint == first.Fingerprint
	}))

	peers[1].kill()
	await(t, "the status names the peer that is gone", func() bool { return n.Status()[0].Err == "peer 2 of 2: connection refused" })
	peers[1].start()
	await(t, "the new peer has the alert, and all is well", func() bool {
		return both(func(a seenAlert) bool { return a.Fingerprint == first.Fingerprint })() && n.Status()[0].Err == ""
	})

	await(t, "people are told", func() bool { return people.count("firing "+in.ID) > 0 })
	over := in
	over.Revision, over.Milestone, over.Status, over.ResolvedAt = 3, 3, detect.StatusResolved, time.Now().UTC()
	n.Tell([]detect.Incident{over})
	gone := func() bool {
		for _, p := range peers {
			if all, err := p.alerts(); err != nil || len(all) != 0 {
				return false
			}
		}
		return true
	}
	await(t, "the alert is over in both", gone)
	await(t, "people are told of the end", func() bool { return people.count("resolved "+in.ID) > 0 })

	left := recent("bbbb0a1b2c3d4e5f")
	left.Provider = "hubspot"
	n.Tell([]detect.Incident{over, left})
	await(t, "both peers show the next alert", both(func(a seenAlert) bool { return a.Labels["provider"] == "hubspot" }))
	stop()
	await(t, "an alert that nobody sends ends", gone)
	if fired, ended := people.count("firing "+in.ID), people.count("resolved "+in.ID); fired > 2 || ended > 2 {
		t.Errorf("people were told %d times that it began and %d times that it ended", fired, ended)
	}
}
