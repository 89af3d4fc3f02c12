package stream

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/pierrec/lz4/v4"
	"github.com/segmentio/kafka-go/protocol/fetch"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"pgregory.net/rapid"
)

// walk hands a record set through receive and deliver, as a response would go, and returns the position after it.
func walk(t tester, h *recorder, from, high int64, tolerant bool, set []byte, aborted ...fetch.ResponseTransaction) (*reader, got) {
	t.Helper()
	c := &Consumer{log: zap.NewNop()}
	c.status.Skipped = make(map[string]int64)
	r := &reader{Consumer: c, h: h, gen: &generation{over: make(chan struct{})}}
	defer r.codecs.close()
	var raw rawRecords
	wire := append(binary.BigEndian.AppendUint32(nil, uint32(len(set))), set...)
	if n, err := raw.ReadFrom(bytes.NewReader(wire)); err != nil || n != int64(len(wire)) {
		t.Fatalf("ReadFrom: %d of %d, %v", n, len(wire), err)
	}
	p := fetchPartition{HighWatermark: high, LastStableOffset: -1, Records: raw, AbortedTransactions: aborted}
	g := receive(want{key: key{"rows", 0}, offset: from, tolerant: tolerant}, &p)
	g.changed = true
	if err := r.deliver(nil, &g, time.Time{}); err != nil {
		t.Fatal(err)
	}
	return r, g
}

func drawSample(t *rapid.T, offset int64) sample {
	optional := rapid.OneOf(rapid.Just([]byte(nil)), rapid.SliceOfN(rapid.Byte(), 0, 40))
	s := sample{offset: offset, time: rapid.Int64Range(0, 1<<41).Draw(t, "time"), key: optional.Draw(t, "key"), value: optional.Draw(t, "value")}
	for i := range rapid.IntRange(0, 3).Draw(t, "headers") {
		s.headers = append(s.headers, Header{Key: fmt.Sprint("h", i), Value: optional.Draw(t, "header")})
	}
	return s
}

func (s sample) seen() seen {
	out := seen{0, s.offset, s.time, string(s.key), string(s.value), nil}
	for _, h := range s.headers {
		out.headers = append(out.headers, h.Key+"="+string(h.Value))
	}
	return out
}

// However records lie in batches, whatever compresses them, holes and empty batches between, cut at the end: the records from
// the wanted offset on come out, once, in order.
func TestAnySplitGivesTheSameRecords(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var set []byte
		var all []sample
		var ends []int64 // position after each batch
		offset := rapid.Int64Range(0, 1<<40).Draw(t, "first")
		for range rapid.IntRange(0, 4).Draw(t, "batches") {
			var batch []sample
			for range rapid.IntRange(0, 6).Draw(t, "records") {
				batch = append(batch, drawSample(t, offset))
				offset += rapid.Int64Range(1, 3).Draw(t, "step")
			}
			offset += rapid.Int64Range(1, 3).Draw(t, "hole")
			set = append(set, encode(t, rapid.Int16Range(0, 4).Draw(t, "codec"), 0, -1, offset, batch...)...)
			all, ends = append(all, batch...), append(ends, offset)
		}
		from := rapid.Int64Range(0, offset).Draw(t, "from")
		if len(all) > 0 {
			from = rapid.Int64Range(all[0].offset, offset).Draw(t, "from")
		}
		if len(ends) > 0 && rapid.Bool().Draw(t, "cut") { // a whole batch and the beginning of another
			more := encode(t, 0, 0, -1, offset+1, sample{offset: offset, value: []byte("cut off")})
			set = append(set, more[:rapid.IntRange(0, len(more)-1).Draw(t, "kept")]...)
		}
		h := newRecorder()
		_, g := walk(t, h, from, offset, false, set)
		var want []seen
		for _, s := range all {
			if s.offset >= from {
				want = append(want, s.seen())
			}
		}
		if !reflect.DeepEqual(h.records, want) || len(h.gaps) > 0 || len(h.faults) > 0 {
			t.Fatalf("from %d: records\n%v\nwant\n%v\ngaps %v faults %v", from, h.records, want, h.gaps, h.faults)
		}
		if end := max(from, append([]int64{0}, ends...)[len(ends)]); g.next != end {
			t.Fatalf("position %d, want %d", g.next, end)
		}
	})
}

func three(first int64) []sample {
	return []sample{{offset: first, value: []byte("a")}, {offset: first + 1, value: []byte("b")}, {offset: first + 2, value: []byte("c")}}
}

func offsets(h *recorder) []int64 {
	var out []int64
	for _, r := range h.records {
		out = append(out, r.offset)
	}
	return out
}

// Broken stretches: first refused, so that they are asked for again, then counted exactly and passed over.
func TestBrokenBatches(t *testing.T) {
	good, next := encode(t, 0, 0, -1, 3, three(0)...), encode(t, 0, 0, -1, 9, three(6)...)
	flipped := encode(t, 0, 0, -1, 6, three(3)...)
	flipped[len(flipped)-1] ^= 1
	lying := encode(t, 0, 0, -1, 6, three(3)...) // more records promised than there are
	binary.BigEndian.PutUint32(lying[57:], 4)
	unknown := encode(t, 7, 0, -1, 6, three(3)...)
	garbage := encode(t, 0, 0, -1, 6, three(3)...) // a record that claims more bytes than there are
	garbage[headerSize] = 0xfe
	old := make([]byte, 12+22) // a message of format 1 at offset 5: the last one of a compressed set that began at 3
	old[7], old[11], old[magicAt] = 5, 22, 1
	torn := encode(t, 4, 0, -1, 6, three(3)...) // the checksum holds, the compression does not
	torn[headerSize] ^= 0xff
	wild := encode(t, 0, 0, -1, 6, three(3)...) // the header names an end far away, and the checksum fails
	binary.BigEndian.PutUint32(wild[23:], 1<<30)
	for name, c := range map[string]struct {
		batch   []byte
		refused bool // at first
		read    []int64
		gap     gap
	}{
		"checksum":       {flipped, true, nil, gap{0, 3, 6, GapCorrupt}},
		"wild end":       {wild, true, nil, gap{0, 3, 6, GapCorrupt}},
		"missing record": {seal(lying), false, []int64{3, 4, 5}, gap{}},
		"unknown codec":  {unknown, false, nil, gap{0, 3, 6, GapCorrupt}},
		"record length":  {seal(garbage), false, nil, gap{0, 3, 6, GapCorrupt}},
		"old format":     {old, false, nil, gap{0, 3, 6, GapOldFormat}},
		"compression":    {seal(torn), false, nil, gap{0, 3, 6, GapCorrupt}},
	} {
		t.Run(name, func(t *testing.T) {
			set := slices.Concat(good, c.batch, next)
			if c.refused {
				h := newRecorder()
				if _, g := walk(t, h, 0, 9, false, set); g.next != 3 || !g.broken || len(h.gaps) > 0 || len(h.records) != 3 {
					t.Errorf("at first: position %d, broken %v, gaps %v, %d records", g.next, g.broken, h.gaps, len(h.records))
				}
			}
			h := newRecorder()
			_, g := walk(t, h, 0, 9, true, set)
			if want := slices.Concat([]int64{0, 1, 2}, c.read, []int64{6, 7, 8}); !slices.Equal(offsets(h), want) || g.next != 9 {
				t.Errorf("read %v, want %v; position %d", offsets(h), want, g.next)
			}
			var gaps []gap
			if c.gap != (gap{}) {
				gaps = []gap{c.gap}
			}
			if !slices.Equal(h.gaps, gaps) || len(h.faults) > 0 {
				t.Errorf("gaps %v, want %v; faults %v", h.gaps, gaps, h.faults)
			}
		})
	}
}

// A malformed record costs itself and what follows it in its batch, not what stands before.
func TestMalformedRecordInTheMiddle(t *testing.T) {
	batch := encode(t, 0, 0, -1, 3, three(0)...)
	size := (len(batch) - headerSize) / 3
	batch[headerSize+size] = 0x7e
	h := newRecorder()
	walk(t, h, 0, 3, false, seal(batch))
	if !slices.Equal(offsets(h), []int64{0}) || !slices.Equal(h.gaps, []gap{{0, 1, 3, GapCorrupt}}) {
		t.Errorf("read %v, gaps %v", offsets(h), h.gaps)
	}
}

func TestTransactions(t *testing.T) {
	marker := func(kind byte, producer, offset int64) []byte {
		return encode(t, 0, attrControl|attrTxn, producer, offset+1, sample{offset: offset, key: []byte{0, 0, 0, kind}, value: make([]byte, 6)})
	}
	const abort, commit = 0, 1
	txn := func(producer, offset int64) []byte {
		return encode(t, 3, attrTxn, producer, offset+1, sample{offset: offset, value: []byte("x")})
	}
	set := slices.Concat(txn(7, 0), txn(8, 1), marker(abort, 7, 2), txn(7, 3), marker(commit, 7, 4), txn(8, 5), marker(abort, 8, 6), txn(8, 7),
		marker(commit, 8, 8), encode(t, 0, 0, -1, 10, sample{offset: 9}))
	h := newRecorder()
	r, g := walk(t, h, 0, 10, false, set, fetch.ResponseTransaction{ProducerID: 8, FirstOffset: 1}, fetch.ResponseTransaction{ProducerID: 7, FirstOffset: 0})
	if !slices.Equal(offsets(h), []int64{3, 7, 9}) || g.next != 10 || len(h.gaps) > 0 {
		t.Errorf("read %v up to %d, gaps %v", offsets(h), g.next, h.gaps)
	}
	if skipped := r.Status().Skipped; skipped[SkipControl] != 4 || skipped[SkipAborted] != 3 {
		t.Errorf("skipped %v", skipped)
	}
}

// Sizes that lie, and sizes that are true but too much.
func TestOversize(t *testing.T) {
	bomb := encode(t, 4, 0, -1, 3, three(0)...)[:headerSize]
	bomb = append(bomb, bombs(t)[4]...)
	binary.BigEndian.PutUint32(bomb[8:], uint32(len(bomb)-lengthEnd))
	h := newRecorder()
	walk(t, h, 0, 1, false, seal(bomb))
	if !slices.Equal(h.gaps, []gap{{0, 0, 3, GapOversize}}) || len(h.records) > 0 {
		t.Errorf("expanded: gaps %v, %d records", h.gaps, len(h.records))
	}
	h = newRecorder()
	huge := encode(t, 0, 0, -1, 3, three(0)...)
	binary.BigEndian.PutUint32(huge[8:], maxRecordSet)
	huge = append(huge, make([]byte, maxRecordSet)...)
	if _, g := walk(t, h, 0, 3, false, huge); g.next != 3 || !slices.Equal(h.gaps, []gap{{0, 0, 3, GapOversize}}) {
		t.Errorf("on the wire: position %d, gaps %v", g.next, h.gaps)
	}
}

// A length that promises more than comes takes no memory for it.
func TestPromisedLength(t *testing.T) {
	wire := append(binary.BigEndian.AppendUint32(nil, maxRecordSet), "short"...)
	var raw rawRecords
	if _, err := raw.ReadFrom(bytes.NewReader(wire)); err == nil || raw.set != nil {
		t.Errorf("error %v, set %v", err, raw.set)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		raw.ReadFrom(bytes.NewReader(wire))
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 40*partitionBytes { // some goes twice when the race detector looks on
		t.Errorf("%d bytes for ten times five", n)
	}
}

// Many tiny records, and many headers, are handed over piece by piece.
func TestLargeBatchIsHandedOverInPieces(t *testing.T) {
	t.Parallel()
	const n = 2*chunkMost + 5
	var samples []sample
	for i := range int64(2 * n) {
		samples = append(samples, sample{offset: i, value: fmt.Append(nil, i)})
	}
	for _, codec := range []int16{0, 3} {
		h := newRecorder()
		largest := 0
		h.onBatch = func(b Batch) error { largest = max(largest, len(b.Records)); return nil }
		set := slices.Concat(encode(t, codec, 0, -1, n, samples[:n]...), encode(t, codec, 0, -1, 2*n, samples[n:]...))
		_, g := walk(t, h, 2, 2*n, false, set)
		if len(h.records) != 2*n-2 || g.next != 2*n || largest > chunkMost || len(h.faults) > 0 {
			t.Fatalf("%d records up to %d, largest batch %d, faults %v", len(h.records), g.next, largest, h.faults)
		}
		for i, r := range h.records {
			if r.value != fmt.Sprint(i+2) {
				t.Fatalf("record %d: %v", i, r)
			}
		}
	}
}

// bombs are small inputs that expand to more than maxExpanded, by codec.
func bombs(t testing.TB) map[int16][]byte {
	const block = 64 << 10
	was := maxExpanded
	maxExpanded = 1 << 20
	t.Cleanup(func() { maxExpanded = was })
	n, plain := maxExpanded/block+1, make([]byte, block)
	out := make(map[int16][]byte)
	for _, codec := range []int16{1, 4} { // members, and frames, may follow one another
		out[codec] = bytes.Repeat(compress(t, codec, plain), n)
	}
	snappy := javaSnappy(plain, block)
	out[2] = append(snappy[:16:16], bytes.Repeat(snappy[16:], n)...)
	var c lz4.Compressor
	packed := make([]byte, lz4.CompressBlockBound(block))
	size, err := c.CompressBlock(plain, packed)
	if err != nil {
		t.Fatal(err)
	}
	one := append(binary.LittleEndian.AppendUint32(nil, uint32(size)), packed[:size]...)
	out[3] = append([]byte{0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0}, append(bytes.Repeat(one, n), 0, 0, 0, 0)...)
	return out
}

func TestBombs(t *testing.T) {
	var c codecs
	defer c.close()
	for codec, bomb := range bombs(t) {
		if out, err := c.expand(codec, nil, bomb); err != errExpanded || len(out) > 2*maxExpanded {
			t.Errorf("codec %d: %d bytes became %d, error %v", codec, len(bomb), len(out), err)
		}
	}
}

func TestJavaSnappy(t *testing.T) {
	plain := bytes.Repeat([]byte("a row of a log, "), 10000)
	out, err := expandSnappy([]byte("before"), javaSnappy(plain, 32<<10))
	if err != nil || string(out) != "before"+string(plain) {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

// FuzzScan walks whatever comes. It never panics and never moves backwards; what another decoder reads in the first batch is
// what we read.
func FuzzScan(f *testing.F) {
	for codec := range int16(6) {
		f.Add(slices.Concat(encode(f, codec, 0, 1, 3, three(0)...), encode(f, 0, attrControl, 1, 4)), int64(1), true)
		f.Add(encode(f, codec, attrTxn, 7, 9, sample{offset: 5, time: 1 << 40, key: []byte("k"), headers: []Header{{"h", []byte("v")}}}), int64(0), false)
	}
	f.Fuzz(func(t *testing.T, set []byte, from int64, tolerant bool) {
		if len(set) > crcAt+4 && len(set) >= headerSize && set[magicAt] == 2 {
			if size := int64(lengthEnd) + int64(int32(binary.BigEndian.Uint32(set[8:]))); size >= headerSize && size <= int64(len(set)) {
				seal(set[:size]) // else no change of a byte would get past the checksum
			}
		}
		from = max(from, 0)
		h := newRecorder()
		_, g := walk(t, h, from, -1, tolerant, set)
		if g.next < from || len(h.faults) > 0 {
			t.Fatalf("from %d to %d, faults %v", from, g.next, h.faults)
		}
		for _, gap := range h.gaps {
			if gap.from < from || gap.to <= gap.from || gap.to > g.next {
				t.Fatalf("from %d to %d, gap %v", from, g.next, gap)
			}
		}
		if len(h.gaps) == 0 && !g.broken {
			compareFirst(t, set, from, h)
		}
	})
}

// reference decodes a batch with kfake; nil when that cannot: it looks at checksums inside the compression, which we do not,
// and panics on some malformed records.
func reference(b kmsg.RecordBatch) (records []kmsg.Record) {
	defer func() {
		if recover() != nil {
			records = nil
		}
	}()
	records, err := kfake.BatchRecords(b)
	if err != nil {
		return nil
	}
	return records
}

// compareFirst checks the records of the first batch against those that kfake's decoder finds.
func compareFirst(t *testing.T, set []byte, from int64, h *recorder) {
	var b kmsg.RecordBatch
	if b.ReadFrom(set) != nil || b.Magic != 2 || b.Attributes&attrControl != 0 {
		return
	}
	records := reference(b)
	var i int
	for _, r := range records {
		if b.FirstOffset+int64(r.OffsetDelta) < from {
			continue
		}
		if i >= len(h.records) || h.records[i].offset != b.FirstOffset+int64(r.OffsetDelta) || h.records[i].value != string(r.Value) ||
			h.records[i].key != string(r.Key) || len(h.records[i].headers) != len(r.Headers) {
			t.Fatalf("record %d: %+v; ours: %v", i, r, h.records)
		}
		i++
	}
}
