package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/revwatch/revwatch/pkg/window"
)

// tracked is an incident with what following it needs.
type tracked struct {
	Incident
	Line   float64 // log B in days, fixed at opening
	Peak   peak    // the most extreme window so far
	Told   peak    // the peak at the last milestone
	Decay  float64 // D: evidence that the rate is what was expected again
	Age    int     // observed slots since it opened
	Breaks int64   `json:"Total"` // of the series when it was last told
	Onset  int64   // slot in which the rise began
	Over   bool    // the rise of its own series has ended; it resolves with the last incident that is part of it
	Wide   string  // family or all: it stands for others too
	Broad  *breadth

	Joined time.Time `json:",omitzero"` // what broke in it from then on is part of its parent, too

	Fleeting float64 `json:",omitempty"` // connections of the provider that failed for a passing reason in the window of the peak,
	Usually  float64 `json:",omitempty"` // and how many do in as long a time
}

// judge opens an incident, or re-opens the last one, when the most extreme window reaches the alarm line.
func (d *Detector) judge(s *series, p peak, at, now time.Time) []Incident {
	line := s.on(floorDay(p.To)).Line
	if p.Score < line {
		return nil
	}
	past := d.past(s, now)
	if last := s.incident; last != nil && (last.ResolvedAt.IsZero() || at.Sub(last.ResolvedAt) <= reopenWithin) {
		return d.reopen(s, p, line, at, past)
	}
	t := &tracked{Line: line, Peak: p, Told: p}
	t.Incident = Incident{
		Type: "incident", ID: identity(s.key, p.To), Revision: 1, Milestone: 1, Status: StatusOpen, Time: at, OpenedAt: at, Past: past,
		Signal: s.Signal, Environment: s.Environment, Provider: s.Provider, Cause: s.Cause,
	}
	if last := s.incident; last != nil {
		d.replace(last)
	}
	s.incident = t
	t.Onset = d.onset(s, p)
	t.Since = s.firstBreak(t.Onset)
	s.begins(t.ID, at)
	d.describe(s)
	widened := d.join(s, at)
	return append([]Incident{t.Incident}, widened...)
}

// Hush makes incidents Past whose newest break is not after t: whoever watched before has told them. It is not stored.
func (d *Detector) Hush(t time.Time) {
	if t.After(d.hushed) {
		d.hushed = t
	}
}

// past reports whether the newest break of a series is too long ago to tell anybody, or was told by others.
func (d *Detector) past(s *series, now time.Time) bool {
	return d.isPast(s.latest(), now)
}

func (d *Detector) isPast(newest, now time.Time) bool {
	return !now.IsZero() && now.Sub(newest) > d.opt.MaxAge || !newest.After(d.hushed)
}

// reopen goes on with an incident that was resolved less than 72 h ago. It is told only when it is worse than it was, or was never told.
func (d *Detector) reopen(s *series, p peak, line float64, at time.Time, past bool) []Incident {
	t := s.incident
	t.Status = StatusUpdate // it waited for others
	if !t.ResolvedAt.IsZero() {
		t.opensAgain(at)
		t.Wide, t.Broad = "", nil
		if f := d.fleet(s); f.Wide.ID == t.ID { // it stands for nobody any more
			f.Wide, f.changed = wide{}, true
		}
	}
	t.Time, t.Resolution, t.Over = at, "", false
	t.Line, t.Peak, t.Decay, t.Age, t.Revision = line, p, 0, 0, t.Revision+1
	t.Onset = d.onset(s, p)
	t.Since = s.firstBreak(t.Onset)
	orphan := t.Parent != "" && !d.stands(t.Parent)
	switch {
	case worse(p, t.Told) || orphan:
		t.tell()
	case t.Past && !past:
		t.Milestone++
	}
	if orphan {
		t.Parent = ""
	}
	t.Past = t.Past && past
	s.begins(t.ID, at)
	d.describe(s)
	var widened []Incident
	if t.Parent == "" && t.Wide == "" {
		widened = d.join(s, at)
	}
	return append([]Incident{t.Incident}, widened...)
}

// opensAgain opens an incident that was resolved.
func (t *tracked) opensAgain(at time.Time) {
	t.FirstOpened = or(t.FirstOpened, t.OpenedAt)
	t.Status, t.OpenedAt, t.ResolvedAt, t.Resolution = StatusReopened, at, time.Time{}, ""
}

// worse reports a rise of severity that is worth telling people again after all seemed over.
func worse(p, told peak) bool {
	return p.Score >= told.Score+riseScore || p.Count >= riseCount*told.Count
}

// identity is the id of an incident: a hash of its series and the slot at whose end, or in which, it opened.
func identity(k key, slot int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %d", k.Signal, k.Environment, k.Provider, k.Cause, slot))
	return hex.EncodeToString(sum[:8])
}

// grow takes up what one more break of an open incident shows, and tells it at once when so much more broke than was told: what breaks within a minute
// is not left at three connections until its ten minutes are over. As each telling takes four times as many breaks as the one before, a burst has few.
func (d *Detector) grow(s *series, p peak, at, now time.Time) []Incident {
	t := s.incident
	t.rise(p)
	if !t.grown() {
		return nil
	}
	t.tell()
	d.revive(s, now)
	d.beganEarlier(s)
	return d.update(s, at)
}

// rise takes up a window that is more extreme than those before.
func (t *tracked) rise(p peak) {
	if p.Score > t.Peak.Score {
		t.Peak = p
	}
}

// grown reports whether so much more broke than people were told that they are told again; the score would rise by riseScore every few breaks of a burst.
func (t *tracked) grown() bool { return t.Peak.Count >= growth*t.Told.Count }

// tell makes the next telling one that people should notice.
func (t *tracked) tell() {
	t.Milestone++
	t.Told = t.Peak
}

// revive tells an incident after all that was too late to be told, or told by others, and in which one more broke: its newest break is of now. What it is
// told next does not depend on that.
func (d *Detector) revive(s *series, now time.Time) {
	if t := s.incident; t.Past && !d.past(s, now) {
		t.Past = false
		t.Milestone++
	}
}

// beganEarlier moves the onset of an incident back where its most extreme window says so.
func (d *Detector) beganEarlier(s *series) {
	if t, onset := s.incident, d.onset(s, s.incident.Peak); onset < t.Onset {
		t.Onset = onset
		t.Since = s.firstBreak(onset)
	}
}

// follow brings an open incident over the slot that has just closed, whose most extreme window is p: it grows, stays, or ends. It ends when decay says
// so of the rise θ = √(n/Λ) of its most extreme window, after a day without a break, or when it has gone on for 14 days.
func (d *Detector) follow(s *series, p peak, slot int64, now time.Time) []Incident {
	t := s.incident
	before := t.Incident
	t.rise(p)
	if s.total != t.Breaks {
		d.revive(s, now)
	}
	t.Age++
	m := &s.today().Model
	mu := s.expected(slot, slot, &d.rows) + misread*s.shaky.sum(slot, slot)
	theta := bounded(math.Sqrt(t.Peak.Count/max(t.Peak.Expected, tiny)), thetaMin, thetaMax)
	t.Decay = decay(t.Decay, theta, s.ring.Count(slot), mu, m.Fluctuation[1], m.Clumping)
	s.changed = true
	switch {
	case t.Age >= acceptAfter:
		return d.end(s, slot, midnightAfter(slot), "it has gone on for 14 days: this rate is taken for normal from now on")
	case t.Decay > decayed:
		return d.end(s, slot, slot+1, "the rate is what is expected again")
	case d.rows.observed(s.newest+1, slot) >= quietSlots:
		why := "no connection broke in 24 hours"
		if s.Signal == UnknownConnections {
			why = "no unknown connection was asked for in 24 hours"
		}
		return d.end(s, slot, slot+1, why)
	case s.total == t.Breaks:
		return nil // nothing broke since it was last told
	}
	if t.grown() {
		t.tell()
	}
	d.beganEarlier(s)
	if d.describe(s); t.Incident.says(&before) {
		return nil // what broke is beyond what is told
	}
	return t.goesOn(window.SlotTime(slot + 1))
}

// says reports whether two states of an incident tell the same. Its course moves with time, and the ranking stands in the explanation.
func (in *Incident) says(o *Incident) bool {
	return in.Milestone == o.Milestone && in.Past == o.Past && in.Observed == o.Observed && in.Expected == o.Expected && in.Score == o.Score && in.Since.Equal(o.Since) &&
		in.Affected == o.Affected && in.Customers == o.Customers && in.Remaining == o.Remaining &&
		in.Scope == o.Scope && in.Integration == o.Integration && in.Active == o.Active && in.Total == o.Total && len(in.Connections) == len(o.Connections) && slices.Equal(in.Explanation, o.Explanation) &&
		slices.EqualFunc(in.Diagnoses, o.Diagnoses, func(a, b Diagnosis) bool { return a.Kind == b.Kind })
}

// update describes an incident that goes on as it is now, and tells it.
func (d *Detector) update(s *series, at time.Time) []Incident {
	d.describe(s)
	return s.incident.goesOn(at)
}

// goesOn tells an incident that goes on as it was described.
func (t *tracked) goesOn(at time.Time) []Incident {
	t.Status, t.Time = StatusUpdate, at
	t.Revision++
	return []Incident{t.Incident}
}

// end ends the rise of a series; the next windows begin at restart. Its incident resolves, unless it stands for others that go on.
func (d *Detector) end(s *series, slot, restart int64, why string) []Incident {
	t := s.incident
	t.Over, t.Resolution = true, why
	s.ends(slot, restart)
	return d.settle(s, window.SlotTime(slot+1))
}

// settle resolves the incident of a series whose rise is over, if no incident that is part of it goes on; and then the one that it is part of.
func (d *Detector) settle(s *series, at time.Time) []Incident {
	t := s.incident
	if t.Wide != "" && d.anyPart(t.ID) {
		return d.update(s, at)
	}
	t.Status, t.Time, t.ResolvedAt = StatusResolved, at, at
	t.Revision++
	t.Milestone++
	d.describe(s)
	return append([]Incident{t.Incident}, d.partEnded(t.Parent, at)...)
}

// onset estimates when the rise began: the slot t of the peak's window for which the breaks from t on are least likely at the expected rate,
// by the log-likelihood ratio n log(n/Λ) − (n − Λ) of Kulldorff's scan over all starts with three breaks or more.
func (d *Detector) onset(s *series, p peak) int64 {
	best, at := 0.0, p.From
	count, expected := 0.0, 0.0
	for slot := p.To; slot >= p.From; slot-- {
		n := s.ring.Count(slot)
		count += n
		expected += s.expected(slot, slot, &d.rows)
		if n > 0 && count >= minCount && count > expected && expected > 0 {
			if l := count*math.Log(count/expected) - (count - expected); l > best {
				best, at = l, slot
			}
		}
	}
	return at
}

// firstBreak is the time of the first break in or after a slot, or the begin of the slot.
func (s *series) firstBreak(slot int64) time.Time {
	if b := s.breaks.Since(window.SlotTime(slot)); len(b) > 0 {
		return b[0].Time
	}
	return window.SlotTime(slot)
}

func (s *series) latest() time.Time {
	if b := s.breaks.Since(window.SlotTime(s.newest)); len(b) > 0 {
		return b[len(b)-1].Time
	}
	return window.SlotTime(s.newest)
}
