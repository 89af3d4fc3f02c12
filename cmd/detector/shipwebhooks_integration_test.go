//go:build integration

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/internal/broker/apache"
)

// The webhooks of a company without log indices, through Apache Kafka over SASL_SSL into an incident. The broker is killed while deliveries come and
// comes back: each is answered when it is on the topic.
func TestIntegrationShipWebhooks(t *testing.T) {
	kafka := apache.Start(t, apache.Options{Topics: []string{"nango-logs"}, Partitions: 3, Config: map[string]string{"group.min.session.timeout.ms": "1000"}})
	s := newSiteAt(t, kafka.Addrs(), nil)
	shipHooksToIncident(t, s)

	hooks := s.receiveHooks(s.config(s.hookSettings()...))
	hooks.deliver(time.Now(), [][]byte{[]byte(`{"connectionId":"before","from":"nango","type":"auth"}`)})
	kafka.Kill()
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		hooks.deliver(time.Now(), [][]byte{[]byte(`{"connectionId":"while","from":"nango","type":"auth"}`)})
	}()
	s.await("a write that fails", func() bool {
		_, metrics := s.at(hooks.status, "/metrics")
		return !strings.Contains(metrics, "revwatch_ship_webhooks_write_failures_total 0\n")
	})
	kafka.Restart()
	<-delivered
}
