package main

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// searches are the searches that a file sends.
var searches = regexp.MustCompile(`\{"(?:size|query)":.*\}`)

// The searches are JSON once what stands for a position is filled in, go no further than now, and have an order that does not change from page to page.
func TestShipSearches(t *testing.T) {
	fill := strings.NewReplacer(`${offset.timestamp?datetime.iso?long}`, "1776155712345", `${offset.key}`, "0")
	found := 0
	for name, text := range shipFiles(t) {
		if strings.HasSuffix(name, ".sh") {
			continue
		}
		for _, search := range searches.FindAllString(text, -1) {
			found++
			var s struct {
				Query map[string]any
				Sort  []map[string]string
			}
			if err := json.Unmarshal([]byte(fill.Replace(search)), &s); err != nil {
				t.Errorf("%s: %v in %s", name, err, search)
				continue
			}
			if len(s.Sort) != 2 || s.Sort[1]["id"] != "asc" || !strings.Contains(search, `"lte":"now`) {
				t.Errorf("%s: no order, or no end: %s", name, search)
			}
		}
	}
	if found != 9 {
		t.Errorf("%d searches, want three each of Logstash, Vector and Kafka Connect", found)
	}
}

// followed is the field by whose values a search goes on.
func followed(t *testing.T, search string) string {
	t.Helper()
	var s struct{ Sort []map[string]string }
	if err := json.Unmarshal([]byte(search), &s); err != nil || len(s.Sort) == 0 {
		t.Fatalf("%v in %s", err, search)
	}
	return slices.Collect(maps.Keys(s.Sort[0]))[0]
}

// Each input of Logstash that remembers its place follows the field it is sorted by, in a file of its own, and says where it reads from.
func TestLogstashInputs(t *testing.T) {
	text := shipFiles(t)["logstash/nango.conf"]
	if strings.Count(text, "{") != strings.Count(text, "}") {
		t.Error("brackets that do not close")
	}
	option := regexp.MustCompile(`(?m)^\s*([a-z_]+)\s*=> (?:"([^"]*)"|'([^']*)'|\[?"?([^"\]]*))`)
	places := map[string]bool{}
	inputs := strings.Split(text, "\n  elasticsearch {\n")[1:]
	for _, input := range inputs {
		input, _, _ = strings.Cut(input, "\n  }\n")
		o := map[string]string{}
		for _, m := range option.FindAllStringSubmatch(input, -1) {
			o[m[1]] = m[2] + m[3] + m[4]
		}
		for _, needed := range []string{"hosts", "user", "password", "index", "schedule", "query"} {
			if o[needed] == "" {
				t.Errorf("no %s in %s", needed, input)
			}
		}
		if field := o["tracking_field"]; field != "" {
			if want := "[" + followed(t, o["query"]) + "]"; field != want || !strings.Contains(o["query"], ":last_value") || places[o["last_run_metadata_path"]] {
				t.Errorf("%s is tracked, %s is followed, in %s", field, want, o["last_run_metadata_path"])
			}
			places[o["last_run_metadata_path"]] = true
		}
	}
	if len(inputs) != 3 || len(places) != 2 {
		t.Errorf("%d inputs, %d places", len(inputs), len(places))
	}
}

// The three connectors have names of their own, and those that remember their place go on from the row they stopped at.
func TestKafkaConnectFiles(t *testing.T) {
	fill := strings.NewReplacer(`${offset.timestamp?datetime.iso?long}`, "1776155712345", `${offset.key}`, "0")
	for file, field := range map[string]string{"operations": "updatedAt", "messages": "createdAt", "sweeps": "createdAt"} {
		p := map[string]string{}
		for line := range strings.Lines(shipFiles(t)["kafka-connect/"+file+".properties"]) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
				p[name] = value
			}
		}
		if p["name"] != "nango-"+file || followed(t, fill.Replace(p["http.request.body"])) != field {
			t.Errorf("%s: %v", file, p)
		}
		goesOn := strings.Contains(p["http.request.body"], `"search_after":[${offset.timestamp`)
		if _, begins := p["http.offset.initial"]; goesOn == (file == "sweeps") || begins != goesOn {
			t.Errorf("%s: goes on %v, begins %v", file, goesOn, begins)
		}
	}
}

// What the files take from the environment is named as Nango names it, or told in their heads.
func TestShipEnvironment(t *testing.T) {
	known := []string{"NANGO_LOGS_ES_URL", "NANGO_LOGS_ES_USER", "NANGO_LOGS_ES_PWD", "NANGO_LOGS_ES_INDEX_OPERATIONS", "NANGO_LOGS_ES_INDEX_MESSAGES",
		"KAFKA_BROKERS", "KAFKA_USERNAME", "KAFKA_PASSWORD", "ROWS_STATE", "SINCE"}
	variable := regexp.MustCompile(`\$(?:\{(?:env:)?)?([A-Z][A-Z_]+)`)
	for name, text := range shipFiles(t) {
		for _, m := range variable.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(known, m[1]) {
				t.Errorf("%s takes %s", name, m[1])
			}
		}
	}
}
