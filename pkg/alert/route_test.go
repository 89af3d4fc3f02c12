package alert

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/detect"
)

// A rise of all in several environments is told to those who are told of each of them, and silenced only by who silences all of them.
func TestSeveralEnvironments(t *testing.T) {
	in := everywhere()
	in.Environments = []string{"dev", "prod"}
	for want, routes := range map[string][]Route{
		"[slack pager] false": {{Match: Match{Environment: []string{"dev"}}, To: []string{"slack"}}, {To: []string{"pager", "slack"}}},
		"[pager] false":       {{Match: Match{Environment: []string{"dev"}}}, {Match: Match{Environment: []string{"prod"}}, To: []string{"pager"}}},
		"[] false":            {{Match: Match{Environment: []string{"qa"}}, To: []string{"pager"}}},
		"[] true":             nil,
	} {
		names, everybody := recipients(routes, &in, critical)
		if got := fmt.Sprint(names, everybody); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for _, c := range []struct {
		environments []string
		silent       bool
	}{{nil, true}, {[]string{"prod"}, false}, {[]string{"dev", "prod"}, true}, {[]string{"*"}, true}} {
		if m := (Match{Environment: c.environments}); m.covers(&in, critical) != c.silent {
			t.Errorf("%q: silenced %v", c.environments, !c.silent)
		}
	}
	if got := compose(&in, nil, open, wording()).environment; got != "dev, prod" {
		t.Error(got)
	}
	in.Environments = []string{"a", "b", "c", "d", "e"}
	if got := compose(&in, nil, open, wording()).environment; got != "a, b, c and 2 more" {
		t.Error(got)
	}
}

func TestMatch(t *testing.T) {
	gmail, every := revoked(), everywhere()
	every.Provider, every.Integration = "google-mail", "google-mail-eu"
	for _, c := range []struct {
		name string
		m    Match
		in   detect.Incident
		want bool
	}{
		{"empty", Match{}, gmail, true},
		{"provider", Match{Provider: []string{"google-mail"}}, gmail, true},
		{"one of several", Match{Provider: []string{"slack", "google-*"}}, gmail, true},
		{"another provider", Match{Provider: []string{"google"}}, gmail, false},
		{"case", Match{Provider: []string{"Google-mail"}}, gmail, false},
		{"star inside", Match{Integration: []string{"g*mail*eu"}}, gmail, true},
		{"all fields", Match{Provider: []string{"*"}, Integration: []string{"*-eu"}, Environment: []string{"prod"}, Cause: []string{"revoked"},
			Signal: []string{"revocations"}, Scope: []string{"integration"}, Severity: "warning"}, gmail, true},
		{"all but one", Match{Provider: []string{"*"}, Environment: []string{"dev"}, Cause: []string{"revoked"}}, gmail, false},
		{"no star in a cause", Match{Cause: []string{"rev*"}}, gmail, false},
		{"severity", Match{Severity: "critical"}, gmail, true},
		{"severity below", Match{Severity: "critical"}, misconfigured(), false},
		{"severity above", Match{Severity: "warning"}, gmail, true},
		{"all is no single provider", Match{Provider: []string{"google-*"}}, every, false},
		{"nor a single integration", Match{Integration: []string{"google-mail-eu"}}, every, false},
		{"all is of any", Match{Provider: []string{"*"}}, every, true},
		{"scope", Match{Scope: []string{"family", "all"}}, every, true},
	} {
		if got := c.m.covers(&c.in, DefaultSeverity.of(&c.in)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestGlobProperty compares with a regular expression.
func TestGlobProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SampledFrom([]rune("ab*.é"))
		pattern, name := rapid.StringOf(letters).Draw(t, "pattern"), rapid.StringOf(letters).Draw(t, "name")
		want := regexp.MustCompile(`(?s)\A` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`) + `\z`).MatchString(name)
		if got := Glob(pattern, name); got != want {
			t.Fatalf("%q, %q: %v", pattern, name, got)
		}
	})
}

func TestBadRoutes(t *testing.T) {
	save := func(string, string, []byte) error { return nil }
	to := []Destination{&picky{}}
	for name, o := range map[string]Options{
		"unknown destination": {Routes: []Route{{To: []string{"pager"}}}},
		"unknown fallback":    {Fallback: []string{"pager"}},
		"severity":            {Routes: []Route{{Match: Match{Severity: "high"}}}},
		"signal":              {Routes: []Route{{Match: Match{Signal: []string{"pipeline"}}}}},
		"cause":               {Routes: []Route{{Match: Match{Cause: []string{"revokd"}}}}},
		"scope":               {Routes: []Route{{Match: Match{Scope: []string{"everything"}}}}},
		"empty entry":         {Routes: []Route{{Match: Match{Provider: []string{""}}}}},
		"entry with control":  {Routes: []Route{{Match: Match{Provider: []string{"a\x1b[0m"}}}}},
		"long entry":          {Routes: []Route{{Match: Match{Cause: []string{strings.Repeat("x", maxPattern+1)}}}}},
		"many entries":        {Routes: []Route{{Match: Match{Environment: strings.Split(strings.Repeat("x,", maxEntries+1), ",")}}}},
	} {
		o.Save, o.Destinations = save, to
		if _, err := NewNotifier(o); err == nil || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRecipients(t *testing.T) {
	n, err := NewNotifier(Options{
		Save:         func(string, string, []byte) error { return nil },
		Destinations: []Destination{&mock{id: "d0", t: hookTraits}, &mock{id: "d1", t: pagerTraits}},
		Routes: []Route{
			{Match: Match{Environment: []string{"dev"}}},
			{Match: Match{Severity: "critical"}, To: []string{"d1", "d0"}},
			{Match: Match{Provider: []string{"hubspot"}}, To: []string{"d0"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	dev, other, week := revoked(), strange(), detect.Incident{Signal: detect.Weekly}
	dev.Environment, other.Score = "dev", 1
	other.Observed = 4
	for _, c := range []struct {
		in   detect.Incident
		want string
	}{
		{dev, "[]"}, {revoked(), "[d0 d1]"}, {misconfigured(), "[d0]"}, {other, "[]"}, {silence(), "[d0 d1]"}, {week, "[d0]"},
	} {
		if got := fmt.Sprint(n.Recipients(c.in)); got != c.want {
			t.Errorf("%s in %s: %s", c.in.Provider, c.in.Environment, got)
		}
	}
}

// TestAnIncidentThatGrowsReachesMore: who was told goes on being told, who comes in by severity is told from then on, and other routes after a
// restart do not make news of what is over.
func TestAnIncidentThatGrowsReachesMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.routes = []worldRoute{{Critical: true, To: []string{"d1"}}, {To: []string{"d0"}}}
		l := w.begin(t, 1, webhook, pager)
		small, passed := opened(1), opened(2)
		small.Observed, small.Score, passed.Observed, passed.Score = 5, 1, 5, 1
		l.tell(bookOf(small, passed))
		time.Sleep(time.Minute)
		big := small
		big.Observed, big.Revision, big.Milestone, big.Status = 60, 2, 2, detect.StatusUpdate
		passed = ended(passed)
		passed.ResolvedAt = time.Now()
		l.tell(bookOf(big, passed))
		time.Sleep(time.Minute)
		l.end()
		w.routes = []worldRoute{{To: []string{"d1"}}}
		l = w.begin(t, 2, webhook, pager)
		defer l.end()
		big = ended(big)
		l.tell(bookOf(big, passed))
		time.Sleep(time.Minute)
		synctest.Wait()
		got := map[string]string{}
		for _, d := range []string{"d0", "d1"} {
			for _, a := range w.seen(d) {
				got[d] += fmt.Sprint(a.incident[9:], a.Phase, a.Milestone, " ")
			}
		}
		if got["d0"] != "1open1 2open1 1open2 2resolve2 1resolve3 " && got["d0"] != "1open1 2open1 2resolve2 1open2 1resolve3 " {
			t.Errorf("the first destination saw %q", got["d0"])
		}
		if got["d1"] != "1open2 1resolve3 " {
			t.Errorf("the second destination saw %q", got["d1"])
		}
		w.check(t)
	})
}

func TestOtherRoutesMakeNoNewsOfTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.routes = []worldRoute{{To: []string{"d1"}}}
		l := w.begin(t, 1, webhook, bot)
		synctest.Wait()
		time.Sleep(time.Minute)
		over, still := ended(opened(1)), opened(2)
		over.ResolvedAt = time.Now()
		l.tell(bookOf(over, still))
		time.Sleep(time.Minute)
		synctest.Wait()
		l.end()
		w.routes = nil
		l = w.begin(t, 2, webhook, bot)
		defer l.end()
		l.tell(bookOf(over, still))
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := w.seen("d0"); len(got) != 1 || got[0].incident != still.ID {
			t.Errorf("told %v", got)
		}
		if got := w.seen("d1"); len(got) != 2 {
			t.Errorf("told %v", got)
		}
		w.check(t)
	})
}
