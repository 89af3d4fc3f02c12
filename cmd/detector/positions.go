package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/stream"
)

// bucketPositions holds where each partition is read on.
const bucketPositions = "positions"

// position is where one partition stands. Its JSON form is the stored one.
type position struct {
	Next      int64     `json:"next"`
	Gap       int64     `json:"gap,omitempty"`       // records lost so far
	GapAt     time.Time `json:"gap_at,omitzero"`     // clock at which the newest gap was found
	LostSince time.Time `json:"lost_since,omitzero"` // records were lost after this time, and none was read since
	Told      time.Time `json:"told,omitzero"`       // append time of the newest record that another owner, or an earlier state, had committed

	topic     string
	partition int
	name      string // topic/partition: no topic has a / in its name
	known     bool   // Next is ours, not yet to be chosen by auto_offset_reset
	owned     bool
	others    int64     // records before it were committed by others; negative: none were
	end, high int64     // end of the log at the assignment, and as last seen
	reached   time.Time // clock before the last fetch that reached the end
	dirty     bool
}

// move notes that everything before next was read, or is lost for good.
func (p *position) move(next, high int64) {
	p.dirty = p.dirty || next != p.Next || !p.known
	p.Next, p.high, p.known = next, high, true
}

// lag is how many records are still to be read.
func (p *position) lag() int64 {
	if !p.known {
		return p.end
	}
	return max(0, max(p.high, p.end)-p.Next)
}

// positions are those of all partitions that were ever read.
type positions struct{ byName map[string]*position }

func (a *positions) at(topic string, partition int) *position {
	var buffer [280]byte
	name := strconv.AppendInt(append(append(buffer[:0], topic...), '/'), int64(partition), 10)
	if p := a.byName[string(name)]; p != nil {
		return p
	}
	p := &position{topic: topic, partition: partition, name: string(name)}
	if a.byName == nil {
		a.byName = map[string]*position{}
	}
	a.byName[p.name] = p
	return p
}

// owned counts the partitions that are ours now.
func (a *positions) owned() (n int) {
	for _, p := range a.byName {
		if p.owned {
			n++
		}
	}
	return n
}

func (a *positions) lag() (n int64) {
	for _, p := range a.byName {
		if p.owned {
			n += p.lag()
		}
	}
	return n
}

// reached is the clock at which everything there was had been read, of all partitions that are ours; zero: not yet.
func (a *positions) reached() (t time.Time) {
	for _, p := range a.byName {
		switch {
		case !p.owned:
		case p.reached.IsZero():
			return time.Time{}
		case t.IsZero() || p.reached.Before(t):
			t = p.reached
		}
	}
	return t
}

// told is the append time of the newest record that others had committed, of all partitions that are ours; zero: none.
func (a *positions) told() (t time.Time) {
	for _, p := range a.byName {
		if p.owned && p.Told.After(t) {
			t = p.Told
		}
	}
	return t
}

// next returns the positions of the partitions that are ours, for the group.
func (a *positions) next() stream.Positions {
	out := stream.Positions{}
	for _, p := range a.byName {
		if !p.owned || !p.known {
			continue
		}
		if out[p.topic] == nil {
			out[p.topic] = map[int]int64{}
		}
		out[p.topic][p.partition] = p.Next
	}
	return out
}

func (a *positions) changes(put func(bucket, key string, value []byte)) {
	for name, p := range a.byName {
		if !p.dirty {
			continue
		}
		value, err := json.Marshal(p)
		if err != nil {
			panic(err) // a plain struct of numbers and a time
		}
		put(bucketPositions, name, value)
		p.dirty = false
	}
}

func (a *positions) restore(bucket, key string, value []byte) error {
	if bucket != bucketPositions {
		return nil
	}
	topic, number, _ := strings.Cut(key, "/")
	partition, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("restore %s %q: %w", bucket, key, err)
	}
	p := a.at(topic, partition)
	if err := json.Unmarshal(value, p); err != nil {
		return fmt.Errorf("restore %s %q: %w", bucket, key, err)
	}
	p.known = true
	return nil
}
