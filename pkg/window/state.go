package window

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// The buckets of the stored ledger.
const (
	bucketLedger  = "window.ledger"  // ["environment","integration","connection"] → entry
	bucketReasons = "window.reasons" // environment → how many failures of the last days said why
)

// Changes emits what changed since the last call and must be stored; a nil value deletes.
func (l *Ledger) Changes(put func(bucket, key string, value []byte)) {
	for key := range l.changed {
		name := string(encode([3]string{key.Environment, key.Integration, key.Connection}))
		if n := l.entries[key]; n != nil {
			put(bucketLedger, name, encode(n))
		} else {
			put(bucketLedger, name, nil)
		}
	}
	for environment := range l.speaks {
		put(bucketReasons, environment, encode(l.reasons[environment]))
	}
	clear(l.changed)
	clear(l.speaks)
}

// Restore takes back what Changes emitted, in any order, before the first Observe. It ignores other buckets.
func (l *Ledger) Restore(bucket, key string, value []byte) error {
	switch bucket {
	case bucketLedger:
		var id [3]string
		n := &entry{}
		if err := json.Unmarshal([]byte(key), &id); err != nil {
			return fmt.Errorf("restore %s %q: %w", bucket, key, err)
		}
		if err := json.Unmarshal(value, n); err != nil {
			return fmt.Errorf("restore %s %q: %w", bucket, key, err)
		}
		at := ledgerKey{id[0], id[1], id[2]}
		l.entries[at] = n
		l.tally(at, n, 1)
	case bucketReasons:
		s := &shares{}
		if err := json.Unmarshal(value, s); err != nil {
			return fmt.Errorf("restore %s %q: %w", bucket, key, err)
		}
		l.reasons[key] = s
	}
	return nil
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs of numbers, strings and times
	}
	return b
}

// dayBytes is a day of a Ring as it is stored: a count of two bytes a slot, then a bit a slot that says whether it is masked.
const dayBytes = 2*SlotsPerDay + SlotsPerDay/8

// AppendDay appends one UTC day, as days since 1970, in the form SetDay takes.
func (r *Ring) AppendDay(b []byte, day int64) []byte {
	at := len(b)
	b = append(b, make([]byte, dayBytes)...)
	for i := range int64(SlotsPerDay) {
		s := day*SlotsPerDay + i
		if !r.holds(s) {
			continue
		}
		binary.LittleEndian.PutUint16(b[at+2*int(i):], r.counts[r.index(s)])
		if r.Masked(s) {
			b[at+2*SlotsPerDay+int(i)/8] |= 1 << (i % 8)
		}
	}
	return b
}

// SetDay takes back a day; the ring moves on to its end when that is newer than what it holds.
func (r *Ring) SetDay(day int64, b []byte) error {
	if len(b) != dayBytes {
		return fmt.Errorf("a day of counts has %d bytes, not %d", len(b), dayBytes)
	}
	first := day * SlotsPerDay
	if !r.filled || first+SlotsPerDay-1 > r.newest {
		r.Move(first + SlotsPerDay - 1)
	}
	for i := range int64(SlotsPerDay) {
		if s := first + i; r.holds(s) {
			r.counts[r.index(s)] = binary.LittleEndian.Uint16(b[2*i:])
			if b[2*SlotsPerDay+int(i)/8]&(1<<(i%8)) != 0 {
				r.Mask(s)
			}
		}
	}
	return nil
}
