//go:build integration

package grafana

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// only names what has no data in the demo for a good reason; a server that was fed something of everything has it.
var onlyFull = map[string]string{
	"Broken and seen alive C": "the demo asks no Nango how many connections there are",
	"Members D":               "the demo has no configuration file, so no hash of one",
	"What was lost or could not be used, an hour A": "the demo writes nothing that cannot be read",
}

// notFull names what that server does not have.
var notFull = map[string]string{
	"Memory of each member A":         "its page is without the figures of a process",
	"Processor of each member A":      "its page is without the figures of a process",
	"Time of a commit of the state A": "it commits nothing while it is scraped",
	"Time of a commit of the state B": "it commits nothing while it is scraped",
}

// Every query of every panel, variable and annotation is put to a real Prometheus and a real VictoriaMetrics that scrape a running demo, with an
// incident open. Each has data, the same in both, and the same when a member that stands by is scraped too.
func TestIntegrationDashboards(t *testing.T) {
	p := newPages(t)
	config := p.config(t)
	stores := []store{startPrometheus(t, config), startVictoriaMetrics(t, config)}
	from := time.Now()
	p.demo(t)
	for _, s := range stores {
		await(t, s.name+": an incident", func() bool {
			v, err := s.instant(`revwatch_incident{job="alone", provider="google-mail", scope="provider"} == 1`, time.Now())
			return err == nil && len(v) > 0
		})
	}
	p.freeze(t)
	for _, s := range stores {
		await(t, s.name+": the same figures in all, often enough for a rate", func() bool {
			v, err := s.instant(`count(count_over_time(held_still[1m]) >= 5)`, time.Now())
			return err == nil && slices.Equal(v["{}"], []float64{3})
		})
	}
	to := time.Now()
	for path, d := range files(t) {
		for _, job := range []string{"alone", "pair", "full"} {
			for _, choice := range choices(job, d) {
				t.Run(fmt.Sprint(d.UID, " ", job, " ", choice), func(t *testing.T) { probe{t, path, d, job, choice, stores, from, to}.run() })
			}
		}
	}
	for _, s := range stores {
		checkStory(t, s, from, to)
	}
	compareHistograms(t, stores, to)
	compareLearning(t, stores, to)
	compareRules(t, stores, to)
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// choice is what somebody chose in the lists above a dashboard.
type choice struct{ environment, provider, cause, window string }

func choices(job string, d dashboard) (all []choice) {
	if d.UID == "revwatch-overview" {
		if job == "full" {
			return []choice{{environment: ".*"}, {environment: "(dev|prod)"}}
		}
		return []choice{{environment: ".*"}, {environment: "prod"}}
	}
	for _, w := range d.variable("window").Options {
		switch {
		case w.Value == "$__all":
		case job == "full":
			all = append(all, choice{"prod", "github", "revoked", w.Value})
		default:
			all = append(all, choice{"prod", "google-mail", "revoked", w.Value})
		}
	}
	return all
}

func (d dashboard) variable(name string) variable {
	for _, v := range d.Templating.List {
		if v.Name == name {
			return v
		}
	}
	return variable{}
}

// probe is one dashboard, looked at with one choice.
type probe struct {
	*testing.T
	path string
	d    dashboard
	job  string
	choice
	stores   []store
	from, to time.Time
}

// fill puts in place of variables what Grafana would: with a scrape each second a rate is taken over four seconds.
func (p probe) fill(expr string) string {
	return strings.NewReplacer("$__rate_interval", "4s", "$__range", fmt.Sprintf("%ds", int(p.to.Sub(p.from).Seconds())), "$job", p.job,
		"$environment", p.environment, "$provider", p.provider, "$cause", p.cause, "$window", p.window).Replace(expr)
}

func (p probe) run() {
	for _, x := range p.d.each() {
		for _, q := range x.Targets {
			p.target(x.Title+" "+q.RefID, q)
		}
	}
	for _, a := range p.d.Annotations.List {
		if a.BuiltIn == 0 {
			p.target("annotation "+a.Name, target{Expr: a.Expr})
		}
	}
	for _, v := range p.d.Templating.List {
		if v.Type == "query" {
			p.variable(v)
		}
	}
}

// counts are expressions whose value hangs on when a store scraped; of a series that is new VictoriaMetrics also takes the first value for a rise.
var counts = regexp.MustCompile(`\b(rate|increase|changes)\(`)

func (p probe) target(name string, q target) {
	missing := onlyFull
	if p.job == "full" {
		missing = notFull
	}
	expr := p.fill(q.Expr)
	if strings.Contains(expr, "$") {
		p.Errorf("%s: a variable is left in %s", name, expr)
	}
	var answers []series
	for _, s := range p.stores {
		now, err := s.instant(expr, p.to)
		if err != nil {
			p.Errorf("%s: %s: %v\n%s", name, s.name, err, expr)
			return
		}
		shown := now
		if !q.Instant {
			if shown, err = s.over(expr, p.from, p.to); err != nil {
				p.Errorf("%s: %s: %v\n%s", name, s.name, err, expr)
				return
			}
		}
		if reason, named := missing[name]; named != (len(shown) == 0) {
			p.Errorf("%s: %s has %d series (%s)\n%s", name, s.name, len(shown), reason, expr)
		}
		answers = append(answers, now)
	}
	if counts.MatchString(expr) {
		return
	}
	if d := answers[0].differs(answers[1]); d != "" {
		p.Errorf("%s: %s and %s: %s\n%s", name, p.stores[0].name, p.stores[1].name, d, expr)
	}
	if p.job == "pair" && !q.perMember() {
		p.job = "alone"
		if v, err := p.stores[0].instant(p.fill(q.Expr), p.to); err != nil || v.differs(answers[0]) != "" {
			p.Errorf("%s: a member that stands by changes it: %v %s\n%s", name, err, v.differs(answers[0]), expr)
		}
	}
}

var labelValues = regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)

// variable asks for the list of a variable, which has to hold what was chosen.
func (p probe) variable(v variable) {
	m := labelValues.FindStringSubmatch(v.Definition)
	var query struct{ Query string }
	if err := json.Unmarshal(v.Query, &query); err != nil || m == nil || query.Query != v.Definition {
		p.Fatalf("variable %s: %v %s", v.Name, err, v.Definition)
	}
	chosen := map[string]string{"job": p.job, "environment": "prod", "provider": p.provider}[v.Name]
	for _, s := range p.stores {
		values, err := s.labelValues(p.fill(m[1]), m[2], p.from, p.to)
		if err != nil || !slices.Contains(values, chosen) {
			p.Errorf("variable %s: %s lists %v (%v), not %s", v.Name, s.name, values, err, chosen)
		}
	}
}
