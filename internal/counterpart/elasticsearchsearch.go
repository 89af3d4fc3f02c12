package counterpart

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// searchBody is what a search may hold.
type searchBody struct {
	Size  int `json:"size"`
	Total any `json:"track_total_hits"`
	Point *struct {
		ID   string `json:"id"`
		Keep string `json:"keep_alive"`
	} `json:"pit"`
	Query  clause               `json:"query"`
	Sort   []map[string]sorting `json:"sort"`
	After  []any                `json:"search_after"`
	Source *bool                `json:"_source"`
}

type sorting struct {
	Order    string `json:"order"`
	Unmapped string `json:"unmapped_type"`
}

// clause is one of the queries that are known.
type clause struct {
	Bool *struct {
		Filter  []clause `json:"filter"`
		MustNot []clause `json:"must_not"`
	} `json:"bool"`
	Range  map[string]span `json:"range"`
	Exists *struct {
		Field string `json:"field"`
	} `json:"exists"`
	Terms map[string][]string `json:"terms"`
}

type span struct {
	From   *int64 `json:"gte"`
	To     *int64 `json:"lt"`
	Format string `json:"format"`
}

func (c *clause) match(s *stored) bool {
	ok := true
	if c.Bool != nil {
		for _, f := range c.Bool.Filter {
			ok = ok && f.match(s)
		}
		for _, f := range c.Bool.MustNot {
			ok = ok && !f.match(s)
		}
	}
	for field, span := range c.Range {
		ms, date := s.value(field).(int64)
		ok = ok && date && (span.From == nil || ms >= *span.From) && (span.To == nil || ms < *span.To)
	}
	if c.Exists != nil {
		ok = ok && s.value(c.Exists.Field) != nil
	}
	for field, values := range c.Terms {
		text, _ := s.value(field).(string)
		ok = ok && slices.Contains(values, text)
	}
	return ok
}

func (e *Elasticsearch) search(w http.ResponseWriter, r *http.Request, name string) {
	data, _ := io.ReadAll(r.Body)
	var b searchBody
	if err := strict(data, &b); err != nil {
		e.refuse(w, http.StatusBadRequest, "parsing_exception", "%v", err)
		return
	}
	hits, indices, ok := e.searched(w, &b, name)
	if !ok || !e.sortable(w, &b, indices) {
		return
	}
	if b.Size > e.window {
		e.refuse(w, http.StatusBadRequest, windowKind, "Result window is too large, from + size must be less than or equal to: [%d] but was [%d].", e.window, b.Size)
		return
	}
	failed := 0
	if e.shardAway() {
		if r.URL.Query().Get("allow_partial_search_results") == "false" {
			e.refuse(w, http.StatusServiceUnavailable, "no_shard_available_action_exception", "a shard is away")
			return
		}
		failed, hits = 1, hits[:len(hits)/2]
	}
	e.found(w, &b, hits, len(indices), failed)
}

// searched is what is searched: a point in time, or what is visible now.
func (e *Elasticsearch) searched(w http.ResponseWriter, b *searchBody, name string) ([]stored, []*index, bool) {
	if b.Point == nil {
		found := e.resolve(name)
		if len(found) == 0 && !strings.Contains(name, "*") {
			e.refuse(w, http.StatusNotFound, "index_not_found_exception", "no such index [%s]", name)
			return nil, nil, false
		}
		var hits []stored
		for _, i := range found {
			hits = append(hits, i.visible(time.Now())...)
		}
		return hits, found, true
	}
	if name != "" {
		e.refuse(w, http.StatusBadRequest, "action_request_validation_exception",
			"Validation Failed: 1: [indices] cannot be used with point in time. Do not specify any index with point in time.;")
		return nil, nil, false
	}
	p := e.points[b.Point.ID]
	if p == nil || !p.expires.After(time.Now()) {
		e.refuse(w, http.StatusNotFound, "search_context_missing_exception", "No search context found for id [1]")
		return nil, nil, false
	}
	if keep, err := time.ParseDuration(b.Point.Keep); err == nil {
		p.expires = time.Now().Add(keep)
	}
	return p.hits, p.index, true
}

// sortable refuses orders that the real ones refuse.
func (e *Elasticsearch) sortable(w http.ResponseWriter, b *searchBody, indices []*index) bool {
	for _, by := range b.Sort {
		for field, how := range by {
			for _, i := range indices {
				switch kind := i.fields[field]; {
				case kind == "" && how.Unmapped == "":
					e.refuse(w, http.StatusBadRequest, "query_shard_exception", "No mapping found for [%s] in order to sort on", field)
					return false
				case kind == "text":
					e.refuse(w, http.StatusBadRequest, "illegal_argument_exception", "Fielddata is disabled on [%s] in [%s].", field, i.name)
					return false
				}
			}
		}
	}
	switch extra := len(b.After) - len(b.Sort); {
	case b.After != nil && len(b.Sort) == 0:
		e.refuse(w, http.StatusBadRequest, "illegal_argument_exception", "Sort must contain at least one field.")
	case b.After != nil && extra != 0 && (extra != 1 || e.opensearch || b.Point == nil):
		e.refuse(w, http.StatusBadRequest, "illegal_argument_exception", "search_after has %d value(s) but sort has %d.", len(b.After), len(b.Sort))
	default:
		return true
	}
	return false
}

// found answers with the hits that match, in their order, after the one that was named.
func (e *Elasticsearch) found(w http.ResponseWriter, b *searchBody, hits []stored, shards, failed int) {
	type placed struct {
		*stored
		sort []any
	}
	var all []placed
	for i := range hits {
		if s := &hits[i]; b.Query.match(s) {
			p := placed{stored: s}
			for _, by := range b.Sort {
				for field := range by {
					p.sort = append(p.sort, s.value(field))
				}
			}
			if b.Point != nil && len(b.Sort) > 0 && !e.opensearch {
				p.sort = append(p.sort, int64(i)) // _shard_doc
			}
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b placed) int { return slices.CompareFunc(a.sort, b.sort, compareSort) })
	var out bytes.Buffer
	fmt.Fprintf(&out, `{"took":1,"timed_out":false,"_shards":{"total":%d,"successful":%d,"skipped":0,"failed":%d},`, shards, shards-failed, failed)
	if b.Point != nil {
		fmt.Fprintf(&out, `"pit_id":%q,`, b.Point.ID)
	}
	out.WriteString(`"hits":{"max_score":null,"hits":[`)
	n := 0
	for _, p := range all {
		if b.After != nil && slices.CompareFunc(p.sort[:len(b.After)], b.After, compareSort) <= 0 {
			continue
		}
		if n == b.Size {
			break
		}
		if n++; n > 1 {
			out.WriteByte(',')
		}
		sort, _ := json.Marshal(p.sort)
		fmt.Fprintf(&out, `{"_index":%q,"_id":%q,"_score":null`, p.index.name, p.id)
		if b.Source == nil || *b.Source {
			fmt.Fprintf(&out, `,"_source":%s`, p.source)
		}
		fmt.Fprintf(&out, `,"sort":%s}`, sort)
	}
	out.WriteString(`]}}`)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(out.Bytes())
}

// compareSort compares two sort values; one that is missing comes last, and nothing after it.
func compareSort(a, b any) int {
	x, isX := number(a)
	y, isY := number(b)
	if isX && isY {
		return cmp.Compare(x, y)
	}
	s, isS := a.(string)
	t, isT := b.(string)
	switch {
	case isS && isT:
		return cmp.Compare(s, t)
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	}
	return -1
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
