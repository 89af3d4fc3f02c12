// Package stream reads Kafka topics: group membership with one owner, raw fetch, record batches, positions, gaps, stalls.
// It knows nothing of what the records mean.
package stream

import "time"

// Record is one Kafka record. Its slices are valid only until the handler returns.
type Record struct {
	Offset  int64
	Time    int64 // append or create time, Unix milliseconds; -1 when the record has none
	Key     []byte
	Value   []byte   // nil for a tombstone
	Headers []Header // the first 65,536 at most
}

// Header is a record header. It is an alias so that slices of it can be handed on to a package that has the same one.
type Header = struct {
	Key   string
	Value []byte
}

// Batch is a run of records of one partition, in offset order; one fetch may bring several.
type Batch struct {
	Topic         string
	Partition     int
	Records       []Record
	Next          int64     // position after the batch; may be past the last record (compaction, control batches)
	HighWatermark int64     // end of what can be read (open transactions excluded); Next >= HighWatermark means caught up
	FetchedAt     time.Time // Options.Now before the request was sent
}

// Handler receives everything from Consumer.Run, always on the goroutine that called Run, one call at a time.
type Handler interface {
	// Assigned begins ownership of a partition that can be read up to end. committed is the position the group was last
	// told, by whoever owned it then; negative: none. It returns the position of our own state; ok false means there is
	// none and Options.Reset decides. A partition is assigned once before each Revoked.
	Assigned(topic string, partition int, end, committed int64) (position int64, ok bool)
	// Revoked ends ownership of all partitions: commit state, call Consumer.Commit, then return quickly (well inside
	// Options.SessionTimeout). It is called once for each ownership, the last time before Run returns; only when Run ends
	// with an error it is not, as the state may not be fit to be committed.
	Revoked()
	// Batch hands over records (Records may be empty when only Next or HighWatermark moved, or the partition is caught up).
	// An error ends Run.
	Batch(b Batch) error
	// Paused says whether the partition should not be fetched for now. At most one fetch may still be on its way.
	Paused(topic string, partition int) bool
	// Gap reports that the offsets [from, to) will never be handed over, and why: one of the Gap constants. With
	// GapTruncated, to may equal from: the log was cut behind our position and is read again, nothing of it is skipped.
	Gap(topic string, partition int, from, to int64, reason string)
	// Tick is called about every Options.Tick, with or without records, owner or not.
	Tick() error
}

// Reasons of Handler.Gap.
const (
	GapRetention = "retention"  // the log begins after our position
	GapTruncated = "truncated"  // the log ends before our position: cut back, or the topic was made anew
	GapCorrupt   = "corrupt"    // a batch cannot be read: its checksum fails three times, or structure or compression are broken
	GapOversize  = "oversize"   // a batch too large to be held in memory
	GapOldFormat = "old_format" // message formats 0 and 1, which no broker has written since 2017
)

// Reasons in Status.Skipped of what is left out without loss.
const (
	SkipControl = "control" // transaction markers
	SkipAborted = "aborted" // batches of aborted transactions
)

// Positions maps a topic to the next offset of each partition.
type Positions map[string]map[int]int64

// Status is a snapshot for health and metrics; safe for any goroutine.
type Status struct {
	Joined     bool // a generation is held
	Owner      bool // partitions are assigned to us and the group confirmed it within the session timeout
	Generation int32
	Member     string
	Partitions int
	Err        string           // the last error, "" once it works again
	Stalled    int              // watchdog rebuilds so far
	Skipped    map[string]int64 // batches left out so far, by reason (the Gap and Skip constants)
	Bytes      int64            // bytes of record sets fetched so far
}
