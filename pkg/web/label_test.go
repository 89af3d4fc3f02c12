package web

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/VictoriaMetrics/metrics"

	"github.com/revwatch/revwatch/pkg/alert"
	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/nango"
)

// evil draws names of strangers.
func evil() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "github", "other", `"`, `\`, `\"`, "a\nb 1", "\x00", "\xff\xfe", `x"} 1` + "\nup 0", "{}", "\u202egpj", "é", strings.Repeat("x", 5000),
			strings.Repeat("\xff", 300), strings.Repeat("x", maxText-1) + "é"}),
		rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	)
}

func FuzzLabel(f *testing.F) {
	for _, s := range []string{"github", "a\"b", "a\\", "\n", "\x00", "\xff", strings.Repeat("ä", 400)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if len(got) > maxText || !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsGraphic(r) }) || clean(got) != got {
			t.Fatalf("%q", got)
		}
		name := "m{" + labels("a", got, "b", "c") + "}"
		if err := metrics.ValidateMetric(name); err != nil {
			t.Fatal(err)
		}
		all, err := parse(name + " 1\n")
		if err != nil {
			t.Fatal(err)
		}
		if l := all["m"].labels[0]; l["b"] != "c" || l["a"] != got && !(got == "" && l["a"] == unnamed) {
			t.Fatalf("%q became %q", got, l)
		}
	})
}

// TestPlainNamesStay: what needs no mending is not touched.
func TestPlainNamesStay(t *testing.T) {
	for _, s := range []string{"", "google-mail", "größe 日本", strings.Repeat("t", 249) + "/9"} {
		if clean(s) != s {
			t.Errorf("%q became %q", s, clean(s))
		}
	}
}

func TestStrangersCannotBreakTheExposition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func() string { return evil().Draw(t, "text") }
		counts := func() map[string]int64 { return map[string]int64{text(): 1, text(): 2} }
		x := Snapshot{
			Reader: nango.Stats{Quarantined: counts(), Rows: counts(), Failures: map[nango.Cause]int64{nango.Cause(text()): 1}},
			Series: drawSeries(t, evil()), Errors: map[Integration]int64{{text(), text(), text()}: 1, {text(), text(), text()}: 1},
			Refused: map[Refusal]int64{{text(), text(), nango.Cause(text())}: 1, {text(), text(), nango.Revoked}: 1},
			Input:   Input{Error: text(), Skipped: counts(), Partitions: []Partition{{Name: text()}, {Name: text()}}},
			Incidents: []detect.Incident{{Signal: text(), Environment: text(), Provider: text()}, {Signal: text(), Environment: text(), Past: true},
				{Signal: text(), Scope: "all", Environments: []string{text(), text()}, Cause: text()}, {Signal: text(), Scope: text(), Cause: text()}},
		}
		s := New(Options{Version: text(), ConfigHash: text(), MaxProviders: 2})
		s.Check(text(), false, text())
		s.Check(text(), true, text())
		s.Tells(teller{status: []alert.Status{{Name: text(), Results: counts()}, {Name: text()}}})
		s.Publish(x)
		var b strings.Builder
		s.writeMetrics(&b)
		all, err := parse(b.String())
		if err != nil {
			t.Fatal(err)
		}
		for name, f := range all {
			if name == "up" {
				t.Fatal("a stranger wrote a metric")
			}
			for _, l := range f.labels {
				if l["provider"] != "" && l["environment"] == "" {
					t.Fatalf("%s: a provider without its environment: %v", name, l)
				}
			}
		}
	})
}

func drawSeries(t *rapid.T, names *rapid.Generator[string]) []detect.Series {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) detect.Series {
		return detect.Series{
			Signal:      rapid.SampledFrom([]string{detect.Revocations, detect.UnknownConnections}).Draw(t, "signal"),
			Environment: names.Draw(t, "environment"), Provider: names.Draw(t, "provider"),
			Cause: rapid.SampledFrom([]string{"revoked", "misconfigured"}).Draw(t, "cause"),
			State: detect.StateQuiet, Windows: windows(1, .5, 3, 0), BudgetDays: float64(rapid.IntRange(2, 3000).Draw(t, "budget")),
			Total: int64(rapid.IntRange(0, 50).Draw(t, "total")), Score: float64(rapid.IntRange(0, 4).Draw(t, "score")), Active: 1, Broken: 2,
		}
	}), 0, 8).Draw(t, "series")
}

// sum adds up the samples of a family.
func sum(all map[string]*parsed, name string) (total float64) {
	if f := all["revwatch_"+name]; f != nil {
		for _, v := range f.samples {
			total += v
		}
	}
	return total
}

// TestOther: whatever names come, and when, there are no more than allowed, nothing is lost among them, and no counter falls.
func TestOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size = 3
		s := New(Options{MaxProviders: size})
		names := rapid.Map(rapid.IntRange(0, 4), strconv.Itoa)
		series, errors, refused := map[detect.Series]bool{}, map[Integration]int64{}, map[Refusal]int64{}
		var all []detect.Series
		var incidents []detect.Incident
		before := map[string]*parsed{}
		for range rapid.IntRange(1, 4).Draw(t, "scrapes") {
			for _, x := range drawSeries(t, names) {
				x.Windows = [5]detect.Window{} // fewer lines to read
				key := detect.Series{Signal: x.Signal, Environment: x.Environment, Provider: x.Provider, Cause: x.Cause}
				if !series[key] {
					series[key] = true
					all = append(all, x)
				}
				errors[Integration{x.Environment, x.Provider, x.Cause}] += x.Total
				refused[Refusal{x.Environment, x.Provider, nango.Cause(x.Cause)}] += x.Total
				incidents = append(incidents, detect.Incident{Signal: x.Signal, Scope: "family", Environment: x.Environment, Provider: x.Provider, Cause: x.Cause})
			}
			total := 0.0
			for i := range all {
				all[i].Total += int64(rapid.IntRange(0, 3).Draw(t, "more"))
				total += float64(all[i].Total)
			}
			s.Publish(Snapshot{Series: all, Errors: errors, Refused: refused, Incidents: incidents})
			var b strings.Builder
			s.writeMetrics(&b)
			now, err := parse(b.String())
			if err != nil {
				t.Fatal(err)
			}
			if got := sum(now, "broken_connections_total"); got != total {
				t.Fatalf("%v broken connections of %v", got, total)
			}
			notFallen(t, before, now)
			notTooMany(t, now, size)
			before = now
		}
	})
}

func notFallen(t *rapid.T, before, now map[string]*parsed) {
	for name, f := range before {
		for id, v := range f.samples {
			if got, still := now[name].samples[id]; f.kind == counter && (!still || got < v) {
				t.Fatalf("%s fell from %v to %v", id, v, got)
			}
		}
	}
}

func notTooMany(t *rapid.T, now map[string]*parsed, size int) {
	own := map[string]map[string]bool{}
	for name, f := range now {
		for _, l := range f.labels {
			if l["provider"] != "" && l["provider"] != other {
				of := name + " " + l["signal"]
				if own[of] == nil {
					own[of] = map[string]bool{}
				}
				own[of][l["environment"]+" "+l["provider"]+" "+l["integration"]] = true
			}
		}
	}
	for of, names := range own {
		if len(names) > size {
			t.Fatalf("%s: %d names", of, len(names))
		}
	}
}

// TestMostBrokenAreNamed, and what the rest has together makes sense: sums, the highest score, no bound, the rate of all their
// false alarms, and a budget that is kept only where all keep theirs.
func TestMostBrokenAreNamed(t *testing.T) {
	of := func(environment, provider string, total int64, score float64) detect.Series {
		return detect.Series{Signal: detect.Revocations, Environment: environment, Provider: provider, Cause: "revoked", State: detect.StateQuiet, BudgetDays: 90,
			Total: total, Score: score, Windows: windows(2, 1, 5, score), Broken: 4, Active: 10, Realised: 3, Promised: 4, BudgetMet: provider != "d"}
	}
	s := New(Options{MaxProviders: 1})
	s.Publish(Snapshot{At: time.Now(), Series: []detect.Series{of("dev", "c", 1, .1), of("prod", "a", 5, .5), of("prod", "b", 9, .2), of("prod", "d", 5, .7)}})
	all := scrape(t, s)
	for id, want := range map[string]float64{
		`broken_connections_total{environment="prod",provider="b",cause="revoked",signal="revocations"}`:             9,
		`broken_connections_total{environment="prod",provider="other",cause="revoked",signal="revocations"}`:         10,
		`broken_connections_total{environment="other",provider="other",cause="revoked",signal="revocations"}`:        1,
		`score{environment="prod",provider="other",cause="revoked",signal="revocations"}`:                            .7,
		`budget_days{environment="prod",provider="other",cause="revoked",signal="revocations"}`:                      45,
		`revoked_connections{environment="prod",provider="other",cause="revoked",signal="revocations",window="10m"}`: 4,
		`series_excursions{environment="prod",provider="other",cause="revoked",signal="revocations"}`:                6,
		`series_excursions_promised{environment="prod",provider="other",cause="revoked",signal="revocations"}`:       8,
		`budget_met{environment="prod",provider="other",cause="revoked",signal="revocations"}`:                       0,
		`budget_met{environment="prod",provider="b",cause="revoked",signal="revocations"}`:                           1,
		`connections_broken{environment="prod",provider="other"}`:                                                    8,
		`connections_active{environment="prod",provider="other"}`:                                                    20,
		`upper_bound{environment="prod",provider="b",cause="revoked",signal="revocations",window="72h"}`:             5,
	} {
		family, _, _ := strings.Cut(id, "{")
		if got, ok := all["revwatch_"+family].samples["revwatch_"+id]; !ok || got-want > 1e-9 || want-got > 1e-9 {
			t.Errorf("%s: %v, want %v", id, got, want)
		}
	}
	const bound = `revwatch_upper_bound{environment="prod",provider="other",cause="revoked",signal="revocations",window="1h"}`
	if got := all["revwatch_upper_bound"].samples[bound]; !math.IsInf(got, 1) {
		t.Errorf("two series together have the bound %v", got)
	}
}

// TestAlikeAreSummed: names that look the same when cleaned are one, with all their counts.
func TestAlikeAreSummed(t *testing.T) {
	s := New(Options{})
	s.Publish(Snapshot{Errors: map[Integration]int64{{"prod", "a\x00", "i"}: 2, {"prod", "a\x01", "i"}: 3}})
	if f := scrape(t, s)["revwatch_refresh_token_external_errors_total"]; len(f.samples) != 1 {
		t.Error(f.samples)
	} else if got := sum(map[string]*parsed{"revwatch_x": f}, "x"); got != 5 {
		t.Error(got)
	}
}
