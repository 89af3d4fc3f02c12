package stream

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/revwatch/revwatch/internal/broker"
)

// counter is a handler that does nothing but stop after so many records.
type counter struct {
	left, bytes int64
	stop        context.CancelFunc
}

func (*counter) Assigned(string, int, int64, int64) (int64, bool) { return 0, true }
func (*counter) Revoked()                                         {}
func (*counter) Paused(string, int) bool                          { return false }
func (*counter) Gap(string, int, int64, int64, string)            {}
func (*counter) Tick() error                                      { return nil }
func (c *counter) Batch(b Batch) error {
	c.left -= int64(len(b.Records))
	for i := range b.Records {
		c.bytes += int64(len(b.Records[i].Value))
	}
	if c.left <= 0 {
		c.stop()
	}
	return nil
}

// BenchmarkRead is the way of 1 KB records through this package, the socket included. The broker, which serves one canned batch
// for ever, is in the same process, so its work is counted too: BenchmarkIntegration has it elsewhere, BenchmarkWalk has none.
func BenchmarkRead(b *testing.B) {
	for name, codec := range map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()} {
		b.Run(name, func(b *testing.B) {
			br := start(b, broker.Options{Topics: []string{"rows"}, Partitions: 8, Extra: []kfake.Opt{kfake.SyntheticFetch(kfake.SyntheticBatch{
				Records: 900, RecordBytes: 1024, RandomFrac: 0.2, Compression: codec,
			})}})
			readAll(b, br.Addrs(), "rows")
		})
	}
}

// readAll reads b.N records as fast as they come and reports what that costs.
func readAll(b *testing.B, addrs []string, topic string) {
	c, err := New(Options{Brokers: addrs, Topics: []string{topic}, GroupID: fmt.Sprint("bench", time.Now().UnixNano())})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	h := &counter{left: int64(b.N), stop: cancel}
	wanted := h.left
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu(b)
	if err := c.Run(ctx, h); err != nil {
		b.Fatal(err)
	}
	read := float64(wanted - h.left)
	b.ReportMetric(float64(cpu(b)-before)/1e3/read, "cpu-µs/record")
	b.ReportMetric(read/b.Elapsed().Seconds(), "records/s")
	b.SetBytes(h.bytes / max(int64(read), 1))
}

// cpu is what this process has used so far, user and system.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkWalk is the same without network: from the bytes of a record set to records.
func BenchmarkWalk(b *testing.B) {
	for name, codec := range map[string]int16{"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4} {
		b.Run(name, func(b *testing.B) {
			samples := make([]sample, 900)
			for i := range samples {
				samples[i] = sample{offset: int64(i), value: row(i)}
			}
			set := recordSet{bytes: encode(b, codec, 0, -1, 900, samples...)}
			var cs codecs
			defer cs.close()
			var chunk chunk
			b.SetBytes(1024)
			b.ReportAllocs()
			before := cpu(b)
			n := 0
			for ; n < b.N; n += len(samples) {
				set.scan(0, 900, false)
				f := &set.frames[0]
				body := f.body
				if codec != 0 {
					body, _ = cs.expand(codec, chunk.arena, f.body)
					chunk.arena = body
				}
				r := f.open(body)
				if err := chunk.add(&r); err != nil || len(chunk.records) != len(samples) {
					b.Fatal(err, len(chunk.records))
				}
				chunk.reset()
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(n), "cpu-ns/record")
		})
	}
}

// row is a value of 1 KB that compresses about as well as log rows do.
func row(i int) []byte {
	out := fmt.Appendf(make([]byte, 0, 1024), `{"id":"%020d","type":"action","level":"info","operation":`, i*7919)
	for j := 0; len(out) < 960; j++ {
		out = fmt.Appendf(out, `,"field_%d":"value %x"`, j, uint32(i*2654435761+j*40503))
	}
	return append(out, make([]byte, 1024-len(out))...)[:1024]
}
