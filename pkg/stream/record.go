package stream

import (
	"encoding/binary"
	"errors"
)

var errRecord = errors.New("malformed record")

// maxNames bounds the header keys that are kept to be shared between records.
const maxNames = 256

// names gives equal header keys one string.
type names map[string]string

func (n names) intern(b []byte) string {
	if s, ok := n[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(n) < maxNames {
		n[s] = s
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
	c.records, c.headers, c.arena = c.records[:0], c.headers[:0], c.arena[:0]
}

// add appends the records of a batch whose body is plain, from the wanted offset on. On an error the records before the
// malformed one have been added; next is the offset from which records are missing.
func (c *chunk) add(f *frame, body []byte) (next int64, err error) {
	next = f.from
	if f.records < 0 {
		return next, errRecord
	}
	cur := cursor{b: body, ok: true}
	last := f.base - 1
	for range f.records {
		length := cur.varint()
		in := cursor{b: cur.take(length), ok: cur.ok && length >= 0}
		r, ok := c.record(f, &in)
		if !ok || r.Offset <= last || r.Offset >= f.next {
			return next, errRecord
		}
		last = r.Offset
		if r.Offset >= f.from {
			c.records = append(c.records, r)
			next = r.Offset + 1
		}
	}
	return f.next, nil
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
	if !in.ok || n < 0 || n > int64(len(in.b)) {
		return r, false
	}
	if n == 0 {
		return r, true
	}
	first := len(c.headers)
	for range n {
		key := in.take(in.varint())
		value := in.take(in.varint())
		c.headers = append(c.headers, Header{Key: c.names.intern(key), Value: value})
	}
	r.Headers = c.headers[first:len(c.headers):len(c.headers)]
	return r, in.ok
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
