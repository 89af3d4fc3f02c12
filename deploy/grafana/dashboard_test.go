package grafana

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dashboard is what these tests look at of a Grafana dashboard.
type dashboard struct {
	ID            *int   `json:"id"`
	UID           string `json:"uid"`
	Title         string `json:"title"`
	SchemaVersion int    `json:"schemaVersion"`
	Links         []link `json:"links"`
	Panels        []panel
	Annotations   struct {
		List []struct {
			BuiltIn    int `json:"builtIn"`
			Name       string
			Expr       string // of older versions of Grafana; newer ones ask the target
			Target     target
			Datasource datasource
		}
	}
	Templating struct{ List []variable }
}

type panel struct {
	ID           int
	Type         string
	Title        string
	Description  string
	Collapsed    bool
	Datasource   datasource
	GridPos      grid `json:"gridPos"`
	Repeat       string
	Targets      []target
	Panels       []panel
	FieldConfig  json.RawMessage `json:"fieldConfig"`
	SnapshotData json.RawMessage `json:"snapshotData"`
}

type (
	grid       struct{ X, Y, W, H int }
	datasource struct{ Type, UID string }
	link       struct{ Title, URL string }
)

type target struct {
	RefID        string `json:"refId"`
	Expr         string
	Instant      bool
	Range        bool
	LegendFormat string `json:"legendFormat"`
	Datasource   datasource
}

// perMember says that the target shows each member apart, so that those standing by belong into it.
func (t target) perMember() bool {
	return strings.Contains(t.LegendFormat, "{{instance}}") || strings.HasPrefix(t.Expr, "max by (instance")
}

type variable struct {
	Name       string
	Label      string
	Type       string
	Query      json.RawMessage
	Definition string
	Multi      bool
	IncludeAll bool   `json:"includeAll"`
	AllValue   string `json:"allValue"`
	Options    []struct{ Value string }
}

// files are the dashboards, by their path.
func files(t testing.TB) map[string]dashboard {
	t.Helper()
	paths, err := filepath.Glob("dashboards/*.json")
	if err != nil || len(paths) < 2 {
		t.Fatal(paths, err)
	}
	all := map[string]dashboard{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all[path] = d
	}
	return all
}

// each is every panel that shows something, those in folded rows too.
func (d dashboard) each() []panel {
	var all []panel
	for _, p := range d.Panels {
		if p.Type != "row" {
			all = append(all, p)
		}
		all = append(all, p.Panels...)
	}
	return all
}
