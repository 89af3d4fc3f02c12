package main

import (
	"context"
	"net"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/revwatch/revwatch/internal/broker"
	"github.com/revwatch/revwatch/pkg/simulate"
	"github.com/revwatch/revwatch/pkg/web"
)

// benchRecords is the length of the log a benchmark of the daemon reads: some seconds of its CPU are needed for a steady figure.
const benchRecords = 1_000_000

// BenchmarkRun is the CPU of the whole process per record, with a Kafka in the same process, whose part is included; 1 % of the records matter.
func BenchmarkRun(b *testing.B) {
	k, err := broker.Start(broker.Options{Topics: []string{"nango-logs"}, Partitions: 8, DataDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer k.Close()
	benchmarkRun(b, k.Addrs())
}

// benchmarkRun reads the whole log b.N times, each time from its start with a new state.
func benchmarkRun(b *testing.B, brokers []string) {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	w := &kafka.Writer{Addr: kafka.TCP(brokers...), Topic: "nango-logs", Balancer: &kafka.Hash{}, RequiredAcks: kafka.RequireAll,
		BatchSize: 1000, BatchTimeout: time.Millisecond, Compression: kafka.Lz4, Transport: transport}
	defer w.Close()
	messages, bytes := make([]kafka.Message, 0, 10_000), 0
	simulate.Corpus(benchRecords, 0.01, 1, func(r simulate.Row) {
		messages = append(messages, kafka.Message{Key: r.Key, Value: r.Value, Time: r.Time})
		bytes += len(r.Value)
		if len(messages) == cap(messages) {
			if err := w.WriteMessages(b.Context(), messages...); err != nil {
				b.Fatal(err)
			}
			messages = messages[:0]
		}
	})
	b.SetBytes(int64(bytes / benchRecords))
	before := cpu()
	b.ResetTimer()
	for range b.N {
		readAll(b, brokers)
	}
	b.ReportMetric(float64(cpu()-before)/float64(b.N)/benchRecords/1000, "cpu-µs/record")
}

func readAll(b *testing.B, brokers []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	c := defaults()
	c.kafka.brokers, c.statePath = brokers, filepath.Join(b.TempDir(), "state.db")
	ctx, stop := context.WithCancel(b.Context())
	var read atomic.Int64
	d := daemon{config: c, listener: listener, log: zap.NewNop(), now: time.Now, tick: 50 * time.Millisecond, every: time.Second, watch: func(x web.Snapshot) {
		read.Store(x.Reader.Records)
		if x.Reader.Records >= benchRecords {
			stop()
		}
	}}
	if err := d.run(ctx); err != nil {
		b.Fatal(err)
	}
	if read.Load() < benchRecords {
		b.Fatalf("%d records read", read.Load())
	}
}

// cpu is the time of the processor that this process has used, in nanoseconds.
func cpu() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
