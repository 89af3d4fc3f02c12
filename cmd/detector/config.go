package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/revwatch/revwatch/configs"
	"github.com/revwatch/revwatch/pkg/stream"
)

// config is everything a user can set. configs/detector.yaml explains each setting and holds its default.
type config struct {
	kafka struct {
		brokers, topics        []string
		group, client, reset   string
		security               stream.Security
		sessionTimeout         time.Duration
		heartbeat, stalledTime time.Duration
	}
	envelope  string
	joinGrace time.Duration
	joinMax   int
	disorder  time.Duration
	silence   time.Duration // 0: learned

	falseAlarmsEvery time.Duration
	budget           time.Duration // 0: from falseAlarmsEvery
	budgets          map[string]time.Duration
	minConnections   int
	unknown          string
	account          []string

	maxAge time.Duration
	slack  struct{ webhookURL, botToken, channel, apiURL string }
	pager  struct{ routingKey, url string }

	statePath, onCorrupt string
	listen               string
	logLevel, logFormat  string

	hash string // of the file it was read from
}

// settings lists every setting with its rules, in the order of configs/detector.yaml.
func (c *config) settings() []setting {
	k, second := &c.kafka, int64(time.Second)
	return []setting{
		{name: "kafka.brokers", target: &k.brokers},
		{name: "kafka.topics", target: &k.topics},
		{name: "kafka.group_id", target: &k.group},
		{name: "kafka.client_id", target: &k.client},
		{name: "kafka.auto_offset_reset", target: &k.reset, allowed: []string{"earliest", "latest", "none"}},
		{name: "kafka.security_protocol", target: &k.security.Protocol, allowed: []string{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}},
		{name: "kafka.sasl_mechanism", target: &k.security.Mechanism, allowed: []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}},
		{name: "kafka.sasl_username", target: &k.security.Username},
		{name: "kafka.sasl_password", target: &k.security.Password, secret: true},
		{name: "kafka.ssl_ca_location", target: &k.security.CAFile},
		{name: "kafka.ssl_certificate_location", target: &k.security.CertFile},
		{name: "kafka.ssl_key_location", target: &k.security.KeyFile},
		{name: "kafka.ssl_insecure_skip_verify", target: &k.security.InsecureSkipVerify},
		{name: "kafka.session_timeout", target: &k.sessionTimeout, min: second},
		{name: "kafka.heartbeat_interval", target: &k.heartbeat, min: second / 10},
		{name: "kafka.stalled_after", target: &k.stalledTime, min: second},
		{name: "envelope", target: &c.envelope, allowed: []string{"auto"}},
		{name: "join.grace", target: &c.joinGrace, min: 0},
		{name: "join.max", target: &c.joinMax, min: 1000},
		{name: "disorder", target: &c.disorder, min: 0},
		{name: "source.silence", target: &c.silence, min: 60 * second, auto: true},
		{name: "detection.false_alarms_every", target: &c.falseAlarmsEvery, min: 3600 * second},
		{name: "detection.budget", target: &c.budget, min: 24 * 3600 * second, auto: true},
		{name: "detection.budgets", target: &c.budgets},
		{name: "detection.min_connections", target: &c.minConnections, min: 1},
		{name: "detection.unknown", target: &c.unknown, allowed: []string{"auto", "confirm", "count"}},
		{name: "detection.account", target: &c.account},
		{name: "alerts.max_age", target: &c.maxAge, min: 60 * second},
		{name: "slack.webhook_url", target: &c.slack.webhookURL, secret: true},
		{name: "slack.bot_token", target: &c.slack.botToken, secret: true},
		{name: "slack.channel", target: &c.slack.channel},
		{name: "slack.api_url", target: &c.slack.apiURL},
		{name: "pagerduty.routing_key", target: &c.pager.routingKey, secret: true},
		{name: "pagerduty.url", target: &c.pager.url},
		{name: "state.path", target: &c.statePath},
		{name: "state.on_corrupt", target: &c.onCorrupt, allowed: []string{"refuse", "set_aside"}},
		{name: "http.listen", target: &c.listen},
		{name: "log.level", target: &c.logLevel, allowed: []string{"debug", "info", "warn", "error"}},
		{name: "log.format", target: &c.logFormat, allowed: []string{"auto", "json", "console"}},
	}
}

// aliases are other names people know for the same settings.
func (c *config) aliases() []setting {
	all := c.settings()
	other := map[string][]string{
		"kafka.brokers":            {"kafka.bootstrap_servers", "brokers"},
		"kafka.topics":             {"kafka.topic", "topic", "topics"},
		"kafka.group_id":           {"kafka.group"},
		"kafka.session_timeout":    {"kafka.session_timeout_ms"},
		"kafka.heartbeat_interval": {"kafka.heartbeat_interval_ms"},
	}
	for _, s := range c.settings() {
		for _, name := range other[s.name] {
			s.name = name
			all = append(all, s)
		}
	}
	return all
}

// defaults is the embedded configs/detector.yaml, which holds every setting.
func defaults() config {
	var c config
	if err := applyYAML("configs/detector.yaml", configs.Detector, c.settings()); err != nil {
		panic(err) // a test loads it
	}
	return c
}

// errConfig marks errors of the configuration: the process ends with exit code 78.
var errConfig = errors.New("configuration")

// loadConfig reads a file over the defaults. All faults are returned together, each with file and line.
func loadConfig(path string) (config, error) {
	c := defaults()
	data, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("%w: %w", errConfig, err)
	}
	sum := sha256.Sum256(data)
	c.hash = hex.EncodeToString(sum[:6])
	err = applyYAML(path, data, c.aliases())
	if err == nil {
		err = c.validate(path, lines(data))
	}
	if err != nil {
		return c, fmt.Errorf("%w:\n%w", errConfig, err)
	}
	return c, nil
}

// lines finds where a name is set, for faults that concern more than one setting; 1 when it is nowhere.
func lines(data []byte) func(word string) int {
	return func(word string) int {
		for i, line := range strings.Split(string(data), "\n") {
			if strings.HasPrefix(strings.TrimLeft(line, " -"), word) {
				return i + 1
			}
		}
		return 1
	}
}

// validate holds the rules that concern more than one setting, and those of URLs and addresses.
func (c *config) validate(file string, line func(string) int) error {
	var faults []error
	bad := func(word, format string, args ...any) {
		faults = append(faults, fault{file, line(word), fmt.Sprintf(format, args...)})
	}
	for _, b := range c.kafka.brokers {
		if _, port, err := net.SplitHostPort(b); err != nil || port == "" {
			bad("brokers", "kafka.brokers: %q is not allowed: host:port", b)
		}
	}
	if len(c.kafka.brokers) == 0 {
		bad("kafka", "kafka.brokers: at least one host:port is needed")
	}
	if len(c.kafka.topics) == 0 {
		bad("kafka", "kafka.topics: at least one topic is needed")
	}
	if c.kafka.group == "" {
		bad("group", "kafka.group_id: a name is needed")
	}
	if 3*c.kafka.heartbeat > c.kafka.sessionTimeout {
		bad("heartbeat", "kafka.heartbeat_interval: %s is not allowed: at most a third of kafka.session_timeout (%s)", c.kafka.heartbeat, c.kafka.sessionTimeout)
	}
	sec := c.kafka.security
	if strings.HasPrefix(sec.Protocol, "SASL") && (sec.Username == "" || sec.Password == "") {
		bad("security", "kafka.security_protocol: %s needs kafka.sasl_username and kafka.sasl_password (or sasl_password_file)", sec.Protocol)
	}
	if !strings.HasPrefix(sec.Protocol, "SASL") && sec.Username != "" {
		bad("sasl", "kafka.sasl_username: needs kafka.security_protocol SASL_SSL or SASL_PLAINTEXT, it is %s", sec.Protocol)
	}
	if (sec.CertFile == "") != (sec.KeyFile == "") {
		bad("ssl", "kafka.ssl_certificate_location and kafka.ssl_key_location belong together")
	}
	for name, text := range map[string]string{"slack.webhook_url": c.slack.webhookURL, "slack.api_url": c.slack.apiURL, "pagerduty.url": c.pager.url} {
		if u, err := url.Parse(text); text != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			bad(name[strings.IndexByte(name, '.')+1:], "%s: not a URL: https://… is needed", name)
		}
	}
	if c.slack.botToken != "" && c.slack.channel == "" {
		bad("bot_token", "slack.bot_token: needs slack.channel as well")
	}
	if c.slack.botToken != "" && c.slack.webhookURL != "" {
		bad("bot_token", "slack: either webhook_url or bot_token, not both: every incident would be told twice")
	}
	if c.statePath == "" {
		bad("path", "state.path: a file is needed")
	}
	if _, _, err := net.SplitHostPort(c.listen); err != nil {
		bad("listen", "http.listen: %q is not allowed: host:port or :port", c.listen)
	}
	return errors.Join(faults...)
}
