package stream

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// tester is what testing.TB and rapid.T have in common.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// sample is a record of a batch made for a test.
type sample struct {
	offset, time int64
	key, value   []byte
	headers      []Header
}

// encode makes a record batch of the samples that ends before next: by another library than the one that reads it.
func encode(t tester, codec, attributes int16, producer, next int64, samples ...sample) []byte {
	t.Helper()
	base, first, most := next-1, int64(0), int64(0)
	if len(samples) > 0 {
		base, first = samples[0].offset, samples[0].time
	}
	var body []byte
	for _, s := range samples {
		r := kmsg.Record{TimestampDelta64: s.time - first, OffsetDelta: int32(s.offset - base), Key: s.key, Value: s.value}
		for _, h := range s.headers {
			r.Headers = append(r.Headers, kmsg.Header{Key: h.Key, Value: h.Value})
		}
		r.Length = int32(len(r.AppendTo(nil)) - 1)
		body = r.AppendTo(body)
		most = max(most, s.time)
	}
	b := kmsg.RecordBatch{
		FirstOffset: base, Magic: 2, Attributes: attributes | codec, LastOffsetDelta: int32(next - 1 - base),
		FirstTimestamp: first, MaxTimestamp: most, ProducerID: producer, NumRecords: int32(len(samples)),
		Records: compress(t, codec, body),
	}
	b.Length = int32(headerSize - lengthEnd + len(b.Records))
	return seal(b.AppendTo(nil))
}

// seal mends the checksum of a batch.
func seal(b []byte) []byte {
	binary.BigEndian.PutUint32(b[crcAt:], crc32.Checksum(b[crcFrom:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func compress(t tester, codec int16, plain []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var err error
	switch codec {
	case 1:
		w := gzip.NewWriter(&out)
		_, err = w.Write(plain)
		w.Close()
	case 2:
		return snappy.Encode(nil, plain)
	case 3:
		w := lz4.NewWriter(&out)
		_, err = w.Write(plain)
		w.Close()
	case 4:
		w, _ := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
		_, err = w.Write(plain)
		w.Close()
	default:
		return plain
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// javaSnappy frames a snappy stream as Kafka's Java client does, in blocks of the given size.
func javaSnappy(plain []byte, block int) []byte {
	out := append(bytes.Clone(framedSnappy), 0, 0, 0, 1, 0, 0, 0, 1)
	for len(plain) > 0 {
		n := min(block, len(plain))
		packed := snappy.Encode(nil, plain[:n])
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(packed))), packed...)
		plain = plain[n:]
	}
	return out
}
