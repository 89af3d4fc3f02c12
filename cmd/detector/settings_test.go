package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "detector.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The commented example names every setting there is: a setting without a default in it would start as a zero nobody documented.
func TestExampleHoldsEverySetting(t *testing.T) {
	c := defaults()
	raw, err := os.ReadFile("../../configs/detector.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.settings() {
		leaf := s.name[strings.LastIndexByte(s.name, '.')+1:] + ":"
		found := false
		for line := range strings.SplitSeq(string(raw), "\n") {
			found = found || strings.HasPrefix(strings.TrimSpace(line), leaf)
		}
		if !found {
			t.Errorf("configs/detector.yaml does not show %s", s.name)
		}
	}
	if err := c.validate("configs/detector.yaml", lines(raw)); err != nil {
		t.Errorf("the defaults are not allowed: %v", err)
	}
	if c.joinGrace != 6*time.Hour || c.falseAlarmsEvery != 14*24*time.Hour || c.minConnections != 3 || c.silence != 0 {
		t.Errorf("defaults read wrongly: %+v", c)
	}
}

// Settings of other Kafka clients may be copied as they are.
func TestNamesOfOtherClients(t *testing.T) {
	c, err := loadConfig(write(t, "kafka:\n  bootstrap.servers: b1:9092\n  group.id: g\n  auto.offset.reset: latest\n  session.timeout.ms: 45000\n  heartbeat.interval.ms: 3000\n"+
		"  security.protocol: SASL_SSL\n  sasl.mechanism: PLAIN\n  sasl.username: u\n  sasl.password: p\n  ssl.ca.location: /ca.pem\n"))
	if err != nil {
		t.Fatal(err)
	}
	k := c.kafka
	if k.group != "g" || k.reset != "latest" || k.sessionTimeout != 45*time.Second || k.heartbeat != 3*time.Second || k.security.CAFile != "/ca.pem" {
		t.Errorf("read %+v", k)
	}
}

// Three lines are enough, in any of the spellings people know.
func TestThreeLines(t *testing.T) {
	for _, text := range []string{
		"kafka:\n  brokers: [b1:9092, b2:9092]\n  topics: [logs]\nslack:\n  webhook_url: https://hooks.example.com/x\n",
		"kafka.bootstrap.servers: b1:9092,b2:9092\nkafka.topic: logs\nslack.webhook_url: https://hooks.example.com/x\n",
		"brokers: [b1:9092, b2:9092]\ntopic: logs\nslack: {webhook-url: https://hooks.example.com/x}\n",
	} {
		c, err := loadConfig(write(t, text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if strings.Join(c.kafka.brokers, " ") != "b1:9092 b2:9092" || strings.Join(c.kafka.topics, " ") != "logs" || c.slack.webhookURL != "https://hooks.example.com/x" {
			t.Errorf("%q: read %v %v %v", text, c.kafka.brokers, c.kafka.topics, c.slack.webhookURL)
		}
	}
}

func TestFaultsNameLineAndWhatIsAllowed(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"kafka:\n  broker: [a:1]\n", `:2: unknown setting "kafka.broker"; did you mean "kafka.brokers"?`},
		{"disorde: 1m\n", `:1: unknown setting "disorde"; did you mean "disorder"?`},
		{"min_connections: 3\n", `did you mean "detection.min_connections"?`},
		{"zzzzzzzzzzzzzzzz: 1\n", "configs/detector.yaml shows every setting"},
		{"\ndetection:\n  unknown: maybe\n", `:3: detection.unknown: "maybe" is not allowed: one of auto, confirm, count`},
		{"detection:\n  min_connections: 0\n", ":2: detection.min_connections: \"0\" is not allowed: a whole number of at least 1"},
		{"disorder: soon\n", `:1: disorder: "soon" is not allowed: a duration`},
		{"disorder: -1m\n", `"-1m" is not allowed`},
		{"disorder: 1m\ndisorder: 2m\n", ":2:"},
		{"kafka: [a]\n", ":1: kafka: expected settings below it"},
		{"kafka:\n  brokers: [nowhere]\n", `:2: kafka.brokers: "nowhere" is not allowed: host:port`},
		{"a: [\n", "not YAML"},
		{"log:\n  level: ${REVWATCH_TEST_UNSET}\n", ":2: log.level: the environment variable REVWATCH_TEST_UNSET is not set"},
		{"slack:\n  bot_token: x\n", ":2: slack.bot_token: needs slack.channel"},
		{"kafka:\n  security_protocol: SASL_SSL\n", ":2: kafka.security_protocol: SASL_SSL needs"},
		{"http:\n  listen: nine\n", ":2: http.listen"},
		{"detection:\n  budgets:\n    google-mail: 1h\n", ":3: detection.budgets.google-mail"},
	} {
		_, err := loadConfig(write(t, test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %q in it", test.text, err, test.want)
		}
	}
}

func TestSecretsFromFilesAreNeverPrinted(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(secret, []byte("https://hooks.example.com/SECRET\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := write(t, "slack:\n  webhook_url_file: "+secret+"\npagerduty:\n  routing_key: KEYKEY\n")
	c, err := loadConfig(path)
	if err != nil || c.slack.webhookURL != "https://hooks.example.com/SECRET" {
		t.Fatalf("%q, %v", c.slack.webhookURL, err)
	}
	var out, errs strings.Builder
	if code := command(t.Context(), []string{"check", "-config", path}, nil, &out, &errs); code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	if text := out.String() + errs.String(); strings.Contains(text, "SECRET") || strings.Contains(text, "KEYKEY") {
		t.Errorf("a secret is shown:\n%s", text)
	}
	if n := strings.Count(out.String(), "\n"); n != 6 {
		t.Errorf("check said %d lines, want a verdict and five:\n%s", n, out.String())
	}
}

func TestExpand(t *testing.T) {
	lookup := func(name string) (string, bool) {
		v, ok := map[string]string{"A": "1", "EMPTY": ""}[name]
		return v, ok
	}
	for _, test := range []struct{ in, want string }{
		{"x${A}y%{A}", "x1y1"}, {"${B:-two}", "two"}, {"${EMPTY:-two}", "two"}, {"${EMPTY}", ""}, {"$A %d {}", "$A %d {}"},
	} {
		if got, err := expand(test.in, lookup); got != test.want || err != nil {
			t.Errorf("%q: %q, %v, want %q", test.in, got, err, test.want)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"14d": 14 * 24 * time.Hour, "1w2d3h": (9*24 + 3) * time.Hour, "90s": 90 * time.Second, "0s": 0} {
		got, err := parseDuration(text)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", text, got, err, want)
		}
		if back, err := parseDuration(formatDuration(got)); err != nil || back != got {
			t.Errorf("%s is written %s and read %v, %v", text, formatDuration(got), back, err)
		}
	}
	for _, text := range []string{"", "d", "1", "99999999d", "1d1"} {
		if d, err := parseDuration(text); err == nil {
			t.Errorf("%q is read as %v", text, d)
		}
	}
}
