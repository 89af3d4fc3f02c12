package stream

import (
	"encoding/binary"
	"hash/crc32"
)

// Layout of a record batch, format 2 (Kafka's DefaultRecordBatch), all big endian:
//
//	0 base offset int64 · 8 length of what follows int32 · 12 leader epoch int32 · 16 magic int8 · 17 CRC-32C of the rest uint32
//	21 attributes int16 · 23 last offset delta int32 · 27 first time int64 · 35 max time int64 · 43 producer id int64
//	51 producer epoch int16 · 53 base sequence int32 · 57 records int32 · 61 records, compressed or not
const (
	lengthEnd   = 12 // base offset and length
	magicAt     = 16
	crcAt       = 17
	crcFrom     = 21
	headerSize  = 61
	oldMinimum  = 14 // smallest length of a message of format 0: CRC, magic, attributes, two lengths
	attrCodec   = 0x07
	attrLogTime = 0x08
	attrTxn     = 0x10
	attrControl = 0x20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame is one record batch inside a record set, its checksum verified; or, with bad set, a stretch that is skipped.
type frame struct {
	bad        string // Gap constant; then only from and next count
	from       int64  // first offset that is skipped or wanted
	base, next int64  // offset that deltas count from; offset after the batch
	attributes int16
	firstTime  int64
	maxTime    int64
	producer   int64
	records    int32
	body       []byte
}

// recordSet is what a broker sent for one partition.
type recordSet struct {
	bytes  []byte
	cut    bool // larger than maxRecordSet: bytes holds only its beginning
	frames []frame
}

// scan walks the batches that hold offsets >= from, checks their checksums and fills s.frames. It returns the position
// after them and whether it stopped before something broken. Tolerant, it skips what is broken instead; a broken stretch
// never reaches beyond high, the end of the partition. The position only grows.
func (s *recordSet) scan(from, high int64, tolerant bool) (next int64, broken bool) {
	s.frames = s.frames[:0]
	next = from
	for b := s.bytes; len(b) > 0; {
		f, size := readFrame(b, next)
		switch {
		case size > len(b) && len(s.frames) > 0, len(b) < lengthEnd && len(s.frames) > 0:
			return next, false // the broker cuts the last batch to fit the response
		case s.cut || size > maxRecordSet:
			f.bad = GapOversize
		case size > len(b) || len(b) < lengthEnd:
			f.bad = GapCorrupt
		}
		if f.bad == GapCorrupt && !tolerant {
			return next, true
		}
		if f.bad != "" {
			f.next = bound(f.next, next, high)
			if after, ok := nextBase(b, size); ok && after > next && f.bad == GapCorrupt {
				f.next = after
			}
		}
		if f.next > next {
			f.from = next
			s.frames = append(s.frames, f)
			next = f.next
		}
		if size < lengthEnd || size > len(b) {
			return next, false // the next batch cannot be found
		}
		b = b[size:]
	}
	return next, false
}

// readFrame reads the batch at the start of b. size is the whole batch as it says itself, 0 when it does not.
func readFrame(b []byte, want int64) (f frame, size int) {
	f = frame{bad: GapCorrupt, next: want + 1}
	if len(b) < lengthEnd {
		return f, 0
	}
	f.base = int64(binary.BigEndian.Uint64(b))
	length := int(int32(binary.BigEndian.Uint32(b[8:])))
	if length < oldMinimum || f.base < 0 {
		return f, 0
	}
	size = lengthEnd + length
	switch {
	case len(b) <= magicAt:
		return f, size
	case b[magicAt] < 2: // a message of the old formats; its offset is that of its last record
		f.bad, f.next = GapOldFormat, f.base+1
		return f, size
	case b[magicAt] > 2 || size < headerSize || len(b) < headerSize:
		return f, size
	}
	last := int32(binary.BigEndian.Uint32(b[23:]))
	if last >= 0 {
		f.next = f.base + int64(last) + 1
	}
	if last < 0 || f.next < f.base || size > len(b) ||
		crc32.Checksum(b[crcFrom:size], castagnoli) != binary.BigEndian.Uint32(b[crcAt:]) {
		return f, size
	}
	f.bad = ""
	f.attributes = int16(binary.BigEndian.Uint16(b[21:]))
	f.firstTime = int64(binary.BigEndian.Uint64(b[27:]))
	f.maxTime = int64(binary.BigEndian.Uint64(b[35:]))
	f.producer = int64(binary.BigEndian.Uint64(b[43:]))
	f.records = int32(binary.BigEndian.Uint32(b[57:]))
	f.body = b[headerSize:size]
	return f, size
}

// bound keeps the end of a broken stretch, which a broken header names, to at least one offset and at most the end.
func bound(end, from, high int64) int64 {
	if end <= from || (high > from && end > high) {
		return from + 1
	}
	return end
}

// nextBase is the offset of the batch after a broken one of this size, when a whole sound one follows.
func nextBase(b []byte, size int) (int64, bool) {
	if size < lengthEnd || size >= len(b) {
		return 0, false
	}
	f, _ := readFrame(b[size:], 0)
	return f.base, f.bad == ""
}
