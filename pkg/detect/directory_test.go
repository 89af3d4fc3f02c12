package detect

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// listing is one of prod, with these connections of crm.
func listing(at time.Time, connections ...nango.Listed) Listing {
	return Listing{Environment: "prod", Time: at, Due: at, Connections: connections}
}

// of makes listed connections of crm with these ids.
func of(ids ...string) (all []nango.Listed) {
	for _, id := range ids {
		all = append(all, nango.Listed{Integration: "crm", Connection: id, Provider: "crm"})
	}
	return all
}

// herd makes n of them, none of which any row names.
func herd(n int) (all []nango.Listed) {
	for i := range n {
		all = append(all, of(fmt.Sprint("h", i))...)
	}
	return all
}

// feedListed is feed with listings, each before the events that are due after it.
func feedListed(d *Detector, events []nango.Event, listings ...Listing) (told []Incident) {
	for _, e := range events {
		d.Row(e.Time)
	}
	for _, e := range events {
		for len(listings) > 0 && listings[0].Due.Before(e.Due) {
			told = append(told, d.Advance(listings[0].Due, time.Time{})...)
			d.List(listings[0])
			listings = listings[1:]
		}
		told = append(told, d.Advance(e.Due, time.Time{})...)
		told = append(told, d.Observe(e, time.Time{}).Incidents...)
	}
	return told
}

// anonymous breaks n connections of crm whose rows do not say whose they are.
func (h *history) anonymous(at time.Time, n int) {
	h.breaks("crm", "crm", at, n, time.Second)
	for i := range h.events[len(h.events)-n:] {
		h.events[len(h.events)-n+i].Account = ""
	}
}

// Rows of self-hosted releases do not say whose a connection is. With a listing one customer who leaves is no incident, as where the rows say it; what
// rows say comes first.
func TestListingSaysWhose(t *testing.T) {
	whole := func(account string, n int) (all []nango.Listed) {
		for i := range n {
			all = append(all, nango.Listed{Integration: "crm", Connection: fmt.Sprint("c", i+1), Provider: "crm", Account: account, Tags: nango.TagsOf(map[string]string{"organization_id": account})})
		}
		return all
	}
	for name, c := range map[string]struct {
		listings []Listing
		rows     string // account that the rows say
		opens    bool
	}{
		"no listing":                      {nil, "", true},
		"all of one customer":             {[]Listing{listing(onset.Add(-time.Hour), whole("acme", 12)...)}, "", false},
		"of another environment":          {[]Listing{{Environment: "dev", Time: onset.Add(-time.Hour), Due: onset.Add(-time.Hour), Connections: whole("acme", 12)}}, "", true},
		"listed when it was too late":     {[]Listing{listing(onset.Add(time.Hour), whole("acme", 12)...)}, "", true},
		"listed before anything was read": {[]Listing{{Environment: "prod", Time: onset.Add(day), Connections: whole("acme", 12)}}, "", false},
		"rows say otherwise":              {[]Listing{listing(onset.Add(-time.Hour), whole("acme", 12)...)}, "other", true},
	} {
		h := running(3 * time.Hour)
		h.anonymous(onset, 12)
		if c.rows != "" {
			for i := range h.events {
				if h.events[i].Kind == nango.Failure {
					h.events[i].Account = c.rows + h.events[i].Connection
				}
			}
		}
		told := lives(feedListed(New(Options{}), h.sorted(), c.listings...))["crm"]
		if opens := len(told) > 0; opens != c.opens {
			t.Errorf("%s: opens %v", name, opens)
		}
		if name == "listed when it was too late" {
			if end := last(told); end.Customers != 1 || end.Connections[0].Account != "acme" || end.Connections[0].Tags == "" {
				t.Errorf("%s: %d customers, %+v", name, end.Customers, end.Connections[0])
			}
		}
	}
}

// How many connections there are is told from a listing of the last 24 hours: of the provider, of its family, of all where they rise; otherwise it is not known.
func TestHowMany(t *testing.T) {
	three := slices.Concat(herd(200), of("c1"), []nango.Listed{{Integration: "mail", Connection: "m", Provider: "mail"}, {Integration: "sister", Connection: "s", Provider: "sister"}})
	h := running(3 * time.Hour)
	h.breaks("crm", "crm", onset, 12, time.Second)
	for name, c := range map[string]struct {
		listings []Listing
		want     int
	}{
		"none":             {nil, 0},
		"an hour ago":      {[]Listing{listing(onset.Add(-time.Hour), three...)}, 201},
		"two days ago":     {[]Listing{listing(onset.Add(-2*day), three...)}, 0},
		"one came since":   {[]Listing{listing(onset.Add(-2*day), three...), listing(onset.Add(-time.Hour), append(of("d1"), three...)...)}, 202},
		"one is gone":      {[]Listing{listing(onset.Add(-2*time.Hour), three...), listing(onset.Add(-time.Hour), three[1:]...)}, 200},
		"of another place": {[]Listing{{Environment: "dev", Time: onset, Due: onset, Connections: three}}, 0},
	} {
		if got := lives(feedListed(New(Options{}), h.sorted(), c.listings...))["crm"]; len(got) == 0 || got[0].Total != c.want {
			t.Errorf("%s: %+v, want %d", name, got, c.want)
		}
	}
	h.breaks("sister", "sister", onset.Add(10*time.Minute), 12, time.Second)
	family := func(string) string { return "vendor" }
	if got := last(lives(feedListed(New(Options{Family: family}), h.sorted(), listing(onset.Add(-time.Hour), three...)))["crm"]); got.Scope != "family" || got.Total != 203 {
		t.Errorf("%s of %d, want family of all 203", got.Scope, got.Total)
	}
}

// Of a rise in several environments the total is known when each of them was listed: part of it would be less than what broke.
func TestHowManyInSeveralEnvironments(t *testing.T) {
	h := running(20 * time.Hour)
	h.everybody(onset, 6, 1)
	h.in("dev", func() { h.everybody(onset.Add(20*time.Second), 6, 2) })
	prod := listing(onset.Add(-time.Hour), herd(40)...)
	dev, old := listing(onset.Add(-time.Minute), herd(30)...), listing(onset.Add(-2*day), herd(30)...)
	dev.Environment, old.Environment = "dev", "dev"
	for want, listings := range map[int][]Listing{70: {prod, dev}, 0: {prod}, -1: {old, prod}} {
		for _, in := range feedListed(New(Options{}), h.sorted(), listings...) {
			if in.Scope == "all" && in.Total != max(want, 0) {
				t.Errorf("%d of %d, want %d", in.Observed, in.Total, want)
			}
		}
	}
}

// Connections in use are those that are listed, where a listing is fresh; else those that were seen alive.
func TestInUseIsWhatIsListed(t *testing.T) {
	for _, c := range []struct {
		listings []Listing
		want     string
	}{{nil, "1 of 2"}, {[]Listing{listing(onset.Add(-time.Hour), append(herd(20), nango.Listed{Integration: "crm", Connection: "d1", Provider: "crm", Account: "acme"})...)}, "1 of 21"},
		{[]Listing{listing(onset.Add(-3*day), herd(20)...)}, "1 of 2"}} {
		h := running(time.Hour)
		h.put(onset.Add(-day), nango.Active, "crm", "crm", "alive", "acme")
		h.put(onset.Add(-day), nango.Active, "crm", "crm", "other", "globex")
		d := New(Options{})
		feedListed(d, h.sorted(), c.listings...)
		of, all := d.holds("acme", []part{{series: d.of(key{Revocations, "prod", "crm", "revoked"})}})
		if got := fmt.Sprint(of, " of ", all); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// A connection is deleted that two listings in a row lack, some minutes apart, after one that had it. What became of those that broke counts it so.
func TestListedNoMore(t *testing.T) {
	all := append(herd(20), of("c1", "c2", "c3", "c4", "c5")...)
	without := func(id string) []nango.Listed {
		return slices.DeleteFunc(slices.Clone(all), func(c nango.Listed) bool { return c.Connection == id })
	}
	at := func(minutes int, connections []nango.Listed) Listing {
		return listing(onset.Add(time.Duration(minutes)*time.Minute), connections...)
	}
	part := at(60, without("c1"))
	part.Partial = true
	for name, c := range map[string]struct {
		listings []Listing
		want     window.State
	}{
		"missing once":              {[]Listing{at(20, all), at(40, without("c1"))}, window.Broken},
		"missing twice":             {[]Listing{at(20, all), at(40, without("c1")), at(60, without("c1"))}, window.Deleted},
		"missing twice in a minute": {[]Listing{at(20, all), at(40, without("c1")), at(41, without("c1"))}, window.Broken},
		"missing, there, missing":   {[]Listing{at(20, all), at(30, without("c1")), at(40, all), at(60, without("c1"))}, window.Broken},
		"missing in a part":         {[]Listing{at(20, all), at(40, without("c1")), part}, window.Broken},
		"never listed":              {[]Listing{at(20, without("c1")), at(40, without("c1")), at(60, without("c1"))}, window.Broken},
		"nothing is listed":         {[]Listing{at(20, all), at(40, nil)}, window.Broken},
		"nothing, twice":            {[]Listing{at(20, all), at(40, nil), at(60, nil)}, window.Broken}, // set aside, then missing once
		"nothing, four times":       {[]Listing{at(20, all), at(40, nil), at(60, nil), at(80, nil)}, window.Deleted},
		"nothing, then all":         {[]Listing{at(20, all), at(40, nil), at(60, all), at(80, nil)}, window.Broken},
		"the same listing again":    {[]Listing{at(20, all), at(40, without("c1")), at(40, without("c1"))}, window.Broken},
	} {
		h := running(3 * time.Hour)
		h.breaks("crm", "crm", onset, 5, time.Second)
		d := New(Options{})
		in := last(lives(feedListed(d, h.sorted(), c.listings...))["crm"])
		if got := d.ledger.State("prod", "crm", "c1"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if gone := in.Remaining.Deleted > 0; gone != (c.want == window.Deleted) {
			t.Errorf("%s: %+v", name, in.Remaining)
		}
	}
}

// A connection that was listed with an error and is listed without works again, from the time of that listing; that it did so by itself is not said.
func TestListedWithoutItsError(t *testing.T) {
	refused := append(herd(20), of("c1", "c2", "c3", "c4", "c5")...)
	for i := range refused[20:] {
		refused[20+i].Refused = true
	}
	works := slices.Clone(refused)
	works[20].Refused = false
	silent := slices.Clone(works)
	silent[20].Unsaid = true
	for name, c := range map[string]struct {
		listings []Listing
		want     window.State
	}{
		"an error, and none":       {[]Listing{listing(onset.Add(20*time.Minute), slices.Clone(refused)...), listing(onset.Add(40*time.Minute), slices.Clone(works)...)}, window.Reconnected},
		"never an error":           {[]Listing{listing(onset.Add(20*time.Minute), slices.Clone(works)...), listing(onset.Add(40*time.Minute), slices.Clone(works)...)}, window.Broken},
		"an error, and silence":    {[]Listing{listing(onset.Add(20*time.Minute), slices.Clone(refused)...), listing(onset.Add(40*time.Minute), slices.Clone(silent)...)}, window.Broken},
		"silence in between":       {[]Listing{listing(onset.Add(20*time.Minute), slices.Clone(refused)...), listing(onset.Add(30*time.Minute), slices.Clone(silent)...), listing(onset.Add(40*time.Minute), slices.Clone(works)...)}, window.Reconnected},
		"none, as it broke":        {[]Listing{listing(onset.Add(-40*time.Minute), slices.Clone(refused)...), listing(onset.Add(time.Second), slices.Clone(works)...)}, window.Broken},
		"none, its row comes late": {[]Listing{listing(onset.Add(-40*time.Minute), slices.Clone(refused)...), {Environment: "prod", Time: onset.Add(time.Second), Due: onset.Add(-time.Second), Connections: slices.Clone(works)}}, window.Broken},
		"none, as it broke and on": {[]Listing{listing(onset.Add(-40*time.Minute), slices.Clone(refused)...), listing(onset.Add(time.Second), slices.Clone(works)...), listing(onset.Add(20*time.Minute), slices.Clone(works)...)}, window.Reconnected},
		"none, of before it broke": {[]Listing{listing(onset.Add(-40*time.Minute), slices.Clone(refused)...), listing(onset.Add(-20*time.Minute), slices.Clone(works)...)}, window.Broken},
	} {
		h := running(3 * time.Hour)
		h.breaks("crm", "crm", onset, 5, time.Second)
		d := New(Options{})
		feedListed(d, h.sorted(), c.listings...)
		if got := d.ledger.State("prod", "crm", "c1"); got != c.want || d.ledger.ByItself("prod", "crm", "c1") {
			t.Errorf("%s: %s, by itself %v", name, got, d.ledger.ByItself("prod", "crm", "c1"))
		}
	}
}

// What the first listing has with an error, and did not fail before, was broken before anybody watched: it is shown, and its failures are no news. What failed
// before the listing, or is of a later one, is.
func TestBrokenBeforeTheStart(t *testing.T) {
	at := onset.Add(-time.Hour)
	refused := append(herd(20), of("c1", "c2", "c3", "c4", "c5", "c6")...)
	for i := range refused[20:] {
		refused[20+i].Refused = true
	}
	for name, c := range map[string]struct {
		listings []Listing
		opens    bool
	}{
		"first listing":                       {[]Listing{listing(at, slices.Clone(refused)...)}, false},
		"second":                              {[]Listing{listing(at.Add(-time.Hour), herd(20)...), listing(at, slices.Clone(refused)...)}, true},
		"afterwards, before any row was read": {[]Listing{{Environment: "prod", Time: onset.Add(time.Hour), Connections: slices.Clone(refused)}}, true},
		"afterwards":                          {[]Listing{listing(onset.Add(time.Hour), slices.Clone(refused)...)}, true},
		"while it is listed":                  {[]Listing{{Environment: "prod", Time: onset.Add(-time.Minute), Due: onset.Add(-time.Minute), End: onset.Add(time.Minute), Connections: slices.Clone(refused)}}, true},
		"after it was listed":                 {[]Listing{{Environment: "prod", Time: onset.Add(-2 * time.Minute), Due: onset.Add(-2 * time.Minute), End: onset.Add(-time.Minute), Connections: slices.Clone(refused)}}, false},
	} {
		h := running(3 * time.Hour)
		h.breaks("crm", "crm", onset, 6, time.Second)
		d := New(Options{})
		told := lives(feedListed(d, h.sorted(), c.listings...))["crm"]
		broken := d.Connections(Filter{Broken: true})
		if opens := len(told) > 0; opens != c.opens || len(broken) != 6 || broken[0].BeforeStart == c.opens {
			t.Errorf("%s: opens %v, %+v", name, opens, broken)
		}
	}
}

// They are shown at once, and for as long as Nango lists them so, though no row ever names them.
func TestBrokenBeforeTheStartStays(t *testing.T) {
	d := New(Options{})
	c := of("old")
	c[0].Refused, c[0].Account = true, "acme"
	h := running(100 * day)
	feedListed(d, h.sorted(), listing(onset, append(herd(3), c...)...))
	got := d.Connections(Filter{Broken: true})
	if len(got) != 1 || !got[0].BeforeStart || got[0].Account != "acme" || got[0].State != "broken" {
		t.Errorf("%+v", got)
	}
}

// Whose key was taken away and given again is listed anew: what only the lists of before said to be broken works, where it is listed without error.
func TestBrokenBeforeTheStartListedAnew(t *testing.T) {
	d := New(Options{})
	c := of("old", "dead")
	c[0].Refused, c[1].Refused = true, true
	d.List(listing(onset, c...))
	d.Unlist(func(string) bool { return false })
	c = of("old", "dead")
	c[1].Refused = true
	if d.List(listing(onset.Add(day), c...)); d.ledger.State("prod", "crm", "old") != window.Reconnected || d.ledger.State("prod", "crm", "dead") != window.Broken {
		t.Errorf("%+v", d.Connections(Filter{}))
	}
}

// A list that a wrong clock dated far ahead is not the newest for ever; one that comes twice, or late, is not taken.
func TestListedByAWrongClock(t *testing.T) {
	for ahead, taken := range map[time.Duration]int{300 * day: 2, 2 * day: 2, time.Hour: 1, 0: 1, -time.Hour: 2} {
		d := New(Options{})
		d.List(listing(onset.Add(ahead), of("a")...))
		d.List(listing(onset, of("a", "b")...))
		if all, _ := d.Directory(); len(all) != 1 || all[0].Connections != taken {
			t.Errorf("%v ahead: %+v, want %d", ahead, all, taken)
		}
	}
}

// When it was made stands for the authorization that no row told of, unless a row told of a later one or it was made after the break.
func TestListedAge(t *testing.T) {
	for name, c := range map[string]struct {
		made, authorized, want time.Time // authorized: by the rows
	}{
		"rows do not say":     {made: onset.Add(-7 * day), want: onset.Add(-7 * day)},
		"authorized since":    {made: onset.Add(-9 * day), authorized: onset.Add(-2 * day), want: onset.Add(-2 * day)},
		"made anew since":     {made: onset.Add(-2 * day), authorized: onset.Add(-9 * day), want: onset.Add(-2 * day)},
		"made after it broke": {made: onset.Add(time.Hour)},
	} {
		h := running(3 * time.Hour)
		h.breaks("crm", "crm", onset, 5, time.Second)
		h.put(monday, nango.Active, "crm", "crm", "always", "")
		if !c.authorized.IsZero() {
			h.again(c.authorized, 1, nango.Reconnected, true)
		}
		l := of("c1", "c2", "c3", "c4", "c5")
		for i := range l {
			l[i].Created = c.made
		}
		in := last(lives(feedListed(New(Options{}), h.sorted(), listing(onset.Add(-time.Minute), l...)))["crm"])
		if got := in.Connections[0]; got.Connection != "c1" || !got.Created.Equal(c.want) {
			t.Errorf("%s: %+v, want %v", name, got, c.want)
		}
	}
}

// An unknown connection that is listed elsewhere is found there.
func TestListedElsewhere(t *testing.T) {
	h := running(2 * time.Hour)
	for i := range 8 {
		h.put(onset.Add(time.Duration(i)*time.Second), nango.UnknownConnection, "", "crm", fmt.Sprint("u", i), "")
	}
	l := listing(onset.Add(-time.Hour), of("u0", "u1", "u2")...)
	l.Environment = "dev"
	got := feedListed(New(Options{}), h.sorted(), l)
	if len(got) == 0 || !strings.Contains(last(got).Connections[0].Elsewhere, "in environment dev") {
		t.Errorf("%+v", got)
	}
}

// What is not asked about any more is forgotten, in the state too; the rest stays.
func TestUnlist(t *testing.T) {
	d, stored := New(Options{}), map[string]map[string][]byte{}
	for _, environment := range []string{"prod", "dev"} {
		d.List(Listing{Environment: environment, Time: onset, Connections: herd(5)})
	}
	d.Changes(keep(stored))
	d.Unlist(func(environment string) bool { return environment == "prod" })
	for range 2 {
		if all, at := d.Directory(); len(all) != 1 || all[0] != (Listed{"prod", "crm", 5}) || len(at) != 1 {
			t.Errorf("%+v, %v", all, at)
		}
		d.Changes(keep(stored))
		d = restored(t, stored)
	}
}

// However a process is stopped and started again between listings, what it knows is the same; counts are those of the newest listing, and nothing that it has
// is deleted.
func TestListingsAreRemembered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain, stored := New(Options{}), map[string]map[string][]byte{}
		other := New(Options{})
		alive := map[string]nango.Listed{}
		at := onset
		for range rapid.IntRange(1, 12).Draw(t, "listings") {
			at = at.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "minutes")) * time.Minute)
			for range rapid.IntRange(0, 4).Draw(t, "changes") {
				id := rapid.StringMatching("[a-h]").Draw(t, "id")
				if rapid.Bool().Draw(t, "gone") {
					delete(alive, id)
					continue
				}
				alive[id] = nango.Listed{Integration: "crm", Connection: id, Provider: rapid.StringMatching("[xy]").Draw(t, "provider"), Account: rapid.StringMatching("[pq]?").Draw(t, "account"),
					Refused: rapid.Bool().Draw(t, "refused")}
			}
			l := listing(at, slices.Collect(maps.Values(alive))...)
			if e := (nango.Event{Kind: nango.Failure, Cause: nango.Revoked, Time: at, Environment: "prod", Provider: "x", Integration: "crm", Connection: "a"}); rapid.Bool().Draw(t, "fails") {
				plain.Observe(e, time.Time{})
				other.Observe(e, time.Time{})
			}
			a, b := plain.List(l), other.List(l)
			if a != b {
				t.Fatalf("%+v, and after restarts %+v", a, b)
			}
			if rapid.Bool().Draw(t, "restart") {
				other.Changes(keep(stored))
				other = restored(t, stored)
			}
			if a.Doubted {
				continue
			}
			if n := plain.there(func(string, string) bool { return true }); n != len(alive) {
				t.Fatalf("%d there, want %d", n, len(alive))
			}
			for id, c := range alive {
				if !c.Refused && plain.ledger.State("prod", "crm", id) == window.Deleted {
					t.Fatalf("%s is listed without an error and deleted", id)
				}
			}
			if !reflect.DeepEqual(plain.Connections(Filter{}), other.Connections(Filter{})) {
				t.Fatalf("%+v\nafter restarts %+v", plain.Connections(Filter{}), other.Connections(Filter{}))
			}
		}
	})
}
