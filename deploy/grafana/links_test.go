package grafana

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	page     = regexp.MustCompile(`https://github\.com/revwatch/revwatch/blob/main/([\w/.-]+)(?:#([\w-]+))?`)
	other    = regexp.MustCompile(`/d/([\w-]+)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	unspoken = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// Dashboards link to one another, and to pages and sections that are there.
func TestLinks(t *testing.T) {
	uids := map[string]bool{}
	for _, d := range files(t) {
		uids[d.UID] = true
	}
	for path, d := range files(t) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		others := other.FindAllStringSubmatch(string(raw), -1)
		for _, m := range others {
			if !uids[m[1]] {
				t.Errorf("%s links to a dashboard %s", path, m[1])
			}
		}
		pages := page.FindAllStringSubmatch(string(raw), -1)
		for _, m := range pages {
			if text, err := os.ReadFile(filepath.Join("../..", m[1])); err != nil {
				t.Errorf("%s links to %v", path, err)
			} else if m[2] != "" && !slices.Contains(sections(string(text)), m[2]) {
				t.Errorf("%s links to %s, which has no section %s", path, m[1], m[2])
			}
		}
		if len(others) == 0 || len(pages) == 0 || len(d.Links) < 2 {
			t.Errorf("%s: %d links to others, %d to pages", path, len(others), len(pages))
		}
	}
}

// sections are the names by which the headings of a page are linked to.
func sections(text string) (names []string) {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		names = append(names, strings.ReplaceAll(unspoken.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return names
}

var (
	called = regexp.MustCompile(`\*([A-Z][^*\n]+)\*`)
	local  = regexp.MustCompile(`\]\(([^)#\s]+)`)
)

// The page about them names panels, rows and lists that are there, and the files beside it.
func TestPage(t *testing.T) {
	raw, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{"Dashboards → New → Import": true, "Newly broken in 10m … 72h": true} // of Grafana; of the windows together
	for _, d := range files(t) {
		for _, p := range d.Panels {
			names[p.Title] = true
		}
		for _, v := range d.Templating.List {
			names[v.Label] = true
		}
	}
	for _, m := range called.FindAllStringSubmatch(string(raw), -1) {
		if !names[m[1]] {
			t.Errorf("it speaks of %q", m[1])
		}
	}
	for _, m := range local.FindAllStringSubmatch(string(raw), -1) {
		if _, err := os.Stat(m[1]); err != nil {
			t.Error(err)
		}
	}
}
