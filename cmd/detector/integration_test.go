//go:build integration

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

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

// The doctor looks at a topic of Apache Kafka, and says why it cannot look at others.
func TestIntegrationDoctor(t *testing.T) {
	cluster := apache.Start(t, apache.Options{Topics: []string{"nango-logs"}, Partitions: 3})
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	w := &kafka.Writer{Addr: kafka.TCP(cluster.Addrs()...), Topic: "nango-logs", Balancer: &kafka.Hash{}, RequiredAcks: kafka.RequireAll, BatchSize: 1000, BatchTimeout: time.Millisecond, Transport: transport}
	defer w.Close()
	if err := w.WriteMessages(t.Context(), lived(9, asIs)...); err != nil {
		t.Fatal(err)
	}
	brokers := "kafka.brokers: [" + strings.Join(cluster.Addrs(), ", ") + "]\n"
	both := doctorCase{codes: "customers", not: "needed operations_only history no_failures", works: "alerts on revocations=yes causes=yes history=yes", next: "set nango.secret_key_file"}
	both.check(t, "-for", "0", "-config", write(t, brokers+"kafka.topics: [nango-logs]\n"))

	groups, err := (&kafka.Client{Addr: kafka.TCP(cluster.Addrs()...), Transport: transport}).ListGroups(t.Context(), &kafka.ListGroupsRequest{})
	if err != nil || len(groups.Groups) > 0 {
		t.Errorf("groups %+v, %v", groups, err)
	}
	user := apache.User("SCRAM-SHA-512")
	secure := fmt.Sprintf("kafka: {brokers: [%s], topics: [nango-logs], security_protocol: SASL_SSL, sasl_mechanism: SCRAM-SHA-512, sasl_username: %s, ", strings.Join(cluster.SASLAddrs(), ", "), user.Name)
	for config, want := range map[string]string{
		brokers + "kafka.topics: [nango_logs]\n":                                      "there is no topic nango_logs, but there is nango-logs",
		secure + "sasl_password: wrong, ssl_ca_location: " + cluster.CAFile() + "}\n": "the brokers refuse the user " + user.Name,
		secure + "sasl_password: " + user.Password + "}\n":                            "set kafka.ssl_ca_location",
	} {
		if code, out, errs := said(t, "doctor", "-for", "0", "-config", write(t, config)); code != exitFailure || out != "" || !strings.Contains(errs, want) {
			t.Errorf("exit code %d, said\n%s%swant %s", code, out, errs, want)
		}
	}
	if code, out, errs := said(t, "doctor", "-for", "0", "-config", write(t, secure+"sasl_password: "+user.Password+", ssl_ca_location: "+cluster.CAFile()+"}\n")); code != exitOK {
		t.Errorf("exit code %d, said\n%s%s", code, out, errs)
	}
}
