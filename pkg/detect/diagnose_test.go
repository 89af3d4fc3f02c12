package detect

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/configs"
	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// table is the built-in table of providers.
func table(t testing.TB) *nango.Rules {
	rules, err := nango.ParseRules(configs.Providers)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// usually is what broke before in the cases below.
var usually = broken("30 eu - invalid_grant 1000h OAUTH2", "10 us x invalid_grant 300h OAUTH2", "4 us y token_expired 5000h OAUTH2")

// showing is the pattern of an incident with these breaks, half a break expected, of a provider about which nothing is known.
func showing(cause string, breaks ...string) *pattern {
	p := &pattern{past: taughtBy(usually), breaks: broken(breaks...)}
	p.found = take(part{p.past.own[0], p.breaks})
	p.in = &Incident{Signal: Revocations, Cause: cause, Scope: "provider", Observed: len(p.breaks), Since: onset}
	p.expected = .5
	if most, n := p.found.top(byIntegration); float64(n) >= concentrated*float64(len(p.breaks)) {
		p.in.Integration = most
	}
	p.holds = func(string) (of, all int) { return 8, 200 }
	p.renewed = func(int) renewal { return renewal{} }
	p.under = func(string) (of, all int) { return 60, 180 }
	return p
}

func (p *pattern) of(known nango.Provider) *pattern { p.known = known; return p }

func (p *pattern) with(change func(*pattern)) *pattern { change(p); return p }

// accounts spells breaks of so many customers, each with its own.
func accounts(n int, rest string) (parts []string) {
	for i := range n {
		parts = append(parts, strings.Replace(rest, "*", fmt.Sprint("customer", i), 1))
	}
	return parts
}

// Each pattern is named, with its figures and its source, and a near miss is not.
func TestDiagnoses(t *testing.T) {
	rules := table(t)
	google, netsuite, salesforce, shopify, ringcentral := rules.Provider("google-mail"), rules.Provider("netsuite"), rules.Provider("salesforce"), rules.Provider("shopify"), rules.Provider("ring-central")
	week := "168h30m"
	tooMany := func(breaks, of int) func(*pattern) {
		return func(p *pattern) { p.renewed = func(int) renewal { return renewal{breaks, of} } }
	}
	for name, c := range map[string]struct {
		p    *pattern
		want string // kind: evidence; …
	}{
		"client refused":               {showing("misconfigured", "9 eu - invalid_client - -", "1 eu - server_said_no - -"), "oauth_client: 9 of 10 with reason invalid_client under integration eu"},
		"secret expired":               {showing("misconfigured", "4 eu - aadsts_7000222 - -"), "oauth_client: all 4 with reason aadsts_7000222 under integration eu: the client secret has expired"},
		"client refused, four":         {showing("misconfigured", "4 eu - invalid_client - -"), ""},
		"client refused, five":         {showing("misconfigured", "5 eu - invalid_client - -"), "oauth_client: all 5 with reason invalid_client under integration eu"},
		"client refused, mostly there": {showing("misconfigured", "9 eu - invalid_client - -").with(inUse(150, 180)), ""},
		"client refused, half there":   {showing("misconfigured", "4 eu - invalid_client - -", "1 us - invalid_client - -").with(inUse(90, 180)), ""},
		"client refused, many there":   {showing("misconfigured", "17 eu - invalid_client - -").with(inUse(150, 180)), "oauth_client: all 17 with reason invalid_client under integration eu"},
		"client refused, only there":   {showing("misconfigured", "5 eu - invalid_client - -").with(inUse(9, 9)), "oauth_client: all 5 with reason invalid_client under integration eu"},
		"client refused, use unknown":  {showing("misconfigured", "5 eu - invalid_client - -").with(inUse(0, 0)), "oauth_client: all 5 with reason invalid_client under integration eu"},
		"client refused in several":    {showing("misconfigured", "5 eu - invalid_client - -", "5 us - invalid_client - -"), ""},
		"client refused, revoked":      {showing("revoked", "9 eu - unauthorized_client - -"), ""},
		"misconfigured otherwise":      {showing("misconfigured", "9 eu - outbound_policy - -", "2 eu - invalid_client - -"), ""},
		"in testing":                   {showing("revoked", "20 eu - invalid_grant "+week+" -", "2 us - invalid_grant 900h -").of(google), "test_mode: 20 of 22 broke 7 days after their authorization"},
		"in testing, some ages known":  {showing("revoked", "7 eu - invalid_grant "+week+" -", "4 us - invalid_grant - -").of(google), "test_mode: 7 of 7 whose age is known broke 7 days after their authorization"},
		"few ages known":               {showing("revoked", "7 eu - invalid_grant "+week+" -", "8 us - invalid_grant - -").of(google), ""},
		"four ages known":              {showing("revoked", "4 eu - invalid_grant "+week+" -").of(google), ""},
		"ages of all kinds":            {showing("revoked", "7 eu - invalid_grant "+week+" -", "3 us - invalid_grant 900h -").of(google), ""},
		"eight days":                   {showing("revoked", "9 eu - invalid_grant 190h -").of(google), ""},
		"seven days, elsewhere":        {showing("revoked", "9 eu - invalid_grant "+week+" -").of(rules.Provider("slack")), ""},
		"seven days, as many expected": {showing("revoked", "9 eu - invalid_grant "+week+" -").of(google).with(func(p *pattern) { p.expected = 2000 }), ""},
		"a lifetime":                   {showing("revoked", "9 eu - invalid_grant "+week+" -").of(netsuite), "lifetime: 9 of 9 broke 7 days after their authorization"},
		"a life without use":           {showing("revoked", "9 eu - invalid_grant "+week+" -").of(ringcentral), "lifetime: 9 of 9 broke 7 days after their authorization; a token that was not used for so long dies: these may not have been"},
		"six months, about":            {showing("revoked", "9 eu - invalid_grant 4350h -").of(rules.Provider("github")), "lifetime: 9 of 9 broke 180 days after their authorization"},
		"six months, not quite":        {showing("revoked", "9 eu - invalid_grant 4000h -").of(rules.Provider("github")), ""},
		"one customer":                 {showing("revoked", "9 eu acme invalid_grant - -", "1 us - invalid_grant - -"), "one_customer: 9 of 10 are of customer account acme, who has 8 of the 200 connections in use"},
		"one customer and others":      {showing("revoked", "7 eu acme invalid_grant - -", "3 us z invalid_grant - -"), ""},
		"four of one customer":         {showing("revoked", "4 eu acme invalid_grant - -"), ""},
		"the only customer":            {showing("revoked", "9 eu acme invalid_grant - -").with(func(p *pattern) { p.holds = func(string) (int, int) { return 19, 20 } }), ""},
		"use is not known":             {showing("revoked", "9 eu acme invalid_grant - -").with(func(p *pattern) { p.holds = func(string) (int, int) { return 0, 0 } }), "one_customer: all 9 are of customer account acme"},
		"always the same customer":     {showing("revoked", "9 eu x invalid_grant - -").with(func(p *pattern) { p.past = taughtBy(broken("40 eu x r - -", "2 eu y r - -")) }), ""},
		"tokens pushed out":            {showing("revoked", accounts(6, "1 eu * invalid_grant - -")...).of(salesforce).with(tooMany(5, 6)), "token_limit: in the 24 h before, customers of 5 of 6 authorized anew who have 5 connections or more, and at most 5 tokens live at a time"},
		"seldom pushed out":            {showing("revoked", accounts(6, "1 eu * invalid_grant - -")...).of(salesforce).with(tooMany(3, 6)), ""},
		"two pushed out":               {showing("revoked", accounts(6, "1 eu * invalid_grant - -")...).of(salesforce).with(tooMany(2, 2)), ""},
		"no limit is known":            {showing("revoked", accounts(6, "1 eu * invalid_grant - -")...).of(netsuite).with(tooMany(6, 6)), ""},
		"customers are not known":      {showing("revoked", "3 eu a invalid_grant - -", "4 eu - invalid_grant - -").of(salesforce).with(tooMany(3, 3)), ""},
		"a week old, client refused":   {showing("misconfigured", "9 eu - invalid_client "+week+" -").of(google), "oauth_client: all 9 with reason invalid_client under integration eu"},
		"access withdrawn":             {showing("revoked", accounts(6, "1 eu * aadsts_65001 - -")...), "policy_change: all 6 with reason aadsts_65001, of 6 customer accounts"},
		"access withdrawn, of one":     {showing("revoked", "4 eu acme consent_revoked - -"), "policy_change: all 4 with reason consent_revoked, 4 of customer account acme: its administrator changed who has access"},
		"access withdrawn, of two":     {showing("revoked", "3 eu a aadsts_65001 - -", "3 eu b aadsts_65001 - -"), ""},
		"access withdrawn, of whom":    {showing("revoked", "6 eu - aadsts_65001 - -"), ""},
		"access withdrawn as always":   {showing("revoked", accounts(6, "1 eu * aadsts_65001 - -")...).with(func(p *pattern) { p.past = taughtBy(broken("40 eu - aadsts_65001 - -")) }), ""},
		"a little withdrawn":           {showing("revoked", append(accounts(6, "1 eu * invalid_grant - -"), "3 eu - aadsts_65001 - -")...), ""},
		"outage":                       {showing("revoked", "9 eu - invalid_grant - -").with(flaky(40, 2)), "provider_outage: 40 connections failed for passing reasons in the same window, 2.0 usually do"},
		"flaky as always":              {showing("revoked", "9 eu - invalid_grant - -").with(flaky(40, 20)), ""},
		"a little flaky":               {showing("revoked", "9 eu - invalid_grant - -").with(flaky(4, 0)), ""},
		"flaky beside much":            {showing("revoked", "90 eu - invalid_grant - -").with(flaky(89, 0)), ""},
		"not flaky before":             {showing("revoked", "9 eu - invalid_grant - -").with(flaky(9, 0)), "provider_outage: 9 connections failed for passing reasons in the same window, 0 usually do"},
		"flaky beside policy":          {showing("revoked", accounts(6, "1 eu * aadsts_65001 - -")...).with(flaky(40, 2)), "policy_change: all 6 with reason aadsts_65001, of 6 customer accounts"},
		"misconfigured and flaky":      {showing("misconfigured", "9 eu - nango_setup - -").with(flaky(40, 2)), ""},
		"they work again":              {showing("revoked", "9 eu - invalid_grant - -").with(backAgain(4, 9)), "provider_outage: 4 of 9 work again without a new authorization"},
		"two work again":               {showing("revoked", "9 eu - invalid_grant - -").with(backAgain(2, 6)), ""},
		"some work again":              {showing("revoked", "9 eu - invalid_grant - -").with(backAgain(4, 40)), ""},
		"no reasons":                   {showing("revoked", "9 eu - - - -", "1 eu - invalid_grant - -"), ""},
		"announced":                    {showing("revoked", "9 eu - invalid_grant - -").of(shopify).with(began(2027, 1, 3)), "vendor_event: announced for 1 January 2027: Offline tokens of public apps that do not expire stop working"},
		"before it":                    {showing("revoked", "9 eu - invalid_grant - -").of(shopify).with(began(2026, 12, 29)), ""},
		"just before it":               {showing("revoked", "9 eu - invalid_grant - -").of(shopify).with(began(2026, 12, 30)), "vendor_event: announced for 1 January 2027: Offline tokens of public apps that do not expire stop working"},
		"long after it":                {showing("revoked", "9 eu - invalid_grant - -").of(shopify).with(began(2027, 1, 9)), ""},
		"all at once":                  {showing("revoked", "9 eu - invalid_grant - -").with(rising(12, 9)), "nango_fault: 12 of 40 providers, of 9 vendors, rise in the same hour"},
		"all of one vendor":            {showing("revoked", "9 eu - invalid_grant - -").with(rising(12, 1)), ""},
		"a customer leaves all":        {showing("revoked", "9 eu acme invalid_grant - -").with(rising(12, 9)), "one_customer: all 9 are of customer account acme, who has 8 of the 200 connections in use"},
		"elsewhere":                    {asking("in environment dev", "in environment dev", "in environment dev", "under integration y", ""), "wrong_place: 4 of 5 ids are known elsewhere, most (3) in environment dev"},
		"elsewhere, of many":           {asking(slices.Repeat([]string{"in environment dev"}, shown)...), "wrong_place: 50 of the first 50 ids are known elsewhere, most (50) in environment dev"},
		"half elsewhere":               {asking("in environment dev", "in environment dev", "in environment dev", "", "", ""), ""},
		"two elsewhere":                {asking("in environment dev", "in environment dev"), ""},
		"nothing in common":            {showing("revoked", accounts(9, "1 eu * invalid_grant - -")...).of(google), ""},
		"nothing at all":               {showing("revoked").of(google), ""},
		"three at most, the surest first": {
			showing("revoked", "9 eu acme invalid_grant "+week+" -").of(google).with(flaky(40, 2)),
			"provider_outage: 40 connections failed for passing reasons in the same window, 2.0 usually do; test_mode: 9 of 9 broke 7 days after their authorization; " +
				"one_customer: all 9 are of customer account acme, who has 8 of the 200 connections in use"},
	} {
		var got []string
		for _, x := range c.p.diagnose() {
			got = append(got, x.Kind+": "+x.Evidence)
			if x.Source != "" && !strings.HasPrefix(x.Source, "https://") {
				t.Errorf("%s: source %q", name, x.Source)
			}
			if x.Source == "" && (x.Kind == OAuthClient || x.Kind == TestMode || x.Kind == Lifetime || x.Kind == TokenLimit || x.Kind == VendorEvent) {
				t.Errorf("%s: no source", name)
			}
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s:\n%q, want\n%q", name, text, c.want)
		}
	}
}

func inUse(of, all int) func(*pattern) {
	return func(p *pattern) { p.under = func(string) (int, int) { return of, all } }
}

func flaky(now, before float64) func(*pattern) {
	return func(p *pattern) { p.fleeting, p.usually = now, before }
}

func backAgain(n, of int) func(*pattern) {
	return func(p *pattern) { p.in.Recovered, p.broke = make([]string, n), of }
}

func began(year, month, day int) func(*pattern) {
	return func(p *pattern) { p.in.Since = time.Date(year, time.Month(month), day, 12, 0, 0, 0, time.UTC) }
}

func rising(n, vendors int) func(*pattern) {
	return func(p *pattern) {
		p.breadth, p.vendors, p.in.Scope, p.in.Integration = &breadth{Rising: n, Of: 40}, vendors, "all", ""
	}
}

// asking is an incident of unknown connections that are known in these places.
func asking(places ...string) *pattern {
	p := showing("unknown")
	p.in.Signal = UnknownConnections
	for _, at := range places {
		p.in.Connections = append(p.in.Connections, Broken{Elsewhere: at})
	}
	return p
}

// authorized tells a detector when connections were authorized, as the stored ledger of a run before would.
func authorized(t *testing.T, d *Detector, integration string, created time.Time, connections ...string) {
	for _, c := range connections {
		if err := d.Restore("window.ledger", encodeKey("prod", integration, c), encode(map[string]any{"Created": created, "AuthMode": "OAUTH2", "Sign": monday, "Worked": monday, "Provider": "google-mail", "Account": "a"})); err != nil {
			t.Fatal(err)
		}
	}
}

// A cohort that was authorized a week before breaks together: the whole way from the rows of the break to what is told, also in the list of connections.
func TestTestModeIsNamed(t *testing.T) {
	h := newHistory(6)
	h.life("google-mail", 1, monday, onset.Add(3*time.Hour))
	h.breaks("google-mail", "mail-dev", onset, 12, time.Minute)
	d := New(Options{Provider: table(t).Provider})
	var cohort []string
	for _, e := range h.events[len(h.events)-12:] {
		cohort = append(cohort, e.Connection)
	}
	created := onset.Add(-7*day - 20*time.Minute)
	authorized(t, d, "mail-dev", created, cohort...)
	told := feed(d, h.sorted(), time.Time{})
	in := last(told)
	if len(in.Diagnoses) != 1 || in.Diagnoses[0].Kind != TestMode || !strings.HasSuffix(in.Diagnoses[0].Evidence, " broke 7 days after their authorization") {
		t.Errorf("%+v", in.Diagnoses)
	}
	known := 0
	for _, b := range in.Connections {
		if b.Created.Equal(created) {
			known++
		}
	}
	if known != 12 {
		t.Errorf("%d of %d connections say when they were authorized", known, len(in.Connections))
	}
}

// Customers who authorize a sixth connection lose the oldest: found from the connections in use; without the new authorizations it is not.
func TestTokenLimitIsFound(t *testing.T) {
	for _, anew := range []bool{true, false} {
		d := New(Options{Provider: table(t).Provider})
		d.begin(window.SlotOf(monday))
		s := newSeries(key{Revocations, "prod", "salesforce", "revoked"}, 0)
		for customer := range 4 {
			for i := range 6 {
				id := fmt.Sprint("c", customer, "-", i)
				created := onset.Add(-50 * day)
				if i == 5 && anew {
					created = onset.Add(-time.Hour)
				}
				value := encode(map[string]any{"Created": created, "Account": fmt.Sprint("customer", customer), "Sign": monday, "Provider": "salesforce"})
				if err := d.Restore("window.ledger", encodeKey("prod", "sf", id), value); err != nil {
					t.Fatal(err)
				}
				d.alive.see(nango.Event{Kind: nango.Active, Time: onset.Add(-day), Environment: "prod", Provider: "salesforce", Integration: "sf", Connection: id})
			}
		}
		breaks := broken("1 sf customer0 r - -", "1 sf customer1 r - -", "1 sf customer2 r - -", "1 sf customer3 r - -", "1 sf - r - -")
		p := []part{{s, breaks}}
		want := renewal{0, 4}
		if anew {
			want.breaks = 4
		}
		if got := d.renewals(5, p); got != want {
			t.Errorf("anew %v: %+v", anew, got)
		}
		own := []window.Break{{Time: onset, Integration: "sf", Account: "customer0", Connection: "c0-5"}} // itself authorized anew
		if got := d.renewals(5, []part{{s, own}}); got != (renewal{0, 1}) {
			t.Errorf("anew %v, the same connection: %+v", anew, got)
		}
		if got := d.renewals(7, p); got != (renewal{0, 4}) {
			t.Errorf("with fewer connections than tokens: %+v", got)
		}
		if of, all := d.holds("customer1", p); of != 6 || all != 24 {
			t.Errorf("%d of %d in use", of, all)
		}
	}
}

// An outage that is misread as revocations: what fails for a passing reason in the same window is counted against the days before.
func TestOutageIsNamed(t *testing.T) {
	for _, before := range []int{0, 6000} { // 12 every ten minutes of some days
		h := running(3 * time.Hour)
		fail := func(at time.Time, name string) {
			h.put(at, nango.Failure, "mail", "m", name, "")
			h.events[len(h.events)-1].Cause = nango.Transient
		}
		for i := range before {
			fail(onset.Add(time.Duration(i-before)*50*time.Second), fmt.Sprint("f", i))
		}
		for i := range 30 {
			fail(onset.Add(time.Duration(i)*time.Second), fmt.Sprint("t", i))
		}
		h.breaks("mail", "m", onset.Add(time.Minute), 250, time.Second)
		d := New(Options{})
		in := last(lives(feed(d, h.sorted(), time.Time{}))["mail"])
		p := &pattern{in: &in, breaks: make([]window.Break, 30)}
		d.fleeting(p, []part{{d.order[0], nil}})
		if in.ID == "" || len(in.Diagnoses) != 0 {
			t.Errorf("%d before: 30 beside 250 breaks are named: %+v", before, in.Diagnoses)
		}
		if _, named := outage(p); named != (before == 0) {
			t.Errorf("%d before: %v failed, %v usually do: named %v", before, p.fleeting, p.usually, named)
		}
	}
}

// A provider that always fails a little is in no outage: not when few days of it are known, not beside hours that nobody observed, and not when the days
// of an incident's window are forgotten. What was seen of the window stays.
func TestFlakyAsAlwaysIsNoOutage(t *testing.T) {
	const perSlot = 2
	for name, c := range map[string]struct {
		days  int64   // that the provider is known
		blind int64   // days before the window in which nobody looked
		later int64   // days after it
		more  float64 // so many times as many in the window
	}{
		"long known": {days: 30, more: 1}, "young": {days: 2, more: 1},
		"after a gap": {days: 30, blind: 4, more: 1}, "a week later": {days: 30, later: 6, more: 1},
		"forgotten": {days: 30, later: 12, more: 1}, "an outage, forgotten": {days: 30, later: 12, more: 10},
	} {
		d := New(Options{})
		first := window.SlotOf(monday)
		d.begin(first)
		s := d.of(key{Revocations, "prod", "crm", "revoked"})
		from := first + c.days*slotsPerDay
		s.incident = &tracked{Peak: peak{From: from, To: from + hour - 1}}
		d.rows.blind.add(from-c.blind*slotsPerDay, from-1)
		p := &pattern{}
		for slot := first; slot < from+hour+c.later*slotsPerDay; slot++ {
			if !d.rows.sees(slot) {
				continue
			}
			n := perSlot
			if slot >= from && slot < from+hour {
				n *= int(c.more)
			}
			for range n {
				d.shake("prod", "crm", slot)
			}
			if d.edge = slot + 1; slot >= from+hour-1 {
				p = &pattern{}
				d.fleeting(p, []part{{s, nil}})
			}
		}
		if math.Abs(p.fleeting-12*c.more) > .01 || math.Abs(p.usually-12) > .01 {
			t.Errorf("%s: %v failed, %v usually do, want %v and 12", name, p.fleeting, p.usually, 12*c.more)
		}
	}
}

func TestVendors(t *testing.T) {
	d := New(Options{Family: vendor})
	for names, want := range map[string]int{"google-mail google-drive slack-bot crm": 3, "google-a google-b google-c google-d slack": 1, "google-a google-b google-c slack": 2, "": 0} {
		var rises []*series
		for _, name := range strings.Fields(names) {
			rises = append(rises, &series{key: key{Provider: name}})
		}
		if got := d.vendors(rises); got != want {
			t.Errorf("%s: %d, want %d", names, got, want)
		}
	}
}

// Nobody is told of our side when many providers of one vendor rise, or one customer leaves all of them.
func TestAllAtOnceIsDiagnosed(t *testing.T) {
	h := running(8 * time.Hour)
	h.everybody(onset.Add(time.Minute), 10, 2)
	of := lives(feed(New(Options{}), h.sorted(), time.Time{}))
	all := of[""]
	if len(all) == 0 || len(all[0].Diagnoses) != 1 || all[0].Diagnoses[0].Kind != NangoFault {
		t.Fatalf("%+v", all)
	}
	h = running(8 * time.Hour)
	h.everybody(onset, 8, 3) // each opens an incident of its own, and one of them stands for all
	wide := Incident{}
	for _, in := range feed(New(Options{}), h.sorted(), time.Time{}) {
		if in.Scope == "all" {
			wide = in
		}
	}
	if wide.Provider == "" || len(wide.Diagnoses) != 1 || wide.Diagnoses[0].Kind != NangoFault || len(wide.Course.Counts) != 0 {
		t.Errorf("%+v", wide)
	}
	again := lives(feed(New(Options{Family: func(string) string { return "one" }}), h.sorted(), time.Time{}))
	for _, told := range again {
		for _, in := range told {
			for _, x := range in.Diagnoses {
				if x.Kind == NangoFault {
					t.Errorf("%s: %+v", in.Provider, x)
				}
			}
		}
	}
}

// Whatever broke, and whatever names say: no panic, three diagnoses at most, each with its evidence.
func TestDiagnosesHold(t *testing.T) {
	rules := table(t)
	rapid.Check(t, func(t *rapid.T) {
		p := showing(rapid.SampledFrom([]string{"revoked", "misconfigured", "unknown", ""}).Draw(t, "cause"))
		name := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "invalid_client", "aadsts_65001"}), rapid.String())
		for range rapid.IntRange(0, 30).Draw(t, "breaks") {
			p.breaks = append(p.breaks, window.Break{
				Time: onset, Integration: name.Draw(t, "integration"), Account: name.Draw(t, "account"), Reason: name.Draw(t, "reason"),
				Created: rapid.Int64().Draw(t, "created"),
			})
		}
		p.found, p.known = take(part{p.past.own[0], p.breaks}), rules.Provider(rapid.SampledFrom([]string{"google-mail", "salesforce", "shopify", "x"}).Draw(t, "provider"))
		p.fleeting, p.in.Recovered = rapid.Float64Range(0, 100).Draw(t, "fleeting"), make([]string, rapid.IntRange(0, 9).Draw(t, "recovered"))
		list := p.diagnose()
		if len(list) > diagnosed {
			t.Fatalf("%+v", list)
		}
		for _, x := range list {
			if x.Kind == "" || x.Evidence == "" {
				t.Fatalf("%+v", x)
			}
		}
	})
}

// A break keeps how its connection authorizes, and when that was.
func TestBreakKeepsItsOrigin(t *testing.T) {
	h := running(time.Hour)
	h.breaks("google-mail", "mail", onset, 2, time.Second)
	d := New(Options{})
	known := h.events[len(h.events)-2].Connection
	authorized(t, d, "mail", onset.Add(-40*day), known)
	feed(d, h.sorted(), time.Time{})
	list := d.series[key{Revocations, "prod", "google-mail", "revoked"}].breaks.Since(onset)
	if len(list) != 2 || list[0].AuthMode != "OAUTH2" || ageClass(&list[0]) != "1 to 3 months" || list[1].AuthMode != "" || list[1].Created != 0 {
		t.Errorf("%+v", list)
	}
}
