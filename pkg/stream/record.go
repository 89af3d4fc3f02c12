package stream

import (
	"encoding/binary"
	"errors"
)

var errRecord = errors.New("malformed record")

const (
	maxNames   = 256      // header keys that are kept to be shared between records
	maxHeaders = 1 << 16  // of one record; further ones are left out
	chunkMost  = 1 << 14  // records, or headers, that are decoded before they are handed over
	keepArena  = 16 << 20 // a larger arena is not kept for the next chunk
)

// names gives equal header keys one string.
type names map[string]string

func (n *names) intern(b []byte) string {
	if s, ok := (*n)[string(b)]; ok {
		return s
	}
	s := string(b)
	if *n == nil {
		*n = make(names)
	}
	if len(*n) < maxNames {
		(*n)[s] = s
	}
	return s
}

// cursor reads the fields of records; after a malformed one ok is false and everything reads as zero.
type cursor struct {
	b  []byte
	ok bool
}

func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.ok, c.b = false, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

// take returns the next n bytes; nil for -1, which stands for null.
func (c *cursor) take(n int64) []byte {
	if n == -1 {
		return nil
	}
	if n < 0 || n > int64(len(c.b)) {
		c.ok, c.b = false, nil
		return nil
	}
	out := c.b[:n:n]
	c.b = c.b[n:]
	return out
}

// chunk collects decoded records of one partition until they are handed over; its memory is used again.
type chunk struct {
	records []Record
	headers []Header
	arena   []byte // decompressed bodies
	names   names
}

func (c *chunk) reset() {
	if cap(c.arena) > keepArena {
		c.arena = nil
	}
	c.records, c.headers, c.arena = c.records[:0], c.headers[:0], c.arena[:0]
}

// full says that no more records should be collected: tiny records take more memory decoded than they do on the wire.
func (c *chunk) full() bool { return len(c.records) >= chunkMost || len(c.headers) >= chunkMost }

// batchReader walks the records of one batch.
type batchReader struct {
	f    *frame
	cur  cursor
	left int32 // records to come
	next int64 // offset from which on nothing has been added
	last int64 // offset of the newest record walked over
}

// open begins to walk a batch whose body is plain.
func (f *frame) open(body []byte) batchReader {
	return batchReader{f: f, cur: cursor{b: body, ok: true}, left: f.records, next: f.from, last: f.base - 1}
}

// add appends records from the wanted offset on until the batch ends (then left is 0) or the chunk is full. On an error the
// records before the malformed one have been added.
func (c *chunk) add(b *batchReader) error {
	if b.left < 0 {
		return errRecord
	}
	for ; b.left > 0 && !c.full(); b.left-- {
		length := b.cur.varint()
		in := cursor{b: b.cur.take(length), ok: b.cur.ok && length >= 0}
		r, ok := c.record(b.f, &in)
		if !ok || r.Offset <= b.last || r.Offset >= b.f.next {
			return errRecord
		}
		b.last = r.Offset
		if r.Offset >= b.f.from {
			c.records = append(c.records, r)
			b.next = r.Offset + 1
		}
	}
	return nil
}

func (c *chunk) record(f *frame, in *cursor) (Record, bool) {
	in.take(1) // attributes, unused by Kafka
	r := Record{Time: f.firstTime + in.varint()}
	if f.attributes&attrLogTime != 0 {
		r.Time = f.maxTime
	}
	if r.Time < 0 {
		r.Time = -1
	}
	delta := in.varint()
	if delta < 0 {
		return r, false
	}
	r.Offset = f.base + delta
	r.Key = in.take(in.varint())
	r.Value = in.take(in.varint())
	n := in.varint()
	if !in.ok || n < 0 || n > int64(len(in.b)/2) {
		return r, false
	}
	if n == 0 {
		return r, true
	}
	first := len(c.headers)
	for range min(n, maxHeaders) {
		key := in.take(in.varint())
		value := in.take(in.varint())
		if !in.ok {
			return r, false
		}
		c.headers = append(c.headers, Header{Key: c.names.intern(key), Value: value})
	}
	r.Headers = c.headers[first:len(c.headers):len(c.headers)]
	return r, true
}

// abortMarker says whether the body of a control batch marks the abort of its producer's transaction.
func abortMarker(f *frame) bool {
	cur := cursor{b: f.body, ok: true}
	in := cursor{b: cur.take(cur.varint()), ok: cur.ok}
	in.take(1)
	in.varint()
	in.varint()
	key := in.take(in.varint())
	// key: version int16, type int16: 0 abort, 1 commit
	return in.ok && len(key) >= 4 && binary.BigEndian.Uint16(key[2:]) == 0
}
