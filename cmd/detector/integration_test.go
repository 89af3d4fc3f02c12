//go:build integration

package main

import (
	"testing"

	"github.com/revwatch/revwatch/internal/broker/apache"
)

// The whole program against Apache Kafka over SASL_SSL: it learns from the topic, the broker is killed and comes back, a mass revocation is
// written and told, and told once although the daemon starts again.
func TestIntegrationRun(t *testing.T) {
	kafka := apache.Start(t, apache.Options{Topics: []string{"nango-logs"}, Partitions: 3, Config: map[string]string{"group.min.session.timeout.ms": "1000"}})
	s := newSiteAt(t, kafka.Addrs(), nil)
	rows, before := s.produceUntilLoss(15)

	user := apache.User("SCRAM-SHA-512")
	s.brokers = kafka.SASLAddrs() // of the daemons; the producer has its own way
	config := s.config("kafka.security_protocol: SASL_SSL", "kafka.sasl_mechanism: SCRAM-SHA-512", "kafka.sasl_username: "+user.Name,
		"kafka.sasl_password: "+user.Password, "kafka.ssl_ca_location: "+kafka.CAFile())
	stop := s.start(config)
	s.awaitRead(before)

	kafka.Kill()
	s.await("not ready without a broker", func() bool { code, _ := s.get("/readyz"); return code == 503 })
	kafka.Restart()
	s.produce(rows[before:])
	s.await("an alert", func() bool { return s.slack.about(lost) > 0 })
	s.awaitRead(len(rows))
	s.await("ready again", func() bool { code, _ := s.get("/readyz"); return code == 200 })
	if n := s.metric(`^revwatch_broken_connections_total\{.*provider="google-mail"`); n < 50 {
		t.Errorf("%v broken", n)
	}
	if code := stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	stop = s.start(config)
	s.awaitRead(len(rows))
	if code := stop(); code != exitOK || s.slack.about(lost) != 1 {
		t.Errorf("exit code %d, %d posts after a restart, want one", code, s.slack.about(lost))
	}
}

// BenchmarkIntegrationRun is the CPU of the whole daemon per record, with Apache Kafka in a process of its own; 1 % of the records matter.
func BenchmarkIntegrationRun(b *testing.B) {
	kafka := apache.Start(b, apache.Options{Topics: []string{"nango-logs"}, Partitions: 8})
	benchmarkRun(b, kafka.Addrs())
}
