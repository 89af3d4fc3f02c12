package detect

import (
	"encoding/json"
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
