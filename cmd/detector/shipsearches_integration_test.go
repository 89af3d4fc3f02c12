//go:build integration

package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/revwatch/revwatch/internal/searchengine"
)

// shippedSearch is a search of one of the files of deploy/ship.
type shippedSearch struct{ file, method, path, body string }

// shippedSearches are those of Logstash, Vector and Kafka Connect, as they are sent at the first look.
func shippedSearches(t *testing.T) (all []shippedSearch) {
	t.Helper()
	files := shipFiles(t)
	block := regexp.MustCompile(`(?s)index\s+=> "([^"]+)".*?query\s+=> '([^']+)'`)
	for _, m := range block.FindAllStringSubmatch(files["logstash/nango.conf"], -1) {
		all = append(all, shippedSearch{"logstash", http.MethodPost, "/" + m[1] + "/_search", strings.ReplaceAll(m[2], ":last_value", "1970-01-01T00:00:00.000000000Z")})
	}
	var vector struct {
		Sources map[string]struct {
			Endpoint string
			Query    url.Values
		}
	}
	if err := yaml.Unmarshal([]byte(files["vector/vector.yaml"]), &vector); err != nil {
		t.Fatal(err)
	}
	for _, s := range vector.Sources {
		all = append(all, shippedSearch{"vector", http.MethodGet, strings.TrimPrefix(s.Endpoint, "${NANGO_LOGS_ES_URL}") + "?" + s.Query.Encode(), ""})
	}
	first := strings.NewReplacer(`${offset.timestamp?datetime.iso?long}`, "1577836800000", `${offset.key}`, "0")
	property := regexp.MustCompile(`(?m)^http\.request\.(url|params|body)=(.*)$`)
	for name, text := range files {
		if strings.HasPrefix(name, "kafka-connect/") && !strings.HasSuffix(name, "worker.properties") {
			p := map[string]string{}
			for _, m := range property.FindAllStringSubmatch(text, -1) {
				p[m[1]] = m[2]
			}
			all = append(all, shippedSearch{"kafka-connect", http.MethodPost, strings.TrimPrefix(p["url"], "${env:NANGO_LOGS_ES_URL}") + "?" + p["params"], first.Replace(p["body"])})
		}
	}
	if len(all) != 9 {
		t.Fatalf("%d searches, want nine", len(all))
	}
	return all
}

// storedRows are an operation that runs, one that a sweep ended, one of a clock that is ahead, and a message; each a few minutes old.
func storedRows(now time.Time) (rows []searchengine.Row) {
	at := func(d time.Duration) string { return now.Add(d).UTC().Format(rowTime) }
	put := func(alias, id, state string, created, expires time.Duration) {
		source, _ := json.Marshal(map[string]string{"id": id, "state": state, "createdAt": at(created), "updatedAt": at(created), "expiresAt": at(expires)}) // text always marshals
		rows = append(rows, searchengine.Row{Alias: alias, ID: id, Created: now.Add(created), Source: source})
	}
	put("20250724_operations", "runs", "running", -5*time.Minute, 24*time.Hour)
	put("20250724_operations", "swept", "timeout", -30*time.Minute, -15*time.Minute)
	put("20250724_operations", "ahead", "running", time.Hour, 25*time.Hour)
	put("20240528_messages", "says", "", -5*time.Minute, time.Hour)
	return rows
}

// ids are those of the rows in a text.
func ids(text string) (found []string) {
	for _, id := range []string{"runs", "swept", "ahead", "says"} {
		if strings.Contains(text, `"id":"`+id+`"`) {
			found = append(found, id)
		}
	}
	return found
}

// Every search that deploy/ship sends is understood by both products and finds what it is for, and so do the scripts.
func TestIntegrationShippedSearches(t *testing.T) {
	for name, engine := range map[string]func(testing.TB) *searchengine.Node{"OpenSearch": searchengine.OpenSearch, "Elasticsearch": searchengine.Elasticsearch} {
		t.Run(name, func(t *testing.T) {
			n := engine(t)
			n.Nango("20250724_operations", "20240528_messages")
			n.Write(storedRows(time.Now()))
			n.Do(http.MethodPost, "/_refresh", nil)
			for _, s := range shippedSearches(t) {
				want := []string{"runs"}
				switch {
				case strings.Contains(s.path+s.body, "cancelled"):
					want = []string{"swept"}
				case strings.Contains(s.path, "messages"):
					want = []string{"says"}
				case s.file != "vector": // which looks back 10 minutes only
					want = []string{"runs", "swept"}
				}
				if got := ids(string(n.Do(s.method, s.path, []byte(s.body)))); !slices.Equal(got, want) {
					t.Errorf("%s finds %v, want %v: %s %s", s.file, got, want, s.path, s.body)
				}
			}
			state := t.TempDir()
			for kind, want := range map[string][]string{"operations": {"runs", "swept"}, "messages": {"says"}, "sweeps": {"swept"}} {
				if out, err := shipScript(t, n.URL, state, "fluent-bit/rows.sh", kind); err != nil || !slices.Equal(ids(out), want) {
					t.Errorf("rows.sh %s prints %v, want %v: %v", kind, ids(out), want, err)
				}
			}
			dump := filepath.Join(state, "dump")
			if _, err := shipScript(t, n.URL, state, "export.sh", dump); err != nil {
				t.Fatal(err)
			}
			for file, want := range map[string][]string{"operations.ndjson": {"runs", "swept", "ahead"}, "messages.ndjson": {"says"}} {
				if raw, err := os.ReadFile(filepath.Join(dump, file)); err != nil || !slices.Equal(ids(string(raw)), want) {
					t.Errorf("%s holds %v, want %v: %v", file, ids(string(raw)), want, err)
				}
			}
		})
	}
}
