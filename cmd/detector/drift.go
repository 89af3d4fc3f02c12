package main

import (
	"encoding/json"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/stream"
)

// drift notices when what is read no longer has the shape of Nango's logs: a new release of Nango, a shipper that was set up anew, a wrong topic.
// Without it a detector that understands nothing looks like one that has nothing to tell.
type drift struct {
	rows      lack // records arrive, none is a Nango row
	causes    lack // refresh operations arrive, none gets a cause
	refreshes lack // causes arrive, none gets its refresh operation
	probe     probe

	read        nango.Stats // after the last batch
	first, last time.Time   // append times of its first and last record
	dirty       bool        // something was learned since the last changes
}

// The kinds of drift, as metrics name them.
const (
	driftNoRows      = "no_nango_rows"
	driftNoCauses    = "no_causes"
	driftNoRefreshes = "no_refreshes"
)

const (
	driftProbes   = 64 // records looked at in a batch without a row
	leastUnjoined = 20 // a few reasons lie at the beginning of a log, their operations before it
	bucketDrift   = "drift"
)

func newDrift(c *config) *drift {
	return &drift{
		rows:      lack{kind: driftNoRows, least: 10, plenty: 100},
		causes:    lack{kind: driftNoCauses, least: 5, plenty: 5, late: true},
		refreshes: lack{kind: driftNoRefreshes, least: leastUnjoined, plenty: leastUnjoined},
		probe:     probe{config: c},
	}
}

func (d *drift) kinds() [3]*lack { return [...]*lack{&d.rows, &d.causes, &d.refreshes} }

// batch takes what a batch of records came to. Most rows of a healthy topic are never read, so where no row was recognised some records are looked at.
//
// A refresh has its cause when an error row of it was read, whatever it says: that no rule knows the reason, or that Nango lost it, is no drift.
func (d *drift) batch(records []stream.Record, after nango.Stats, now time.Time) {
	looked := after.Records - d.read.Records - (after.Skipped - d.read.Skipped)
	found := min(looked, rowsOf(after)-rowsOf(d.read))
	n := len(records)
	probes := min(n, driftProbes)
	for i := 0; i < probes && found == 0; i++ {
		looked = min(int64(n), looked+1)
		if d.probe.row(records[i*n/probes].Value) {
			found = 1
		}
	}
	heard := after.Heard - d.read.Heard
	d.rows.took(looked, found)
	d.causes.took(after.Refreshes-d.read.Refreshes, heard)
	d.refreshes.took(after.Unjoined-d.read.Unjoined+heard, heard)
	d.read, d.first, d.last = after, now, now
	if n > 0 {
		d.first, d.last = time.UnixMilli(appended(records[0].Time, now)), time.UnixMilli(appended(records[n-1].Time, now))
	}
}

// look judges what came so far.
func (d *drift) look(m moment, told func(l *lack, without int64)) {
	m.first, m.last = d.first, d.last
	for _, l := range d.kinds() {
		d.dirty = d.dirty || l.good > 0
		if changed, without := l.saw(m); changed {
			told(l, without)
		}
	}
}

// state says of each kind whether it is there.
func (d *drift) state() map[string]bool {
	out := map[string]bool{}
	for _, l := range d.kinds() {
		out[l.kind] = l.on
	}
	return out
}

// changes emits what was learned since the last call and must be stored: a restart does not make a mixed topic look like a pure one.
func (d *drift) changes(put func(bucket, key string, value []byte)) {
	if !d.dirty {
		return
	}
	d.dirty = false
	for _, l := range d.kinds() {
		value, err := json.Marshal(l.learned)
		if err != nil {
			panic(err) // plain structs of numbers and times
		}
		put(bucketDrift, l.kind, value)
	}
}

// restore takes back what changes emitted, before the first batch. It ignores other buckets.
func (d *drift) restore(bucket, key string, value []byte) error {
	for _, l := range d.kinds() {
		if bucket != bucketDrift || key != l.kind {
			continue
		}
		if err := json.Unmarshal(value, &l.learned); err != nil {
			return fmt.Errorf("restore %s %q: %w", bucket, key, err)
		}
	}
	return nil
}

// watchShape looks whether what is read still is what we know, and whether it is of one account.
func (f *follower) watchShape(now time.Time) {
	f.drift.look(moment{now: now, read: f.positions.reached()}, f.drifted)
	if n := f.drift.read.Accounts; n > 1 && !f.mixed {
		f.mixed = true
		f.log.Warn("rows of more than one Nango account are read: environments and connections of the same name are taken for one; run a detector for each account",
			zap.Int("accounts", n))
	}
}

// drifted logs that rows lost the shape we know, or have it again.
func (f *follower) drifted(l *lack, without int64) {
	text := map[string][3]string{
		driftNoRows:      {"records arrive, and none of them is a row of Nango's logs", "rows of Nango's logs are recognised again", "records"},
		driftNoCauses:    {"token refreshes fail, and the rows hold a reason for none of them", "reasons of failed token refreshes are found again", "refreshes"},
		driftNoRefreshes: {"reasons of failed token refreshes arrive, and none has its operation", "operations of failed token refreshes are found again", "reasons"},
	}[l.kind]
	if l.on {
		f.log.Warn("schema drift: "+text[0], zap.String("kind", l.kind), zap.Int64(text[2], without), zap.Time("since", l.since),
			zap.String("next", "detector explain-record says what it sees in single records: give it some of these"))
		return
	}
	f.log.Info("schema drift is over: "+text[1], zap.String("kind", l.kind), zap.Int64(text[2], without))
}
