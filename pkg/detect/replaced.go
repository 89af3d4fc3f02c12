package detect

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// maxReplaced bounds the resolved incidents that are kept though another has their place.
const maxReplaced = 1000

// replace keeps a resolved incident whose place the next one takes: its end may not have been told everywhere yet. Of too many those that ended first go.
func (d *Detector) replace(t *tracked) {
	d.insertReplaced(t)
	d.replacedChanged[t.ID] = struct{}{}
	for len(d.replaced) > maxReplaced {
		d.forgetReplaced()
	}
}

// insertReplaced keeps them in the order of their ends.
func (d *Detector) insertReplaced(t *tracked) {
	i, _ := slices.BinarySearchFunc(d.replaced, t, func(a, b *tracked) int {
		return cmp.Or(a.ResolvedAt.Compare(b.ResolvedAt), cmp.Compare(a.ID, b.ID))
	})
	d.replaced = slices.Insert(d.replaced, i, t)
}

// forgetReplaced lets go of the one that ended first.
func (d *Detector) forgetReplaced() {
	id := d.replaced[0].ID
	d.forgetMembers(id)
	d.replaced = slices.Delete(d.replaced, 0, 1)
	d.replacedChanged[id] = struct{}{}
}

// sweepReplaced lets go of those that ended too long ago.
func (d *Detector) sweepReplaced(at time.Time) {
	for len(d.replaced) > 0 && at.Sub(d.replaced[0].ResolvedAt) > keepResolved {
		d.forgetReplaced()
	}
}

// giveWay follows no longer the connections of the one that ended first, of those that have any: what it says of them stays as it is. It reports whether
// there was one.
func (d *Detector) giveWay() bool {
	for _, t := range d.replaced {
		if d.members[t.ID] != nil {
			if d.recount(t) {
				t.Proof++
			}
			d.replacedChanged[t.ID] = struct{}{}
			d.forgetMembers(t.ID)
			return true
		}
	}
	return false
}

// changesReplaced stores each whole.
func (d *Detector) changesReplaced(put func(bucket, key string, value []byte)) {
	for _, t := range d.replaced {
		if _, changed := d.replacedChanged[t.ID]; changed {
			put(bucketReplaced, encodeKey(t.ID), encode(stored(t)))
			delete(d.replacedChanged, t.ID)
		}
	}
	for id := range d.replacedChanged {
		put(bucketReplaced, encodeKey(id), nil)
	}
	clear(d.replacedChanged)
}

func (d *Detector) restoreReplaced(value []byte) error {
	var x storedIncident
	if err := json.Unmarshal(value, &x); err != nil {
		return err
	}
	d.insertReplaced(x.tracked())
	return nil
}
