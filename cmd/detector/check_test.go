package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// checked runs check on a file of this text and returns its exit code and what it said on both outputs.
func checked(t *testing.T, text string) (code int, out, errs string) {
	t.Helper()
	var o, e strings.Builder
	code = command(t.Context(), []string{"check", "-config", write(t, text)}, nil, &o, &e)
	return code, o.String(), e.String()
}

const key32 = "KEYKEYKEYKEYKEYKEYKEYKEYKEYKEY12"

func TestCheckSaysWhatRunDoes(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(secret, []byte("https://hooks.example.com/SECRET\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := checked(t, "slack:\n  webhook_url_file: "+secret+"\npagerduty:\n  routing_key: "+key32+"\n")
	if code != exitOK || errs != "" {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	if strings.Contains(out, "SECRET") || strings.Contains(out, key32) {
		t.Errorf("a secret is shown:\n%s", out)
	}
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != 10 || !strings.HasSuffix(lines[0], " is good.") {
		t.Fatalf("want a verdict and nine lines:\n%s", out)
	}
	for i, want := range []string{
		"reads    nango-logs from localhost:9092 as group revwatch over PLAINTEXT; without a state file from the earliest record",
		"decides  at most one false alarm in 14d over all series of revocations together, one in 14d over all of unknown connections; no incident with fewer than 3 connections",
		"expects  in all at most one false alarm in 7 days (1 a week), with up to 214 series",
		"tells    Slack (incoming webhook), PagerDuty; nothing whose newest break is older than 6h when it is found",
		"grades   critical: 50 connections or more; 20 % of those in use; 2 times the alarm line; scope family or all",
		"weekly   one line on monday 09:00 UTC: slack",
		"reaches  public addresses",
		"keeps    its state in revwatch.db; of connections the tags organization_id, end_user_id",
		"shows    /metrics /healthz /readyz on :9847; /api/v1 on 127.0.0.1:9848, from this machine",
	} {
		if lines[i+1] != want {
			t.Errorf("said  %s\nwant  %s", lines[i+1], want)
		}
	}
}

func TestCheckWarnsWhenNobodyIsTold(t *testing.T) {
	code, out, errs := checked(t, "kafka.topics: [logs]\n")
	if code != exitOK || !strings.Contains(errs, "warning: nobody is told") || strings.Count(out, "\n") != 8 {
		t.Errorf("exit code %d, said\n%s%s", code, out, errs)
	}
}

func TestCheckSaysWhatIsReadAndKept(t *testing.T) {
	code, out, errs := checked(t, "envelope: fluentbit\ntags: []\n")
	if code != exitOK || !strings.Contains(out, "\naccepts  only values whose outermost envelope is fluentbit; all else is counted as not readable\n") || !strings.Contains(out, "; of connections no tags\n") {
		t.Errorf("exit code %d, said\n%s%s", code, out, errs)
	}
}

// The URL of the README's example is nobody's.
func TestCheckRefusesTheExample(t *testing.T) {
	for _, url := range []string{"https://hooks.slack.com/services/...", "https://hooks.slack.com/services/…", "https://hooks.slack.com/services/", "https://hooks.slack.com/services",
		"https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"} {
		if code, out, errs := checked(t, "kafka.topics: [a]\nslack.webhook_url: "+url+"\n"); code != exitConfig || out != "" || !strings.Contains(errs, ".yaml:2: slack.webhook_url: this is still the example") {
			t.Errorf("%s: exit code %d, said\n%s%s", url, code, out, errs)
		}
	}
	if code, _, errs := checked(t, "slack.webhook_url: https://hooks.slack.com/services/T0/B0/abc\n"); code != exitOK {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// What can never be sent is no good configuration: the address of the setting is refused where its connection would be.
func TestCheckRefusesWhatIsNeverSent(t *testing.T) {
	const slack = "slack.webhook_url: " + hook + "\n"
	for text, want := range map[string]string{
		"kafka.topics: [a]\nslack.webhook_url: https://127.0.0.1:8443/SECRET\n":                                        `:2: slack: 127.0.0.1 is not public, nothing would be sent there; to allow it: alerts.allow: ["127.0.0.1"]`,
		slack + "alertmanager:\n  urls: [http://am:9093, http://localhost:9093]\n":                                     `:3: alertmanager: localhost is not public`,
		"webhook:\n  secret: x\n  url: http://user:SECRET@[fd00::1]/SECRET\n":                                          `:3: webhook: fd00::1 is not public, nothing would be sent there; to allow it: alerts.allow: ["fd00::1"]`,
		"destinations:\n  - name: crm\n    pagerduty:\n      routing_key: " + key32 + "\n      url: http://10.0.0.7\n": `:5: crm: 10.0.0.7 is not public`,
		"slack: {bot_token: xoxb-SECRET, channel: C1,\n  api_url: http://192.168.1.1/}\n":                              `:2: slack: 192.168.1.1 is not public`,
		"slack.webhook_url: https://hooks.slack.com/services/T0/B0/ SECRET\n":                                          ":1: slack.webhook_url: the value is not allowed: a URL",
		"slack.webhook_url: http://Hooks.Slack.com/services/T0/B0/SECRET\n":                                            ":1: slack.webhook_url: the value is not allowed: https:// is needed",
		"slack: {bot_token: SECRET, channel: C1}\n":                                                                    ":1: slack.bot_token: the value is not allowed: the Bot User OAuth Token of a Slack app, which begins with xoxb-",
		"slack: {bot_token: xoxb-1, channel: C1, api_url: 'http://slack.com/api/'}\n":                                  "slack.api_url: \"http://slack.com/api/\" is not allowed: https:// is needed",
		"pagerduty: {routing_key: " + key32 + ", url: http://events.eu.pagerduty.com}\n":                               "is not allowed: https:// is needed",
		"slack.webhook_url: ${NOPE:-https://hooks.example.com/SECRET\n":                                                ":1: slack.webhook_url: ${ and %{ begin a variable: ${NAME} or",
		"slack.webhook_url: ${NOPE:-${ALSO_NOPE}}\n":                                                                   "without a variable in the default",
	} {
		file := write(t, text)
		for _, command := range []string{"check", "send-test", "run"} {
			if code, out, errs := said(t, command, "-config", file); code != exitConfig || out != "" || !strings.Contains(errs, want) || strings.Contains(errs, "SECRET") {
				t.Errorf("%s %q: exit code %d, said\n%s%s\nwant %s", command, text, code, out, errs, want)
			}
		}
	}
	for _, text := range []string{
		"slack.webhook_url: http://127.0.0.1:8443/SECRET\nalerts.allow: [127.0.0.0/8]\n", "alertmanager.urls: [http://localhost:9093]\nalerts.allow: [localhost]\n",
		"alertmanager.urls: [http://am:9093]\n", "slack: {bot_token: xoxe.xoxb-1, channel: C1}\n",
	} {
		if code, _, errs := checked(t, text); code != exitOK || errs != "" {
			t.Errorf("%q: exit code %d: %s", text, code, errs)
		}
	}
}

// The totals are 7 days divided by what is promised, summed.
func TestCheckCountsFalseAlarms(t *testing.T) {
	for text, want := range map[string]string{
		"detection: {false_alarms_every: 365d, unknown_connections_every: 365d}": "at most one false alarm in 365d over all series of revocations together, one in 365d over all of unknown connections; no|at most one false alarm in 182 days (0.038 a week), with up to 8 series",
		"detection: {false_alarms_every: 7d, unknown_connections_every: 28d}":    "in 7d over all series of revocations together, one in 28d over|at most one false alarm in 5.6 days (1.2 a week), with up to 107 series",
		"detection.false_alarms_every: 9999d":                                    "in 3000d over|at most one false alarm in 14 days (0.5 a week), with up to 1 series",
		"detection.budget: 90d":                                                  "at most one false alarm in 90d per series; no|at most one false alarm in 9 days (0.78 a week), with 10 series\n",
		"detection.budgets: {b: 60d, a: 30d}":                                    "connections, for a one in 30d per series, for b one in 60d per series;|at most one false alarm in 5.2 days (1.4 a week), with up to 214 series and 2 providers with a budget of its own",
	} {
		code, out, errs := checked(t, text+"\n")
		for part := range strings.SplitSeq(want, "|") {
			if code != exitOK || !strings.Contains(out, part) {
				t.Errorf("%s: exit code %d, want %q in\n%s%s", text, code, part, out, errs)
			}
		}
	}
	if code, _, errs := checked(t, "detection.unknown_connections_every: 5m\n"); code != exitConfig || !strings.Contains(errs, "of at least 1h") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// What run would refuse before it connects, check refuses.
func TestCheckRefusesWhatRunRefuses(t *testing.T) {
	cert, key := certificate(t)
	good := "kafka: {security_protocol: SSL, ssl_ca_location: " + cert + ", ssl_certificate_location: " + cert + ", ssl_key_location: " + key + "}\n"
	if code, _, errs := checked(t, good); code != exitOK {
		t.Errorf("exit code %d: %s", code, errs)
	}
	broken := write(t, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	for _, text := range []string{
		"kafka: {security_protocol: SSL, ssl_ca_location: " + broken + "}\n",
		"kafka: {security_protocol: SSL, ssl_ca_location: /does/not/exist}\n",
		"kafka: {security_protocol: SSL, ssl_certificate_location: " + cert + ", ssl_key_location: " + broken + "}\n",
		"pagerduty.routing_key: short\n",
		"kafka.topics: [a, a]\n",
	} {
		if code, out, errs := checked(t, text); code != exitConfig || out != "" || !strings.Contains(errs, ".yaml:1: ") {
			t.Errorf("%q: exit code %d, said\n%s%s", text, code, out, errs)
		}
	}
}

// All that the configuration says of reading reaches the consumer.
func TestOptionsOfTheStream(t *testing.T) {
	c, err := loadConfig(write(t, "kafka: {brokers: a:1, topics: t, group: g, client_id: i, auto_offset_reset: none, session_timeout: 31s, heartbeat_interval: 7s, "+
		"stalled_after: 43s, security_protocol: SASL_PLAINTEXT, sasl_mechanism: PLAIN, sasl_username: u, sasl_password: p}\n"))
	if err != nil {
		t.Fatal(err)
	}
	o := c.stream()
	if strings.Join(append(o.Brokers, o.Topics...), " ") != "a:1 t" || o.GroupID != "g" || o.ClientID != "i" || o.Reset != "none" || o.SessionTimeout != 31*time.Second ||
		o.Heartbeat != 7*time.Second || o.StallAfter != 43*time.Second || o.Security.String() != "SASL_PLAINTEXT PLAIN u" || o.Security.Password != "p" {
		t.Errorf("%+v", o)
	}
}
