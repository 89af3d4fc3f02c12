package alert

import (
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// standing is what is to be known of one incident at one destination beyond what it was told before.
type standing struct {
	born    time.Time // when the destination was first there
	routed  bool      // the routes name it
	standIn bool      // another destination refuses the incident, and this one is told instead
	silence *Silence  // that keeps the incident quiet; nil: none
	apart   bool      // the destination does not hear of the wider incident that this one is part of
	shadow  bool      // nothing is sent to anybody
}

// owed is what the destination has still to be told of the incident: the whole delivery rule. Who was told of an incident goes on being told,
// whatever the routes say of it now.
func owed(t traits, r *record, in *detect.Incident, s standing) phase {
	switch {
	case s.shadow, in.Past:
		return none
	case in.Signal == detect.Weekly:
		return owedReport(t, r, in, s)
	case within(r, in, s):
		if r.told() {
			return fold
		}
		return none
	case in.Status == detect.StatusResolved:
		return owedEnd(t, r, in, s)
	case s.silence != nil:
		return owedHush(t, r, s)
	}
	return owedOpen(t, r, in, s)
}

// within says that the wider incident is told instead of this one. Where nobody hears of that, who knows of this one is told how it goes on.
func within(r *record, in *detect.Incident, s standing) bool {
	return in.Parent != "" && (!s.apart || !r.told() && r.Sent.Phase != resolve)
}

// owedOpen: an open incident that nobody silenced.
func owedOpen(t traits, r *record, in *detect.Incident, s standing) phase {
	switch {
	case !r.told() && !s.routed && !s.standIn:
		return none
	case r.Sent.Phase.over() && in.Milestone <= max(r.Sent.Milestone, r.Waived): // quietly open again
		return none
	case in.Milestone > r.Sent.Milestone:
		return open
	case t.revisions && (in.Revision > r.Sent.Revision || r.unsure()):
		return open
	}
	return none
}

// owedEnd: what was told is told to be over. What was never told is told once, unless the destination was not there, it was nobody's business
// here, or it was silenced when it ended. Of what is over, only newer proof is shown.
func owedEnd(t traits, r *record, in *detect.Incident, s standing) phase {
	never := r.Sent.Phase == none && !t.paired && s.silence == nil && !in.ResolvedAt.Before(s.born)
	switch {
	case r.told():
		return resolve
	case never && (s.standIn || s.routed && r.Waived < in.Milestone):
		return resolve
	case t.revisions && r.Sent.Phase == resolve && in.Proof > r.Sent.Proof:
		return resolve
	}
	return none
}

// owedHush: a silenced incident is not told, but who shows it as open is told once of each silence, where that means something.
func owedHush(t traits, r *record, s standing) phase {
	if t.silences && (r.Sent.Phase == open || r.Sent.Phase == hush && r.Sent.Silence != s.silence.ID) {
		return hush
	}
	return none
}

// owedReport: a report is told once to who takes reports, and never ends.
func owedReport(t traits, r *record, in *detect.Incident, s standing) phase {
	if t.reports && (s.routed || s.standIn) && s.silence == nil && r.Sent.Phase == none && r.Waived == 0 && !in.Time.Before(s.born) {
		return open
	}
	return none
}

// waives says that the incident ended while the destination was not to be told of it. That is kept: other routes, the end of the shadow mode
// or a quiet re-opening do not make news of what is over.
func waives(t traits, r *record, in *detect.Incident, s standing) bool {
	over := in.Status == detect.StatusResolved || in.Signal == detect.Weekly
	if !over || in.Past || r.told() || r.Waived >= max(1, in.Milestone) || owed(t, r, in, s) != none {
		return false
	}
	if r.Sent.Phase.over() {
		return in.Milestone > r.Sent.Milestone
	}
	s.shadow, s.routed = false, true
	return owed(t, r, in, s) != none
}

// again says from when on a state that was told is sent again though nothing changed: what is open always, what is over for a while. A silence
// does not end that: the other side would take it for the end of the incident.
func again(t traits, r *record, in *detect.Incident, s standing, now time.Time) (time.Time, bool) {
	over := within(r, in, s) || in.Status == detect.StatusResolved
	switch p := r.Sent.Phase; {
	case t.repeat == 0, s.shadow, in.Past, in.Signal == detect.Weekly, p == none, over != p.over():
		return time.Time{}, false
	case over && !now.Before(r.Ended.Add(t.repeatEnd)):
		return time.Time{}, false
	}
	return r.repeated.Add(t.repeat), true
}
