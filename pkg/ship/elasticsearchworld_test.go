package ship

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/revwatch/revwatch/internal/counterpart"
)

const (
	operations = "20250724_operations"
	messages   = "20240528_messages"
	stamp      = "2006-01-02T15:04:05.000Z"
)

// topic is where rows are put. It can fail as kafka-go's writer does.
type topic struct {
	mu     sync.Mutex
	keys   []string
	values []string
	fail   func(n int) error // of the next write of n records; nil: none
	most   int               // bytes of a record; 0: any
}

func (k *topic) WriteMessages(ctx context.Context, all ...kafka.Message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f := k.fail; f != nil {
		k.fail = nil
		if err := f(len(all)); err != nil {
			var some kafka.WriteErrors
			if errors.As(err, &some) { // some arrived
				for i, m := range all {
					if some[i] == nil {
						k.take(m)
					}
				}
			}
			return err
		}
	}
	for _, m := range all {
		if k.most > 0 && len(m.Value) > k.most {
			errs := make(kafka.WriteErrors, len(all))
			for i := range errs {
				errs[i] = kafka.MessageSizeTooLarge // of the whole batch
			}
			return errs
		}
	}
	for _, m := range all {
		k.take(m)
	}
	return nil
}

func (k *topic) take(m kafka.Message) {
	k.keys, k.values = append(k.keys, string(m.Key)), append(k.values, string(m.Value))
}

func (k *topic) failNext(f func(n int) error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fail = f
}

// times is how often each value is on the topic.
func (k *topic) times() map[string]int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := map[string]int{}
	for _, v := range k.values {
		n[v]++
	}
	return n
}

func (k *topic) has(value string) bool { return k.times()[value] > 0 }

// world is Nango beside a cluster, a shipper and a topic.
type world struct {
	t       *testing.T
	rng     *rand.Rand
	net     *counterpart.Network
	engine  *counterpart.Elasticsearch
	topic   *topic
	options ElasticsearchOptions
	answer  int64 // bytes of an answer that are read; 0: the default
	log     *observer.ObservedLogs

	rows    map[string]string // what the cluster holds in the end, by document
	running []*operation
	n       int

	cancel context.CancelFunc
	ended  chan error
}

// operation is one that Nango has not ended.
type operation struct {
	id, state                 string
	created, updated, expires time.Time
}

// begin makes a world with its network in memory; what is in it ends with the test.
func begin(t *testing.T, opensearch bool, seed uint64) *world {
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 1)), net: counterpart.InMemory(), topic: &topic{}, rows: map[string]string{}}
	if w.engine = w.net.Elasticsearch("search"); opensearch {
		w.engine = w.net.OpenSearch("search")
	}
	core, logged := observer.New(zap.DebugLevel)
	w.log = logged
	w.options = ElasticsearchOptions{
		URLs: []string{w.engine.URL}, Operations: operations, Messages: messages, Since: 15 * 24 * time.Hour, Interval: 20 * time.Second,
		Overlap: 2 * time.Minute, Checkpoint: filepath.Join(t.TempDir(), "ship.db"), Topic: "nango-logs", Writer: w.topic, Log: zap.New(core),
	}
	t.Cleanup(func() { w.stop(); w.net.Close() })
	return w
}

// start starts a shipper.
func (w *world) start() {
	w.t.Helper()
	transport := &http.Transport{}
	w.options.Client = w.net.Over(transport)
	e, err := NewElasticsearch(w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.answer > 0 {
		e.cluster.most = w.answer
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.ended = cancel, make(chan error, 1)
	go func(client *http.Client, ended chan error) {
		err := e.Run(ctx)
		client.CloseIdleConnections()
		ended <- errors.Join(err, e.Close())
	}(w.options.Client, w.ended)
}

// stop ends the shipper in order.
func (w *world) stop() {
	if w.cancel == nil {
		return
	}
	w.cancel()
	if err := <-w.ended; err != nil {
		w.t.Error(err)
	}
	w.cancel = nil
}

// kill ends the shipper as kill -9 does: nothing that it writes from now on lasts.
func (w *world) kill() {
	file, err := os.ReadFile(w.options.Checkpoint)
	if err != nil {
		w.t.Fatal(err)
	}
	w.topic.mu.Lock()
	before := len(w.topic.values)
	w.topic.mu.Unlock()
	w.stop()
	w.topic.mu.Lock()
	w.topic.keys, w.topic.values = w.topic.keys[:before], w.topic.values[:before]
	w.topic.mu.Unlock()
	if err := os.WriteFile(w.options.Checkpoint, file, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) id(at time.Time) string {
	w.n++
	return fmt.Sprintf("%d_%08d", at.UnixMilli(), w.n)
}

// put writes a document into the cluster.
func (w *world) put(alias, id string, created time.Time, source string, after time.Duration) {
	w.engine.Write(alias, id, created, []byte(source), after)
	w.rows[alias+"/"+id] = source
}

func (o *operation) row() string {
	return fmt.Sprintf(`{"id":"%s","type":"operation",  "state":"%s","createdAt":"%s","updatedAt":"%s","expiresAt":"%s"}`,
		o.id, o.state, o.created.UTC().Format(stamp), o.updated.UTC().Format(stamp), o.expires.UTC().Format(stamp))
}

// begins an operation that expires after some time.
func (w *world) operation(at time.Time, expires, after time.Duration) *operation {
	o := &operation{id: w.id(at), state: "running", created: at, updated: at, expires: at.Add(expires)}
	w.put(operations, o.id, o.created, o.row(), after)
	return o
}

// end gives an operation its last state.
func (w *world) end(o *operation, state string, at time.Time, after time.Duration) {
	o.state, o.updated = state, at
	w.put(operations, o.id, o.created, o.row(), after)
}

func (w *world) message(parent string, at time.Time, after time.Duration) string {
	id := w.id(at)
	row := fmt.Sprintf(`{"id":"%s","parentId":"%s","type":"log","message":"<&>\u00e9 \n","createdAt":"%s"}`, id, parent, at.UTC().Format(stamp))
	w.put(messages, "auto-"+id, at, row, after)
	return row
}

// sweep ends what has expired, without touching its times.
func (w *world) sweep(now time.Time) {
	w.running = slices.DeleteFunc(w.running, func(o *operation) bool {
		if o.expires.After(now) {
			return false
		}
		o.state = "timeout"
		w.put(operations, o.id, o.created, o.row(), time.Second)
		return true
	})
}

// check holds that the last form of every row is on the topic, under the key of its operation, and that the rules of the cluster were kept.
func (w *world) check() {
	w.t.Helper()
	lost, times := 0, w.topic.times()
	for document, row := range w.rows {
		if times[row] == 0 {
			if lost++; lost < 4 {
				w.t.Errorf("%s is not on the topic: %s", document, row)
			}
		}
	}
	if lost > 0 {
		w.t.Errorf("%d of %d rows are lost", lost, len(w.rows))
	}
	w.topic.mu.Lock()
	defer w.topic.mu.Unlock()
	for i, v := range w.topic.values {
		want := `"parentId":"` + w.topic.keys[i] + `"`
		if !strings.Contains(v, "parentId") {
			want = `"id":"` + w.topic.keys[i] + `"`
		}
		if !strings.Contains(v, want) {
			w.t.Fatalf("key %s of %s", w.topic.keys[i], v)
		}
	}
	if wrong := w.engine.Wrong(); len(wrong) > 0 {
		w.t.Errorf("rules that were broken: %q", wrong)
	}
}

// twice is how many records are on the topic that were there in the same form before.
func (w *world) twice() (n int) {
	for _, times := range w.topic.times() {
		n += times - 1
	}
	return n
}

// logged is the first line of the log with such a text.
func (w *world) logged(text string) (observer.LoggedEntry, bool) {
	for _, l := range w.log.All() {
		if strings.Contains(l.Message, text) || strings.Contains(fmt.Sprint(l.ContextMap()), text) {
			return l, true
		}
	}
	return observer.LoggedEntry{}, false
}
