package broker_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/goleak"

	"github.com/revwatch/revwatch/internal/broker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What the demo does: start, write over the protocol, find everything there, stop without a trace.
func TestWriteAndCount(t *testing.T) {
	b, err := broker.Start(broker.Options{Topics: []string{"rows"}, Partitions: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	w := &kafka.Writer{ // without RequiredAcks it would not wait for the broker
		Addr: kafka.TCP(b.Addrs()...), Topic: "rows", Transport: transport, BatchTimeout: time.Millisecond, RequiredAcks: kafka.RequireAll,
	}
	defer w.Close()
	var messages []kafka.Message
	for i := range 300 {
		messages = append(messages, kafka.Message{Key: fmt.Append(nil, i), Value: []byte("row")})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := w.WriteMessages(ctx, messages...); err != nil {
		t.Fatal(err)
	}
	var total int64
	for _, p := range b.Cluster.PartitionInfos("rows") {
		total += p.HighWatermark
	}
	if len(b.Cluster.PartitionInfos("rows")) != 3 || total != 300 {
		t.Errorf("%d partitions hold %d records, want 3 and 300", len(b.Cluster.PartitionInfos("rows")), total)
	}
}

func TestRefusesNegativeSizes(t *testing.T) {
	for _, o := range []broker.Options{{Partitions: -1}, {Brokers: -1}} {
		if b, err := broker.Start(o); err == nil {
			b.Close()
			t.Errorf("%+v: no error", o)
		}
	}
}
