package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/revwatch/revwatch/pkg/baseline"
	"github.com/revwatch/revwatch/pkg/window"
)

const (
	reopenWithin = 72 * time.Hour
	acceptAfter  = 14 * slotsPerDay  // observed slots after which an incident that goes on is the new normal
	quietSlots   = slotsPerDay       // observed slots without a break that end an incident
	decayed      = 4.0               // evidence for the old rate that ends an incident
	maskScore    = 9.210340371976184 // log 10,000: from here on an incident may not teach; a lower limit lets the baseline sink and feeds itself
	maskRise     = 1.82              // and with so many times what was expected
	riseScore    = 4.605170185988092 // log 100: re-opened, it is told again when the score is so much above what was last told,
	riseCount    = 2                 // or the count so many times
	growth       = 4                 // an incident that goes on is told again when so many times as many broke as were told
	shown        = 50                // connections of an incident that are handed on
	thetaMin     = 1.5               // bounds of the rise that the end is tested against
	thetaMax     = 20.0
)

// tracked is an incident with what following it needs.
type tracked struct {
	Incident
	Line  float64 // log B in days, fixed at opening
	Peak  peak    // the most extreme window so far
	Told  peak    // the peak at the last milestone
	Decay float64 // D: evidence that the rate is what was expected again
	Age   int     // observed slots since it opened
	Total int64   // breaks of the series when it was last told
	Onset int64   // slot in which the rise began

	Masked             bool // its slots do not teach:
	MaskFrom, MaskedTo int64
}

// judge opens an incident, or re-opens the last one, when the most extreme window reaches the alarm line.
func (d *Detector) judge(s *series, p peak, at, now time.Time) []Incident {
	line := d.line(s)
	if p.Score < line {
		return nil
	}
	past := d.past(s, now)
	if last := s.incident; last != nil && at.Sub(last.ResolvedAt) <= reopenWithin {
		return d.reopen(s, p, line, at, past)
	}
	t := &tracked{Line: line, Peak: p, Told: p}
	t.Incident = Incident{
		Type: "incident", ID: identity(s.key, p.To), Revision: 1, Milestone: 1, Status: StatusOpen, Time: at, OpenedAt: at, Past: past,
		Signal: s.Signal, Environment: s.Environment, Provider: s.Provider, Cause: s.Cause,
	}
	s.incident = t
	t.Onset = d.onset(s, p)
	t.Since = s.firstBreak(t.Onset)
	d.describe(s)
	return []Incident{t.Incident}
}

// Hush makes incidents Past whose newest break is not after t: whoever watched before has told them. It is not stored.
func (d *Detector) Hush(t time.Time) {
	if t.After(d.hushed) {
		d.hushed = t
	}
}

// past reports whether the newest break of a series is too long ago to tell anybody, or was told by others.
func (d *Detector) past(s *series, now time.Time) bool {
	latest := s.latest()
	return !now.IsZero() && now.Sub(latest) > d.opt.MaxAge || !latest.After(d.hushed)
}

// reopen goes on with an incident that was resolved less than 72 h ago. It is told only when it is worse than it was, or was never told.
func (d *Detector) reopen(s *series, p peak, line float64, at time.Time, past bool) []Incident {
	t := s.incident
	t.Status, t.Time, t.ResolvedAt, t.Resolution = StatusReopened, at, time.Time{}, ""
	t.Line, t.Peak, t.Decay, t.Age, t.Masked = line, p, 0, 0, false
	t.OpenedAt, t.Revision = at, t.Revision+1
	t.Onset = d.onset(s, p)
	t.Since = s.firstBreak(t.Onset)
	if worse(p, t.Told) || t.Past && !past {
		t.Milestone++
		t.Told = p
	}
	t.Past = t.Past && past
	d.describe(s)
	return []Incident{t.Incident}
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

// follow brings an open incident over the slot that has just closed: it grows, stays, or resolves.
//
// It resolves by a sequential test of the old rate against a risen one. With θ = √(n/Λ) of the most extreme window, held within 1.5 and 20, and
// μ, n of each slot, D = max(0, D + ((θ − 1) μ (1 + √v) − n log θ)/φ) grows where the breaks are as few as before (Page's cumulative sum of
// Poisson log-likelihood ratios; v and φ allow for rates that fluctuate and breaks that clump). Or after a day without a break, or when it has
// gone on for 14 days.
//
// One that was found too late to be told is told after all when it still grows: its newest break is of now.
func (d *Detector) follow(s *series, slot int64, now time.Time) []Incident {
	t := s.incident
	if p := d.scan(s, slot); p.Score > t.Peak.Score {
		t.Peak = p
		if t.Past && !d.past(s, now) {
			t.Past, t.Told = false, p
			t.Milestone++
		}
		if onset := d.onset(s, p); onset < t.Onset {
			t.Onset = onset
			t.Since = s.firstBreak(onset)
		}
	}
	t.Age++
	t.mask(s, slot)
	t.Decay = max(0, t.Decay+t.step(s.ring.Count(slot), s.expected(slot, slot, &d.rows)))
	s.changed = true
	switch {
	case t.Age >= acceptAfter:
		t.unmask(s)
		return d.resolve(s, slot, "it has gone on for 14 days: this rate is taken for normal from now on")
	case t.Decay > decayed:
		return d.resolve(s, slot, "the rate is what is expected again")
	case d.rows.observed(s.newest+1, slot) >= quietSlots:
		return d.resolve(s, slot, "no connection broke in 24 hours")
	case s.total == t.Total:
		return nil // nothing broke since it was last told
	}
	t.Status, t.Time = StatusUpdate, window.SlotTime(slot+1)
	t.Revision++
	if t.Peak.Count >= growth*t.Told.Count { // the score would rise by riseScore every few breaks of a burst
		t.Milestone++
		t.Told = t.Peak
	}
	d.describe(s)
	return []Incident{t.Incident}
}

// step is what one slot with n breaks, where mu are expected, adds to D.
func (t *tracked) step(n, mu float64) float64 {
	theta := math.Sqrt(t.Peak.Count / max(t.Peak.Expected, 1e-9))
	theta = max(thetaMin, min(theta, thetaMax))
	return ((theta-1)*mu*(1+math.Sqrt(baseline.Fluctuation(6))) - n*math.Log(theta)) / baseline.Clumping
}

// mask keeps the slots of a clear incident from teaching what is normal, from the begin of the window that showed it.
func (t *tracked) mask(s *series, slot int64) {
	if !t.Masked {
		if t.Peak.Score < maskScore || t.Peak.Count <= maskRise*t.Peak.Expected {
			return
		}
		t.Masked, t.MaskFrom = true, t.Peak.From
		t.MaskedTo = t.MaskFrom - 1
	}
	for ; t.MaskedTo < slot; t.MaskedTo++ {
		s.ring.Mask(t.MaskedTo + 1)
		s.changedDays[floorDay(t.MaskedTo+1)] = true
	}
}

func (t *tracked) unmask(s *series) {
	for x := t.MaskFrom; t.Masked && x <= t.MaskedTo; x++ {
		s.ring.Unmask(x)
		s.changedDays[floorDay(x)] = true
	}
}

func (d *Detector) resolve(s *series, slot int64, why string) []Incident {
	t := s.incident
	end := window.SlotTime(slot + 1)
	t.Status, t.Time, t.ResolvedAt, t.Resolution = StatusResolved, end, end, why
	t.Revision++
	t.Milestone++
	s.restart = slot + 1
	s.changed = true
	d.describe(s)
	return []Incident{t.Incident}
}

// onset estimates when the rise began: the slot t of the peak's window for which the breaks from t on are least likely at the expected rate,
// by the log-likelihood ratio n log(n/Λ) − (n − Λ) of Kulldorff's scan over all starts.
func (d *Detector) onset(s *series, p peak) int64 {
	best, at := 0.0, p.From
	count, expected := 0.0, 0.0
	for slot := p.To; slot >= p.From; slot-- {
		n := s.ring.Count(slot)
		count += n
		expected += s.expected(slot, slot, &d.rows)
		if n > 0 && count > expected && expected > 0 {
			if l := count*math.Log(count/expected) - (count - expected); l > best {
				best, at = l, slot
			}
		}
	}
	return at
}

// within are the breaks of the peak's window.
func (s *series) within(p peak) []window.Break {
	b := s.breaks.Since(window.SlotTime(p.From))
	end := window.SlotTime(p.To + 1)
	for len(b) > 0 && !b[len(b)-1].Time.Before(end) {
		b = b[:len(b)-1]
	}
	return b
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

func distinct(breaks []window.Break) int {
	found := map[[2]string]struct{}{}
	for _, b := range breaks {
		found[[2]string{b.Integration, b.Connection}] = struct{}{}
	}
	return len(found)
}
