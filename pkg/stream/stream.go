// Package stream reads Kafka topics: group membership with one owner, raw fetch, record batches, positions, gaps, stalls.
// It knows nothing of what the records mean.
package stream

import (
	"time"
)

// Record is one Kafka record. Its slices are valid only until the handler returns.
type Record struct {
	Offset  int64
	Time    int64 // append or create time, Unix milliseconds; -1 when the record has none
	Key     []byte
	Value   []byte // nil for a tombstone
	Headers []Header
}

// Header is a record header.
type Header struct {
	Key   string
	Value []byte
}

// Batch is what one fetch brought for one partition.
type Batch struct {
	Topic         string
	Partition     int
	Records       []Record
	Next          int64     // position after the batch; may be past the last record (compaction, control batches)
	HighWatermark int64     // end of the partition at the fetch; Next >= HighWatermark means caught up
	FetchedAt     time.Time // Options.Now before the request was sent
}

// Handler receives everything from Consumer.Run, always on the goroutine that called Run, one call at a time.
type Handler interface {
	// Assigned begins ownership of a partition whose high watermark is now end. It returns the position of our own state;
	// ok false means there is none and auto.offset.reset decides.
	Assigned(topic string, partition int, end int64) (position int64, ok bool)
	// Revoked ends ownership: commit state, then return quickly.
	Revoked()
	// Batch hands over records (Records may be empty when only Next or HighWatermark moved, or the partition is caught up).
	// An error ends Run.
	Batch(b Batch) error
	// Paused says whether the partition should not be fetched for now.
	Paused(topic string, partition int) bool
	// Gap reports offsets [from, to) that are lost for good: retention, truncation, an unreadable batch.
	Gap(topic string, partition int, from, to int64, reason string)
	// Tick is called about every Options.Tick, with or without records.
	Tick() error
}

// Positions maps a topic to the next offset of each partition.
type Positions map[string]map[int]int64

// Status is a snapshot for health and metrics; safe for any goroutine.
type Status struct {
	Joined     bool // a generation is held
	Owner      bool // partitions are assigned to us
	Generation int32
	Partitions int
	Err        string // the last error, "" once it works again
	Stalled    int    // watchdog rebuilds so far
}
