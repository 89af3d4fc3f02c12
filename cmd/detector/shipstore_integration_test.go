//go:build integration

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// logStore answers the searches of the scripts of deploy/ship as Elasticsearch and OpenSearch do, and nothing else: what it does not know is an error.
type logStore struct {
	t       *testing.T
	now     time.Time
	down    bool
	rows    map[string][]map[string]any // by index
	scrolls map[string][]map[string]any // what is left of each
}

func newLogStore(t *testing.T, now time.Time) (*logStore, string) {
	s := &logStore{t: t, now: now, rows: map[string][]map[string]any{}, scrolls: map[string][]map[string]any{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL
}

// put adds rows to an index; one with an id that is there takes its place.
func (s *logStore) put(index string, rows ...map[string]any) {
	for _, row := range rows {
		s.rows[index] = append(slices.DeleteFunc(s.rows[index], func(r map[string]any) bool { return r["id"] == row["id"] }), row)
	}
}

type searchBody struct {
	Query  json.RawMessage
	Sort   json.RawMessage
	Size   int
	Scroll string
	ID     string `json:"scroll_id"`
	After  []any  `json:"search_after"`
}

func (s *logStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body searchBody
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	user, password, _ := r.BasicAuth()
	switch err := d.Decode(&body); {
	case s.down:
		http.Error(w, `{"error":"unavailable"}`, http.StatusServiceUnavailable)
	case user != "elastic" || password != oddPassword:
		http.Error(w, `{"error":"security_exception"}`, http.StatusUnauthorized)
	case err != nil:
		http.Error(w, fmt.Sprintf(`{"error":%q}`, err.Error()), http.StatusBadRequest)
	case r.Method == http.MethodDelete && r.URL.Path == "/_search/scroll":
		delete(s.scrolls, body.ID)
		fmt.Fprint(w, `{"succeeded":true,"num_freed":1}`)
	case r.URL.Path == "/_search/scroll":
		s.page(w, body.ID, 1000)
	case r.URL.Query().Has("scroll"):
		index := strings.Trim(strings.TrimSuffix(r.URL.Path, "/_search"), "/")
		id := fmt.Sprintf("scroll-%d==", len(s.scrolls))
		s.scrolls[id] = s.found(index, body.Query)
		s.page(w, id, 1000)
	default:
		s.search(w, strings.Trim(strings.TrimSuffix(r.URL.Path, "/_search"), "/"), body)
	}
}

// page answers the next rows of a scroll, only what filter_path asks for: no key is left where nothing is found.
func (s *logStore) page(w http.ResponseWriter, id string, size int) {
	left := s.scrolls[id]
	answer := map[string]any{"_scroll_id": id}
	if n := min(size, len(left)); n > 0 {
		answer["hits"] = map[string]any{"hits": hits(left[:n])}
		s.scrolls[id] = left[n:]
	}
	json.NewEncoder(w).Encode(answer)
}

func (s *logStore) search(w http.ResponseWriter, index string, body searchBody) {
	var sort []map[string]string
	if err := json.Unmarshal(body.Sort, &sort); err != nil || len(sort) != 2 || sort[1]["id"] != "asc" || body.Size < 1 || body.Size > 10_000 {
		http.Error(w, `{"error":"no order, or no size"}`, http.StatusBadRequest)
		return
	}
	field := ""
	for field = range sort[0] {
	}
	key := func(row map[string]any) string { return fmt.Sprint(row[field], row["id"]) }
	rows := s.found(index, body.Query)
	slices.SortFunc(rows, func(a, b map[string]any) int { return strings.Compare(key(a), key(b)) })
	if len(body.After) == 2 {
		after := fmt.Sprint(body.After[0], body.After[1])
		rows = slices.DeleteFunc(rows, func(row map[string]any) bool { return key(row) <= after })
	}
	found := hits(rows[:min(body.Size, len(rows))])
	for i, h := range found {
		h["sort"] = []any{rows[i][field], rows[i]["id"]}
	}
	json.NewEncoder(w).Encode(map[string]any{"hits": map[string]any{"hits": found}})
}

func hits(rows []map[string]any) []map[string]any {
	out := []map[string]any{}
	for _, row := range rows {
		out = append(out, map[string]any{"_id": row["id"], "_source": row})
	}
	return out
}

// found are the rows for which every range and every list of terms of the query holds.
func (s *logStore) found(index string, query json.RawMessage) (rows []map[string]any) {
	var filters []json.RawMessage
	var both struct {
		Bool struct{ Filter []json.RawMessage }
	}
	if json.Unmarshal(query, &both); len(both.Bool.Filter) > 0 {
		filters = both.Bool.Filter
	} else {
		filters = []json.RawMessage{query}
	}
	for _, row := range s.rows[index] {
		if !slices.ContainsFunc(filters, func(f json.RawMessage) bool { return !s.holds(f, row) }) {
			rows = append(rows, row)
		}
	}
	return rows
}

func (s *logStore) holds(filter json.RawMessage, row map[string]any) bool {
	var f struct {
		Range map[string]map[string]string
		Terms map[string][]any
	}
	d := json.NewDecoder(bytes.NewReader(filter))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		s.t.Errorf("not known here: %s: %v", filter, err)
	}
	for field, limits := range f.Range {
		value, _ := row[field].(string)
		for is, limit := range limits {
			c := strings.Compare(value, s.date(limit))
			if value == "" || is == "gt" && c <= 0 || is == "gte" && c < 0 || is == "lte" && c > 0 {
				return false
			}
		}
	}
	for field, any := range f.Terms {
		if !slices.Contains(any, row[field]) {
			return false
		}
	}
	return true
}

// date is a date as it stands in rows: date math from now, or the date itself.
func (s *logStore) date(text string) string {
	back, ok := strings.CutPrefix(text, "now")
	if !ok {
		return text
	}
	var n int
	var unit rune
	if back != "" {
		if _, err := fmt.Sscanf(back, "-%d%c", &n, &unit); err != nil {
			s.t.Errorf("not known here: %s", text)
		}
	}
	per := map[rune]time.Duration{'m': time.Minute, 'd': 24 * time.Hour}[unit]
	return s.now.Add(-time.Duration(n) * per).Format(rowTime)
}

const rowTime = "2006-01-02T15:04:05.000Z"
