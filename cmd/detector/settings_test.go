package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/configs"
	"github.com/revwatch/revwatch/internal/broker"
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
	if err := c.validate(places{}); err != nil {
		t.Errorf("the defaults are not allowed: %v", err)
	}
	if c.joinGrace != 6*time.Hour || c.falseAlarmsEvery != 14*24*time.Hour || c.minConnections != 3 || c.silence != 0 {
		t.Errorf("defaults read wrongly: %+v", c)
	}
}

// Settings of other Kafka clients may be copied as they are.
func TestNamesOfOtherClients(t *testing.T) {
	ca, _ := certificate(t)
	c, err := loadConfig(write(t, "kafka:\n  bootstrap.servers: b1:9092\n  group.id: g\n  auto.offset.reset: latest\n  session.timeout.ms: 45000\n  heartbeat.interval.ms: 3000\n"+
		"  security.protocol: sasl_ssl\n  sasl.mechanisms: plain\n  sasl.username: u\n  sasl.password: p\n  ssl.ca.location: "+ca+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	k := c.kafka
	if k.group != "g" || k.reset != "latest" || k.sessionTimeout != 45*time.Second || k.heartbeat != 3*time.Second || k.security.CAFile != ca || k.security.Protocol != "SASL_SSL" || k.security.Mechanism != "PLAIN" {
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
		{"disorder: 0s\n", `:1: disorder: "0s" is not allowed: a duration such as 90s, 10m, 6h or 14d of at least 1ms`},
		{"join.grace: 0s\n", `:1: join.grace: "0s" is not allowed`},
		{"disorder: 1m\ndisorder: 2m\n", ":2: disorder is already set in line 1 as disorder"},
		{"kafka: [a]\n", ":1: kafka: expected settings below it"},
		{"kafka:\n  brokers: [a:1]\n  bootstrap.servers: b:2\n", ":3: kafka.bootstrap.servers is already set in line 2 as kafka.brokers"},
		{"slack:\n  bot_token: xoxb-1\n\n  bot-token_file: /x\n", ":4: slack.bot-token_file is already set in line 2 as slack.bot_token"},
		{"kafka:\n  group: {id: g}\nkafka.group: h\n", ":3: kafka.group is already set in line 2 as kafka.group.id"},
		{"detection:\n  budgets:\n    a: 30d\n    a: 40d\n", ":4: detection.budgets.a is set twice"},
		{"detection:\n  budgets:\n    google-*: 30d\n", ":3: detection.budgets.google-*: one provider by its exact name is expected here, such as google-mail"},
		{"kafka.topics: [a]\n---\nkafka.topics: [b]\n", ":2: a second document begins here"},
		{"kafka.topics: [a]\n---\nb: [\n", "not YAML"},
		{"\n- kafka\n", ":2: the file holds a list: settings such as"},
		{"kafka\n", ":1: the file holds a single value: settings such as"},
		{"kafka: {broker: [a:1]}\n", `unknown setting "kafka.broker"; did you mean "kafka.brokers"?`},
		{"pagerduty:\n  webhook_url: x\n", `:2: unknown setting "pagerduty.webhook_url"; did you mean "slack.webhook_url"?`},
		{"slack:\n  webhook: x\n", `:2: unknown setting "slack.webhook"; did you mean "slack.webhook_url"?`},
		{"slack:\n  bot_tokn_file: x\n", `did you mean "slack.bot_token_file"?`},
		{"kafak:\n  brokers: [a:1]\n", `:1: unknown setting "kafak"; did you mean "kafka"?`},
		{"kafka:\n  brokers: [nowhere]\n", `:2: kafka.brokers: "nowhere" is not allowed: host:port`},
		{"kafka:\n  brokers:\n    - a:1\n    - b:99999999\n", `:4: kafka.brokers: "b:99999999" is not allowed: host:port, the port from 1 to 65535`},
		{"kafka.brokers: [a:0]\n", `:1: kafka.brokers: "a:0" is not allowed`},
		{"kafka.brokers: [a:http]\n", `"a:http" is not allowed`},
		{"kafka.brokers: [':9092']\n", `":9092" is not allowed`},
		{"kafka.brokers: []\n", ":1: kafka.brokers: at least one"},
		{"\nkafka.topics: []\n", ":2: kafka.topics: at least one"},
		{"\nkafka.topics: [a, b, a]\n", `:2: kafka.topics: "a" is named twice`},
		{"kafka.topics: ['^a.*']\n", `:1: kafka.topics: "^a.*" is not allowed: the name of a topic`},
		{"\nkafka.group_id: ''\n", `:2: kafka.group_id: "" is not allowed: a name is needed`},
		{"state: {path: ''}\n", `:1: state.path: "" is not allowed: a file is needed`},
		{"a: [\n", "not YAML"},
		{"log:\n  level: ${REVWATCH_TEST_UNSET}\n", ":2: log.level: the environment variable REVWATCH_TEST_UNSET is not set"},
		{"slack:\n  bot_token: xoxb-1\n", ":2: slack.bot_token: needs slack.channel"},
		{"slack:\n  channel: C1\n", `:2: slack.channel: "C1" needs slack.bot_token`},
		{"slack:\n  webhook_url: http://h/x\n  api_url: http://h/\n", ":3: slack.api_url: needs slack.bot_token"},
		{"slack:\n  channel: C1\n  webhook_url: http://h/x\n  bot_token: xoxb-1\n", ":4: slack: either webhook_url or bot_token"},
		{"slack:\n  webhook_url: h/x\n", ":2: slack.webhook_url: the value is not allowed: a URL such as https://host/path"},
		{"\npagerduty.url: ftp://h\n", `:2: pagerduty.url: "ftp://h" is not allowed: a URL`},
		{"state:\n  path: /x\npagerduty:\n  routing_key: abc\n", ":4: pagerduty.routing_key: the value is not allowed: 32 letters and digits"},
		{"kafka:\n  security_protocol: SASL_SSL\n", ":2: kafka.security_protocol: SASL_SSL needs"},
		{"\nkafka.sasl_username: u\n", ":2: kafka.sasl_username: needs kafka.security_protocol"},
		{"disorder: 1m\nkafka.session_timeout: 1s\n", ":2: kafka.heartbeat_interval: 3s is not allowed: at most a third of kafka.session_timeout (1s)"},
		{"kafka.session.timeout.ms: 3000\nkafka.heartbeat.interval.ms: 2000\n", ":2: kafka.heartbeat_interval: 2s is not allowed"},
		{"http:\n  listen: nine\n", `:2: http.listen: "nine" is not allowed: host:port or :port`},
		{"http.listen: 127.0.0.1:999999\n", `:1: http.listen: "127.0.0.1:999999" is not allowed`},
		{"envelope: rows\n", `:1: envelope: "rows" is not allowed: one of auto, row`},
		{"kafka:\n  ssl_ca_location: /does/not/exist\n", `:2: kafka.ssl_ca_location: "/does/not/exist" is not allowed: a PEM file with a certificate is needed: no such file`},
		{"kafka.ssl.key.location: settings.go\n", `:1: kafka.ssl.key.location: "settings.go" is not allowed: a PEM file with a private key is needed: it holds none`},
		{"detection:\n  budgets:\n    google-mail: 1h\n", ":3: detection.budgets.google-mail"},
	} {
		_, err := loadConfig(write(t, test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %q in it", test.text, err, test.want)
		}
	}
}

// Whatever two of its spellings a setting is given in, the second is a fault that names both lines.
func TestTwoSpellingsOfOneSetting(t *testing.T) {
	var c config
	all := c.aliases()
	for i := range all {
		for j := range i {
			if all[i].target != all[j].target {
				continue
			}
			_, err := loadConfig(write(t, all[j].name+":\n\n"+strings.ReplaceAll(all[i].name, "_", "-")+":\n"))
			if want := ":3: " + strings.ReplaceAll(all[i].name, "_", "-") + " is already set in line 1 as " + all[j].name; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q in it", err, want)
			}
		}
	}
}

// A copy of the example with a few values changed is what most people will have.
func TestCopyOfTheExample(t *testing.T) {
	raw := strings.Replace(string(configs.Detector), `webhook_url: ""`, "webhook_url: https://hooks.example.com/x", 1)
	c, err := loadConfig(write(t, strings.Replace(raw, "envelope: auto", "envelope: row", 1)))
	if err != nil || c.envelope != "row" || c.slack.webhookURL == "" {
		t.Errorf("%q, %v", c.envelope, err)
	}
}

// certificate writes a certificate and its key to files.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	made, err := broker.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	return write(t, string(made.PEM)), write(t, string(made.Key))
}

func TestClientCertificates(t *testing.T) {
	cert, key := certificate(t)
	_, other := certificate(t)
	for text, want := range map[string]string{
		"kafka.ssl_certificate_location: " + cert + "\nkafka.ssl_key_location: " + key + "\n":    "",
		"kafka.ssl_certificate_location: " + cert + "\nkafka.ssl_key_location: " + other + "\n":  ":1: kafka.ssl_certificate_location: ",
		"\nkafka.ssl_key_location: " + key + "\n":                                                ":2: kafka.ssl_certificate_location and kafka.ssl_key_location belong together",
		"\nkafka.ssl_certificate_location: " + key + "\nkafka.ssl_key_location: " + key + "\n":   ":2: kafka.ssl_certificate_location: ",
		"kafka.ssl_certificate_location: " + cert + "\n\nkafka.ssl_key_location: " + cert + "\n": ":3: kafka.ssl_key_location: ",
		"\nkafka.ssl_ca_location: " + key + "\nkafka.ssl_certificate_location: " + cert + "\n":   ":2: kafka.ssl_ca_location: ",
	} {
		if _, err := loadConfig(write(t, text)); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// A secret stays out of the fault about it, wherever it was written.
func TestFaultsShowNoSecret(t *testing.T) {
	empty := write(t, "\n")
	for _, text := range []string{
		"slack: SECRET\n", "slack: {webhook: SECRET}\n", "slack: {webhook_url: SECRET}\n", "slack: {bot_token_file: SECRET}\n", "slack: {bot: {token: SECRET}}\n",
		"pagerduty: {routing_key: SECRET}\n", "pagerduty: {url: 'ftp://user:SECRET@host'}\n", "kafka: {brokers: 'user:SECRET@host:9092'}\n",
		"kafka: {security_protocol: SASL_SSL, sasl_password: SECRET}\n", "kafka.sasl_password_file: " + empty + "\n", "SECRET\n",
	} {
		if _, err := loadConfig(write(t, text)); err == nil || strings.Contains(err.Error(), "SECRET") || !strings.Contains(err.Error(), ":1: ") {
			t.Errorf("%q: %v", text, err)
		}
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
