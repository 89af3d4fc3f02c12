package ship

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	mostOpen    = 50_000
	openBatch   = 500            // ids a question
	afterExpiry = 24 * time.Hour // the sweep that closes expired operations comes every ten minutes, while Nango runs
	noExpiry    = 48 * time.Hour // how long an operation that does not say when it expires is asked for
	openEvery   = 6              // intervals between two re-readings
)

// unended is an operation that was seen waiting or running. Nango's sweep ends it without touching its times, so nothing but asking for it finds out.
type unended struct {
	Until int64  `json:"until"` // Unix ms; from then on it is not asked for any more
	Print uint64 `json:"print"` // of the form in which it was put on the topic
}

// unendedSet are the operations that are asked for, by id.
type unendedSet struct {
	all     map[string]unended
	changed map[string]bool // since the last checkpoint
	dropped int             // for want of room
}

func newUnendedSet() *unendedSet {
	return &unendedSet{all: map[string]unended{}, changed: map[string]bool{}}
}

// saw is told of each form of an operation that was put on the topic.
func (u *unendedSet) saw(r *row, now time.Time) {
	if !r.open {
		u.drop(r.id)
		return
	}
	until := now.Add(noExpiry).UnixMilli()
	if r.expires > 0 {
		until = max(r.expires, now.UnixMilli()) + afterExpiry.Milliseconds()
	}
	if known, ok := u.all[r.id]; ok && r.expires == 0 {
		until = known.Until
	}
	u.all[r.id] = unended{Until: until, Print: r.print}
	u.changed[r.id] = true
	if len(u.all) > mostOpen {
		u.shrink()
	}
}

// knows says that an operation that has not ended was put on the topic in this form.
func (u *unendedSet) knows(r *row) bool {
	known, ok := u.all[r.id]
	return ok && known.Print == r.print
}

func (u *unendedSet) drop(id string) {
	if _, ok := u.all[id]; ok {
		delete(u.all, id)
		u.changed[id] = true
	}
}

// shrink makes room for many: those that end first go.
func (u *unendedSet) shrink() {
	ids := slices.SortedFunc(maps.Keys(u.all), func(a, b string) int { return int(u.all[a].Until - u.all[b].Until) })
	for _, id := range ids[:mostOpen/10] {
		u.drop(id)
		u.dropped++
	}
}

// expire lets go of those that are asked for no more.
func (u *unendedSet) expire(now time.Time) {
	for id, o := range u.all {
		if o.Until <= now.UnixMilli() {
			u.drop(id)
		}
	}
}

// reread asks for every operation that has not ended, and puts those on the topic that changed.
func (e *Elasticsearch) reread(ctx context.Context) error {
	ids := slices.Sorted(maps.Keys(e.unended.all))
	for batch := range slices.Chunk(ids, openBatch) {
		hits, err := e.cluster.byID(ctx, e.o.Operations, batch)
		if err != nil {
			return fmt.Errorf("ask for operations that have not ended: %w", err)
		}
		if err := e.produce(ctx, laneOperations, hits); err != nil {
			return err
		}
	}
	e.unended.expire(e.now())
	return nil
}

func (u unended) bytes() []byte {
	b, _ := json.Marshal(u) // two numbers
	return b
}
