package grafana

import (
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v4"
)

// decode reads a file strictly: a name that is not known here is an error.
func decode(t *testing.T, path string, into any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

type scrapeConfig struct {
	Global struct {
		ScrapeInterval     string `yaml:"scrape_interval"`
		EvaluationInterval string `yaml:"evaluation_interval"`
	}
	RuleFiles     []string `yaml:"rule_files"`
	ScrapeConfigs []struct {
		JobName       string                       `yaml:"job_name"`
		StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
	} `yaml:"scrape_configs"`
}

// Grafana, Prometheus and the detector are told the same addresses and the same interval.
func TestProvisioning(t *testing.T) {
	var sources struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name, UID, Type, Access, URL string
			IsDefault                    bool `yaml:"isDefault"`
			Editable                     bool
			JSONData                     struct {
				TimeInterval string `yaml:"timeInterval"`
				HTTPMethod   string `yaml:"httpMethod"`
			} `yaml:"jsonData"`
		}
	}
	decode(t, "provisioning/datasources/revwatch.yaml", &sources)
	var scrape scrapeConfig
	decode(t, "../prometheus/prometheus.yml", &scrape)
	if len(sources.Datasources) != 1 || sources.APIVersion != 1 {
		t.Fatalf("%+v", sources)
	}
	if d := sources.Datasources[0]; d.Type != "prometheus" || !d.IsDefault || d.Access != "proxy" || d.URL != "http://prometheus:9090" || d.JSONData.TimeInterval != scrape.Global.ScrapeInterval {
		t.Errorf("%+v; scraped every %s", d, scrape.Global.ScrapeInterval)
	}
	if c := scrape.ScrapeConfigs; len(c) != 1 || len(c[0].StaticConfigs) != 1 || len(c[0].StaticConfigs[0].Targets) != 1 || c[0].StaticConfigs[0].Targets[0] != "detector:9847" {
		t.Errorf("%+v", c)
	}
	for _, file := range scrape.RuleFiles {
		if _, err := os.Stat(filepath.Join("../prometheus", file)); err != nil {
			t.Error(err)
		}
	}
	var boards struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Folder, Type    string
			DisableDeletion       bool `yaml:"disableDeletion"`
			AllowUIUpdates        bool `yaml:"allowUiUpdates"`
			UpdateIntervalSeconds int  `yaml:"updateIntervalSeconds"`
			Options               struct{ Path string }
		}
	}
	decode(t, "provisioning/dashboards/revwatch.yaml", &boards)
	if p := boards.Providers; len(p) != 1 || p[0].Type != "file" || !filepath.IsAbs(p[0].Options.Path) {
		t.Errorf("%+v", boards)
	}
}
