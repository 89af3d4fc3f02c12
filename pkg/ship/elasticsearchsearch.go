package ship

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

type object = map[string]any

// whole asks for no answer rather than a part of one.
var whole = url.Values{"allow_partial_search_results": {"false"}}

type shards struct {
	Total, Successful, Failed int
}

// hit is one document. Source is what was stored, byte by byte.
type hit struct {
	ID     string          `json:"_id"`
	Source json.RawMessage `json:"_source"`
	Sort   json.RawMessage `json:"sort"`
}

// millis is the time by which the hit is sorted, in Unix ms.
func (h *hit) millis() (int64, bool) {
	var sort []json.RawMessage
	var ms int64
	if json.Unmarshal(h.Sort, &sort) != nil || len(sort) == 0 || json.Unmarshal(sort[0], &ms) != nil {
		return 0, false
	}
	return ms, true
}

// searched is the answer of a search.
type searched struct {
	PIT      string  `json:"pit_id"`
	TimedOut bool    `json:"timed_out"`
	Shards   *shards `json:"_shards"`
	Hits     *struct{ Hits []hit }
}

// search asks, and takes only an answer of all shards for one.
func (c *cluster) search(ctx context.Context, path string, body any) (*searched, error) {
	var s searched
	err := c.call(ctx, http.MethodPost, path, whole, body, &s)
	switch {
	case err != nil:
	case s.TimedOut:
		err = errors.New("the search ended before it was through (timed_out)")
	case s.Shards == nil || s.Hits == nil:
		err = errors.New("the answer holds no hits: is it Elasticsearch or OpenSearch?")
	case s.Shards.Failed > 0:
		err = fmt.Errorf("%d of %d shards failed", s.Shards.Failed, s.Shards.Total)
	}
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return &s, nil
}

// page is what to ask for: rows of one lane at one point in time, in the order of their time.
type page struct {
	pit      string
	lane     *lane
	from, to int64           // Unix ms; to is exclusive, 0: no end
	after    json.RawMessage // the sort values of the row before; nil: from the first
	size     int
	bare     bool // without the rows themselves
}

// body is the search. It is sorted by time and then by Nango's id, which both products can; that of the document is not theirs to sort by.
// An index whose mapping lacks a field counts as one without rows of the kind, rather than fail all others behind the alias.
func (p *page) body() object {
	span := object{"gte": p.from, "format": "epoch_millis"}
	if p.to > 0 {
		span["lt"] = p.to
	}
	match := object{"filter": []object{{"range": object{p.lane.field: span}}, {"exists": object{"field": "id"}}}}
	if p.lane.without != "" {
		match["must_not"] = []object{{"exists": object{"field": p.lane.without}}}
	}
	b := object{
		"size": p.size, "track_total_hits": false, "pit": object{"id": p.pit, "keep_alive": keepAlive}, "query": object{"bool": match},
		"sort": []object{
			{p.lane.field: object{"order": "asc", "unmapped_type": "date"}},
			{"id": object{"order": "asc", "unmapped_type": "keyword"}},
		},
	}
	if p.after != nil {
		b["search_after"] = p.after
	}
	if p.bare {
		b["_source"] = false
	}
	return b
}

// byID asks for operations by their ids, whatever their times.
func (c *cluster) byID(ctx context.Context, index string, ids []string) ([]hit, error) {
	s, err := c.search(ctx, "/"+url.PathEscape(index)+"/_search", object{
		"size": len(ids), "track_total_hits": false, "query": object{"terms": object{"id": ids}},
	})
	if err != nil {
		return nil, err
	}
	return s.Hits.Hits, nil
}

// indicesLike are names of indices and aliases that sound like the one that is missing; a few, and none when they may not be asked for.
func (c *cluster) indicesLike(ctx context.Context, index string) []string {
	word := "operations"
	if strings.Contains(index, "message") {
		word = "messages"
	}
	var answer map[string]struct{ Aliases map[string]struct{} }
	if c.call(ctx, http.MethodGet, "/"+url.PathEscape("*"+word+"*")+"/_alias", nil, nil, &answer) != nil {
		return nil
	}
	names := map[string]bool{}
	for name, of := range answer {
		for alias := range of.Aliases {
			name = alias
		}
		names[name] = true
	}
	sorted := slices.Sorted(maps.Keys(names))
	return sorted[:min(5, len(sorted))]
}
