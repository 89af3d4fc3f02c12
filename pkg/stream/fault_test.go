package stream

import (
	"context"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/revwatch/revwatch/internal/broker"
)

// Keys, headers, times and tombstones come through every codec.
func TestRecordsOfAllCodecs(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Topics: []string{"rows"}})
	var want []seen
	at := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	for i, codec := range []kafka.Compression{0, kafka.Gzip, kafka.Snappy, kafka.Lz4, kafka.Zstd} {
		var messages []kafka.Message
		for j := range 20 {
			m := kafka.Message{WriterData: 0, Time: at.Add(time.Duration(i*20+j) * time.Second), Key: fmt.Append(nil, "key", j)}
			m.Headers = []kafka.Header{{Key: "codec", Value: fmt.Append(nil, codec)}, {Key: "empty"}}
			if j != 7 {
				m.Value = fmt.Append(nil, "value of ", i, " ", j)
			}
			messages = append(messages, m)
			want = append(want, seen{0, int64(len(want)), m.Time.UnixMilli(), string(m.Key), string(m.Value),
				[]string{fmt.Sprint("codec=", codec), "empty="}})
		}
		write(t, b.Addrs(), "rows", codec, messages...)
	}
	h := newRecorder()
	run(t, quick(b.Addrs(), "rows"), h)
	eventually(t, "100 records", func() bool { return h.count() == 100 })
	for i, got := range h.records {
		if !reflect.DeepEqual(got, want[i]) {
			t.Fatalf("record %d: %+v, want %+v", i, got, want[i])
		}
	}
}

// Whatever the cluster does to itself, every record comes once, in order.
func TestClusterUnrest(t *testing.T) {
	t.Parallel()
	type disturbance func(*kfake.Cluster) *kfake.FaultHandle
	fault := func(f ...kfake.Fault) disturbance {
		return func(c *kfake.Cluster) *kfake.FaultHandle { return c.Fault(f...) }
	}
	other := func(do func(*kfake.Cluster)) disturbance {
		return func(c *kfake.Cluster) *kfake.FaultHandle { do(c); return nil }
	}
	for name, disturb := range map[string]disturbance{
		"leaders move":        other((*kfake.Cluster).ShufflePartitionLeaders),
		"coordinators move":   other((*kfake.Cluster).RehashCoordinators),
		"not leader":          fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.NotLeaderForPartition, Count: 3}),
		"storage":             fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "rows", Partitions: []int32{1}, Err: kerr.KafkaStorageError, Count: 2}),
		"unknown":             fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.UnknownServerError, Count: 2}),
		"topic gone for once": fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.UnknownTopicOrPartition, Count: 2}),
		"out of range":        fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.OffsetOutOfRange, Count: 2}),
		"whole request":       fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, TopLevel: true, Err: kerr.UnknownServerError, Count: 2}),
		"offsets refused": fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.OffsetOutOfRange},
			kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.NotLeaderForPartition, Count: 2}),
		"heartbeat refused": fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID, Count: 1}),
		"rebalance":         fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.RebalanceInProgress, Count: 1}),
		"no coordinator":    fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat, kmsg.FindCoordinator}, Err: kerr.CoordinatorNotAvailable, Count: 2}),
		"lines cut": other(func(c *kfake.Cluster) {
			c.ControlKey(kmsg.Fetch.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) { return nil, context.Canceled, true })
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of the time is waiting for back-off
			b := start(t, broker.Options{Topics: []string{"rows"}, Partitions: 3, Brokers: 3})
			write(t, b.Addrs(), "rows", kafka.Lz4, slices.Concat(values(0, 0, 10), values(1, 0, 10), values(2, 0, 10))...)
			h := newRecorder()
			c := run(t, quick(b.Addrs(), "rows"), h)
			eventually(t, "30 records", func() bool { return h.count() == 30 })
			hit := disturb(b.Cluster)
			write(t, b.Addrs(), "rows", kafka.Lz4, slices.Concat(values(0, 10, 10), values(1, 10, 10), values(2, 10, 10))...)
			eventually(t, "60 records", func() bool { return h.count() >= 60 })
			eventually(t, "the fault", func() bool { return hit == nil || hit.Hits() > 0 })
			eventually(t, "no error", func() bool { s := c.Status(); return s.Err == "" && s.Owner })
			if h.count() != 60 || len(h.lost()) > 0 || len(h.faults) > 0 {
				t.Errorf("%d records, gaps %v, faults %v", h.count(), h.lost(), h.faults)
			}
		})
	}
}

// brokenLog answers all fetches of partition 0 from a record set of our own; it counts those at offset 3.
func brokenLog(b *broker.Broker, log *atomic.Pointer[[]byte], high int64, thirds *atomic.Int32) {
	b.Cluster.ControlKey(kmsg.Fetch.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.Cluster.KeepControl()
		request := r.(*kmsg.FetchRequest)
		if request.Topics[0].Partitions[0].FetchOffset == 3 {
			thirds.Add(1)
		}
		response := request.ResponseKind().(*kmsg.FetchResponse)
		p := kmsg.NewFetchResponseTopicPartition()
		p.HighWatermark, p.LastStableOffset = high, high
		for rest := *log.Load(); len(rest) > 0; {
			size := lengthEnd + int(binary.BigEndian.Uint32(rest[8:]))
			if end := int64(binary.BigEndian.Uint64(rest)) + int64(binary.BigEndian.Uint32(rest[23:])) + 1; end > request.Topics[0].Partitions[0].FetchOffset {
				p.RecordBatches = rest
				break
			}
			rest = rest[size:]
		}
		response.Topics = []kmsg.FetchResponseTopic{{Topic: request.Topics[0].Topic, Partitions: []kmsg.FetchResponseTopicPartition{p}}}
		return response, nil, true
	})
}

// A batch whose checksum fails is asked for twice more, then counted and passed over; what comes after it is read.
func TestPoisonBatch(t *testing.T) {
	b := start(t, broker.Options{Topics: []string{"rows"}})
	poison := encode(t, 0, 0, -1, 6, three(3)...)
	poison[len(poison)-1] ^= 1
	set := slices.Concat(encode(t, 3, 0, -1, 3, three(0)...), poison, encode(t, 3, 0, -1, 9, three(6)...))
	var log atomic.Pointer[[]byte]
	log.Store(&set)
	var thirds atomic.Int32
	brokenLog(b, &log, 9, &thirds)
	h := newRecorder()
	c := run(t, quick(b.Addrs(), "rows"), h)
	eventually(t, "the end", func() bool { return h.count() == 6 })
	c.stop(t)
	if !slices.Equal(h.lost(), []gap{{0, 3, 6, GapCorrupt}}) || !slices.Equal(h.offsets(), []int64{0, 1, 2, 6, 7, 8}) {
		t.Errorf("gaps %v, read %v", h.lost(), h.offsets())
	}
	if n := thirds.Load(); n != trust {
		t.Errorf("asked for %d times more", n)
	}
	if s := c.Status(); s.Skipped[GapCorrupt] != 1 || s.Bytes == 0 {
		t.Errorf("%+v", s)
	}
}

// What the broker itself cannot read costs one offset after each three tries.
func TestUnreadableForTheBroker(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Topics: []string{"rows"}})
	write(t, b.Addrs(), "rows", 0, values(0, 0, 5)...)
	b.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.CorruptMessage, Count: trust + 1})
	h := newRecorder()
	run(t, quick(b.Addrs(), "rows"), h)
	eventually(t, "the rest", func() bool { return h.count() == 4 })
	if !slices.Equal(h.lost(), []gap{{0, 0, 1, GapCorrupt}}) || !slices.Equal(h.offsets(), upTo(1, 5)) {
		t.Errorf("gaps %v, read %v", h.lost(), h.offsets())
	}
}

// The end says that there are records and none come: the connections are rebuilt, again and again, until some do.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Topics: []string{"rows"}})
	var log atomic.Pointer[[]byte]
	log.Store(new([]byte))
	brokenLog(b, &log, 3, new(atomic.Int32))
	o := quick(b.Addrs(), "rows")
	o.StallAfter = 100 * time.Millisecond
	h := newRecorder()
	c := run(t, o, h)
	eventually(t, "two rebuilds", func() bool { return c.Status().Stalled >= 2 })
	set := encode(t, 0, 0, -1, 3, three(0)...)
	log.Store(&set)
	eventually(t, "3 records", func() bool { return h.count() == 3 })
	stalled := c.Status().Stalled
	eventually(t, "some ticks", func() bool { return h.ticked() > 20 })
	if s := c.Status(); s.Stalled > stalled+1 {
		t.Errorf("%d stalls at the end of the log, %d before", s.Stalled, stalled)
	}
}

// A broker that takes a fetch and never answers it.
func TestHangingFetch(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Topics: []string{"rows"}})
	write(t, b.Addrs(), "rows", 0, values(0, 0, 5)...)
	b.Cluster.ControlKey(kmsg.Fetch.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) { return nil, nil, true })
	o := quick(b.Addrs(), "rows")
	o.StallAfter = 100 * time.Millisecond
	h := newRecorder()
	c := run(t, o, h)
	eventually(t, "5 records", func() bool { return h.count() == 5 })
	if s := c.Status(); s.Stalled == 0 {
		t.Errorf("%+v", s)
	}
}

// Committed and aborted transactions as a real client writes them; Next passes markers, an open one holds back the end.
func TestTransactionsOfAnotherClient(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Topics: []string{"rows"}})
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs()...), kgo.TransactionalID("writer"), kgo.DefaultProduceTopic("rows"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i, commit := range []kgo.TransactionEndTry{true, false, true, false, false} {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := client.ProduceSync(ctx, kgo.StringRecord(fmt.Sprint(i))).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := client.EndTransaction(ctx, commit); err != nil {
			t.Fatal(err)
		}
	}
	end := b.Cluster.PartitionInfo("rows", 0).HighWatermark
	h := newRecorder()
	c := run(t, quick(b.Addrs(), "rows"), h)
	eventually(t, "the end", func() bool { return locked(h, func() bool { return h.next["rows"][0] == end }) })
	var got []string
	for _, r := range h.records {
		got = append(got, r.value)
	}
	if !slices.Equal(got, []string{"0", "0", "0", "2", "2", "2"}) || len(h.lost()) > 0 {
		t.Errorf("read %v, gaps %v", got, h.lost())
	}
	if s := c.Status(); s.Skipped[SkipControl] != 5 || s.Skipped[SkipAborted] == 0 {
		t.Errorf("%+v", s)
	}
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(ctx, kgo.StringRecord("open")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	batches := locked(h, func() int { return h.batches })
	eventually(t, "some fetches", func() bool { return locked(h, func() bool { return h.batches > batches+3 }) })
	if high := locked(h, func() int64 { return h.high[0] }); high != end || h.count() != 6 {
		t.Errorf("end %d with an open transaction, want %d; %d records", high, end, h.count())
	}
	if err := client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its record", func() bool { return h.count() == 7 })
}

// Compaction leaves holes; positions pass over them without a gap.
func TestCompactedTopic(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{})
	if err := b.Cluster.CreateTopic("rows", 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		write(t, b.Addrs(), "rows", kafka.Zstd, kafka.Message{WriterData: 0, Key: fmt.Append(nil, i%4), Value: fmt.Append(nil, i)})
	}
	b.Cluster.Compact()
	h := newRecorder()
	run(t, quick(b.Addrs(), "rows"), h)
	eventually(t, "the end", func() bool { return locked(h, func() bool { return h.next["rows"][0] == 30 }) })
	if n := h.count(); n == 0 || n >= 30 || len(h.lost()) > 0 || h.records[n-1].offset != 29 {
		t.Errorf("%d records, gaps %v", n, h.lost())
	}
}

// A batch larger than what is asked for comes whole, and starves nobody.
func TestLargeBatchesInAllPartitions(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Partitions: 3, Topics: []string{"rows"}, Extra: []kfake.Opt{kfake.BrokerConfigs(map[string]string{"message.max.bytes": "12000000"})}})
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs()...), kgo.ProducerBatchMaxBytes(11<<20), kgo.MaxBufferedBytes(64<<20),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.DefaultProduceTopic("rows"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i := range int32(4) {
		if err := client.ProduceSync(ctx, &kgo.Record{Partition: i % 3, Value: make([]byte, 9<<19)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	h := newRecorder()
	run(t, quick(b.Addrs(), "rows"), h)
	eventually(t, "4 records", func() bool { return h.count() == 4 })
	if len(h.lost()) > 0 {
		t.Errorf("gaps %v", h.lost())
	}
}

// Every partition has more than a response holds, for ever, and the broker fills it with the first that it is asked for, as
// Kafka does: all of them move on.
func TestNoPartitionStarves(t *testing.T) {
	b := start(t, broker.Options{Partitions: 3, Topics: []string{"rows"}})
	b.Cluster.ControlKey(kmsg.Fetch.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.Cluster.KeepControl()
		request := r.(*kmsg.FetchRequest)
		response := request.ResponseKind().(*kmsg.FetchResponse)
		topic := kmsg.FetchResponseTopic{Topic: "rows"}
		for i, asked := range request.Topics[0].Partitions {
			p := kmsg.NewFetchResponseTopicPartition()
			p.Partition, p.HighWatermark, p.LastStableOffset = asked.Partition, 1<<40, 1<<40
			if i == 0 {
				p.RecordBatches = encode(t, 0, 0, -1, asked.FetchOffset+3, three(asked.FetchOffset)...)
			}
			topic.Partitions = append(topic.Partitions, p)
		}
		response.Topics = append(response.Topics, topic)
		return response, nil, true
	})
	h := newRecorder()
	run(t, quick(b.Addrs(), "rows"), h)
	eventually(t, "records of all partitions", func() bool {
		return locked(h, func() bool { n := h.next["rows"]; return n[0] > 0 && n[1] > 0 && n[2] > 0 })
	})
}
