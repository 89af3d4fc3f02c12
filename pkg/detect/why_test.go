package detect

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// twoIntegrations is the life of a provider whose connections break under mail-us as a rule, with another reason, in two environments; then many of
// mail-eu break in one.
func twoIntegrations() *history {
	h := newHistory(8)
	h.life("google-mail", 0, monday, onset.Add(5*time.Hour))
	for i, at := 0, monday.Add(2*day); at.Before(onset.Add(-time.Hour)); i, at = i+1, at.Add(7*time.Hour) {
		integration, reason, environment := "mail-us", "token_expired", "prod"
		if i%8 == 0 {
			integration, reason = "mail-eu", "invalid_grant"
		}
		if i%2 == 1 {
			environment = "dev"
		}
		h.breaks("google-mail", integration, at, 1, 0)
		e := &h.events[len(h.events)-1]
		e.Reason, e.Environment = reason, environment
	}
	h.breaks("google-mail", "mail-eu", onset, 15, time.Minute)
	h.breaks("google-mail", "mail-us", onset.Add(90*time.Second), 2, 3*time.Minute)
	h.events[len(h.events)-1].Reason = "token_expired"
	return h
}

// What is over-represented is told in figures and in words, the surest first, and beside it what always is.
func TestIncidentIsExplained(t *testing.T) {
	told := feed(New(Options{}), twoIntegrations().sorted(), time.Time{})
	in := last(told)
	if count(told, StatusOpen) != 1 || in.Status != StatusResolved {
		t.Fatalf("%v", statuses(told))
	}
	if len(in.Ranking) < 2 || in.Ranking[0].Dimension != "reason" && in.Ranking[0].Dimension != "integration" {
		t.Fatalf("%+v", in.Ranking)
	}
	found := map[string]Lift{}
	for _, l := range in.Ranking {
		found[l.Dimension+" "+l.Value] = l
	}
	if l := found["integration mail-eu"]; l.Count < 10 || l.Usual > .35 || l.Lift < 2.5 || l.Of > in.Observed {
		t.Errorf("%+v in %+v", l, in.Ranking)
	}
	if l := found["reason invalid_grant"]; l.Count < 12 || l.Usual > .35 {
		t.Errorf("%+v in %+v", l, in.Ranking)
	}
	if l := found["environment prod"]; l.Count < 12 || l.Usual < .4 || l.Usual > .6 {
		t.Errorf("%+v in %+v", l, in.Ranking)
	}
	text := strings.Join(in.Explanation, "\n")
	for _, want := range []string{"with reason invalid_grant (usually ", "under integration mail-eu (usually ", "in environment prod (usually ", "customer accounts"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %q", want, text)
		}
	}
	if strings.Count(text, "with reason") != 1 || strings.Count(text, "under integration") != 1 {
		t.Errorf("said twice: %q", text)
	}
}

// The same is told, and of the same mix, wherever the process is stopped.
func TestExplainedTheSameAfterARestart(t *testing.T) {
	events := twoIntegrations().sorted()
	whole := New(Options{})
	want := feed(whole, events, time.Time{})
	for _, every := range []int{97, 401} {
		kept := map[string]map[string][]byte{}
		var told []Incident
		d := New(Options{})
		for i := 0; i < len(events); i += every {
			told = append(told, feed(d, events[i:min(i+every, len(events))], time.Time{})...)
			d.Changes(keep(kept))
			d = New(Options{})
			for bucket, values := range kept {
				for key, value := range values {
					if err := d.Restore(bucket, key, value); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if !reflect.DeepEqual(told, want) {
			t.Errorf("stopped every %d events: %+v\nwant %+v", every, last(told), last(want))
		}
		for i, s := range whole.order {
			if !reflect.DeepEqual(d.order[i].mix, s.mix) {
				t.Errorf("stopped every %d events, the mix of %v: %+v\nwant %+v", every, s.key, d.order[i].mix, s.mix)
			}
		}
	}
}

// Where a provider has one integration, that all are under it is a plain fact; and where nothing is known of before, nothing is called usual.
func TestOneIntegrationIsNoNews(t *testing.T) {
	h := newHistory(9)
	h.life("crm", 1, monday, onset.Add(5*time.Hour))
	h.breaks("crm", "crm", onset, 12, time.Minute)
	young := running(5 * time.Hour)
	young.breaks("crm", "crm", onset, 12, time.Minute)
	for _, events := range [][]nango.Event{h.sorted(), young.sorted()} {
		in := last(lives(feed(New(Options{}), events, time.Time{}))["crm"])
		text := strings.Join(in.Explanation, "\n")
		if len(in.Ranking) != 0 || !strings.Contains(text, " under integration crm\n") || !strings.Contains(text, " with reason invalid_grant\n") || strings.Contains(text, "usually") {
			t.Errorf("%+v, %q", in.Ranking, text)
		}
	}
}

// What stands for several providers ranks and diagnoses them together, the provider too.
func TestFamilyIsExplainedTogether(t *testing.T) {
	h := running(40 * time.Hour)
	for i, at := 0, monday.Add(2*day); at.Before(onset.Add(-day)); i, at = i+1, at.Add(5*time.Hour) {
		name := []string{"google-mail", "google-drive", "google-drive", "google-drive"}[i%4]
		h.breaks(name, name, at, 1, 0)
	}
	h.breaks("google-mail", "google-mail", onset, 40, time.Second)
	h.breaks("google-drive", "google-drive", onset.Add(5*time.Minute), 9, time.Second)
	var wide Incident
	for _, in := range lives(feed(New(Options{Family: vendor}), h.sorted(), time.Time{}))["google-mail"] {
		if in.Scope == "family" {
			wide = in
		}
	}
	if len(wide.Ranking) == 0 || wide.Ranking[0].Value != "google-mail" || wide.Ranking[0].Count < 40 || wide.Ranking[0].Of <= wide.Ranking[0].Count || wide.Ranking[0].Usual > .4 {
		t.Errorf("%+v", wide.Ranking)
	}
	if len(wide.Course.Counts) != courseSteps {
		t.Errorf("no course of the first: %+v", wide.Course)
	}
}

// An environment in which as many broke as in the other is not over-represented.
func TestBothEnvironmentsRise(t *testing.T) {
	h := twoIntegrations()
	h.breaks("google-mail", "mail-eu", onset, 15, time.Minute)
	for i := range h.events[len(h.events)-15:] {
		h.events[len(h.events)-15+i].Environment = "dev"
	}
	for _, in := range feed(New(Options{}), h.sorted(), time.Time{}) {
		for _, l := range in.Ranking {
			if l.Dimension == "environment" {
				t.Errorf("%s: %+v", in.Environment, l)
			}
		}
	}
}

// Whose the breaks are is said in one true line: no customer is called most of them who is not, and none is told twice.
func TestCustomersInWords(t *testing.T) {
	for _, c := range []struct {
		told   bool
		want   string
		breaks []string
	}{
		{false, "customer accounts are not in the rows", []string{"5 eu - r - -"}},
		{false, "all of one customer account: a", []string{"5 eu a r - -"}},
		{false, "2 of 5 of customer account a, whose the others are is not known", []string{"2 eu a r - -", "3 eu - r - -"}},
		{false, "3 customer accounts, 2 of 4 of b", []string{"1 eu a r - -", "2 eu b r - -", "1 eu c r - -"}},
		{true, "3 customer accounts", []string{"1 eu a r - -", "2 eu b r - -", "1 eu c r - -"}},
		{true, "", []string{"5 eu b r - -"}},
		{false, "2 customer accounts", []string{"1 eu a r - -", "1 eu b r - -"}},
	} {
		var top []over
		if c.told {
			top = append(top, over{Lift: Lift{Dimension: "account", Value: "b"}})
		}
		if got := take(part{&series{}, broken(c.breaks...)}).customers(top); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// The lines count connections, as what is observed does: one that works again and breaks once more in the window is one.
func TestLinesCountConnections(t *testing.T) {
	h := running(time.Hour)
	h.breaks("crm", "crm", onset, 6, time.Second)
	h.put(onset.Add(20*time.Second), nango.Active, "crm", "crm", "c1", "")
	h.put(onset.Add(30*time.Second), nango.Failure, "crm", "crm", "c1", "customer1")
	in := last(lives(feed(New(Options{}), h.sorted(), time.Time{}))["crm"])
	if want := "6 of 6 with reason invalid_grant\n6 of 6 under integration crm\n6 customer accounts"; in.Observed != 6 || strings.Join(in.Explanation, "\n") != want {
		t.Errorf("%d observed, %q", in.Observed, in.Explanation)
	}
}

// A number that is nearly nothing is not said to be nothing, and unknown connections are asked for, not broken.
func TestSmallWords(t *testing.T) {
	for x, want := range map[float64]string{0: "0", .04: "under 0.1", .06: "0.1", 12.34: "12.3"} {
		if got := tenths(x); got != want {
			t.Errorf("%v: %s", x, got)
		}
	}
	h := running(30 * time.Hour)
	for i := range 8 {
		h.put(onset.Add(time.Duration(i)*time.Minute), nango.UnknownConnection, "", "mail", fmt.Sprint("ghost", i), "")
	}
	if in := last(feed(New(Options{}), h.sorted(), time.Time{})); in.Resolution != "no unknown connection was asked for in 24 hours" {
		t.Errorf("%s: %q", in.Status, in.Resolution)
	}
}
