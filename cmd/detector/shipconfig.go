package main

import "time"

// shipSettings say what `detector ship` puts on which topic; nothing else looks at them.
type shipSettings struct {
	topic         string // empty: the first of kafka.topics
	elasticsearch struct {
		urls                       []string
		username, password, apiKey string
		ca                         string
		insecureSkipVerify         bool
		operations, messages       string        // index, alias or pattern
		since                      time.Duration // how far back the first start reads
		interval, overlap          time.Duration
		checkpoint                 string
	}
	webhooks struct {
		listen, path  string
		metricsListen string
		signingKey    string // one, or several with white space between
		rate          int    // deliveries a second that are written
	}
}

func (s *shipSettings) settings() []setting {
	e, w, second := &s.elasticsearch, &s.webhooks, int64(time.Second)
	return []setting{
		{name: "ship.topic", target: &s.topic},
		{name: "ship.elasticsearch.urls", target: &e.urls},
		{name: "ship.elasticsearch.username", target: &e.username},
		{name: "ship.elasticsearch.password", target: &e.password, secret: true},
		{name: "ship.elasticsearch.api_key", target: &e.apiKey, secret: true},
		{name: "ship.elasticsearch.ssl_ca_location", target: &e.ca, check: certificates},
		{name: "ship.elasticsearch.ssl_insecure_skip_verify", target: &e.insecureSkipVerify},
		{name: "ship.elasticsearch.operations", target: &e.operations, check: needed("an index, an alias or a pattern")},
		{name: "ship.elasticsearch.messages", target: &e.messages, check: needed("an index, an alias or a pattern")},
		{name: "ship.elasticsearch.since", target: &e.since, min: 0},
		{name: "ship.elasticsearch.interval", target: &e.interval, min: second},
		{name: "ship.elasticsearch.overlap", target: &e.overlap, min: 0},
		{name: "ship.elasticsearch.checkpoint", target: &e.checkpoint, check: needed("a file")},
		{name: "ship.webhooks.listen", target: &w.listen, check: listenAddress},
		{name: "ship.webhooks.path", target: &w.path, check: urlPath},
		{name: "ship.webhooks.metrics_listen", target: &w.metricsListen, check: listenAddress},
		{name: "ship.webhooks.signing_key", target: &w.signingKey, secret: true, check: signingKeys},
		{name: "ship.webhooks.rate", target: &w.rate, min: 1},
	}
}
