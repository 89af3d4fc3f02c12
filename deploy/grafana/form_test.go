package grafana

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What Grafana needs of a file to show it, and to show the same one again after a change of it.
func TestForm(t *testing.T) {
	uids := map[string]string{"dashboards/overview.json": "revwatch-overview", "dashboards/provider.json": "revwatch-provider"}
	for path, d := range files(t) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d.ID != nil || d.UID != uids[path] || d.SchemaVersion < 39 || d.Title == "" {
			t.Errorf("%s: id %v, uid %q, schemaVersion %d, title %q", path, d.ID, d.UID, d.SchemaVersion, d.Title)
		}
		for _, part := range []string{`"__inputs"`, `"__requires"`, `"snapshotData"`, `"iteration"`} {
			if strings.Contains(string(raw), part) {
				t.Errorf("%s holds %s, which a provisioned file must not", path, part)
			}
		}
		if v := d.Templating.List; len(v) == 0 || v[0].Name != "ds" || v[0].Type != "datasource" || string(v[0].Query) != `"prometheus"` {
			t.Errorf("%s: the first variable is not the data source: %+v", path, v)
		}
		checkGrid(t, path, d.Panels)
		ids, titles := map[int]bool{}, map[string]bool{}
		for _, p := range d.Panels {
			checkGrid(t, path+", "+p.Title, p.Panels)
			if p.Type == "row" {
				checkOnce(t, path, ids, p.ID)
				if p.Collapsed != (len(p.Panels) > 0) {
					t.Errorf("%s: of a row that is open the panels stand behind it: %s", path, p.Title)
				}
			}
		}
		for _, p := range d.each() {
			checkOnce(t, path, ids, p.ID)
			checkOnce(t, path, titles, p.Title)
			checkPanel(t, path, p)
		}
		for _, a := range d.Annotations.List {
			if a.BuiltIn == 0 && (a.Expr != a.Target.Expr || !a.Target.Range || a.Datasource != a.Target.Datasource || a.Datasource.UID != "${ds}") {
				t.Errorf("%s: annotation %s asks %+v", path, a.Name, a)
			}
		}
	}
}

func checkOnce[K comparable](t *testing.T, path string, seen map[K]bool, k K) {
	t.Helper()
	if seen[k] {
		t.Errorf("%s has %v twice", path, k)
	}
	seen[k] = true
}

// checkGrid finds panels that lie on one another or beside the 24 columns.
func checkGrid(t *testing.T, path string, panels []panel) {
	t.Helper()
	for i, p := range panels {
		g := p.GridPos
		if g.X < 0 || g.Y < 0 || g.W < 1 || g.H < 1 || g.X+g.W > 24 {
			t.Errorf("%s: %q lies at %+v", path, p.Title, g)
		}
		for _, q := range panels[:i] {
			if o := q.GridPos; g.X < o.X+o.W && o.X < g.X+g.W && g.Y < o.Y+o.H && o.Y < g.Y+g.H {
				t.Errorf("%s: %q lies on %q", path, p.Title, q.Title)
			}
		}
	}
}

func checkPanel(t *testing.T, path string, p panel) {
	t.Helper()
	if len(p.Description) < 20 || !strings.HasSuffix(p.Description, ".") {
		t.Errorf("%s: %q tells the person on call only %q", path, p.Title, p.Description)
	}
	if len(p.Targets) == 0 {
		t.Errorf("%s: %q asks nothing", path, p.Title)
	}
	refs := map[string]bool{}
	for _, x := range p.Targets {
		checkOnce(t, path+", "+p.Title, refs, x.RefID)
		if x.Datasource != (datasource{"prometheus", "${ds}"}) || p.Datasource != x.Datasource {
			t.Errorf("%s: %q asks %v, not the one that was chosen", path, p.Title, x.Datasource)
		}
		if strings.TrimSpace(x.Expr) == "" || x.Instant == x.Range {
			t.Errorf("%s: %q, target %s: one of instant and range, and an expression", path, p.Title, x.RefID)
		}
	}
}

var (
	metric   = regexp.MustCompile(`\b(revwatch|process)_[a-z_]+\b`)
	selector = regexp.MustCompile(`\b(revwatch|process)_[a-z_]+(\{[^}]*\})?`)
	declared = regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`)
	used     = regexp.MustCompile(`\$\{?(\w+)`)
)

// exposed are the names of the samples that a fully fed server exposes, and those of the process.
func exposed(t *testing.T) map[string]bool {
	t.Helper()
	golden, err := os.ReadFile("../../pkg/web/testdata/metrics.golden")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{"process_resident_memory_bytes": true, "process_cpu_seconds_total": true}
	for _, m := range declared.FindAllStringSubmatch(string(golden), -1) {
		names[m[1]] = true
		if m[2] == "histogram" {
			delete(names, m[1])
			names[m[1]+"_bucket"], names[m[1]+"_sum"], names[m[1]+"_count"] = true, true, true
		}
	}
	return names
}

// everyMember names what is meant to look at those that stand by as well.
var everyMember = map[string]string{
	"Pipeline, check by check C": "without Kafka there is no owner, and a member that cannot read could not take over",
}

// Every metric that is asked for exists, every variable too, and a member that stands by, with counts of its own, is left out.
func TestQueries(t *testing.T) {
	names := exposed(t)
	for path, d := range files(t) {
		known := []string{"__rate_interval", "__range", "__url_time_range", "__value", "__data"}
		for _, v := range d.Templating.List {
			known = append(known, v.Name)
		}
		exprs := d.expressions()
		for _, e := range exprs {
			for _, name := range metric.FindAllString(e.expr, -1) {
				if !names[name] {
					t.Errorf("%s, %s: there is no metric %s", path, e.of, name)
				}
			}
			for _, s := range selector.FindAllString(e.expr, -1) {
				if !strings.Contains(s, `job="$job"`) && e.of != "variable job" {
					t.Errorf("%s, %s: %s is of all jobs", path, e.of, s)
				}
			}
			for _, m := range used.FindAllStringSubmatch(e.expr, -1) {
				if !slices.Contains(known, m[1]) {
					t.Errorf("%s, %s: no variable %s", path, e.of, m[1])
				}
			}
			if !e.perMember && everyMember[e.of] == "" && !strings.Contains(e.expr, "revwatch_owner") {
				t.Errorf("%s, %s: counts members that stand by", path, e.of)
			}
		}
		if len(exprs) < 20 {
			t.Errorf("%s: %d expressions", path, len(exprs))
		}
	}
}

// expression is a query and where it stands; perMember is for what may show members that stand by.
type expression struct {
	of, expr  string
	perMember bool
}

func (d dashboard) expressions() []expression {
	var all []expression
	for _, p := range d.each() {
		for _, x := range p.Targets {
			all = append(all, expression{p.Title + " " + x.RefID, x.Expr, x.perMember()})
		}
	}
	for _, a := range d.Annotations.List {
		if a.BuiltIn == 0 {
			all = append(all, expression{"annotation " + a.Name, a.Expr, false})
		}
	}
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			all = append(all, expression{"variable " + v.Name, v.Definition, true})
		}
	}
	return all
}
