package ship

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/revwatch/revwatch/pkg/store"
)

// saveEvery is how long a long look goes on without a checkpoint.
const saveEvery = 2 * time.Second

// checkpoint is a file that says, for each cluster, pair of indices and topic, how far their rows are on the topic. It holds one bucket for each of
// them, so that another cluster under the same address begins anew and the first one goes on when it is back.
type checkpoint struct {
	store  *store.Store
	bucket string
	last   map[string]string // what was put there
}

// laneMark is how far a lane is, under "lane/" and its name.
type laneMark struct {
	Newest int64 `json:"newest"`
}

// walkMark is how far all lanes are together, under "walk".
type walkMark struct {
	Begin  int64  `json:"begin"`  // where the first reading began, Unix ms
	Read   int64  `json:"read"`   // up to here every lane was read once
	Source string `json:"source"` // in words
}

const (
	walkKey    = "walk"
	lanePrefix = "lane/"
	openPrefix = "open/"
	seenPrefix = "seen/"
)

// openCheckpoint opens the file. One that is damaged is renamed, with its new name returned, and a new one begun.
func openCheckpoint(path string) (c *checkpoint, aside string, err error) {
	s, err := store.Open(path)
	if errors.Is(err, store.ErrCorrupt) {
		aside = fmt.Sprintf("%s.damaged-%d", path, time.Now().Unix())
		if err := os.Rename(path, aside); err != nil {
			return nil, "", err
		}
		s, err = store.Open(path)
	}
	if err != nil {
		return nil, aside, err
	}
	return &checkpoint{store: s}, aside, nil
}

// restore takes up the mark of what is followed. Without one it begins as far back as it is told to.
func (e *Elasticsearch) restore() error {
	source := fmt.Sprintf("%s of cluster %s to %s", e.o.Operations+" and "+e.o.Messages, e.about.uuid, e.o.Topic)
	bucket := fmt.Sprintf("ship %016x", fingerprint([]byte(source)))
	if e.checkpoint.bucket == bucket {
		return nil
	}
	e.checkpoint.bucket, e.checkpoint.last = bucket, map[string]string{}
	e.reset()
	err := e.checkpoint.store.Load(bucket, func(key string, value []byte) error { return e.restoreOne(key, value) })
	if err != nil {
		e.checkpoint.bucket = "" // half of it is nothing to go on from, nor to save
		return err
	}
	if e.walk.Begin == 0 {
		begin := e.now().Add(-e.o.Since).UnixMilli()
		e.walk = walkMark{Begin: begin, Read: begin, Source: source}
		e.log.Info("nothing of this is known from before: reading begins in the past", zap.String("source", source),
			zap.Time("from", time.UnixMilli(begin).UTC()))
	} else {
		e.log.Info("goes on where it was", zap.String("source", source), zap.Time("at", time.UnixMilli(max(e.walk.Begin, e.settled())).UTC()), zap.Int("open_operations", len(e.unended.all)))
	}
	return nil
}

func (e *Elasticsearch) restoreOne(key string, value []byte) error {
	switch {
	case key == walkKey:
		return json.Unmarshal(value, &e.walk)
	case len(key) > len(openPrefix) && key[:len(openPrefix)] == openPrefix:
		var o unended
		err := json.Unmarshal(value, &o)
		e.unended.all[key[len(openPrefix):]] = o
		return err
	}
	for _, l := range e.lanes {
		if key == lanePrefix+l.name {
			var m laneMark
			err := json.Unmarshal(value, &m)
			l.newest = m.Newest
			return err
		}
		if key == seenPrefix+l.name {
			e.seen[l.name].restore(value)
		}
	}
	return nil
}

// save writes how far every lane is, if that has changed. Everything up to there is on the topic.
func (e *Elasticsearch) save() error {
	e.saved = e.now()
	c := e.checkpoint
	if c.bucket == "" {
		return nil
	}
	for _, l := range e.lanes {
		b, _ := json.Marshal(laneMark{l.newest}) // a number
		c.put(lanePrefix+l.name, b)
	}
	b, _ := json.Marshal(e.walk) // numbers and text
	c.put(walkKey, b)
	for id := range e.unended.changed {
		var value []byte // nil: delete it
		if o, ok := e.unended.all[id]; ok {
			value = o.bytes()
		}
		c.store.Put(c.bucket, openPrefix+id, value)
	}
	if err := c.store.Commit(); err != nil {
		return &localError{fmt.Errorf("checkpoint: %w", err)}
	}
	clear(e.unended.changed)
	return nil
}

// put adds to the next commit what differs from the one before.
func (c *checkpoint) put(key string, value []byte) {
	if was, ok := c.last[key]; !ok || was != string(value) {
		c.last[key] = string(value)
		c.store.Put(c.bucket, key, value)
	}
}

// saveAll is save with what was seen of late, so that a start that follows an orderly stop puts nothing on the topic twice.
func (e *Elasticsearch) saveAll() error {
	if c := e.checkpoint; c.bucket != "" {
		for _, l := range e.lanes {
			c.store.Put(c.bucket, seenPrefix+l.name, e.seen[l.name].bytes())
		}
	}
	return e.save()
}

func (e *Elasticsearch) saveSometimes() error {
	if e.now().Sub(e.saved) < saveEvery {
		return nil
	}
	return e.save()
}
