package stream

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/revwatch/revwatch/internal/broker"
)

const patience = 20 * time.Second // no test waits longer for anything; all of them need a fraction of it

// eventually polls until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still waiting: %s", what)
		}
	}
}

func start(t testing.TB, o broker.Options) *broker.Broker {
	t.Helper()
	b, err := broker.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// write produces the messages in order, each call in batches of its own.
func write(t testing.TB, addrs []string, topic string, codec kafka.Compression, messages ...kafka.Message) {
	t.Helper()
	transport := &kafka.Transport{MetadataTopics: []string{topic}}
	defer transport.CloseIdleConnections()
	w := &kafka.Writer{
		Addr: kafka.TCP(addrs...), Topic: topic, Transport: transport, BatchTimeout: time.Millisecond, Compression: codec,
		RequiredAcks: kafka.RequireAll, Balancer: toPartition{},
	}
	defer w.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.WriteMessages(ctx, messages...); err != nil {
		t.Fatal(err)
	}
}

// toPartition sends each message to the partition that it names.
type toPartition struct{}

func (toPartition) Balance(m kafka.Message, _ ...int) int { return m.WriterData.(int) }

// values makes n messages for a partition, numbered from first.
func values(partition, first, n int) []kafka.Message {
	out := make([]kafka.Message, n)
	for i := range out {
		out[i] = kafka.Message{WriterData: partition, Value: fmt.Appendf(nil, "%d/%d", partition, first+i)}
	}
	return out
}

// seen is a record that outlives its batch.
type seen struct {
	partition  int
	offset     int64
	time       int64
	key, value string
	headers    []string
}

type gap struct {
	partition int
	from, to  int64
	reason    string
}

// recorder is a handler that keeps what it is given; a position only moves on, so it finds repeats and jumps.
type recorder struct {
	mu       sync.Mutex
	consumer *Consumer
	records  []seen
	gaps     []gap
	next     map[string]map[int]int64 // positions, kept like state
	high     map[int]int64
	assigned int
	revoked  int
	batches  int
	ticks    int
	paused   map[int]bool
	faults   []string
	onBatch  func(Batch) error
	onRevoke func()
}

func newRecorder() *recorder {
	return &recorder{next: make(map[string]map[int]int64), high: make(map[int]int64), paused: make(map[int]bool)}
}

func (r *recorder) Assigned(topic string, partition int, end, committed int64) (int64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.assigned++
	position, ok := r.next[topic][partition]
	return position, ok
}

func (r *recorder) Revoked() {
	r.mu.Lock()
	r.revoked++
	then := r.onRevoke
	r.mu.Unlock()
	if r.consumer != nil {
		r.consumer.Commit(r.positions())
	}
	if then != nil {
		then()
	}
}

func (r *recorder) positions() Positions {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := make(Positions)
	p.merge(r.next)
	return p
}

func (r *recorder) Batch(b Batch) error {
	r.mu.Lock()
	r.batches++
	then := r.onBatch
	if r.next[b.Topic] == nil {
		r.next[b.Topic] = make(map[int]int64)
	}
	next, known := r.next[b.Topic][b.Partition]
	for _, rec := range b.Records {
		if known && rec.Offset < next || rec.Offset >= b.Next {
			r.faults = append(r.faults, fmt.Sprintf("%s/%d: offset %d, position %d, next %d", b.Topic, b.Partition, rec.Offset, next, b.Next))
		}
		next = rec.Offset + 1
		s := seen{b.Partition, rec.Offset, rec.Time, string(rec.Key), string(rec.Value), nil}
		for _, h := range rec.Headers {
			s.headers = append(s.headers, h.Key+"="+string(h.Value))
		}
		r.records = append(r.records, s)
	}
	r.next[b.Topic][b.Partition], r.high[b.Partition] = b.Next, b.HighWatermark
	r.mu.Unlock()
	if then != nil {
		return then(b)
	}
	return nil
}

func (r *recorder) Paused(_ string, partition int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.paused[partition]
}

func (r *recorder) Gap(topic string, partition int, from, to int64, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gaps = append(r.gaps, gap{partition, from, to, reason})
	if r.next[topic] == nil {
		r.next[topic] = make(map[int]int64)
	}
	r.next[topic][partition] = to
}

func (r *recorder) Tick() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ticks++
	return nil
}

func (r *recorder) ticked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ticks
}

func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.records)
}

// locked evaluates f under the recorder's lock.
func locked[T any](r *recorder, f func() T) T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return f()
}

// quick are options with short times.
func quick(addrs []string, topics ...string) Options {
	return Options{
		Brokers: addrs, Topics: topics, GroupID: "group", Tick: 20 * time.Millisecond, SessionTimeout: time.Second,
		Heartbeat: 50 * time.Millisecond, MaxWait: 50 * time.Millisecond, WatchEvery: 100 * time.Millisecond, metadataTTL: 50 * time.Millisecond,
	}
}

// running is a consumer whose Run goes on beside the test.
type running struct {
	*Consumer
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// run starts a consumer; it is stopped at the end of the test.
func run(t testing.TB, o Options, h *recorder) *running {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	h.consumer = c
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Consumer: c, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = c.Run(ctx, h)
	}()
	t.Cleanup(func() { r.stop(t) })
	return r
}

// stop ends Run and returns how long that took.
func (r *running) stop(t testing.TB) time.Duration {
	t.Helper()
	began := time.Now()
	r.cancel()
	select {
	case <-r.done:
	case <-time.After(patience):
		t.Fatal("Run does not return")
	}
	return time.Since(began)
}
