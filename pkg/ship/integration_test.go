//go:build integration

package ship

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/revwatch/revwatch/internal/searchengine"
)

// OpenSearch itself: paging through history, updates, sweeps by script, roll-over, a kill of the server, retention.
func TestIntegrationOpenSearch(t *testing.T) {
	n := searchengine.OpenSearch(t)
	real := newReal(t, n)
	real.play(func() {
		n.Do(http.MethodPost, "/"+operations+"/_refresh", nil)
		n.Do(http.MethodPost, "/"+operations+"/_update_by_query?refresh=true", []byte(`{"query":{"bool":{"filter":[{"range":{"expiresAt":{"lt":"now"}}},`+
			`{"terms":{"state":["waiting","running"]}}]}},"script":{"source":"ctx._source.state = 'timeout'"}}`))
	}, func() { n.Do(http.MethodDelete, "/_search/point_in_time/_all", nil) })
}

// Elasticsearch itself, but for sweeps, which are written as rows: it has no scripts here.
func TestIntegrationElasticsearch(t *testing.T) {
	n := searchengine.Elasticsearch(t)
	real := newReal(t, n)
	real.play(func() { n.Write([]searchengine.Row{real.swept}) }, func() {})
}

// real is a shipper at a real server.
type real struct {
	t      *testing.T
	node   *searchengine.Node
	topic  *topic
	log    *observer.ObservedLogs
	end    context.CancelFunc
	ended  chan error
	config ElasticsearchOptions
	rng    *rand.Rand
	n      int
	want   []string // on the topic in the end
	swept  searchengine.Row
}

func newReal(t *testing.T, n *searchengine.Node) *real {
	core, logged := observer.New(zap.DebugLevel)
	r := &real{t: t, node: n, topic: &topic{}, log: logged, rng: rand.New(rand.NewPCG(1, 1))}
	r.config = ElasticsearchOptions{
		URLs: []string{n.URL}, Operations: operations, Messages: messages, Since: 5 * 24 * time.Hour, Interval: 500 * time.Millisecond, Overlap: 10 * time.Second,
		Checkpoint: filepath.Join(t.TempDir(), "ship.db"), Topic: "nango-logs", Writer: r.topic, Log: zap.New(core),
	}
	t.Cleanup(r.stop)
	return r
}

func (r *real) start() {
	e, err := NewElasticsearch(r.config)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.end, r.ended = cancel, make(chan error, 1)
	go func() {
		err := e.Run(ctx)
		e.cluster.client.CloseIdleConnections()
		e.Close()
		r.ended <- err
	}()
}

func (r *real) stop() {
	if r.end == nil {
		return
	}
	r.end()
	r.end = nil
	if err := <-r.ended; err != nil {
		r.t.Error(err)
	}
}

func (r *real) await(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			for _, l := range r.log.All() {
				r.t.Log(l.Time.Format(time.TimeOnly), l.Message, l.ContextMap())
			}
			r.t.Fatalf("waited in vain for: %s", what)
		}
	}
}

func (r *real) says(text string) func() bool {
	return func() bool {
		for _, l := range r.log.All() {
			if strings.Contains(l.Message+fmt.Sprint(l.ContextMap()), text) {
				return true
			}
		}
		return false
	}
}

// operation is a row in a state; only its last form is wanted on the topic, unless it is waited for.
func (r *real) operation(id, state string, created, updated, expires time.Time) searchengine.Row {
	source := fmt.Sprintf(`{"id":"%s",  "type":"operation","state":"%s","createdAt":"%s","updatedAt":"%s","expiresAt":"%s"}`,
		id, state, created.UTC().Format(stamp), updated.UTC().Format(stamp), expires.UTC().Format(stamp))
	return searchengine.Row{Alias: operations, ID: id, Created: created, Source: []byte(source)}
}

func (r *real) message(parent string, at time.Time) searchengine.Row {
	r.n++
	source := fmt.Sprintf(`{"id":"message%d","parentId":"%s","type":"log","meta":{"a":[1.50,"\u00e9<&>"]},  "createdAt":"%s"}`, r.n, parent, at.UTC().Format(stamp))
	r.want = append(r.want, source)
	return searchengine.Row{Alias: messages, ID: fmt.Sprintf("auto%d", r.n), Created: at, Source: []byte(source)}
}

func (r *real) id(at time.Time) string {
	r.n++
	return fmt.Sprintf("%d_%08d", at.UnixMilli(), r.n)
}

func (r *real) all() bool {
	times := r.topic.times()
	for _, row := range r.want {
		if times[row] == 0 {
			return false
		}
	}
	return true
}

func (r *real) play(sweep, forget func()) {
	t := r.t
	r.node.Do(http.MethodPut, "/20990101_operations.2026-01-01", map[string]any{"aliases": map[string]any{"20990101_operations": map[string]any{}}})
	r.start()
	r.await("that it says which indices there are", r.says("there are 20990101_operations"))
	r.stop()
	r.node.Nango(operations, messages)
	now := time.Now()
	var rows []searchengine.Row
	for range 6000 {
		at := now.Add(-time.Duration(r.rng.Int64N(int64(100 * time.Hour)))).Truncate(time.Minute) // many at one time
		o := r.operation(r.id(at), "failed", at, at.Add(time.Second), at.Add(time.Hour))
		r.want = append(r.want, string(o.Source))
		rows = append(rows, o, r.message(o.ID, at))
	}
	rows = append(rows, searchengine.Row{Alias: operations, ID: "-1", Created: now, Source: []byte(`{"id":"-1","createdAt":"` + now.UTC().Format(stamp) + `"}`)})
	r.node.Write(rows)
	r.node.Do(http.MethodPost, "/_refresh", nil)
	began := time.Now()
	r.start()
	r.await("the history", r.all)
	t.Logf("%d rows of history in %s", len(rows), time.Since(began).Round(time.Millisecond))

	open := r.operation(r.id(now), "running", now, now, now.Add(2*time.Second))
	r.node.Write([]searchengine.Row{open})
	r.await("an open operation", func() bool { return r.topic.has(string(open.Source)) })
	r.swept = r.operation(open.ID, "timeout", now, now, now.Add(2*time.Second))
	r.await("its expiry", func() bool { return time.Since(now) > 2500*time.Millisecond })
	sweep()
	r.await("its end by the sweep", func() bool {
		for v := range r.topic.times() {
			if strings.Contains(v, open.ID) && strings.Contains(v, "timeout") {
				return true
			}
		}
		return false
	})

	tomorrow := time.Now().Add(24 * time.Hour) // another index, by a clock that is ahead
	r.node.Write([]searchengine.Row{r.message("x", tomorrow), r.message("x", time.Now())})
	forget()
	r.await("rows of a new index", r.all)
	r.stop()
	before := len(r.topic.values)
	r.start()
	r.await("a look after the restart", func() bool { return r.log.FilterMessageSnippet("caught up").Len() > 1 })
	if n := len(r.topic.values) - before; n > 0 {
		t.Errorf("%d rows came again after an orderly restart", n)
	}

	r.node.Kill()
	r.await("that it misses the server", r.says("connection refused"))
	r.node.Restart()
	r.node.Write([]searchengine.Row{r.message("y", time.Now())})
	r.await("rows after the server's restart", r.all)
	r.node.Do(http.MethodDelete, "/"+messages+"."+now.Add(-72*time.Hour).UTC().Format(time.DateOnly), nil)
	r.node.Write([]searchengine.Row{r.message("z", time.Now())})
	r.await("rows after an index is gone", r.all)
	for i, v := range r.topic.values {
		if key := r.topic.keys[i]; !strings.Contains(v, `"parentId":"`+key+`"`) && !strings.HasPrefix(v, `{"id":"`+key+`"`) && !strings.Contains(v, "timeout") {
			t.Fatalf("key %s of %s", key, v)
		}
	}
}
