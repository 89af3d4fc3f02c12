package detect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// Where an unknown connection exists is said of each, in words; what is deleted, and what it is itself, exists nowhere.
func TestElsewhere(t *testing.T) {
	h := running(3 * time.Hour)
	exists := func(environment, integration, id string) {
		h.in(environment, func() { h.put(onset.Add(-day), nango.Reconnected, "crm", integration, id, "") })
	}
	exists("dev", "crm", "in-dev")
	exists("prod", "crm-eu", "under-another")
	exists("dev", "crm-eu", "both")
	for _, environment := range []string{"test", "dev", "prod"} {
		exists(environment, "mail", "many")
		exists(environment, "crm-eu", "many")
	}
	exists("prod", "crm", "lower-CASE")
	exists("dev", "crm", "Blank ")
	exists("dev", "crm", "near")
	exists("prod", "crm", "NEAR")
	exists("dev", "crm", "gone")
	h.in("dev", func() { h.put(onset.Add(-time.Hour), nango.Deleted, "crm", "crm", "gone", "") })
	exists("prod", "crm", "here")
	want := map[string]string{
		"in-dev": "in environment dev", "under-another": "under integration crm-eu", "both": "in environment dev under integration crm-eu",
		"many":       "under integration crm-eu, under integration mail, and 4 more",
		"lower-case": `as "lower-CASE"`, "BLANK": `as "Blank " in environment dev`, "near": `in environment dev, as "NEAR"`,
		"gone": "", "here": "", "nowhere": "",
	}
	at := onset
	for _, id := range []string{"in-dev", "under-another", "both", "many", "lower-case", "BLANK", "near", "gone", "here", "nowhere"} {
		h.put(at, nango.UnknownConnection, "", "crm", id, "")
		at = at.Add(time.Minute)
	}
	exists("prod", "other", "nowhere-2")
	h.put(onset.Add(time.Hour), nango.Reconnected, "crm", "crm-eu", "nowhere", "") // made after it was asked for: what was said stays
	h.put(onset.Add(2*time.Hour), nango.UnknownConnection, "", "crm", "nowhere-2", "")
	want["nowhere-2"] = "under integration other"
	told := lives(feed(New(Options{}), h.sorted(), time.Time{}))["crm"]
	end := last(told)
	if len(end.Connections) != len(want) {
		t.Fatalf("%+v", end)
	}
	for _, b := range end.Connections {
		if b.Elsewhere != want[b.Connection] {
			t.Errorf("%s: %q, want %q", b.Connection, b.Elsewhere, want[b.Connection])
		}
	}
}

// Of a rise of all the first connections that were asked for are listed, whichever integration they are of, and where they exist is said of each.
func TestElsewhereOfAll(t *testing.T) {
	for name, n := range map[string]int{"each too few": 2, "each its own incident": 12} {
		h := running(60 * time.Hour)
		for i := range 8 {
			integration := fmt.Sprint("i", 7-i)
			for k := range n {
				id := fmt.Sprint(integration, "-", k)
				if i > 0 {
					h.in("dev", func() { h.put(onset.Add(-day), nango.Reconnected, "crm", integration, id, "") })
				}
				h.put(onset.Add(time.Duration(i+k*10)*time.Second), nango.UnknownConnection, "", integration, id, "")
			}
		}
		var wide Incident
		for _, in := range feed(New(Options{}), h.sorted(), time.Time{}) {
			if in.Scope == "all" {
				wide = in
			}
		}
		if len(wide.Connections) != min(8*n, shown) || len(wide.Diagnoses) != 1 || wide.Diagnoses[0].Kind != WrongPlace || wide.Status != StatusResolved {
			t.Fatalf("%s: %+v", name, wide)
		}
		for i, b := range wide.Connections {
			want := "in environment dev"
			if b.Integration == "i7" {
				want = ""
			}
			if b.Elsewhere != want || i > 0 && b.Time.Before(wide.Connections[i-1].Time) {
				t.Errorf("%s: %+v, want %q", name, b, want)
			}
		}
	}
}

// Names of any length and any characters are said in bounded words.
func TestElsewhereOfHostileNames(t *testing.T) {
	h := running(time.Hour)
	for i, id := range []string{strings.Repeat("x", 256), "a\nb", "<!channel>", "\u202e", "'; --"} {
		h.in("dev\n"+strings.Repeat("e", 250), func() { h.put(onset.Add(-day), nango.Active, "crm", strings.Repeat("i", 256), strings.ToUpper(id), "") })
		h.put(onset.Add(time.Duration(i)*time.Second), nango.UnknownConnection, "", "crm", id, "")
	}
	end := last(lives(feed(New(Options{}), h.sorted(), time.Time{}))["crm"])
	if len(end.Connections) != 5 {
		t.Fatalf("%+v", end)
	}
	for _, b := range end.Connections {
		if b.Elsewhere == "" || len(b.Elsewhere) > 2000 {
			t.Errorf("%q: %q", b.Connection, b.Elsewhere)
		}
	}
}

// A look through a hundred thousand connections takes one pass, whatever the number that is looked for.
func BenchmarkElsewhere(b *testing.B) {
	d := New(Options{})
	for i := range 100_000 {
		d.ledger.Observe(nango.Event{Kind: nango.Failure, Cause: nango.Revoked, Time: onset, Environment: "dev", Provider: "crm", Integration: "crm", Connection: fmt.Sprintf("4fa00000-0000-4000-8000-%012d", i)})
	}
	list := make([]Broken, shown)
	for b.Loop() {
		var asked []wanted
		for i := range list {
			list[i] = Broken{Integration: "crm", Connection: fmt.Sprintf("4fa00000-0000-4000-8000-%012d", i)}
			asked = append(asked, wanted{&list[i], "prod"})
		}
		if d.locate(asked); list[7].Elsewhere == "" {
			b.Fatal("not found")
		}
	}
}
