package stream

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// kafka-go's transport decodes a fetch response into the types registered for its API key. Ours takes record sets as they
// are: its own type copies every batch through pages and does not look at control and aborted batches. The registration
// is for the whole process: kafka.Client.Fetch does not work any more, Reader, Conn and Writer do.
func init() { protocol.Register(&fetch.Request{}, &fetchResponse{}) }

type fetchResponse struct {
	ThrottleTimeMs int32        `kafka:"min=v1,max=v11"`
	ErrorCode      int16        `kafka:"min=v7,max=v11"`
	SessionID      int32        `kafka:"min=v7,max=v11"`
	Topics         []fetchTopic `kafka:"min=v0,max=v11"`
}

// ApiKey makes it a protocol.Message.
func (*fetchResponse) ApiKey() protocol.ApiKey { return protocol.Fetch }

type fetchTopic struct {
	Topic      string           `kafka:"min=v0,max=v11"`
	Partitions []fetchPartition `kafka:"min=v0,max=v11"`
}

type fetchPartition struct {
	Partition            int32                       `kafka:"min=v0,max=v11"`
	ErrorCode            int16                       `kafka:"min=v0,max=v11"`
	HighWatermark        int64                       `kafka:"min=v0,max=v11"`
	LastStableOffset     int64                       `kafka:"min=v4,max=v11"`
	LogStartOffset       int64                       `kafka:"min=v5,max=v11"`
	AbortedTransactions  []fetch.ResponseTransaction `kafka:"min=v4,max=v11"`
	PreferredReadReplica int32                       `kafka:"min=v11,max=v11"`
	Records              rawRecords                  `kafka:"min=v0,max=v11"`
}

// rawRecords takes a record set off the wire; set is nil when it is empty.
type rawRecords struct{ set *recordSet }

var recordSets = sync.Pool{New: func() any { return new(recordSet) }}

// ReadFrom makes kafka-go's decoder hand over the stream at this field: a length, then that many bytes.
func (r *rawRecords) ReadFrom(from io.Reader) (int64, error) {
	var length [4]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return 0, err
	}
	n := int(int32(binary.BigEndian.Uint32(length[:])))
	if n <= 0 {
		return 4, nil
	}
	s := recordSets.Get().(*recordSet)
	keep := n
	if s.cut = n > maxRecordSet; s.cut {
		keep = headerSize
	}
	s.bytes = s.bytes[:0]
	for have := 0; have < keep; have = len(s.bytes) { // memory for what has come, not for what the length promises
		step := min(keep-have, max(partitionBytes, have))
		s.bytes = slices.Grow(s.bytes, step)[:have+step]
		if _, err := io.ReadFull(from, s.bytes[have:]); err != nil {
			recordSets.Put(s)
			return 4, err
		}
	}
	if s.cut {
		if _, err := io.CopyN(io.Discard, from, int64(n-keep)); err != nil {
			return 4, err
		}
	}
	r.set = s
	return int64(4 + n), nil
}

const (
	maxRecordSet   = 32 << 20         // the largest record set of one partition that is held in memory
	fetchBytes     = 8 << 20          // of one response, more only for a single larger batch
	partitionBytes = 1 << 20          // of one partition in it
	fetchMargin    = 10 * time.Second // what a response may take beyond MaxWait
)

// want is one partition to fetch.
type want struct {
	key      key
	offset   int64
	tolerant bool // skip what is broken
}

// got is what came for it.
type got struct {
	want
	err     error // of this partition
	next    int64 // position after the set
	high    int64 // end of what can be read
	broken  bool  // the set stopped before something broken
	set     *recordSet
	aborted []fetch.ResponseTransaction
	changed bool // position or end moved, or the end is reached
	refused bool // the broker cannot read what is there: one offset is skipped
}

// fetched is the answer to one order.
type fetched struct {
	at    time.Time // Options.Now before the request
	err   error     // of the whole request
	wants []want
	got   []got
}

func (f *fetched) release() {
	for i := range f.got {
		f.got[i].release()
	}
}

func (g *got) release() {
	if g.set != nil {
		recordSets.Put(g.set)
		g.set = nil
	}
}

// fetcher sends one request for all wanted partitions of one broker and checks what comes.
type fetcher struct {
	transport kafka.RoundTripper
	addr      net.Addr
	maxWait   time.Duration
	now       func() time.Time
}

func (f *fetcher) fetch(ctx context.Context, wants []want) fetched {
	out := fetched{at: f.now(), wants: wants}
	ctx, cancel := context.WithTimeout(ctx, f.maxWait+fetchMargin) // a half-open connection must not hold it for ever
	defer cancel()
	m, err := f.transport.RoundTrip(ctx, f.addr, f.request(wants))
	if err != nil {
		out.err = err
		return out
	}
	res := m.(*fetchResponse)
	if res.ErrorCode != 0 {
		out.err = kafka.Error(res.ErrorCode)
	}
	byKey := make(map[key]want, len(wants))
	for _, w := range wants {
		byKey[w.key] = w
	}
	for i := range res.Topics {
		t := &res.Topics[i]
		for j := range t.Partitions {
			if w, ok := byKey[key{t.Topic, t.Partitions[j].Partition}]; ok {
				out.got = append(out.got, receive(w, &t.Partitions[j]))
			}
		}
	}
	return out
}

func (f *fetcher) request(wants []want) *fetch.Request {
	r := &fetch.Request{
		ReplicaID: -1, SessionEpoch: -1, IsolationLevel: int8(kafka.ReadCommitted),
		MaxWaitTime: int32(f.maxWait.Milliseconds()), MinBytes: 1, MaxBytes: fetchBytes,
	}
	for _, w := range wants {
		if n := len(r.Topics); n == 0 || r.Topics[n-1].Topic != w.key.topic {
			r.Topics = append(r.Topics, fetch.RequestTopic{Topic: w.key.topic})
		}
		t := &r.Topics[len(r.Topics)-1]
		t.Partitions = append(t.Partitions, fetch.RequestPartition{
			Partition: w.key.partition, CurrentLeaderEpoch: -1, FetchOffset: w.offset, LogStartOffset: -1,
			PartitionMaxBytes: partitionBytes,
		})
	}
	return r
}

func receive(w want, p *fetchPartition) got {
	g := got{want: w, next: w.offset, high: p.HighWatermark, set: p.Records.set, aborted: p.AbortedTransactions}
	if p.LastStableOffset >= 0 && p.LastStableOffset < g.high {
		g.high = p.LastStableOffset
	}
	if p.ErrorCode != 0 {
		g.err = kafka.Error(p.ErrorCode)
		g.release()
	}
	if g.set != nil {
		g.next, g.broken = g.set.scan(w.offset, p.HighWatermark, w.tolerant)
	}
	return g
}
