package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/configs"
	"github.com/revwatch/revwatch/pkg/alert"
	"github.com/revwatch/revwatch/pkg/nango"
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
	own       ownRules
	tags      []string // keys of customer tags that are kept
	joinGrace time.Duration
	joinMax   int
	disorder  time.Duration
	silence   time.Duration // 0: learned

	falseAlarmsEvery time.Duration
	unknownEvery     time.Duration // the same for unknown connections
	budget           time.Duration // 0: from falseAlarmsEvery
	budgets          map[string]time.Duration
	minConnections   int
	unknown          string
	account          []string

	alerts alertSettings
	ship   shipSettings
	nango  nangoSettings

	severity alert.Severity
	links    alert.Links
	channels // each section of them is a destination, named as the section

	statePath, onCorrupt string
	listen               string
	admin                struct{ listen, token string }
	logLevel, logFormat  string

	hash string // of the files it was read from
}

// settings lists every setting with its rules, in the order of configs/detector.yaml.
func (c *config) settings() []setting {
	k, second := &c.kafka, int64(time.Second)
	reading := []setting{
		{name: "kafka.brokers", target: &k.brokers, check: hostPort},
		{name: "kafka.topics", target: &k.topics, check: topicName},
		{name: "kafka.group_id", target: &k.group, check: needed("a name")},
		{name: "kafka.client_id", target: &k.client},
		{name: "kafka.auto_offset_reset", target: &k.reset, allowed: []string{"earliest", "latest", "none"}},
		{name: "kafka.security_protocol", target: &k.security.Protocol, allowed: []string{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}},
		{name: "kafka.sasl_mechanism", target: &k.security.Mechanism, allowed: []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}},
		{name: "kafka.sasl_username", target: &k.security.Username},
		{name: "kafka.sasl_password", target: &k.security.Password, secret: true},
		{name: "kafka.ssl_ca_location", target: &k.security.CAFile, check: certificates},
		{name: "kafka.ssl_certificate_location", target: &k.security.CertFile, check: certificates},
		{name: "kafka.ssl_key_location", target: &k.security.KeyFile, check: privateKey},
		{name: "kafka.ssl_insecure_skip_verify", target: &k.security.InsecureSkipVerify},
		{name: "kafka.session_timeout", target: &k.sessionTimeout, min: second},
		{name: "kafka.heartbeat_interval", target: &k.heartbeat, min: second / 10},
		{name: "kafka.stalled_after", target: &k.stalledTime, min: second},
		{name: "envelope", target: &c.envelope, allowed: nango.Envelopes},
		{name: "rules", target: &c.own.rules},
		{name: "providers", target: &c.own.providers},
		{name: "rules_file", target: &c.own.file},
		{name: "tags", target: &c.tags, check: tagName, most: maxTags},
		{name: "join.grace", target: &c.joinGrace, min: second / 1000}, // none would mean the default
		{name: "join.max", target: &c.joinMax, min: 1000},
		{name: "disorder", target: &c.disorder, min: second / 1000},
		{name: "source.silence", target: &c.silence, min: 60 * second, auto: true},
		{name: "detection.false_alarms_every", target: &c.falseAlarmsEvery, min: 3600 * second},
		{name: "detection.unknown_connections_every", target: &c.unknownEvery, min: 3600 * second},
		{name: "detection.budget", target: &c.budget, min: 24 * 3600 * second, auto: true},
		{name: "detection.budgets", target: &c.budgets},
		{name: "detection.min_connections", target: &c.minConnections, min: 1},
		{name: "detection.unknown", target: &c.unknown, allowed: []string{"auto", "confirm", "count"}},
		{name: "detection.account", target: &c.account},
	}
	rest := []setting{
		{name: "state.path", target: &c.statePath, check: needed("a file")},
		{name: "state.on_corrupt", target: &c.onCorrupt, allowed: []string{"refuse", "set_aside"}},
		{name: "http.listen", target: &c.listen, check: listenAddress},
		{name: "http.admin_listen", target: &c.admin.listen, check: listenAddress},
		{name: "http.admin_token", target: &c.admin.token, secret: true, check: bearerToken},
		{name: "log.level", target: &c.logLevel, allowed: []string{"debug", "info", "warn", "error"}},
		{name: "log.format", target: &c.logFormat, allowed: []string{"auto", "json", "console"}},
	}
	return slices.Concat(reading, c.ship.settings(), c.nango.settings(), c.alertSettings(), rest)
}

// aliases are the settings, and other names people know for them. Those that are unused, or in a section that is, stay as they are.
func (c *config) aliases(unused ...string) []setting {
	all := c.settings()
	for i := range all {
		section, _, _ := strings.Cut(all[i].name, ".")
		all[i].unused = slices.Contains(unused, section)
	}
	other := map[string][]string{
		"kafka.brokers":            {"kafka.bootstrap_servers", "brokers"},
		"kafka.topics":             {"kafka.topic", "topic", "topics"},
		"kafka.group_id":           {"kafka.group"},
		"kafka.sasl_mechanism":     {"kafka.sasl_mechanisms"},
		"kafka.session_timeout":    {"kafka.session_timeout_ms"},
		"kafka.heartbeat_interval": {"kafka.heartbeat_interval_ms"},
	}
	for _, s := range slices.Clone(all) {
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
	if _, err := applyYAML("configs/detector.yaml", configs.Detector, c.settings()); err != nil {
		panic(err) // a test loads it
	}
	return c
}

// errConfig marks errors of the configuration: the process ends with exit code 78.
var errConfig = errors.New("configuration")

// outward are the sections of what is read from, who is told and who may ask. What reads a file needs neither them nor their secrets; what asks the daemon
// needs the first of them.
var outward = []string{"http", "kafka", "ship", "nango", "alerts", "severity", "links", kindSlack, kindPagerDuty, kindAlertmanager, kindWebhook, "destinations"}

// loadConfig reads a file over the defaults. All faults of single settings are returned together, else all that concern several; each with file and line.
// Of unused sections only the names are looked at.
func loadConfig(path string, unused ...string) (config, error) {
	c := defaults()
	data, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("%w: %w", errConfig, err)
	}
	c.hash = hashOf(data)
	where, err := applyYAML(path, data, c.aliases(unused...))
	err = errors.Join(err, c.alerts.readLists(where), c.nango.readLists(where))
	if err == nil {
		err = errors.Join(c.validate(where), c.validateAlerts(where), c.layRules(where))
	}
	if err != nil {
		return c, fmt.Errorf("%w:\n%w", errConfig, err)
	}
	return c, nil
}

func hashOf(parts ...[]byte) string {
	sum := sha256.Sum256(bytes.Join(parts, nil))
	return hex.EncodeToString(sum[:6])
}

// validate holds the rules that concern more than one setting.
func (c *config) validate(where places) error {
	var faults []error
	bad := func(line int, format string, args ...any) {
		faults = append(faults, fault{where.file, line, fmt.Sprintf(format, args...)})
	}
	c.validateKafka(where, bad)
	c.nango.validate(where, bad)
	if c.admin.token == "" && !isLoopback(c.admin.listen) {
		bad(where.line(&c.admin.listen), "http.admin_listen: %q is not of this machine alone: it needs http.admin_token", c.admin.listen)
	}
	if collide(c.listen, c.admin.listen) {
		bad(where.line(&c.admin.listen, &c.listen), "http.admin_listen: %q and http.listen %q are one address: two are needed", c.admin.listen, c.listen)
	}
	return errors.Join(faults...)
}

func (c *config) validateKafka(where places, bad func(line int, format string, args ...any)) {
	k, sec := &c.kafka, &c.kafka.security
	if len(k.brokers) == 0 {
		bad(where.line(&k.brokers), "kafka.brokers: at least one host:port is needed")
	}
	if len(k.topics) == 0 {
		bad(where.line(&k.topics), "kafka.topics: at least one topic is needed")
	}
	for i, topic := range k.topics {
		if slices.Contains(k.topics[:i], topic) {
			bad(where.line(&k.topics), "kafka.topics: %q is named twice", topic)
		}
	}
	if 3*k.heartbeat > k.sessionTimeout {
		bad(where.line(&k.heartbeat, &k.sessionTimeout), "kafka.heartbeat_interval: %s is not allowed: at most a third of kafka.session_timeout (%s)",
			formatDuration(k.heartbeat), formatDuration(k.sessionTimeout))
	}
	sasl := strings.HasPrefix(sec.Protocol, "SASL")
	if sasl && (sec.Username == "" || sec.Password == "") {
		bad(where.line(&sec.Protocol), "kafka.security_protocol: %s needs kafka.sasl_username and kafka.sasl_password (or sasl_password_file)", sec.Protocol)
	}
	if !sasl && sec.Username != "" {
		bad(where.line(&sec.Username), "kafka.sasl_username: needs kafka.security_protocol SASL_SSL or SASL_PLAINTEXT, it is %s", sec.Protocol)
	}
	if (sec.CertFile == "") != (sec.KeyFile == "") {
		bad(where.line(&sec.CertFile, &sec.KeyFile), "kafka.ssl_certificate_location and kafka.ssl_key_location belong together")
	} else if sec.CertFile != "" {
		if _, err := tls.LoadX509KeyPair(sec.CertFile, sec.KeyFile); err != nil {
			bad(where.line(&sec.CertFile), "kafka.ssl_certificate_location: %q does not go with kafka.ssl_key_location: %v", sec.CertFile, err)
		}
	}
}

// stream is all that the configuration says about reading.
func (c *config) stream() stream.Options {
	k := &c.kafka
	return stream.Options{
		Brokers: k.brokers, Topics: k.topics, GroupID: k.group, ClientID: k.client, Reset: k.reset, Security: k.security,
		SessionTimeout: k.sessionTimeout, Heartbeat: k.heartbeat, StallAfter: k.stalledTime,
	}
}
