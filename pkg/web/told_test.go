package web

import (
	"maps"
	"testing"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/nango"
)

// incidents reads the samples of revwatch_incident by their labels, without name and signal.
func incidents(t *testing.T, s *Server) map[string]float64 {
	t.Helper()
	got, f := map[string]float64{}, scrape(t, s)["revwatch_incident"]
	for id, v := range f.samples {
		all, err := parse(id + " 0\n")
		if err != nil {
			t.Fatal(err)
		}
		l := all["revwatch_incident"].labels[0]
		got[l["environment"]+" "+l["provider"]+" "+l["cause"]+" "+l["scope"]] = v
	}
	return got
}

// TestIncidentComesAndGoes: a series has a sample before, while and after its incident is open; moving between provider and integration is no end.
func TestIncidentComesAndGoes(t *testing.T) {
	s := New(Options{})
	series := []detect.Series{{Signal: detect.Revocations, Environment: "prod", Provider: "github", Cause: "revoked"}}
	in := detect.Incident{Signal: detect.Revocations, Environment: "prod", Provider: "github", Cause: "revoked", Scope: "provider", Status: detect.StatusOpen}
	show := func(change func()) float64 {
		change()
		s.Publish(Snapshot{Series: series, Incidents: []detect.Incident{in}})
		all := incidents(t, s)
		if len(all) != 1 {
			t.Fatal(all)
		}
		return all["prod github revoked provider"]
	}
	s.Publish(Snapshot{Series: series})
	if got := incidents(t, s); !maps.Equal(got, map[string]float64{"prod github revoked provider": 0}) {
		t.Errorf("before it opens: %v", got)
	}
	if show(func() {}) != 1 || show(func() { in.Scope, in.Integration, in.Status = "integration", "github-main", detect.StatusUpdate }) != 1 {
		t.Error("not open")
	}
	if show(func() { in.Past = true }) != 0 || show(func() { in.Past, in.Parent = false, "i0" }) != 0 || show(func() { in.Parent = "" }) != 1 {
		t.Error("what is not told is shown, or the other way around")
	}
	if show(func() { in.Status = detect.StatusResolved }) != 0 {
		t.Error("resolved and still open")
	}
}

// TestWideIncidents are of each environment they are told in, and of no single provider.
func TestWideIncidents(t *testing.T) {
	s := New(Options{})
	s.Publish(Snapshot{Incidents: []detect.Incident{
		{Signal: detect.Silence, Scope: "all", Status: detect.StatusOpen},
		{Signal: detect.Revocations, Scope: "all", Cause: "revoked", Status: detect.StatusUpdate, Environment: "prod", Provider: "github", Environments: []string{"dev", "prod"}},
		{Signal: detect.Revocations, Scope: "family", Cause: "misconfigured", Status: detect.StatusOpen, Environment: "prod", Provider: "google"},
		{Signal: detect.Weekly, Scope: "all", Status: detect.StatusOpen},
	}, Series: []detect.Series{{Signal: detect.Revocations, Environment: "prod", Provider: "google", Cause: "misconfigured"},
		{Signal: detect.Revocations, Environment: "dev", Provider: "x", Cause: "revoked"}}})
	want := map[string]float64{
		"all all none all": 1, "dev all revoked all": 1, "prod all revoked all": 1, "prod google misconfigured family": 1,
		"prod google misconfigured provider": 0, "dev x revoked provider": 0,
	}
	if got := incidents(t, s); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestRefreshFailuresHaveEveryCause: the first failure of a cause is a rise from 0, and nothing is lost among names that look alike or have no label.
func TestRefreshFailuresHaveEveryCause(t *testing.T) {
	s := New(Options{MaxProviders: 1})
	s.Publish(Snapshot{Refused: map[Refusal]int64{
		{"prod", "a", nango.Revoked}: 5, {"prod", "b\x00", nango.Transient}: 1, {"prod", "b\x01", nango.Transient}: 2, {"prod", "c", nango.Revoked}: 1,
	}})
	f := scrape(t, s)["revwatch_refresh_failures_total"]
	want := map[string]float64{"a revoked": 5, "other transient": 3, "other revoked": 1}
	for _, provider := range []string{"a", "other"} {
		for _, cause := range causes {
			id := labels("environment", "prod", "provider", provider, "cause", string(cause))
			if got, ok := f.samples["revwatch_refresh_failures_total{"+id+"}"]; !ok || got != want[provider+" "+string(cause)] {
				t.Errorf("%s: %v %v", id, got, ok)
			}
		}
	}
	if len(f.samples) != 2*len(causes) {
		t.Error(f.samples)
	}
}
