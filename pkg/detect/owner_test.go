package detect

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// An incident says whose its connections are, also when only a webhook after the break says so; where nobody does, its form has no tags.
func TestIncidentSaysWhose(t *testing.T) {
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	onset := start.Add(20*day + 10*time.Hour)
	h := newHistory(1)
	h.life("mail", 1, start, onset.Add(3*time.Hour))
	for i := range 30 {
		at := onset.Add(time.Duration(i) * time.Minute)
		h.breaks("mail", "mail", at, 1, 0)
		e := h.events[len(h.events)-1]
		h.events[len(h.events)-1].Account = ""
		if e.Kind, e.Time = nango.Seen, at.Add(30*time.Second); i%2 == 0 {
			e.Due, e.Tags = e.Time, nango.TagsOf(map[string]string{"organization_id": "org_" + e.Connection})
			h.events = append(h.events, e)
		}
	}
	told := feed(New(Options{}), h.sorted(), time.Time{})
	if len(told) == 0 {
		t.Fatal("no incident")
	}
	with, without := 0, 0
	for _, b := range told[len(told)-1].Connections {
		form, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if b.Time.Before(onset) {
			continue
		}
		if b.Tags == "" && b.Account == "" && !strings.Contains(string(form), "tags") {
			without++
		}
		if b.Tags == nango.TagsOf(map[string]string{"organization_id": "org_" + b.Connection}) && b.Account != "" && strings.HasSuffix(string(form), `,"tags":{"organization_id":"org_`+b.Connection+`"}}`) {
			with++
		}
	}
	if with < 10 || without < 10 {
		t.Errorf("%d with tags and account, %d without: %+v", with, without, told[len(told)-1].Connections)
	}
}

// What is said of customers is what is known when it is said: of breaks whose account comes with a webhook a minute later too, without another break. The
// cap of an account in the score stays as it was decided.
func TestCustomersAreThoseKnownNow(t *testing.T) {
	h := newHistory(1)
	h.life("crm", 1, monday, onset.Add(2*day))
	whole := h.next
	h.breaks("crm", "crm", onset, 9, time.Second)
	for i := range h.events {
		e := &h.events[i]
		if e.Kind != nango.Failure {
			continue
		}
		account := "acme"
		if e.Time.Before(onset) {
			account = e.Account
		}
		e.Account = ""
		h.put(e.Time.Add(12*time.Minute), nango.Seen, "crm", "crm", e.Connection, account)
	}
	d, kept := New(Options{}), map[string]map[string][]byte{}
	var told []Incident
	for _, e := range h.sorted() {
		told = append(told, feed(d, []nango.Event{e}, time.Time{})...)
		if e.Kind == nango.Seen {
			d.Changes(keep(kept))
			d = restored(t, kept)
		}
	}
	told = lives(told)["crm"]
	if whole < 20 || len(told) < 3 || told[1].Customers != 0 || !slices.Contains(told[1].Explanation, "customer accounts are not in the rows") {
		t.Fatalf("%v, %d customers, %q", statuses(told), told[1].Customers, told[1].Explanation)
	}
	in := told[2]
	if in.Status != StatusUpdate || !in.Time.Equal(onset.Add(20*time.Minute)) || in.Customers != 1 || in.Observed != told[1].Observed || in.Score != told[1].Score {
		t.Errorf("%s at %v, %d customers", in.Status, in.Time, in.Customers)
	}
	if len(in.Ranking) == 0 || in.Ranking[0].Dimension != "account" || in.Ranking[0].Count != 9 || len(in.Diagnoses) != 1 || in.Diagnoses[0].Kind != OneCustomer {
		t.Errorf("%+v, %+v", in.Ranking, in.Diagnoses)
	}
	if text := strings.Join(in.Explanation, "; "); strings.Contains(text, "not in the rows") || strings.Count(text, "acme") != 1 || !strings.Contains(text, "all 9 of customer account acme (usually ") {
		t.Errorf("%q", text)
	}
}
