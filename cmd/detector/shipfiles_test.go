package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const gettingRowsIn = "../../docs/getting-rows-in.md"

// Every piece of configuration on the page on getting rows in is taken.
func TestShipDocumentation(t *testing.T) {
	secret := regexp.MustCompile(`/run/secrets/[a-z-]+`)
	all := fences(t, gettingRowsIn)
	for _, text := range all["yaml"] {
		text = secret.ReplaceAllString(text, write(t, "a-secret-of-some-length")) + "\nslack.webhook_url: " + hook + "\n"
		if _, err := loadConfig(write(t, text)); err != nil {
			t.Errorf("%v in\n%s", err, text)
		}
	}
	if len(all["yaml"]) < 3 {
		t.Errorf("%d pieces of configuration: the page has lost its fences", len(all["yaml"]))
	}
}

// Every command line on the page is understood: the command exists, and so do its flags.
func TestShipCommandLines(t *testing.T) {
	seen := map[string]bool{}
	for _, text := range fences(t, gettingRowsIn)["sh"] {
		for line := range strings.Lines(text) {
			_, args, ok := strings.Cut(line, "detector ")
			if !ok {
				continue
			}
			var errs strings.Builder
			words := strings.Fields(args)
			if code := command(t.Context(), append(words, "-h"), strings.NewReader(""), &errs, &errs); code == exitUsage {
				t.Errorf("%s: %s", line, errs.String())
			}
			seen[words[0]] = true
		}
	}
	for _, command := range []string{"ship", "learn", "doctor", "explain-record"} {
		if !seen[command] {
			t.Errorf("the page does not tell of %s", command)
		}
	}
}

// shipFiles are the configurations of other programs, by their path from deploy/ship.
func shipFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := filepath.Join("..", "..", "deploy", "ship")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		files[filepath.ToSlash(name)] = string(raw)
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	return files
}

// Whoever opens one of the files reads what it cannot see and whether it was run, and every file is on the page.
func TestShipFilesSayWhatTheyCannotSee(t *testing.T) {
	page := prose(t, gettingRowsIn)
	for name, text := range shipFiles(t) {
		head, _, _ := strings.Cut(text, "\n\n")
		switch filepath.Base(name) {
		case "nango.conf", "vector.yaml", "indices.yaml", "console.yaml", "config.yaml", "operations.properties":
			if !strings.Contains(head, "# Cannot see: ") || !strings.Contains(head, "un: ") {
				t.Errorf("%s does not say what it cannot see, or whether it was run", name)
			}
		}
		if base := filepath.Base(name); base != "builder.yaml" && !strings.Contains(page, "(../deploy/ship/"+name+")") {
			t.Errorf("%s is not on the page", name)
		}
	}
}

// The files name the topic and the indices that the detector's own settings name, both of them wherever rows are polled, and no secret.
func TestShipFilesAgreeWithTheSettings(t *testing.T) {
	c := defaults()
	operations, messages := c.ship.elasticsearch.operations, c.ship.elasticsearch.messages
	dated := regexp.MustCompile(`\b20\d{6}_[a-z]+`)
	topic := regexp.MustCompile(`(?m)^\s*(?:topic_id\s*=>|kafka\.topic=|topics?:)\s*"?([^"\s#]+)`)
	password := regexp.MustCompile(`(?mi)^[^#\n]*(?:password|passwd|PWD)["']?\s*(?:=>|=|:)\s*["']?([^"'\s,}]+)`)
	for name, text := range shipFiles(t) {
		for _, index := range dated.FindAllString(text, -1) {
			if index != operations && index != messages {
				t.Errorf("%s names the index %s", name, index)
			}
		}
		for _, m := range topic.FindAllStringSubmatch(text, -1) {
			if m[1] != c.kafka.topics[0] {
				t.Errorf("%s writes to %s", name, m[1])
			}
		}
		for _, m := range password.FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(m[1], "${") && !strings.HasSuffix(name, ".sh") {
				t.Errorf("%s holds a secret: %s", name, m[0])
			}
		}
	}
	for _, directory := range []string{"logstash", "vector", "fluent-bit", "kafka-connect"} {
		all := ""
		for name, text := range shipFiles(t) {
			if strings.HasPrefix(name, directory+"/") {
				all += text
			}
		}
		for _, needed := range []string{operations, messages, `"cancelled"`, "now-40m", "KAFKA_BROKERS"} {
			if needed != "KAFKA_BROKERS" || directory != "kafka-connect" { // there it is the worker's
				if !strings.Contains(all, needed) {
					t.Errorf("%s: nothing about %s", directory, needed)
				}
			}
		}
	}
}

// The YAML files are YAML, with the sections that their program knows and no others, and what a part names as its input is there.
func TestShipYAML(t *testing.T) {
	sections := map[string][]string{
		"vector/vector.yaml":                   {"data_dir", "sources", "transforms", "sinks"},
		"fluent-bit/indices.yaml":              {"service", "pipeline"},
		"fluent-bit/console.yaml":              {"service", "pipeline"},
		"opentelemetry-collector/config.yaml":  {"receivers", "processors", "exporters", "service"},
		"opentelemetry-collector/builder.yaml": {"dist", "receivers", "processors", "exporters", "providers"},
	}
	for name, text := range shipFiles(t) {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		var file map[string]yaml.Node
		if err := yaml.Unmarshal([]byte(text), &file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for section := range file {
			if !slices.Contains(sections[name], section) {
				t.Errorf("%s: section %s", name, section)
			}
		}
	}
	var vector struct {
		Sources, Transforms, Sinks map[string]struct{ Inputs []string }
	}
	if err := yaml.Unmarshal([]byte(shipFiles(t)["vector/vector.yaml"]), &vector); err != nil {
		t.Fatal(err)
	}
	for _, parts := range []map[string]struct{ Inputs []string }{vector.Transforms, vector.Sinks} {
		for name, part := range parts {
			for _, input := range part.Inputs {
				_, source := vector.Sources[input]
				if _, transform := vector.Transforms[input]; !source && !transform {
					t.Errorf("vector.yaml: %s reads %s, which is not there", name, input)
				}
			}
		}
	}
}

// What each file puts on the topic is held by the reader's tests: the fixtures that a head names are there, and every directory has one.
func TestShipFilesHaveFixtures(t *testing.T) {
	var names []string
	for _, path := range []string{"../../pkg/nango/testdata/shippers.ndjson", "../../pkg/nango/testdata/envelopes.ndjson"} {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			var fixture struct{ Name string }
			if err := json.Unmarshal([]byte(line), &fixture); err != nil {
				t.Fatal(err)
			}
			names = append(names, fixture.Name)
		}
	}
	has := func(prefix string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, prefix) })
	}
	named := regexp.MustCompile(`fixtures? "([^"]+)"`)
	for name, text := range shipFiles(t) {
		if directory, _, ok := strings.Cut(name, "/"); ok && !has(strings.ReplaceAll(directory, "-", " ")+", ") {
			t.Errorf("no fixture of %s", directory)
		}
		for _, m := range named.FindAllStringSubmatch(strings.ReplaceAll(text, "\n# ", " "), -1) {
			if !has(strings.TrimSpace(strings.TrimSuffix(m[1], "..."))) {
				t.Errorf("%s names the fixture %s, which is not there", name, m[1])
			}
		}
	}
}
