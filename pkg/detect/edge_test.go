package detect

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// A provider that is known but never broke: once in how many days three and five breaks within a day come after so many quiet days. The first figures are
// those of eighteen windows, which five find 2.5857 times as rare; those of a week are of this fit, which leaves its newest two days out only later. Two
// breaks are never unusual.
func TestNeverBroke(t *testing.T) {
	for quiet, want := range map[int][3]float64{7: {0, 532 / 2.5857, 13_594 / 2.5857}, 14: {0, 477, 17_653}, 21: {0, 1038, 68_105}, 84: {0, 9400, 0}} {
		end := monday.Add(time.Duration(quiet) * day)
		h := newHistory(1)
		h.life("rows", 0, monday, end.Add(day))
		for _, slot := range []int{6, 38, 69, 101, 132} {
			h.breaks("crm", "crm", end.Add(time.Duration(slot)*10*time.Minute), 1, 0)
		}
		d := New(Options{})
		told := feed(d, h.sorted(), time.Time{})
		for i, slot := range []int{38, 69, 132} {
			if want[i] == 0 && i > 0 {
				continue
			}
			a, err := d.Explain(Question{At: end.Add(time.Duration(slot) * 10 * time.Minute)})
			if err != nil {
				t.Fatal(err)
			}
			got := 0.
			if a.Best >= 0 {
				got = a.Windows[a.Best].OncePerDays
			}
			near(t, fmt.Sprintf("after %d quiet days, %d breaks: once in days", quiet, []int{2, 3, 5}[i]), got, 2.5857*want[i], .08*2.5857*want[i])
		}
		if count(told, StatusOpen) != 1 || told[0].Time.Sub(end) != 690*time.Minute {
			t.Errorf("after %d quiet days: %v", quiet, statuses(told))
		}
	}
}

// hole takes the rows of a stretch out.
func (h *history) hole(from, to time.Time) {
	h.events = slices.DeleteFunc(h.events, func(e nango.Event) bool { return !e.Time.Before(from) && e.Time.Before(to) })
}

// Twelve hours of a provider that breaks 20 times a day are lost, or nothing came at all; then what broke meanwhile shows within minutes. That is no
// incident: as many were missed. Four times as many are, and so are ten where nothing was missed.
func TestGapSurfaces(t *testing.T) {
	for name, c := range map[string]struct {
		gap, lost bool
		breaks    int
		opens     int
	}{
		"lost, the missed come":         {true, true, 10, 0},
		"silent, the missed come":       {true, false, 10, 0},
		"lost, a revocation after it":   {true, true, 45, 1},
		"silent, a revocation after it": {true, false, 45, 1},
		"nothing was missed":            {false, false, 10, 1},
	} {
		for seed := range uint64(3) {
			from, to := onset.Add(-12*time.Hour), onset
			h := newHistory(seed)
			h.life("crm", 20, monday, to.Add(24*time.Hour))
			if c.gap {
				h.hole(from, to)
			}
			h.breaks("crm", "crm", to.Add(2*time.Minute), c.breaks, 10*time.Second)
			d := New(Options{})
			if c.lost {
				d.Unobserved(from, to)
			}
			told := feed(d, h.sorted(), time.Time{})
			opens := 0
			for _, in := range told {
				if in.Status == StatusOpen && !in.Time.Before(from) {
					opens++
				}
			}
			if opens != c.opens {
				t.Errorf("%s, seed %d: %d opened, want %d", name, seed, opens, c.opens)
			}
		}
	}
}

// Only lost offsets and unusual silence are gaps: three hours without a row are quiet hours where they are usual, and count as zero.
func TestUsualSilenceIsNoGap(t *testing.T) {
	h := newHistory(1)
	for at := monday; at.Before(monday.Add(20 * day)); at = at.Add(3 * time.Hour) {
		h.put(at, nango.Active, "crm", "crm", "always", "")
	}
	d := New(Options{})
	feed(d, h.sorted(), time.Time{})
	if n := d.rows.blind.within(window.SlotOf(monday.Add(day)), d.edge); n > 0 {
		t.Errorf("%d slots are not observed", n)
	}
	known := New(Options{}) // what is lost is known before its slots close
	known.Unobserved(monday.Add(19*day+20*time.Minute), monday.Add(19*day+80*time.Minute-time.Second))
	feed(known, h.sorted(), time.Time{})
	if n := known.rows.blind.within(window.SlotOf(monday.Add(day)), known.edge); n != 6 {
		t.Errorf("%d slots are not observed, six were lost", n)
	}
	d.Unobserved(monday.Add(20*day-4*time.Hour), monday.Add(20*day-3*time.Hour-time.Second))
	if n := d.rows.blind.within(window.SlotOf(monday.Add(day)), d.edge); n != 6 {
		t.Errorf("%d slots are not observed, six were lost", n)
	}
}

// office writes breaks of office hours, 9 to 17 on weekdays by a clock that is so far ahead of UTC, a tenth as many else; perDay in the mean of a weekday.
func (h *history) office(provider string, perDay float64, from, to time.Time, ahead func(time.Time) time.Duration) {
	const busy, rest = 1., .1
	for at := from; at.Before(to); at = at.Add(slot) {
		local, rate := at.Add(ahead(at)), rest
		if d := local.Weekday(); d >= time.Monday && d <= time.Friday && local.Hour() >= 9 && local.Hour() < 17 {
			rate = busy
		}
		mean := perDay * rate / (8*busy + 16*rest) / 6
		for p := math.Exp(-mean); ; { // Poisson by Knuth's product
			if p /= h.rng.Float64(); p >= 1 {
				break
			}
			h.breaks(provider, provider, at.Add(time.Duration(h.rng.IntN(600_000))*time.Millisecond), 1, 0)
		}
	}
}

// Office hours move by an hour in UTC in March and October. Twelve weeks around it, eight providers of one clock, B = 90 days each: 2·8·84/90 = 14.9
// false alarms are allowed in the mean, and 21 one time in twenty. That all of a fleet of one clock rise an hour early is no rise of all.
func TestDaylightSaving(t *testing.T) {
	const allowed, allKnown = 21, 0
	opened, all := 0, 0
	for _, c := range []struct {
		change        time.Time
		before, after time.Duration
	}{
		{time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), time.Hour, 2 * time.Hour},
		{time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC), 2 * time.Hour, time.Hour},
	} {
		clock := func(t time.Time) time.Duration {
			if t.Before(c.change) {
				return c.before
			}
			return c.after
		}
		from := c.change.Truncate(day).Add(-41 * day) // a Monday
		h := newHistory(7)
		h.life("rows", 0, from, from.Add(84*day))
		for i := range 8 {
			h.office(fmt.Sprint("p", i), []float64{2, 6, 20, 60}[i%4], from, from.Add(84*day), clock)
		}
		for _, in := range feed(New(Options{Budget: 90 * day}), h.sorted(), time.Time{}) {
			switch {
			case in.Status != StatusOpen:
			case in.Scope == "all":
				all++
			default:
				opened++
			}
		}
	}
	t.Logf("%d false alarms in %d provider-days, %d of all together", opened, 2*8*84, all)
	if opened > allowed || all > allKnown {
		t.Errorf("%d false alarms, %d are allowed; %d of all together", opened, allowed, all)
	}
}

// A provider begins to exist with the records, unless its first sign is a new connection more than 7 days later.
func TestWhenAProviderBegins(t *testing.T) {
	for name, c := range map[string]struct {
		kind  nango.Kind
		after time.Duration
		young bool
	}{
		"new connection on the 8th day":     {nango.Reconnected, 7*day + time.Hour, true},
		"new connection after just 7 days":  {nango.Reconnected, 7 * day, false},
		"new connection on the 3rd day":     {nango.Reconnected, 3 * day, false},
		"a call on the 8th day":             {nango.Active, 7*day + time.Hour, false},
		"nothing but failures":              {nango.Failure, 8 * day, false},
		"new connection before the failure": {nango.Reconnected, 8*day - time.Minute, true},
	} {
		h := newHistory(1)
		h.life("rows", 0, monday, monday.Add(20*day))
		if c.kind != nango.Failure {
			h.put(monday.Add(c.after), c.kind, "crm", "crm", "first", "")
		}
		h.breaks("crm", "crm", monday.Add(8*day), 8, time.Second)
		d := New(Options{})
		told := feed(d, slices.DeleteFunc(h.sorted(), func(e nango.Event) bool { return !e.Time.Before(monday.Add(8*day + time.Hour)) }), time.Time{})
		young := d.Series()[0].State == StateLearning
		if young != c.young || (len(told) == 0) != c.young {
			t.Errorf("%s: learning %v, told %v", name, young, statuses(told))
		}
		first := window.SlotTime(d.order[0].first)
		if want := monday.Add(c.after); c.young && first != want.Truncate(slot) || !c.young && first != monday {
			t.Errorf("%s: begins at %v", name, first)
		}
	}
}

// The same breaks in another order, within an edge or hours late, teach the same, and open and end the same incidents.
func TestDisorder(t *testing.T) {
	h := newHistory(3)
	h.life("crm", 15, monday, onset.Add(60*time.Hour))
	h.breaks("crm", "crm", onset, 40, 3*time.Minute)
	events := h.sorted()
	straight := New(Options{})
	want := feed(straight, events, time.Time{})
	for _, within := range []time.Duration{9 * time.Minute, 50 * time.Hour} {
		d := New(Options{})
		shuffled := slices.Clone(events)
		for i := range shuffled { // each waits a while for its reason
			if e := &shuffled[i]; e.Kind == nango.Failure && e.Time.Before(onset.Add(-within)) {
				e.Due = e.Time.Truncate(within).Add(within)
			}
		}
		slices.SortStableFunc(shuffled, func(a, b nango.Event) int { return a.Due.Compare(b.Due) })
		for begin := 0; begin < len(shuffled); {
			end := begin
			for end < len(shuffled) && shuffled[end].Due.Equal(shuffled[begin].Due) {
				end++
			}
			h.rng.Shuffle(end-begin, func(i, j int) { shuffled[begin+i], shuffled[begin+j] = shuffled[begin+j], shuffled[begin+i] })
			begin = end
		}
		told := feed(d, shuffled, time.Time{})
		for slot := window.SlotOf(monday); slot < d.edge; slot++ {
			if got, want := d.order[0].ring.Count(slot), straight.order[0].ring.Count(slot); got != want {
				t.Fatalf("within %v: %v in a slot, want %v", within, got, want)
			}
		}
		if d.edge != straight.edge || d.Stats() != straight.Stats() {
			t.Errorf("within %v: other counts, %+v and %+v", within, d.Stats(), straight.Stats())
		}
		if got, want := last(told), last(want); within < slot && (got.ID != want.ID || !got.Time.Equal(want.Time) || got.Resolution != want.Resolution || got.Observed != want.Observed) {
			t.Errorf("within %v: ended as %+v\nwant %+v", within, got, want)
		}
		if count(told, StatusOpen) != count(want, StatusOpen) {
			t.Errorf("within %v: %v", within, statuses(told))
		}
	}
}

// A clock that is ahead: a break of a time that no row has reached waits in its own slot, teaches and closes nothing before; more than a day ahead it is
// dropped and counted.
func TestClockAhead(t *testing.T) {
	h := running(0)
	h.life("crm", 3, monday, onset)
	events := h.sorted()
	d := New(Options{})
	feed(d, events, time.Time{})
	edge, dropped := d.edge, d.Stats().Dropped
	ahead := newHistory(9)
	ahead.next = 1000
	ahead.breaks("crm", "crm", onset.Add(5*time.Hour), 1, 0)
	ahead.breaks("crm", "crm", onset.Add(25*time.Hour), 8, time.Second)
	for _, e := range ahead.events {
		d.Observe(e, time.Time{})
	}
	if d.edge != edge || d.Stats().Dropped != dropped+8 {
		t.Errorf("%d slots closed, %d dropped", d.edge-edge, d.Stats().Dropped-dropped)
	}
	s := d.order[0]
	if s.ring.Count(window.SlotOf(onset.Add(5*time.Hour))) != 1 || s.ring.Sum(edge, edge+300) != 1 {
		t.Error("it is not in its own slot alone")
	}
}

// An outage hits many connections, and a few of its failures read as revocations: nothing opens, though as many breaks without it do. Nor does an outage hide
// a real revocation.
func TestOutageExplainsTheMisread(t *testing.T) {
	for name, c := range map[string]struct {
		failing, broken int
		elsewhere       bool
		opens           int
	}{
		"2 % misread":                {300, 6, false, 0},
		"the same without an outage": {0, 6, false, 1},
		"an outage of another":       {300, 6, true, 1},
		"a revocation in an outage":  {300, 60, false, 1},
	} {
		h := running(60 * time.Hour)
		for i := range c.failing {
			provider := "crm"
			if c.elsewhere {
				provider = "mail"
			}
			for again := range 6 { // each is tried again every 20 minutes
				h.put(onset.Add(time.Duration(i)*20*time.Second+time.Duration(again)*20*time.Minute), nango.Failure, provider, provider, fmt.Sprint("out", i), "")
				h.events[len(h.events)-1].Cause = nango.Transient
			}
		}
		h.breaks("crm", "crm", onset.Add(45*time.Minute), c.broken, 2*time.Minute)
		d := New(Options{})
		told := feed(d, h.sorted(), time.Time{})
		if count(told, StatusOpen) != c.opens {
			t.Errorf("%s: %v", name, statuses(told))
		}
		if c.failing > 0 && !c.elsewhere {
			a, err := d.Explain(Question{At: onset.Add(3 * time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			if got := a.Windows[3].Transient; math.Abs(got-misread*300) > 1e-9 { // each once in 24 h, not six times
				t.Errorf("%s: %v more are expected in 24 h, want %v", name, got, misread*300)
			}
			w := a.Windows[3]
			if e := w.Expected - w.Transient; e > .1 {
				t.Errorf("%s: %v expected besides", name, e)
			}
		}
	}
}

// A connection that fails for days adds to what is expected once in 24 h.
func TestTransientOnceADay(t *testing.T) {
	h := running(80 * time.Hour)
	for i := range 72 * 4 {
		h.put(onset.Add(time.Duration(i)*15*time.Minute), nango.Failure, "crm", "crm", "ill", "")
		h.events[len(h.events)-1].Cause = nango.Transient
	}
	d := New(Options{})
	feed(d, h.sorted(), time.Time{})
	x := d.shaky[place{"prod", "crm"}]
	if got := x.sum(window.SlotOf(onset), d.edge); got != 3 {
		t.Errorf("%v in three days", got)
	}
	for i := range int64(3) {
		if at := window.SlotOf(onset) + i*slotsPerDay; x.sum(at, at) != 1 {
			t.Errorf("none %d days after the first", i)
		}
	}
}

// What outages let expect is no part of what teaches, nor of series that outages do not touch.
func TestTransientsTeachNothing(t *testing.T) {
	fits := func(outage bool) (out []daily) {
		h := running(2 * day)
		h.life("crm", 3, monday, onset.Add(2*day))
		for i := range 200 {
			h.put(onset.Add(-2*day), nango.Failure, "crm", "crm", fmt.Sprint("out", i), "")
			e := &h.events[len(h.events)-1]
			if e.Kind, e.Cause = nango.Active, ""; outage {
				e.Kind, e.Cause = nango.Failure, nango.Transient
			}
		}
		h.breaks("crm", "crm", onset, 5, time.Second)
		for i := range h.events[len(h.events)-5:] {
			h.events[len(h.events)-5+i].Cause = nango.Misconfigured
		}
		d := New(Options{})
		feed(d, h.sorted(), time.Time{})
		for _, s := range d.order {
			if got := s.shaky != nil; got != (outage && s.Cause == string(nango.Revoked)) {
				t.Errorf("outage %v: the %s series expects misread: %v", outage, s.Cause, got)
			}
			out = append(out, *s.today())
		}
		return out
	}
	with, without := fits(true), fits(false)
	for i := range with {
		if !reflect.DeepEqual(with[i].Model, without[i].Model) {
			t.Errorf("with the outage %+v\nwithout %+v", with[i].Model, without[i].Model)
		}
	}
}

// A busy provider of an even rate is no anomaly in its first weeks, when no hour of the week can have come again.
func TestBusyProviderBeginsQuietly(t *testing.T) {
	opened := 0
	for seed := range uint64(6) {
		h := newHistory(seed)
		h.life("crm", 300, monday, monday.Add(16*day))
		opened += count(feed(New(Options{}), h.sorted(), time.Time{}), StatusOpen)
	}
	if opened > 3 {
		t.Errorf("%d false alarms in 96 days", opened)
	}
}

// An incident that is open when nobody looks for longer than anything is remembered ends when somebody looks again.
func TestOpenAcrossALongGap(t *testing.T) {
	h := newHistory(1)
	h.life("crm", 0, monday, monday.Add(21*day))
	h.breaks("crm", "crm", monday.Add(21*day-time.Hour), 10, time.Minute)
	again := monday.Add(400 * day)
	h.life("crm", 0, again, again.Add(3*day))
	told := feed(New(Options{}), h.sorted(), time.Time{})
	if count(told, StatusOpen) != 1 || count(told, StatusResolved) != 1 || told[len(told)-1].Time.Before(again) {
		t.Errorf("%v", statuses(told))
	}
}
