package detect

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// MaxMembers is how many connections of one incident are followed. Affected of an incident that has so many is "at least".
const MaxMembers = 10_000

const (
	maxFollowed = 100_000 // connections that are followed in all incidents together
	deepest     = 4       // incidents that are part of one another: a provider's, of its family's, of that of all
)

// beyondNote says that Affected and Remaining are of a part only.
const beyondNote = "more connections broke than are followed: the counts of what became of them are of those that are"

// members are the distinct connections that newly broke in one incident, over its whole life.
type members struct {
	names    map[name]string // → account, "" when it is not known
	accounts map[string]struct{}
	moved    bool // they are more, or the state of one is another, since they were counted
}

// followMembers notes which connections broke in the rise of a series, and in the window that is told of it, and what became of them.
func (d *Detector) followMembers(s *series) {
	t := s.incident
	d.enlistOwn(s)
	d.recount(t)
	if t.Beyond {
		t.Explanation = append(t.Explanation, beyondNote)
	}
}

func (d *Detector) enlistOwn(s *series) {
	t := s.incident
	from := window.SlotTime(t.Peak.From)
	if t.Since.Before(from) {
		from = t.Since
	}
	d.enlist(t, s.Environment, s.breaks.Since(from))
}

// followBreadth notes which connections broke in the hour in which all rose.
func (d *Detector) followBreadth(t *tracked, b *breadth, slot int64) {
	for _, s := range b.rises {
		d.enlist(t, s.Environment, s.within(peak{From: slot - hour + 1, To: slot}))
	}
}

// enlist makes connections members of an incident, and of those that it is part of, of each from the time on from which it is.
func (d *Detector) enlist(t *tracked, environment string, breaks []window.Break) {
	for range deepest {
		for i := range breaks {
			b := &breaks[i]
			t.Beyond = !d.addMember(t.ID, name{environment, b.Integration, b.Connection}, b.Account, true) || t.Beyond
		}
		for len(breaks) > 0 && breaks[0].Time.Before(t.Joined) {
			breaks = breaks[1:]
		}
		if t = d.parentOf(t); t == nil {
			return
		}
	}
}

// belongs makes the incident of a series part of another: so are its connections that broke from a time on.
func (d *Detector) belongs(s *series, parent string, from time.Time) {
	s.incident.Parent, s.incident.Joined = parent, from
	d.enlistOwn(s)
}

func (n name) compare(o name) int {
	return cmp.Or(cmp.Compare(n.environment, o.environment), cmp.Compare(n.integration, o.integration), cmp.Compare(n.connection, o.connection))
}

func (d *Detector) parentOf(t *tracked) *tracked {
	if t.Parent == "" {
		return nil
	}
	return d.incidentOf(t.Parent)
}

// membership names a connection in an incident.
type membership struct {
	incident string
	name
}

// addMember reports whether a connection is a member of an incident now. fresh ones are to be stored.
func (d *Detector) addMember(id string, n name, account string, fresh bool) bool {
	m := d.members[id]
	if m == nil {
		m = &members{names: map[name]string{}, accounts: map[string]struct{}{}}
		d.members[id] = m
	}
	if _, known := m.names[n]; known {
		return true
	}
	if len(m.names) >= MaxMembers || d.followed >= maxFollowed && !d.giveWay() {
		return false
	}
	m.names[n] = account
	if account != "" {
		m.accounts[account] = struct{}{}
	}
	m.moved, d.moved = true, true
	d.followed++
	d.memberOf[n] = append(d.memberOf[n], id)
	if fresh {
		d.freshMembers[membership{id, n}] = struct{}{}
	}
	return true
}

// forgetMembers lets go of those of an incident that is kept no longer.
func (d *Detector) forgetMembers(id string) {
	m := d.members[id]
	if m == nil {
		return
	}
	for n := range m.names {
		d.freshMembers[membership{id, n}] = struct{}{}
		left := slices.DeleteFunc(d.memberOf[n], func(x string) bool { return x == id })
		if d.memberOf[n] = left; len(left) == 0 {
			delete(d.memberOf, n)
		}
	}
	d.followed -= len(m.names)
	delete(d.members, id)
}

// isFollowed reports whether a connection is a member of an incident: what became of it is told.
func (d *Detector) isFollowed(environment, integration, connection string) bool {
	return len(d.memberOf[name{environment, integration, connection}]) > 0
}

// turned notes that a connection broke, works again or was deleted, or whose it is.
func (d *Detector) turned(n name) {
	for _, id := range d.memberOf[n] {
		d.members[id].moved, d.moved = true, true
	}
}

// recount says in an incident what became of its connections, and reports whether that changed.
func (d *Detector) recount(t *tracked) bool {
	m := d.members[t.ID]
	if m == nil || !m.moved {
		return false
	}
	m.moved = false
	was, affected, customers := t.Remaining, t.Affected, t.Customers
	if t.Signal == Revocations {
		d.learnOwners(t.ID, m)
		t.Remaining = d.remaining(m)
	}
	t.Affected, t.Customers = len(m.names), len(m.accounts)
	return t.Remaining != was || t.Affected != affected || t.Customers != customers
}

// learnOwners notes whose members are of which it was not known when they broke.
func (d *Detector) learnOwners(id string, m *members) {
	for n, account := range m.names {
		if account != "" {
			continue
		}
		if account, _ = d.owner(n); account != "" {
			m.names[n], m.accounts[account] = account, struct{}{}
			d.freshMembers[membership{id, n}] = struct{}{}
		}
	}
}

func (d *Detector) remaining(m *members) (r Remaining) {
	for n := range m.names {
		switch d.ledger.State(n.environment, n.integration, n.connection) {
		case window.Working, window.Reconnected:
			r.Reconnected++
		case window.Deleted:
			r.Deleted++
		default:
			r.Broken++
		}
	}
	return r
}

// prove looks at an edge what became of the connections of the incidents. Where it changed, one that goes on is told; one that has resolved only says so
// from now on.
func (d *Detector) prove(at time.Time) (out []Incident) {
	if !d.moved {
		return nil
	}
	d.moved = false
	for _, s := range d.order {
		t := s.incident
		switch {
		case t == nil || !d.recount(t):
		case t.ResolvedAt.IsZero():
			out = append(out, d.update(s, at)...)
		default:
			t.Proof++
			s.changed = true
		}
	}
	for _, f := range d.fleets {
		t := f.Own
		switch {
		case t == nil || !d.recount(t):
			continue
		case t.ResolvedAt.IsZero():
			out = append(out, t.goesOn(at)...)
		default:
			t.Proof++
		}
		f.changed = true
	}
	for _, t := range d.replaced {
		if d.recount(t) {
			t.Proof++
			d.replacedChanged[t.ID] = struct{}{}
		}
	}
	return out
}

// changesMembers stores each member once.
func (d *Detector) changesMembers(put func(bucket, key string, value []byte)) {
	for x := range d.freshMembers {
		var value []byte
		if m := d.members[x.incident]; m != nil {
			if account, known := m.names[x.name]; known {
				value = encode(account)
			}
		}
		put(bucketMembers, encodeKey(x.incident, x.environment, x.integration, x.connection), value)
	}
	clear(d.freshMembers)
}

func (d *Detector) restoreMember(key string, value []byte) error {
	p, err := decodeKey(key, 4)
	if err != nil {
		return err
	}
	var account string
	if err := json.Unmarshal(value, &account); err != nil {
		return err
	}
	d.addMember(p[0], name{p[1], p[2], p[3]}, account, false)
	return nil
}

// broke counts a connection that newly broke in the week, and returns when its user had last authorized it, Unix ms.
func (d *Detector) broke(k key, e nango.Event) int64 {
	if k.Signal != Revocations {
		return 0
	}
	d.noteWeek(e.Environment, window.SlotOf(e.Time), weekDay{Broken: 1})
	created := d.createdBefore(name{e.Environment, e.Integration, e.Connection}, e.Time)
	if created.IsZero() {
		return 0
	}
	return created.UnixMilli()
}

// created is when the user of a connection had last authorized it before it broke; zero: not known.
func created(b *window.Break) time.Time {
	if b.Created == 0 {
		return time.Time{}
	}
	return time.UnixMilli(b.Created).UTC()
}
