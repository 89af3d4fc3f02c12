package detect

import (
	"cmp"
	"slices"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

const (
	listingFresh = 24 * time.Hour  // how many connections there are is told from a listing that is not older
	goneAfter    = 5 * time.Minute // a connection is deleted that two listings in a row lack which are so far apart
	settles      = time.Minute     // so long after its row begins Nango may note how a refresh has ended
)

// Listing is all connections of one environment, as Nango's API listed them: none that was there all the time is missing.
type Listing struct {
	Environment string
	Time        time.Time // before the answers: what it says was so then or later
	End         time.Time // after the answers: what it says was so then or before. Zero: Time
	Due         time.Time // the watermark at which it is taken: Time, or later
	Partial     bool      // there are more: what is missing may be there
	Connections []nango.Listed
}

// Taken is what a listing changed.
type Taken struct {
	First     bool // of its environment
	Doubted   bool // it is so short that it is set aside until another one is as short
	Known     int  // connections of it that rows had named
	Strangers int  // connections that rows had named and it lacks
	Refused   int  // that were broken before anybody watched
	Mended    int  // that work again
	Deleted   int
}

// directory is what the listings say: of each connection what the newest one with it said.
type directory struct {
	listed  map[name]*listed
	counts  map[place]int
	latest  map[string]latest // by environment
	changed map[name]struct{}
	renewed map[string]struct{}
}

type listed struct {
	Provider string     `json:",omitempty"`
	Account  string     `json:",omitempty"`
	Tags     nango.Tags `json:",omitempty"`
	Created  time.Time  `json:",omitzero"`
	Refused  bool       `json:",omitempty"`
	Missing  time.Time  `json:",omitzero"` // of the first listing in a row without it
}

// latest is what is known of the newest listing of an environment that was taken.
type latest struct {
	Time    time.Time
	Count   int
	Doubted bool `json:",omitempty"` // the one after it was set aside
}

func newDirectory() directory {
	return directory{map[name]*listed{}, map[place]int{}, map[string]latest{}, map[name]struct{}{}, map[string]struct{}{}}
}

// List takes a listing, after the events that were due before it. Whose a connection is, and since when it exists, stands where no row says it. A connection
// that two listings lack is deleted. One whose error is gone works again, and so does one that was deleted and is there. One that the first listing of its
// environment has with an error, and of which no failure is known, was broken before anybody watched.
func (d *Detector) List(l Listing) (t Taken) {
	x := &d.directory
	before, known := x.latest[l.Environment]
	if ahead := before.Time.Sub(l.Time); known && ahead >= 0 && ahead <= listingFresh { // more: the clock was wrong by which that was listed
		return t
	}
	x.renewed[l.Environment] = struct{}{}
	if short := 2*len(l.Connections) < before.Count || len(l.Connections) == 0 && before.Time.IsZero(); short && !before.Doubted {
		before.Doubted = true
		x.latest[l.Environment] = before
		return Taken{Doubted: true}
	}
	t.First = before.Time.IsZero()
	there := d.present(&l, &t)
	d.absent(&l, there, &t)
	x.latest[l.Environment] = latest{Time: l.Time, Count: len(there)}
	return t
}

// present takes what is in a listing.
func (d *Detector) present(l *Listing, t *Taken) map[name]struct{} {
	there := make(map[name]struct{}, len(l.Connections))
	slices.SortFunc(l.Connections, func(a, b nango.Listed) int {
		return cmp.Or(cmp.Compare(a.Integration, b.Integration), cmp.Compare(a.Connection, b.Connection))
	})
	for i := range l.Connections {
		c := &l.Connections[i]
		n := name{l.Environment, c.Integration, c.Connection}
		if _, twice := there[n]; twice {
			continue
		}
		there[n] = struct{}{}
		state := d.ledger.State(n.environment, n.integration, n.connection)
		if state != "" && state != window.Deleted {
			t.Known++
		}
		was := d.directory.listed[n]
		if c.Unsaid {
			c.Refused = was != nil && was.Refused
		}
		d.heed(n, was, c)
		switch {
		case c.Refused && t.First:
			if d.say(l, later(l.Time, l.End), n, nango.Refused, c.Provider).Turned { // what fails while it is listed is news
				t.Refused++
			}
		case !c.Refused && (was != nil && was.Refused || state == window.Deleted || was == nil && !c.Unsaid && d.onlyListed(n)): // or it was made anew
			if d.works(l, n, c.Provider) {
				t.Mended++
			}
		}
	}
	return there
}

// onlyListed reports whether nothing but a list that is forgotten says that a connection is broken.
func (d *Detector) onlyListed(n name) bool {
	c := d.ledger.Connection(n.environment, n.integration, n.connection)
	return c.State == window.Broken && c.BeforeStart && c.Failed.IsZero()
}

// works takes that a connection is listed without the error that it had, or that it is there again, and reports whether it has recovered. Of one that failed
// a moment ago that is not known yet: its error may not be noted. The next listing is asked.
func (d *Detector) works(l *Listing, n name, provider string) (recovered bool) {
	recovered = d.say(l, l.Time.Add(-settles), n, nango.Reconnected, provider).Recovered
	if d.ledger.State(n.environment, n.integration, n.connection) == window.Broken {
		is := *d.directory.listed[n]
		is.Refused = true
		d.directory.put(n, &is)
	}
	return recovered
}

// heed takes what a listing says of one connection.
func (d *Detector) heed(n name, was *listed, c *nango.Listed) {
	is := listed{c.Provider, c.Account, c.Tags, c.Created, c.Refused, time.Time{}}
	if was != nil && *was == is {
		return
	}
	account, _ := d.owner(n)
	d.directory.put(n, &is)
	if now, _ := d.owner(n); now != account {
		d.turned(n)
	}
}

// absent takes what a listing lacks.
func (d *Detector) absent(l *Listing, there map[name]struct{}, t *Taken) {
	if l.Partial {
		return
	}
	var missing []name
	for n := range d.directory.listed {
		if _, is := there[n]; n.environment == l.Environment && !is {
			missing = append(missing, n)
		}
	}
	slices.SortFunc(missing, name.compare)
	for _, n := range missing {
		was := *d.directory.listed[n]
		switch {
		case was.Missing.IsZero():
			was.Missing = l.Time
			d.directory.put(n, &was)
		case l.Time.Sub(was.Missing) >= goneAfter:
			d.directory.put(n, nil)
			d.say(l, l.Time, n, nango.Deleted, was.Provider)
			t.Deleted++
		}
	}
	d.ledger.Names(func(environment, integration, connection string) {
		if _, is := there[name{environment, integration, connection}]; environment == l.Environment && !is {
			t.Strangers++
		}
	})
}

// say tells the ledger what a listing says of a connection, that it was so at a time.
func (d *Detector) say(l *Listing, at time.Time, n name, kind nango.Kind, provider string) window.Verdict {
	e := nango.Event{Kind: kind, Time: at, Due: l.Due, Environment: n.environment, Integration: n.integration, Connection: n.connection, Provider: provider, Listed: true}
	d.alive.see(e)
	v := d.ledger.Observe(e)
	if v.Turned {
		d.turned(n)
	}
	if v.Recovered {
		d.noteWeek(n.environment, window.SlotOf(at), weekDay{Reconnected: 1})
	}
	return v
}

// put keeps what is known of a connection; nil: nothing is.
func (x *directory) put(n name, is *listed) {
	if was := x.listed[n]; was != nil {
		x.tally(n, was, -1)
	}
	x.changed[n] = struct{}{}
	if is == nil {
		delete(x.listed, n)
		return
	}
	x.listed[n] = is
	x.tally(n, is, 1)
}

func (x *directory) tally(n name, l *listed, by int) {
	if !l.Missing.IsZero() {
		return
	}
	at := place{n.environment, l.Provider}
	if x.counts[at] += by; x.counts[at] == 0 {
		delete(x.counts, at)
	}
}

// fresh reports whether an environment was listed at t, or not longer before than it takes to be out of date.
func (x *directory) fresh(environment string, t time.Time) bool {
	newest := x.latest[environment].Time
	return !newest.IsZero() && t.Sub(newest) <= listingFresh
}

// of counts the connections that fit, by listings that are fresh at t; 0: not known.
func (x *directory) of(t time.Time, fits func(environment, provider string) bool) (n int) {
	for at, count := range x.counts {
		if x.fresh(at.environment, t) && fits(at.environment, at.provider) {
			n += count
		}
	}
	return n
}
