package counterpart

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Elasticsearch is as much of Elasticsearch 8, or of OpenSearch 2, as is needed to read logs: points in time, searches that are sorted, and aliases.
// It takes no parameter and no field that it does not know, and refuses what the real ones refuse (8.19.21 and 2.19.1 were asked), in their words.
type Elasticsearch struct {
	Server
	opensearch bool
	id         string // of the cluster
	auth       string // the Authorization header that is wanted; "" for none
	window     int    // the most hits an answer may hold
	away       int    // so many of the next requests find that a shard is away
	indices    []*index
	points     map[string]*point
	opened     int // points in time, ever
}

// point is a point in time: what was visible then.
type point struct {
	hits    []stored
	index   []*index
	expires time.Time
}

// Elasticsearch starts one.
func (n *Network) Elasticsearch(name string) *Elasticsearch { return n.searchEngine(name, false) }

// OpenSearch starts one that speaks as OpenSearch does.
func (n *Network) OpenSearch(name string) *Elasticsearch { return n.searchEngine(name, true) }

func (n *Network) searchEngine(name string, opensearch bool) *Elasticsearch {
	e := &Elasticsearch{opensearch: opensearch, id: "cluster-" + name, window: 10_000, points: map[string]*point{}}
	n.serve(&e.Server, name, e.serve)
	return e
}

// Authorize wants this Authorization header from now on.
func (e *Elasticsearch) Authorize(header string) { e.change(func() { e.auth = header }) }

// Window is the most hits of an answer from now on.
func (e *Elasticsearch) Window(n int) { e.change(func() { e.window = n }) }

// Away lets so many of the next requests find that one shard is away.
func (e *Elasticsearch) Away(n int) { e.change(func() { e.away = n }) }

// Forget ends all points in time, as a restart does.
func (e *Elasticsearch) Forget() { e.change(func() { clear(e.points) }) }

// Replace makes another cluster of it, without any index.
func (e *Elasticsearch) Replace(id string) {
	e.change(func() {
		e.id, e.indices = id, nil
		clear(e.points)
	})
}

// Points are those in time that stand.
func (e *Elasticsearch) Points() (n int) {
	e.change(func() {
		for _, p := range e.points {
			if p.expires.After(time.Now()) {
				n++
			}
		}
	})
	return n
}

func (e *Elasticsearch) change(do func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	do()
}

// refuse answers as the real ones do, and notes it as wrong when it is the caller's fault.
func (e *Elasticsearch) refuse(w http.ResponseWriter, status int, kind, format string, args ...any) {
	reason := fmt.Sprintf(format, args...)
	if status == http.StatusBadRequest && kind != windowKind {
		e.errorf("%s: %s", kind, reason)
	}
	cause := map[string]any{"type": strings.TrimSuffix(kind, "!"), "reason": reason}
	answer(w, status, map[string]any{
		"error":  map[string]any{"root_cause": []any{cause}, "type": strings.TrimSuffix(kind, "!"), "reason": reason},
		"status": status,
	})
}

// windowKind is illegal_argument_exception for what the caller cannot know before.
const windowKind = "illegal_argument_exception!"

func (e *Elasticsearch) serve(w http.ResponseWriter, r *http.Request) {
	if e.auth != "" && r.Header.Get("Authorization") != e.auth {
		e.refuse(w, http.StatusUnauthorized, "security_exception", "unable to authenticate user for REST request [%s]", r.URL.Path)
		return
	}
	open, closing := "_pit", "/_pit"
	if e.opensearch {
		open, closing = "_search/point_in_time", "/_search/point_in_time"
	}
	name, action, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/" && e.only(w, r):
		e.root(w)
	case r.Method == http.MethodDelete && r.URL.Path == closing && e.only(w, r):
		e.closePoint(w, r)
	case r.Method == http.MethodPost && r.URL.Path == "/_search" && e.only(w, r, "allow_partial_search_results"):
		e.search(w, r, "")
	case r.Method == http.MethodPost && action == "_search" && e.only(w, r, "allow_partial_search_results"):
		e.search(w, r, name)
	case r.Method == http.MethodPost && action == open && e.only(w, r, "keep_alive", map[bool]string{true: "allow_partial_pit_creation"}[e.opensearch]):
		e.openPoint(w, r, name)
	case r.Method == http.MethodGet && action == "_alias" && e.only(w, r):
		e.aliases(w, name)
	case w.Header().Get("Content-Type") == "": // nothing was answered
		e.errorf("no handler for %s %s", r.Method, r.URL.Path)
		answer(w, http.StatusBadRequest, map[string]string{"error": fmt.Sprintf("no handler found for uri [%s] and method [%s]", r.URL.Path, r.Method)})
	}
}

// only refuses parameters that it does not know.
func (e *Elasticsearch) only(w http.ResponseWriter, r *http.Request, known ...string) bool {
	for name := range r.URL.Query() {
		if name == "" || !slices.Contains(known, name) {
			e.refuse(w, http.StatusBadRequest, "illegal_argument_exception", "request [%s] contains unrecognized parameter: [%s]", r.URL.Path, name)
			return false
		}
	}
	return true
}

func (e *Elasticsearch) root(w http.ResponseWriter) {
	version := map[string]string{"number": "8.19.21", "build_flavor": "default"}
	tagline := "You Know, for Search"
	if e.opensearch {
		version, tagline = map[string]string{"distribution": "opensearch", "number": "2.19.1"}, "The OpenSearch Project: https://opensearch.org/"
	}
	answer(w, http.StatusOK, map[string]any{"name": "one", "cluster_name": "logs", "cluster_uuid": e.id, "version": version, "tagline": tagline})
}

// shardAway takes one of the requests that find a shard away.
func (e *Elasticsearch) shardAway() bool {
	if e.away == 0 {
		return false
	}
	e.away--
	return true
}

func (e *Elasticsearch) openPoint(w http.ResponseWriter, r *http.Request, name string) {
	keep, err := time.ParseDuration(r.URL.Query().Get("keep_alive"))
	if err != nil {
		e.refuse(w, http.StatusBadRequest, "action_request_validation_exception", "Validation Failed: 1: [keep_alive] is not specified;")
		return
	}
	found := e.resolve(name)
	switch away := e.shardAway(); {
	case len(found) == 0 && !strings.Contains(name, "*"):
		e.refuse(w, http.StatusNotFound, "index_not_found_exception", "no such index [%s]", name)
	case len(found) == 0 && e.opensearch:
		e.refuse(w, http.StatusBadRequest, windowKind, "invalid id: [null]")
	case away && (!e.opensearch || r.URL.Query().Get("allow_partial_pit_creation") == "false"):
		e.refuse(w, http.StatusServiceUnavailable, "no_shard_available_action_exception", "a shard is away")
	default:
		if away {
			found = found[1:]
		}
		e.opened++
		id := fmt.Sprintf("point-%d", e.opened)
		p := &point{index: found, expires: time.Now().Add(keep)}
		for _, i := range found {
			p.hits = append(p.hits, i.visible(time.Now())...)
		}
		e.points[id] = p
		field := map[bool]string{false: "id", true: "pit_id"}[e.opensearch]
		answer(w, http.StatusOK, map[string]any{field: id, "_shards": shardsOf(len(found), 0)})
	}
}

func shardsOf(total, failed int) map[string]int {
	return map[string]int{"total": total, "successful": total - failed, "skipped": 0, "failed": failed}
}

func (e *Elasticsearch) closePoint(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var one struct {
		ID string `json:"id"`
	}
	var many struct {
		IDs []string `json:"pit_id"`
	}
	err := strict(body, &one)
	if e.opensearch {
		err = strict(body, &many)
	}
	if err != nil {
		e.refuse(w, http.StatusBadRequest, "illegal_argument_exception", "%v", err)
		return
	}
	for _, id := range append(many.IDs, one.ID) {
		delete(e.points, id)
	}
	answer(w, http.StatusOK, map[string]any{"succeeded": true, "num_freed": 1})
}

func (e *Elasticsearch) aliases(w http.ResponseWriter, pattern string) {
	found := map[string]any{}
	for _, i := range e.indices {
		if matches(pattern, i.name) || matches(pattern, i.alias) {
			found[i.name] = map[string]any{"aliases": map[string]any{i.alias: struct{}{}}}
		}
	}
	answer(w, http.StatusOK, found)
}

// resolve finds the indices of a name, an alias or a pattern.
func (e *Elasticsearch) resolve(expression string) (found []*index) {
	for name := range strings.SplitSeq(expression, ",") {
		for _, i := range e.indices {
			if (matches(name, i.name) || matches(name, i.alias)) && !slices.Contains(found, i) {
				found = append(found, i)
			}
		}
	}
	slices.SortFunc(found, func(a, b *index) int { return cmp.Compare(a.name, b.name) })
	return found
}

// matches says that a name has the form of a pattern with stars.
func matches(pattern, name string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	name = name[len(head):]
	for i := 0; i <= len(name); i++ {
		if matches(rest, name[i:]) {
			return true
		}
	}
	return false
}
