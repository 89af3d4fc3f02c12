package nango

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// The buckets of the stored state. A key is small and says what it is; values are JSON.
const (
	bucketReader = "nango.reader" // one key: watermark and newest row time
	bucketSource = "nango.source" // T_p and usual delay per source
	bucketJoin   = "nango.join"   // operations held, by id
	bucketDone   = "nango.done"   // hashes of released ids → time
	bucketEcho   = "nango.echo"   // hashes of what was told of connections → time
	bucketActive = "nango.active" // connection → last told active
)

type storedSource struct {
	Newest int64  `json:"t"`
	Delays delays `json:"d"`
}

// Changes emits what changed since the last call and must be stored; a nil value deletes. What was born and has gone
// between two calls is never emitted.
func (r *Reader) Changes(put func(bucket, key string, value []byte)) {
	if r.header {
		put(bucketReader, "time", fmt.Appendf(nil, "[%d,%d]", r.mark, r.newest))
		r.header = false
	}
	for name, s := range r.sources {
		if s.dirty {
			put(bucketSource, name, encode(storedSource{s.newest, s.delays}))
			s.dirty = false
		}
	}
	for _, id := range r.gone {
		put(bucketJoin, id, nil)
	}
	for _, e := range r.changed {
		if e.dirty { // else it has gone since
			put(bucketJoin, e.id, encode(e))
			e.dirty, e.stored = false, true
		}
	}
	clear(r.changed)
	r.changed, r.gone = r.changed[:0], r.gone[:0]
	r.done.changes(bucketDone, put)
	r.echoes.told.changes(bucketEcho, put)
	r.active.changes(put)
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs of numbers and strings
	}
	return b
}

func (m *memory) changes(bucket string, put func(bucket, key string, value []byte)) {
	m.settle()
	for _, h := range m.gone {
		put(bucket, strconv.FormatUint(h, 16), nil)
	}
	for _, d := range m.order[m.fresh:] {
		put(bucket, strconv.FormatUint(d.hash, 16), strconv.AppendInt(nil, d.time, 10))
	}
	m.gone, m.fresh = m.gone[:0], len(m.order)
}

func (a *activity) changes(put func(bucket, key string, value []byte)) {
	for k := range a.dirty {
		if t, ok := a.last[k]; ok {
			put(bucketActive, k, strconv.AppendInt(nil, t, 10))
		} else {
			put(bucketActive, k, nil)
		}
	}
	clear(a.dirty)
}

// Restore takes back what Changes emitted, in any order, before the first Open. It ignores buckets of other rooms.
func (r *Reader) Restore(bucket, key string, value []byte) error {
	var err error
	switch bucket {
	case bucketReader:
		var t [2]int64
		err = json.Unmarshal(value, &t)
		r.mark, r.newest, r.newestSeen = t[0], t[1], t[1]
	case bucketSource:
		var s storedSource
		err = json.Unmarshal(value, &s)
		r.sources[key] = &source{name: key, newest: s.Newest, delays: s.Delays}
	case bucketJoin:
		e := &entry{}
		if err = json.Unmarshal(value, e); err == nil {
			err = r.restoreEntry(key, e)
		}
	case bucketDone:
		err = r.done.restore(key, value)
	case bucketEcho:
		err = r.echoes.told.restore(key, value)
	case bucketActive:
		var t int64
		t, err = strconv.ParseInt(string(value), 10, 64)
		r.active.last[key] = t
	}
	if err != nil {
		return fmt.Errorf("restore %s %q: %w", bucket, key, err)
	}
	return nil
}

func (r *Reader) restoreEntry(id string, e *entry) error {
	if e.start() == 0 && e.Kind != opNone || e.Kind > opOther || e.State > stateSuccess {
		return fmt.Errorf("not an entry of this version")
	}
	late := e.Late
	e.id, e.place = id, -1
	r.entries[id] = e
	r.place(e)
	r.known(e)
	e.Late, e.stored = late, true
	e.dirty = false
	return nil
}

func (m *memory) restore(key string, value []byte) error {
	h, err := strconv.ParseUint(key, 16, 64)
	if err != nil {
		return err
	}
	t, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return err
	}
	m.known[h] = struct{}{}
	m.order = append(m.order, remembered{h, t})
	m.sort, m.fresh = true, len(m.order)
	return nil
}
