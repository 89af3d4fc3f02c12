package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// said runs a command and returns its exit code and what it said on both outputs.
func said(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e strings.Builder
	code = command(t.Context(), args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

// listed runs detector connections and reads its JSON.
func listedConnections(t *testing.T, args ...string) (all []detect.Connection, by string) {
	t.Helper()
	code, out, errs := said(t, append([]string{"connections", "--output", "json"}, args...)...)
	if code != exitOK {
		t.Fatalf("%v: exit code %d: %s", args, code, errs)
	}
	for line := range strings.Lines(out) {
		var c detect.Connection
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		all = append(all, c)
	}
	if want := plural(len(all), "connection") + ", by "; !strings.HasPrefix(errs, want) {
		t.Errorf("said %q, want %q", errs, want)
	}
	return all, errs
}

// The daemon, and its state file after it stopped, list the same connections, in every form; the API shows the incident that broke them.
func TestConnectionsAskTheDaemon(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	rows := past(t, time.Now().Add(-30*time.Minute), 14, lossAgo) // nothing that is released only after it was asked for
	s.produce(rows)
	config := s.config()
	stop := s.start(config)
	s.awaitRead(len(rows))
	s.await("an alert", func() bool { return s.slack.about(lost) > 0 })
	s.await("all of it counted", func() bool {
		return s.metric(`^revwatch_broken_connections_total\{.*provider="google-mail"`) >= counted
	})

	broken, by := listedConnections(t, "--broken", "--provider", lost, "--environment", "prod", "-config", config)
	if n := s.metric(`^revwatch_connections_broken\{environment="prod",provider="google-mail"`); float64(len(broken)) != n || n == 0 || !strings.Contains(by, "by the daemon at http://"+s.api) {
		t.Fatalf("%d connections, %v broken by the metrics, by %s", len(broken), n, by)
	}
	for _, c := range broken {
		if c.Provider != lost || c.Environment != "prod" || c.State != "broken" || c.Connection == "" || c.Since.IsZero() {
			t.Fatalf("%+v", c)
		}
	}
	if one, _ := listedConnections(t, "--account", broken[0].Account, "--integration", broken[0].Integration, "--url", "http://"+s.api); len(one) == 0 || one[0].Account != broken[0].Account {
		t.Errorf("of account %q: %+v", broken[0].Account, one)
	}
	_, body := s.at(s.api, "/api/v1/incidents")
	var incidents []struct{ ID, Provider, Severity, Status string }
	if err := json.Unmarshal([]byte(body), &incidents); err != nil {
		t.Fatal(err, body)
	}
	found := false
	for _, in := range incidents {
		if in.Provider == lost && (in.Severity == "warning" || in.Severity == "critical") {
			of, _ := listedConnections(t, "--incident", in.ID, "-config", config)
			found = found || len(of) >= 3
		}
	}
	if !found {
		t.Errorf("no incident of %s has connections: %s", lost, body)
	}
	const gone = `no incident "0123456789abcdef" with connections is kept: one is for 7 days`
	if code, body := s.at(s.api, "/api/v1/connections?incident=0123456789abcdef"); code != http.StatusNotFound || !strings.Contains(body, `no incident \"0123456789abcdef\"`) {
		t.Errorf("of an incident that is not kept: %d %s", code, body)
	}
	if code, out, errs := said(t, "connections", "--incident", "0123456789abcdef", "-config", config); code != exitFailure || out != "" || !strings.Contains(errs, gone) {
		t.Errorf("exit code %d, said\n%s%s", code, out, errs)
	}
	_, text, _ := said(t, "connections", "--broken", "--provider", lost, "--environment", "prod", "-config", config)
	if lines := strings.Split(strings.TrimSpace(text), "\n"); len(lines) != len(broken)+1 || !strings.HasPrefix(lines[0], "ENVIRONMENT  PROVIDER ") || !strings.Contains(lines[1], broken[0].Connection) {
		t.Errorf("said\n%s", text)
	}
	if code := stop(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	stored, by := listedConnections(t, "--broken", "--provider", lost, "--environment", "prod", "-config", config)
	if fmt.Sprint(stored) != fmt.Sprint(broken) || !strings.Contains(by, "by the state file ") {
		t.Errorf("%d connections %s, the daemon said %d", len(stored), by, len(broken))
	}
	if code, out, errs := said(t, "connections", "--incident", "0123456789abcdef", "-config", config); code != exitFailure || out != "" || !strings.Contains(errs, gone) {
		t.Errorf("exit code %d, said\n%s%s", code, out, errs)
	}
	_, table, _ := said(t, "connections", "--broken", "--provider", lost, "--environment", "prod", "-config", config, "--output", "csv")
	if cells, err := csv.NewReader(strings.NewReader(table)).ReadAll(); err != nil || len(cells) != len(broken)+1 || cells[1][3] != broken[0].Connection || cells[1][8] != "broken" {
		t.Errorf("%v in\n%s", err, table)
	}
}

// What only asks, or reads files, needs nothing of who is read from and told: their secrets may be with the daemon alone.
func TestAskingNeedsNoSecrets(t *testing.T) {
	const telling = "slack.webhook_url: ${REVWATCH_NOT_SET}\npagerduty.routing_key_file: /does/not/exist\nkafka: {sasl_password_file: /does/not/exist, ssl_ca_location: /does/not/exist}\n" +
		"destinations: [{name: crm, webhook: {url: '${REVWATCH_NOT_SET}'}}]\nalerts.routes: [{to: [crm]}]\nwebhook.headers: {A: '${REVWATCH_NOT_SET}'}\n"
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer 0123456789abcdef" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		fmt.Fprint(w, "[]")
	}))
	defer api.Close()
	file := write(t, telling+adminT+"0123456789abcdef\nhttp.admin_listen: "+strings.TrimPrefix(api.URL, "http://")+"\n")
	for _, args := range [][]string{{"connections", "-config", file}, {"silence", "list", "-config", file}, {"replay", "--input", "-", "-config", file}} {
		if code, out, errs := said(t, args...); code != exitOK {
			t.Errorf("%v: exit code %d, said\n%s%s", args, code, out, errs)
		}
	}
	none := t.TempDir() + "/none.db"
	noToken := write(t, telling+adminT+"${REVWATCH_NOT_SET}\n")
	for _, command := range []string{"connections", "explain"} {
		if code, _, errs := said(t, command, "--state", none, "-config", noToken); code != exitFailure || !strings.Contains(errs, "none.db") {
			t.Errorf("%s: exit code %d, said\n%s", command, code, errs)
		}
	}
	if code, _, errs := said(t, "silence", "list", "-config", noToken); code != exitConfig || !strings.Contains(errs, "REVWATCH_NOT_SET") {
		t.Errorf("without the token: exit code %d, said\n%s", code, errs)
	}
	if code, _, errs := said(t, "connections", "-config", write(t, "detection.min_connections: 0\n")); code != exitConfig {
		t.Errorf("with a wrong setting that is used: exit code %d, said\n%s", code, errs)
	}
	if code, _, errs := said(t, "check", "-config", file); code != exitConfig {
		t.Errorf("check: exit code %d, said\n%s", code, errs)
	}
}

// A name is shown as one that looks like it: what steers a terminal is a question mark, what is not seen is left out.
func TestClean(t *testing.T) {
	for text, want := range map[string]string{"prod": "prod", "p\u200bro\u2060d\ufeff": "prod", "a\x1b[31m\n": "a?[31m?", "a\u202eb": "a?b", "pr\u00adod\u3164\U000e0041\ufe0f": "prod", "naïve 名": "naïve 名"} {
		if got := clean(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A silence keeps an incident from being told; when it is ended, the incident that goes on is told.
func TestSilenceCommands(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	rows, before := s.produceUntilLoss(12)
	config := s.config(adminT + "0123456789abcdef")
	stop := s.start(config)
	s.awaitRead(before)
	s.await("readiness", func() bool { code, _ := s.get("/readyz"); return code == http.StatusOK })
	add := []string{"silence", "add", "--provider", "google-*", "--for", "2h", "--author", "Kim", "--reason", "key rotation", "-config", config}
	code, out, errs := said(t, add...)
	id, _, _ := strings.Cut(out, ":")
	if code != exitOK || len(id) < 6 || !strings.Contains(out, " UTC nobody is told of incidents of provider google-*\n") {
		t.Fatalf("exit code %d, said\n%s%s", code, out, errs)
	}
	if _, out, _ := said(t, "silence", "list", "-config", config); !strings.Contains(out, id) || !strings.Contains(out, "Kim") || !strings.Contains(out, "key rotation") {
		t.Errorf("listed\n%s", out)
	}
	if code, body := s.at(s.api, "/api/v1/silences"); code != http.StatusUnauthorized || strings.Contains(body, "Kim") {
		t.Errorf("without the token: %d %s", code, body)
	}
	s.produce(rows[before:])
	s.awaitRead(len(rows))
	s.await("the incident is found", func() bool { return s.metric(`^revwatch_incidents_open\{.*signal="revocations"`) >= 1 })
	if n := s.slack.about(lost); n != 0 || s.metric(`^revwatch_silences`) != 1 {
		t.Errorf("%d posts under the silence, %v silences", n, s.metric(`^revwatch_silences`))
	}
	if code := stop(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	stop = s.start(config)
	s.await("the silence outlives a restart", func() bool { return s.metric(`^revwatch_silences`) == 1 && s.metric(`^revwatch_owner`) == 1 })
	if code, out, errs := said(t, "silence", "end", id, "-config", config); code != exitOK || out != id+" has ended\n" {
		t.Fatalf("exit code %d, said\n%s%s", code, out, errs)
	}
	s.await("an alert", func() bool { return s.slack.about(lost) > 0 })
	if _, out, _ := said(t, "silence", "list", "-config", config); out != "No silence is on.\n" {
		t.Errorf("listed\n%s", out)
	}
	if code, out, _ := said(t, "silence", "list", "--output", "json", "-config", config); code != exitOK || out != "" {
		t.Errorf("exit code %d, listed\n%s", code, out)
	}
	for says, args := range map[string][]string{
		"has this id":    {"silence", "end", id, "-config", config},
		"90 days":        {"silence", "add", "--provider", "a", "--for", "91d", "--author", "a", "--reason", "b", "-config", config},
		"at least one":   {"silence", "add", "--for", "1d", "--author", "a", "--reason", "b", "-config", config},
		"admin_token is": {"silence", "list", "--url", "http://" + s.api},
	} {
		if code, out, errs := said(t, args...); code != exitFailure || out != "" || !strings.Contains(errs, says) {
			t.Errorf("%v: exit code %d, said\n%s%s", args, code, out, errs)
		}
	}
	if code := stop(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	if code, _, errs := said(t, "silence", "list", "-config", config); code != exitFailure || !strings.Contains(errs, "no daemon answers at http://"+s.api) {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// Command lines that cannot be understood.
func TestUsageOfCommands(t *testing.T) {
	t.Parallel()
	for says, args := range map[string][]string{
		`--output "xml": table, csv or json`:                        {"connections", "--output", "xml"},
		"connections: one of --url, --state":                        {"connections", "--url", "http://a", "--state", "b"},
		`connections: --url "a": a URL such as`:                     {"connections", "--url", "a"},
		`unexpected argument "x"`:                                   {"connections", "x"},
		"silence: add, list or end is needed":                       {"silence"},
		`silence: "begin": add, list or end is needed`:              {"silence", "begin"},
		`--for "": a duration such as 2h or 3d is needed`:           {"silence", "add", "--provider", "a", "--author", "a", "--reason", "b"},
		`--for "-1h": a duration`:                                   {"silence", "add", "--for", "-1h"},
		"--author and --reason are needed":                          {"silence", "add", "--for", "1h"},
		"the ID of a silence is needed":                             {"silence", "end"},
		`silence list: --output "csv": table or json`:               {"silence", "list", "--output", "csv"},
		`silence end: --url "a": a URL such as`:                     {"silence", "end", "1", "--url", "a"},
		"send-test: -config FILE is needed":                         {"send-test"},
		"health: one of -config, -url":                              {"health", "-config", "a", "-url", "http://b"},
		`health: -url "localhost": a URL such as`:                   {"health", "-url", "localhost"},
		`no destination is named "sluck": there is slack, pagerdut`: {"send-test", "-config", write(t, twoOf), "--destination", "sluck"},
	} {
		if code, out, errs := said(t, args...); code != exitUsage || out != "" || !strings.Contains(errs, says) {
			t.Errorf("%v: exit code %d, said %s%s, want %q", args, code, out, errs, says)
		}
	}
	for _, args := range [][]string{{"connections", "-h"}, {"silence", "-h"}, {"silence", "add", "-h"}, {"send-test", "-h"}, {"health", "-h"}, {"generate", "-h"}} {
		if code, out, errs := said(t, args...); code != exitOK || out != "" || !strings.Contains(errs, "detector "+args[0]) {
			t.Errorf("%v: exit code %d, said %s%s", args, code, out, errs)
		}
		_, _, errs := said(t, args...)
		for line := range strings.Lines(errs) {
			if len(line) > helpWidth+1 {
				t.Errorf("%v: too long: %s", args, line)
			}
		}
	}
}

// A test goes to every destination or to one; who refuses it is named with the reason, and no secret.
func TestSendTest(t *testing.T) {
	t.Parallel()
	good := newInbox(t, http.StatusOK, "ok")
	pager := newInbox(t, http.StatusAccepted, `{"status":"success"}`)
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("no_service"))
	}))
	t.Cleanup(bad.Close)
	config := write(t, "slack.webhook_url: "+good.url+"/services/T0/B0/SECRET\npagerduty: {routing_key: "+key32+", url: "+pager.url+"}\nalerts: {allow: [127.0.0.0/8], shadow: true}\n"+
		"destinations: [{name: crm, slack: {webhook_url: "+bad.URL+"/SECRET}}]\nkafka.brokers: [127.0.0.1:1]\n")
	code, out, errs := said(t, "send-test", "-config", config)
	if want := "slack: delivered\npagerduty: delivered\ncrm: refused: HTTP 404 no_service\n"; code != exitFailure || out != want || !strings.Contains(errs, "1 of 3 destinations got no test") || !strings.Contains(errs, "shadow is on") {
		t.Errorf("exit code %d, said\n%s%s", code, out, errs)
	}
	if strings.Contains(out+errs, "SECRET") || strings.Contains(out+errs, key32) || strings.Contains(out+errs, strings.TrimPrefix(bad.URL, "http://")) {
		t.Errorf("a secret is shown:\n%s%s", out, errs)
	}
	if len(good.all()) != 2 || good.about("TEST") != 2 || pager.about("trigger") != 1 || pager.about("resolve") != 1 || pager.about("TEST") < 1 {
		t.Errorf("Slack got %v\nPagerDuty got %v", good.all(), pager.all())
	}
	code, out, errs = said(t, "send-test", "-config", config, "--destination", "slack")
	if code != exitOK || out != "slack: delivered\n" || len(pager.all()) != 2 {
		t.Errorf("exit code %d, said\n%s%s", code, out, errs)
	}
	if code, out, errs := said(t, "send-test", "-config", write(t, "kafka.topics: [a]\n")); code != exitConfig || out != "" || !strings.Contains(errs, "nobody is told of incidents") {
		t.Errorf("exit code %d, said\n%s%s", code, out, errs)
	}
}

// Nobody on a private network is reached who is not allowed.
func TestSendTestKeepsThePolicy(t *testing.T) {
	t.Parallel()
	in := newInbox(t, http.StatusOK, "ok")
	code, out, errs := said(t, "send-test", "-config", write(t, "slack.webhook_url: "+in.url+"/SECRET\n"))
	if code != exitConfig || !strings.Contains(errs, "alerts.allow") || len(in.all()) != 0 {
		t.Errorf("exit code %d, said\n%s%s", code, out, errs)
	}
}
