package ship

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// keepAlive is how long a point in time stands without being asked.
const keepAlive = "2m"

// dialect is how a product speaks of points in time.
type dialect struct {
	name      string
	open      string // path of opening, after the index
	close     string // path of closing
	openQuery url.Values
}

var (
	elastic = dialect{
		name: "Elasticsearch", open: "/_pit", close: "/_pit", openQuery: url.Values{"keep_alive": {keepAlive}},
	}
	opensearch = dialect{
		name: "OpenSearch", open: "/_search/point_in_time", close: "/_search/point_in_time",
		openQuery: url.Values{"keep_alive": {keepAlive}, "allow_partial_pit_creation": {"false"}}, // else shards that are away are left out, silently
	}
)

// about is what a cluster says of itself.
type about struct {
	dialect
	version string
	uuid    string
}

// about asks the cluster what it is.
func (c *cluster) about(ctx context.Context) (about, error) {
	var answer struct {
		UUID    string `json:"cluster_uuid"`
		Tagline string
		Version struct{ Number, Distribution string }
	}
	if err := c.call(ctx, http.MethodGet, "/", nil, nil, &answer); err != nil {
		return about{}, fmt.Errorf("ask for the version: %w", err)
	}
	a := about{dialect: elastic, version: answer.Version.Number, uuid: answer.UUID}
	least := [2]int{7, 12}
	if answer.Version.Distribution == "opensearch" || strings.Contains(answer.Tagline, "OpenSearch") { // the latter: it plays Elasticsearch 7.10 to old clients
		a.dialect, least = opensearch, [2]int{2, 4}
		if answer.Version.Distribution == "" {
			least = [2]int{7, 10}
		}
	}
	switch {
	case a.version == "":
		return a, errors.New("the server does not say its version: is it Elasticsearch or OpenSearch?")
	case a.uuid == "" || a.uuid == "_na_":
		return a, errors.New("the cluster is not formed yet: it has no id")
	case older(a.version, least):
		return a, fmt.Errorf("%s %s has no points in time: Elasticsearch 7.12 or newer, or OpenSearch 2.4 or newer, is needed", a.name, a.version)
	}
	return a, nil
}

// older says that a version is older than major and minor.
func older(version string, least [2]int) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(minor)
	return errA == nil && errB == nil && (a < least[0] || a == least[0] && b < least[1])
}

// openPoint fixes what an index, alias or pattern holds now. Every index behind it must be there whole.
func (c *cluster) openPoint(ctx context.Context, d dialect, index string) (string, error) {
	var answer struct {
		ID     string  `json:"id"`     // Elasticsearch
		PIT    string  `json:"pit_id"` // OpenSearch
		Shards *shards `json:"_shards"`
	}
	err := c.call(ctx, http.MethodPost, "/"+url.PathEscape(index)+d.open, d.openQuery, nil, &answer)
	if is(err, "index_not_found_exception") || is(err, "illegal_argument_exception") && strings.Contains(err.Error(), "invalid id: [null]") ||
		err == nil && answer.Shards != nil && answer.Shards.Total == 0 { // the latter two: a pattern that nothing matches
		return "", &missingIndex{index: index, there: c.indicesLike(ctx, index)}
	}
	if err == nil && answer.Shards != nil && answer.Shards.Failed > 0 {
		err = fmt.Errorf("%d of %d shards are away", answer.Shards.Failed, answer.Shards.Total)
	}
	if err == nil && answer.ID+answer.PIT == "" {
		err = errors.New("the answer holds no id")
	}
	if err != nil {
		return "", fmt.Errorf("open a point in time over %s: %w", index, err)
	}
	return answer.ID + answer.PIT, nil
}

// closePoint lets go of a point in time, also when ctx has ended. It goes by itself when that fails.
func (c *cluster) closePoint(ctx context.Context, d dialect, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	var body any = map[string]string{"id": id}
	if d.name == opensearch.name {
		body = map[string][]string{"pit_id": {id}}
	}
	var answer struct{}
	_ = c.call(ctx, http.MethodDelete, d.close, nil, body, &answer)
}

// missingIndex says that there is no such index, and what there is instead.
type missingIndex struct {
	index string
	there []string
}

func (m *missingIndex) Error() string {
	if len(m.there) == 0 {
		return fmt.Sprintf("no index, alias or pattern %q, nor one that sounds like it: has Nango started with its logs enabled, and is this its cluster?", m.index)
	}
	return fmt.Sprintf("no index, alias or pattern %q; there are %s: set ship.elasticsearch.operations and ship.elasticsearch.messages to yours",
		m.index, strings.Join(m.there, ", "))
}
