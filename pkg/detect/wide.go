package detect

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/baseline"
	"github.com/revwatch/revwatch/pkg/window"
)

// kind groups the series that have a normal in common, and that rise together when the cause is not one provider's.
type kind struct{ Signal, Cause string }

func (k kind) compare(o kind) int {
	return key{Signal: k.Signal, Cause: k.Cause}.compare(key{Signal: o.Signal, Cause: o.Cause})
}

func (s *series) kind() kind { return kind{s.Signal, s.Cause} }

// fleet is what the series of one kind have in common.
type fleet struct {
	kind
	baseline.Fleet
	Wide wide
	Own  *tracked // the incident of all, where none of one series was there before it

	changed bool
}

// wide is the last rise of all series of a kind.
type wide struct {
	ID    string    // of the incident that stands for it; "": none yet
	Since time.Time // the first break of the hour in which it was first seen
	End   int64     // the last slot in which it was seen
}

// fleet returns the fleet of a series.
func (d *Detector) fleet(s *series) *fleet { return d.fleetOf(s.kind()) }

func (d *Detector) fleetOf(k kind) *fleet {
	for _, f := range d.fleets {
		if f.kind == k {
			return f
		}
	}
	f := &fleet{kind: k, Fleet: baseline.NewFleet(), changed: true}
	i, _ := slices.BinarySearchFunc(d.fleets, k, func(f *fleet, k kind) int { return f.compare(k) })
	d.fleets = slices.Insert(d.fleets, i, f)
	return f
}

// join makes an incident that has just opened part of a wider one: of all, or of its family.
func (d *Detector) join(s *series, at time.Time) []Incident {
	t, f := s.incident, d.fleet(s)
	if f.Wide.ID != "" && (at.Sub(window.SlotTime(f.Wide.End+1)) <= wideAfter || s.failedIn(f.Wide)) && d.adopts(f.Wide.ID, t) {
		d.belongs(s, f.Wide.ID, f.Wide.Since.Add(-wideBefore))
		return nil
	}
	if lead := d.sister(s); lead != nil {
		d.belongs(s, lead.incident.ID, time.Time{})
		return d.widen(lead, "family", false, at)
	}
	return nil
}

// failedIn reports whether most breaks of the incident of a series first failed in a rise of all, and showed only later that they are no outage.
func (s *series) failedIn(w wide) bool {
	n, breaks := 0, s.within(s.incident.Peak)
	from, to := w.Since.Add(-wideBefore), window.SlotTime(w.End+1).Add(wideAfter)
	for i := range breaks {
		if first := time.UnixMilli(breaks[i].First); breaks[i].First != 0 && !first.Before(from) && first.Before(to) {
			n++
		}
	}
	return most(n, len(breaks))
}

// adopts reports whether an incident goes on and is told wherever t would be.
func (d *Detector) adopts(id string, t *tracked) bool {
	lead := d.incidentOf(id)
	return lead != nil && lead.ResolvedAt.IsZero() && (!lead.Past || t.Past)
}

// sister is the first series of the same family whose incident began within an hour of that of s and is part of none.
func (d *Detector) sister(s *series) *series {
	family := d.opt.Family(s.Provider)
	if family == "" || s.Signal != Revocations {
		return nil
	}
	for _, o := range d.order {
		if o == s || !o.open() || o.kind() != s.kind() || o.Environment != s.Environment || d.opt.Family(o.Provider) != family {
			continue
		}
		if apart := o.incident.Since.Sub(s.incident.Since).Abs(); apart <= familyWithin && o.incident.Parent == "" && d.adopts(o.incident.ID, s.incident) {
			return o
		}
	}
	return nil
}

// widen makes an incident stand for others too, which is worth telling again; loud tells it in any case.
func (d *Detector) widen(lead *series, scope string, loud bool, at time.Time) []Incident {
	t := lead.incident
	if loud || t.Wide == "" {
		t.Wide = scope
		t.tell()
	}
	return d.update(lead, at)
}

// spread looks whether the series of a kind rise together in the hour that ends with a slot. The first incident that opened in the hour before stands
// for all from then on, and the others are part of it; where there is none, one of its own opens.
func (d *Detector) spread(f *fleet, slot int64, now time.Time) (out []Incident) {
	b := d.breadth(f.kind, slot)
	at := window.SlotTime(slot + 1)
	if b.Score <= breadthOnce {
		return d.spreadOver(f, slot, at)
	}
	f.changed = true
	switch lead := d.incidentOf(f.Wide.ID); {
	case lead == nil || !lead.ResolvedAt.IsZero():
		out = d.spreadBegins(f, &b, slot, now)
	case at.Sub(window.SlotTime(f.Wide.End+1)) > wideAfter: // another wave, while parts of the first go on
		lead.Broad, f.Wide.Since = nil, b.Since
		out = d.gather(f, lead, at)
	}
	f.Wide.End = slot
	if t := d.incidentOf(f.Wide.ID); t != nil {
		d.followBreadth(t, &b, slot)
	}
	if t := f.Own; t != nil && t.ID == f.Wide.ID {
		return append(out, d.ownRises(f, &b, slot, now)...)
	}
	if lead := d.leadOf(f.Wide.ID); lead != nil && (lead.incident.Broad == nil || b.Score > lead.incident.Broad.Score) {
		loud := lead.incident.Broad == nil
		d.explainAll(f.kind, &b, slot)
		lead.incident.Broad = &b
		out = append(out, d.widen(lead, "all", loud, at)...)
	}
	return out
}

// gather makes the incidents that opened in the last hour, and are told wherever the lead is, part of it.
func (d *Detector) gather(f *fleet, lead *tracked, at time.Time) (out []Incident) {
	for _, s := range d.order {
		if t := s.incident; s.kind() == f.kind && s.openedWith(at) && t.ID != lead.ID && d.adopts(lead.ID, t) {
			d.belongs(s, lead.ID, f.Wide.Since.Add(-wideBefore))
			out = append(out, d.update(s, at)...)
		}
	}
	return out
}

// openedWith reports whether an incident of a series, part of none, opened in the hour before.
func (s *series) openedWith(at time.Time) bool {
	return s.open() && s.incident.Parent == "" && at.Sub(s.incident.OpenedAt) <= wideBefore
}

// spreadBegins chooses which incident stands for the rise of all: the first that opened in the hour before, and began at most an hour before all rose; else
// that of all which ended less than 72 h ago, else a new one. What had begun long before, and happens to open now, would lend its onset to all.
func (d *Detector) spreadBegins(f *fleet, b *breadth, slot int64, now time.Time) (out []Incident) {
	at := window.SlotTime(slot + 1)
	var lead *tracked
	for _, s := range d.order {
		t := s.incident
		if s.kind() != f.kind || !s.openedWith(at) || b.Since.Sub(s.firstBreak(t.Onset)) > wideBefore || t.Past && !d.isPast(b.newest, now) {
			continue
		}
		if lead == nil || t.OpenedAt.Before(lead.OpenedAt) {
			lead = t
		}
	}
	if lead == nil {
		if f.Own == nil || at.Sub(f.Own.ResolvedAt) > reopenWithin {
			if f.Own != nil {
				d.replace(f.Own)
			}
			f.Own = newOwn(f, at)
		}
		lead = f.Own
	}
	f.Wide = wide{ID: lead.ID, Since: b.Since, End: slot}
	return d.gather(f, lead, at)
}

func newOwn(f *fleet, at time.Time) *tracked {
	k := key{f.Signal, "", "", f.Cause}
	return &tracked{Line: breadthOnce, Wide: "all", Incident: Incident{
		Type: "incident", ID: identity(k, window.SlotOf(at)-1), Status: StatusOpen, OpenedAt: at, Signal: f.Signal, Scope: "all", Cause: f.Cause,
	}}
}

// ownRises tells the incident of all as it is now, when it is new, opens again or is worse than it was.
func (d *Detector) ownRises(f *fleet, b *breadth, slot int64, now time.Time) []Incident {
	t := f.Own
	at, again := window.SlotTime(slot+1), !t.ResolvedAt.IsZero()
	t.Over = false
	if !again && t.Broad != nil && b.Score <= t.Broad.Score {
		return nil
	}
	past, shows := d.isPast(b.newest, now), peak{Score: b.Score, Count: float64(b.Observed)}
	loud := t.Revision == 0 || t.Broad == nil || t.Past && !past || shows.Count >= growth*t.Told.Count
	if t.Revision > 0 {
		t.Status = StatusUpdate
	}
	if again {
		loud = t.Past && !past || worse(shows, t.Told)
		t.opensAgain(at)
	}
	if again || t.Revision == 0 {
		t.Since = b.Since
	}
	if loud {
		t.Told = shows
		t.Milestone++
	}
	t.Past = past && (t.Past || t.Revision == 0) // what was told stays so
	d.explainAll(f.kind, b, slot)
	t.Broad = b
	t.Time = at
	t.Revision++
	b.over(&t.Incident)
	t.Environment, _ = b.where()
	t.Explanation = b.lines(f.Signal)
	d.recount(t)
	if t.Beyond {
		t.Explanation = append(t.Explanation, beyondNote)
	}
	return []Incident{t.Incident}
}

// over puts the figures of a rise of all into an incident.
func (b *breadth) over(t *Incident) {
	t.Observed, t.Expected, t.WindowSeconds = b.Observed, b.Expected, hour*int(window.Slot.Seconds())
	t.Score, t.OncePerDays = b.Score/breadthOnce, math.Min(math.Exp(b.Score), math.MaxFloat64)
	t.Connections, t.Active, t.Total = b.Broken, 0, b.Total
	t.Ranking, t.Diagnoses = b.Ranking, b.Diagnoses
	t.Course, t.Environments = Course{}, b.Environments
}

// where is the environment that all rising series are of, "" when they are of several.
func (b *breadth) where() (name string, several bool) {
	if len(b.Environments) > 1 {
		return "", true
	}
	return b.Environments[0], false
}

// words say how wide the rise is.
func (b *breadth) words(signal string) string {
	what := "providers"
	if signal == UnknownConnections {
		what = "integrations"
	}
	return fmt.Sprintf("%d of %d %s rise in the same hour, %s would by chance; most: %s", b.Rising, b.Of, what, tenths(b.Chance), strings.Join(b.Most, ", "))
}

// first lists the connections of a rise of all that broke first, with what is known of whose they are, or of where they exist.
func (d *Detector) first(b *breadth, signal string, slot int64) []Broken {
	var all []wanted
	for _, s := range b.rises {
		for _, x := range connections(s.within(peak{From: slot - hour + 1, To: slot})) {
			all = append(all, wanted{&x, s.Environment})
		}
	}
	slices.SortStableFunc(all, func(x, y wanted) int { return x.Time.Compare(y.Time) })
	all = all[:min(len(all), shown)]
	if signal == UnknownConnections {
		d.locate(all)
	}
	list := []Broken{}
	for _, x := range all {
		d.own(x.environment, x.Broken)
		list = append(list, *x.Broken)
	}
	return list
}

// spreadOver ends the incident of all when all series were quiet for six hours and no part of it goes on.
func (d *Detector) spreadOver(f *fleet, slot int64, at time.Time) []Incident {
	t := f.Own
	if t == nil || !t.ResolvedAt.IsZero() || at.Sub(window.SlotTime(f.Wide.End+1)) < wideAfter {
		return nil
	}
	t.Over = true
	return d.partEnded(t.ID, at)
}

// partEnded resolves the incident that others are part of, when its own rise is over and none of them goes on.
func (d *Detector) partEnded(id string, at time.Time) []Incident {
	lead := d.incidentOf(id)
	if lead == nil || !lead.Over || !lead.ResolvedAt.IsZero() || d.anyPart(id) {
		return nil
	}
	if s := d.leadOf(id); s != nil {
		return d.settle(s, at)
	}
	lead.Status, lead.Time, lead.ResolvedAt, lead.Resolution = StatusResolved, at, at, "no provider rises any more"
	if lead.Signal == UnknownConnections {
		lead.Resolution = "unknown connections of no integration rise any more"
	}
	lead.Revision++
	lead.Milestone++
	d.recount(lead)
	for _, f := range d.fleets {
		f.changed = f.changed || f.Own == lead
	}
	return []Incident{lead.Incident}
}

// anyPart reports whether an incident that is part of another goes on, or waits for parts of its own.
func (d *Detector) anyPart(id string) bool {
	for _, s := range d.order {
		if t := s.incident; t != nil && t.Parent == id && t.ResolvedAt.IsZero() {
			return true
		}
	}
	return false
}

// stands reports whether an incident is not resolved and stands for others.
func (d *Detector) stands(id string) bool {
	t := d.incidentOf(id)
	return t != nil && t.ResolvedAt.IsZero() && t.Wide != ""
}

// incidentOf finds an incident by its id; nil when it is forgotten.
func (d *Detector) incidentOf(id string) *tracked {
	if s := d.leadOf(id); s != nil {
		return s.incident
	}
	for _, f := range d.fleets {
		if f.Own != nil && f.Own.ID == id {
			return f.Own
		}
	}
	return nil
}

// leadOf finds the series of an incident; nil when it is forgotten, or stands for all without being of one.
func (d *Detector) leadOf(id string) *series {
	for _, s := range d.order {
		if s.incident != nil && s.incident.ID == id {
			return s
		}
	}
	return nil
}
