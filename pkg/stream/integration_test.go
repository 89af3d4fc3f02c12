//go:build integration

package stream

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/revwatch/revwatch/internal/broker/apache"
)

// Real Apache Kafka. The cases share one broker, each with a topic and a group of its own; the one that kills it is the last.
func TestIntegration(t *testing.T) {
	c := apache.Start(t, apache.Options{})
	for _, s := range []struct {
		name string
		test func(*testing.T, *apache.Cluster, Options)
	}{
		{"owner", integrateOwner}, {"cut off", integrateCutOff}, {"codecs", integrateCodecs}, {"security", integrateSecurity},
		{"reset", integrateReset}, {"truncated", integrateTruncated}, {"made anew", integrateMadeAnew}, {"missing", integrateMissing},
		{"transactions", integrateTransactions}, {"killed", integrateKilled},
	} {
		t.Run(s.name, func(t *testing.T) {
			topic := strings.ReplaceAll(s.name, " ", "-")
			o := quick(c.Addrs(), topic)
			o.GroupID, o.SessionTimeout = topic, 3*time.Second
			s.test(t, c, o)
		})
	}
}

func integrateOwner(t *testing.T, c *apache.Cluster, o Options) {
	topic := o.Topics[0]
	c.CreateTopic(topic, 3)
	first, second := newRecorder(), newRecorder()
	a := run(t, o, first)
	eventually(t, "an owner", func() bool { return a.Status().Owner })
	z := run(t, o, second)
	eventually(t, "a member that stands by", func() bool { return z.Status().Joined && a.Status().Owner })
	write(t, c.Addrs(), topic, kafka.Lz4, slices.Concat(values(0, 0, 100), values(1, 0, 100), values(2, 0, 100))...)
	eventually(t, "300 records", func() bool { return first.count() == 300 })
	if s := z.Status(); s.Partitions != 0 || second.count() != 0 {
		t.Errorf("standing by: %+v, %d records", s, second.count())
	}
	first.onRevoke = func() { second.adopt(first.positions()) }
	began := time.Now()
	a.stop(t)
	stopped := time.Since(began)
	write(t, c.Addrs(), topic, kafka.Lz4, values(2, 100, 50)...)
	eventually(t, "the successor", func() bool { return second.count() == 50 })
	t.Logf("stopped in %v, taken over after %v", stopped, time.Since(began))
	if got := c.Committed(o.GroupID, topic, 2); got != 100 {
		t.Errorf("committed %d, want 100", got)
	}
}

// The owner loses its lines to the group but not the others: it is replaced after the session timeout, and its commit, in the
// name of the generation it had, is refused.
func integrateCutOff(t *testing.T, c *apache.Cluster, o Options) {
	topic := o.Topics[0]
	c.CreateTopic(topic, 1)
	first, second := newRecorder(), newRecorder()
	a := run(t, o, first)
	eventually(t, "an owner", func() bool { return a.Status().Owner })
	z := run(t, o, second)
	eventually(t, "a member that stands by", func() bool { return z.Status().Joined && a.Status().Owner })
	write(t, c.Addrs(), topic, kafka.Zstd, values(0, 0, 10)...)
	eventually(t, "10 records", func() bool { return first.count() == 10 })
	a.commits.mu.Lock()
	generation := a.commits.gen
	a.commits.mu.Unlock()
	a.lines.cut()
	eventually(t, "the successor", func() bool { return second.count() == 10 })
	if a.Status().Owner {
		t.Error("two owners")
	}
	err := a.commit(t.Context(), Positions{topic: {0: 3}}, generation)
	if !disowned(err) {
		t.Errorf("the commit of the old owner: %v", err)
	}
}

func integrateCodecs(t *testing.T, c *apache.Cluster, o Options) {
	topic := o.Topics[0]
	c.CreateTopic(topic, 1)
	codecs := []kafka.Compression{0, kafka.Gzip, kafka.Snappy, kafka.Lz4, kafka.Zstd}
	for i, codec := range codecs {
		write(t, c.Addrs(), topic, codec, values(0, 1000*i, 1000)...)
	}
	h := newRecorder()
	run(t, o, h)
	eventually(t, "5000 records", func() bool { return h.count() == 1000*len(codecs) })
	for i, r := range h.records {
		if r.offset != int64(i) || r.value != fmt.Sprint("0/", i) {
			t.Fatalf("record %d: %+v", i, r)
		}
	}
}

func integrateSecurity(t *testing.T, c *apache.Cluster, o Options) {
	topic := o.Topics[0]
	c.CreateTopic(topic, 1)
	write(t, c.Addrs(), topic, 0, values(0, 0, 10)...)
	o.Brokers = c.SASLAddrs()
	for _, m := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		u := apache.User(m)
		o.Security = Security{Protocol: "SASL_SSL", Mechanism: m, Username: u.Name, Password: u.Password, CAFile: c.CAFile()}
		o.GroupID = m
		h := newRecorder()
		r := run(t, o, h)
		eventually(t, "10 records by "+m, func() bool { return h.count() == 10 })
		r.stop(t)

		o.Security.Password = "wrong horse"
		w := run(t, o, newRecorder())
		eventually(t, "an error", func() bool { return w.Status().Err != "" })
		if text := w.Status().Err; !strings.Contains(text, "wrong user name or password") {
			t.Errorf("%s: %s", m, text)
		}
		w.stop(t)
	}
}

func integrateReset(t *testing.T, c *apache.Cluster, o Options) {
	topic := o.Topics[0]
	c.CreateTopic(topic, 1)
	write(t, c.Addrs(), topic, 0, values(0, 0, 10)...)
	for reset, first := range map[string]int64{ResetEarliest: 0, ResetLatest: 10} {
		o.Reset, o.GroupID = reset, reset
		h := newRecorder()
		r := run(t, o, h)
		eventually(t, "the end", func() bool { return locked(h, func() bool { return h.next[topic][0] == 10 }) })
		r.stop(t)
		if got := h.offsets(); !slices.Equal(got, upTo(first, 10)) {
			t.Errorf("%s: read %v", reset, got)
		}
	}
	o.Reset, o.GroupID = ResetNone, ResetNone
	r := run(t, o, newRecorder())
	<-r.done
	if r.err == nil {
		t.Error("none: no error")
	}
}

func integrateTruncated(t *testing.T, c *apache.Cluster, o Options) {
	topic := o.Topics[0]
	c.CreateTopic(topic, 1)
	write(t, c.Addrs(), topic, kafka.Lz4, values(0, 0, 10)...)
	h := newRecorder()
	r := run(t, o, h)
	eventually(t, "10 records", func() bool { return h.count() == 10 })
	h.pause(t, 0, true)
	write(t, c.Addrs(), topic, kafka.Lz4, values(0, 10, 10)...)
	c.DeleteRecords(topic, 0, 15) // in the middle of a batch
	h.pause(t, 0, false)
	eventually(t, "the rest", func() bool { return h.count() == 15 })
	r.stop(t)
	if want := append(upTo(0, 10), upTo(15, 20)...); !slices.Equal(h.offsets(), want) || !slices.Equal(h.lost(), []gap{{0, 10, 15, GapRetention}}) {
		t.Errorf("read %v, gaps %v", h.offsets(), h.lost())
	}
}

func integrateMadeAnew(t *testing.T, c *apache.Cluster, o Options) {
	topic := o.Topics[0]
	c.CreateTopic(topic, 1)
	write(t, c.Addrs(), topic, 0, values(0, 0, 10)...)
	h := newRecorder()
	run(t, o, h)
	eventually(t, "10 records", func() bool { return h.count() == 10 })
	c.DeleteTopic(topic)
	c.CreateTopic(topic, 1)
	write(t, c.Addrs(), topic, 0, values(0, 0, 3)...)
	eventually(t, "the new records", func() bool { return h.count() == 13 })
	if !slices.Equal(h.lost(), []gap{{0, 0, 0, GapTruncated}}) || !slices.Equal(h.offsets(), append(upTo(0, 10), upTo(0, 3)...)) {
		t.Errorf("gaps %v, offsets %v", h.lost(), h.offsets())
	}
}

func integrateMissing(t *testing.T, c *apache.Cluster, o Options) {
	topic := o.Topics[0]
	c.CreateTopic(topic, 1)
	o.Topics = append(o.Topics, "later")
	h := newRecorder()
	r := run(t, o, h)
	write(t, c.Addrs(), topic, 0, values(0, 0, 5)...)
	eventually(t, "the topic that is there", func() bool { return h.count() == 5 })
	eventually(t, "a word on the missing one", func() bool { return strings.Contains(r.Status().Err, "later") })
	c.CreateTopic("later", 2)
	write(t, c.Addrs(), "later", 0, values(1, 0, 7)...)
	eventually(t, "its records", func() bool { return h.count() == 12 })
}

func integrateTransactions(t *testing.T, c *apache.Cluster, o Options) {
	topic := o.Topics[0]
	c.CreateTopic(topic, 1)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Addrs()...), kgo.TransactionalID("writer"), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i := range 4 {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(ctx, kgo.StringRecord(fmt.Sprint(i)), kgo.StringRecord(fmt.Sprint(i))).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := client.EndTransaction(ctx, i%2 == 0); err != nil {
			t.Fatal(err)
		}
	}
	h := newRecorder()
	r := run(t, o, h)
	eventually(t, "the end", func() bool { return locked(h, func() bool { return h.next[topic][0] == 12 }) })
	r.stop(t)
	if got := h.offsets(); !slices.Equal(got, []int64{0, 1, 6, 7}) || len(h.lost()) > 0 {
		t.Errorf("read %v, gaps %v", got, h.lost())
	}
}

// The broker is killed and started again while another client writes: every record comes once, in order.
func integrateKilled(t *testing.T, c *apache.Cluster, o Options) {
	topic := o.Topics[0]
	c.CreateTopic(topic, 2)
	h := newRecorder()
	r := run(t, o, h)
	eventually(t, "an owner", func() bool { return r.Status().Owner })
	writer, err := kgo.NewClient(kgo.SeedBrokers(c.Addrs()...), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	produce := func(first, n int) { // idempotent: nothing is written twice
		for i := range n {
			writer.Produce(context.Background(), &kgo.Record{Partition: int32(i % 2), Value: fmt.Append(nil, first+i)}, nil)
		}
	}
	produce(0, 10000)
	eventually(t, "the first records", func() bool { return h.count() > 1000 })
	produce(10000, 10000)
	c.Kill()
	produce(20000, 1000)
	eventually(t, "an error", func() bool { return r.Status().Err != "" })
	began := time.Now()
	c.Restart()
	answered := time.Now()
	eventually(t, "all records", func() bool { return h.count() >= 21000 })
	t.Logf("Kafka started in %v, all was read %v later", answered.Sub(began), time.Since(answered))
	eventually(t, "no error", func() bool { s := r.Status(); return s.Err == "" && s.Owner })
	r.Commit(h.positions())
	eventually(t, "the commit", func() bool { return c.Committed(o.GroupID, topic, 1) == 10500 })
	r.stop(t)
	seenOnce := make(map[string]bool)
	for _, rec := range h.records {
		if seenOnce[rec.value] {
			t.Fatalf("record %s came twice", rec.value)
		}
		seenOnce[rec.value] = true
	}
	if len(seenOnce) != 21000 || len(h.lost()) > 0 || len(h.faults) > 0 {
		t.Errorf("%d records, gaps %v, faults %v", len(seenOnce), h.lost(), h.faults)
	}
}

// BenchmarkIntegration reads 1 KB records from Kafka in a process of its own:
//
//	REVWATCH_KAFKA_JARS=$PWD/.kafka/4.3.0 go test -tags integration -run xxx -bench Integration -benchtime 1000000x ./pkg/stream
func BenchmarkIntegration(b *testing.B) {
	c := apache.Start(b, apache.Options{})
	for name, codec := range map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()} {
		c.CreateTopic(name, 8)
		b.Run(name, func(b *testing.B) {
			topUp(b, c, name, codec)
			readAll(b, c.Addrs(), name)
		})
	}
}

// topUp writes to a topic until it holds b.N records.
func topUp(b *testing.B, c *apache.Cluster, topic string, codec kgo.CompressionCodec) {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Addrs()...), kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(codec),
		kgo.RecordPartitioner(kgo.RoundRobinPartitioner()), kgo.ProducerLinger(20*time.Millisecond))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for i := range b.N {
		client.Produce(context.Background(), &kgo.Record{Value: row(i)}, func(_ *kgo.Record, err error) {
			if err != nil {
				b.Error(err)
			}
		})
	}
	if err := client.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
}
