package ship

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/revwatch/revwatch/internal/counterpart"
)

// in plays something in a world of both products.
func in(t *testing.T, do func(t *testing.T, w *world)) {
	t.Helper()
	for _, opensearch := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) { do(t, begin(t, opensearch, 1)) })
	}
}

// nango makes the indices, as Nango does at its first start.
func (w *world) nango() {
	now := time.Now()
	w.engine.Write(operations, "-1", now, []byte(`{"id":"-1","state":"waiting","createdAt":"`+now.UTC().Format(stamp)+`","updatedAt":"`+now.UTC().Format(stamp)+`"}`), 0)
	w.engine.Write(messages, "dummy", now, []byte(`{"id":"x","parentId":"-1","createdAt":"`+now.UTC().Format(stamp)+`"}`), 0)
}

// must is the line that says it; the test fails without one.
func (w *world) must(text string) {
	w.t.Helper()
	if _, ok := w.logged(text); !ok {
		w.t.Errorf("nothing says %q:", text)
		for _, l := range w.log.All() {
			w.t.Log(l.Message, l.ContextMap())
		}
	}
}

// Every failure says what to do, and once only; what comes after it is not lost.
func TestSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		break_, mend func(w *world)
		says         string
	}{
		"no index": {func(w *world) {
			w.engine.Drop("*")
			w.engine.Create("20990101_operations.1", "20990101_operations", nil)
		}, func(w *world) { w.nango() },
			`no index, alias or pattern "20250724_operations"; there are 20990101_operations`},
		"no index at all": {func(w *world) { w.engine.Drop("*") }, func(w *world) { w.nango() }, "has Nango started with its logs enabled"},
		"unauthorized":    {func(w *world) { w.engine.Authorize("Basic x") }, func(w *world) { w.engine.Authorize("") }, "set ship.elasticsearch.username and password"},
		"forbidden": {func(w *world) {
			w.engine.Fail(counterpart.Status(403, `{"error":{"root_cause":[{"type":"security_exception","reason":"action [x] is unauthorized"}]},"status":403}`))
		}, func(w *world) {}, "grant the user `read`"},
		"old": {func(w *world) {
			w.engine.Fail(counterpart.Status(503, ""), counterpart.Status(200, `{"cluster_uuid":"x","version":{"number":"7.9.3"}}`))
		}, func(w *world) {}, "Elasticsearch 7.12 or newer"},
		"old OpenSearch": {func(w *world) {
			w.engine.Fail(counterpart.Status(503, ""), counterpart.Status(200, `{"cluster_uuid":"x","version":{"number":"1.3.0","distribution":"opensearch"}}`))
		}, func(w *world) {}, "OpenSearch 2.4 or newer"},
		"something else": {func(w *world) { w.engine.Fail(counterpart.Status(503, ""), counterpart.Status(200, "<html>")) }, func(w *world) {}, "is it Elasticsearch or OpenSearch?"},
		"redirect":       {func(w *world) { w.engine.Fail(counterpart.Redirect("http://elsewhere.test/")) }, func(w *world) {}, "HTTP 307"},
		"a search that is not through": {func(w *world) {
			w.engine.Fail(counterpart.Fault{}, counterpart.Status(200, `{"timed_out":true,"_shards":{"total":2,"successful":2,"failed":0},"hits":{"hits":[]}}`))
		}, func(w *world) {}, "timed_out"},
		"a shard that failed": {func(w *world) {
			w.engine.Fail(counterpart.Fault{}, counterpart.Status(200, `{"timed_out":false,"_shards":{"total":2,"successful":1,"failed":1},"hits":{"hits":[]}}`))
		}, func(w *world) {}, "1 of 2 shards failed"},
		"Kafka": {func(w *world) { w.topic.failNext(func(int) error { return kafka.NotEnoughReplicas }) }, func(w *world) {}, "write to Kafka"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				w.nango()
				w.start()
				w.pass(time.Minute)
				c.break_(w)
				o := w.operation(time.Now(), time.Hour, 0)
				if strings.HasPrefix(name, "no index") {
					w.engine.Drop(operations)
				}
				w.pass(2 * time.Minute)
				w.must(c.says)
				n := len(w.log.FilterMessage("failed, and is tried again").All())
				c.mend(w)
				w.put(operations, o.id, o.created, o.row(), 0)
				w.pass(3 * time.Minute)
				if w.check(); n > 2 {
					t.Errorf("%d lines of one failure", n)
				}
			})
		})
	}
}

// No secret is ever logged, not even when a server repeats it.
func TestNoSecrets(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte("id:key-secret"))
	basic := base64.StdEncoding.EncodeToString([]byte("nango:word-secret"))
	for _, c := range []struct {
		secrets []string
		set     func(o *ElasticsearchOptions)
	}{
		{[]string{"word-secret", basic}, func(o *ElasticsearchOptions) { o.Username, o.Password = "nango", "word-secret" }},
		{[]string{"key-secret", encoded}, func(o *ElasticsearchOptions) { o.APIKey = "id:key-secret" }},
		{[]string{"key-secret", encoded}, func(o *ElasticsearchOptions) { o.APIKey = encoded }},
		{[]string{"word-secret", basic}, func(o *ElasticsearchOptions) {
			o.URLs = []string{strings.Replace(o.URLs[0], "://", "://nango:word-secret@", 1)}
		}},
	} {
		in(t, func(t *testing.T, w *world) {
			c.set(&w.options)
			w.nango()
			for range 4 {
				w.engine.Fail(counterpart.Echo(401), counterpart.Echo(400), counterpart.Echo(200), counterpart.Cut(), counterpart.Status(403,
					`{"error":{"type":"`+c.secrets[0]+`","reason":"`+strings.Join(c.secrets, " ")+`"}}`))
			}
			w.start()
			w.pass(10 * time.Minute)
			w.stop()
			if w.log.Len() < 4 {
				t.Error("little was logged")
			}
			for _, l := range w.log.All() {
				for _, secret := range c.secrets {
					if line := l.Message + fmt.Sprint(l.ContextMap()); strings.Contains(line, secret) {
						t.Errorf("a secret is logged: %s", line)
					}
				}
			}
		})
	}
}

// A key is sent in the form that the servers want, and a password as well.
func TestAuthorizes(t *testing.T) {
	for want, set := range map[string]func(o *ElasticsearchOptions){
		"ApiKey aWQ6a2V5":       func(o *ElasticsearchOptions) { o.APIKey = "id:key" },
		"ApiKey bm90IGEgcGFpcg": func(o *ElasticsearchOptions) { o.APIKey = "bm90IGEgcGFpcg" },
		"Basic bWU6d29yZA==":    func(o *ElasticsearchOptions) { o.Username, o.Password = "me", "word" },
	} {
		in(t, func(t *testing.T, w *world) {
			set(&w.options)
			w.engine.Authorize(want)
			w.nango()
			w.operation(time.Now(), time.Hour, 0)
			w.start()
			w.pass(time.Minute)
			w.check()
		})
	}
}

// Another address is asked when one does not answer.
func TestNextAddress(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.options.URLs = []string{"http://nowhere.test", w.engine.URL}
		w.nango()
		w.operation(time.Now(), time.Hour, 0)
		w.start()
		w.pass(time.Minute)
		w.check()
	})
}

// While history is read, the rows of both indices stay within an hour of each other, and no index waits for the end of the other.
func TestHistoryInOrder(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		for h := range 24 * 10 {
			at := time.Now().Add(-time.Duration(h) * time.Hour)
			w.message(w.operation(at, time.Minute, 0).id, at, 0)
		}
		w.start()
		w.pass(time.Minute)
		w.check()
		newest := time.Time{}
		for _, v := range w.topic.values {
			_, rest, _ := strings.Cut(v, `"createdAt":"`)
			at, err := time.Parse(stamp, rest[:len(stamp)])
			if err != nil {
				t.Fatal(err)
			}
			if newest.Sub(at) > 61*time.Minute {
				t.Fatalf("a row of %v comes after one of %v", at, newest)
			}
			if at.After(newest) {
				newest = at
			}
		}
	})
}

// Rows that the brokers or we find too large are left out and named, and hold nothing else up.
func TestTooLarge(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.topic.most = 5000
		w.nango()
		for range 20 {
			w.message("1", time.Now(), 0)
		}
		w.engine.Write(messages, "giant", time.Now(), []byte(`{"id":"giant","parentId":"1","pad":"`+strings.Repeat("x", 6000)+`","createdAt":"`+time.Now().UTC().Format(stamp)+`"}`), 0)
		w.start()
		w.pass(time.Minute)
		w.check()
		w.must("Kafka refuses a row for its size")
		if n := w.log.FilterMessageSnippet("refuses a row").Len(); n != 1 || w.twice() > 0 {
			t.Errorf("the row was named %d times, %d records are there twice", n, w.twice())
		}
	})
}

// An answer that is too large is asked for in parts; a row that is too large alone is passed over.
func TestTooLargeToRead(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.nango()
		for range 30 {
			w.message("1", time.Now(), 0)
		}
		at := time.Now().Add(-time.Second)
		w.engine.Write(messages, "giant", at, []byte(`{"id":"giant","parentId":"1","pad":"`+strings.Repeat("x", 1<<16)+`","createdAt":"`+at.UTC().Format(stamp)+`"}`), 0)
		for i := range 3 {
			w.engine.Write(messages, w.id(at), at, []byte(`{"id":"large`+fmt.Sprint(i)+`","parentId":"1","pad":"`+strings.Repeat("x", 1<<15)+`","createdAt":"`+at.UTC().Format(stamp)+`"}`), 0)
		}
		w.answer = 1 << 16
		w.start()
		w.pass(time.Minute)
		w.check()
		w.must("too large to be read")
		large := 0
		for _, v := range w.topic.values {
			if strings.HasPrefix(v, `{"id":"large`) {
				large++
			}
		}
		if large != 3 {
			t.Errorf("%d large rows", large)
		}
	})
}

// A row that becomes visible after newer ones is there with the next look.
func TestOverlap(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.nango()
		w.start()
		w.pass(time.Minute)
		late := w.message("1", time.Now(), 90*time.Second)
		w.pass(30 * time.Second)
		w.message("2", time.Now(), 0)
		w.pass(30 * time.Second)
		if w.topic.has(late) {
			t.Fatal("it was visible at once")
		}
		w.pass(time.Minute)
		if !w.topic.has(late) {
			t.Error("the late row is not on the topic")
		}
	})
}

// A checkpoint that is damaged is set aside; another cluster's is not used, and is still there when the first one is back.
func TestCheckpoint(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.options.Since = 10 * time.Hour
		w.nango()
		first := w.message("1", time.Now().Add(-5*time.Hour), 0)
		w.start()
		w.pass(time.Minute)
		w.stop()
		w.engine.Replace("other")
		w.nango()
		other := w.message("2", time.Now().Add(-5*time.Hour), 0)
		w.start()
		w.pass(time.Minute)
		w.stop()
		if !w.topic.has(first) || !w.topic.has(other) {
			t.Error("the other cluster's rows are not read from the beginning")
		}
		if err := os.WriteFile(w.options.Checkpoint, []byte("nonsense"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.pass(time.Minute)
		w.must("the checkpoint was damaged and is set aside")
		if w.topic.times()[other] != 2 {
			t.Error("the history is not read again")
		}
		if aside, _ := filepath.Glob(w.options.Checkpoint + ".damaged-*"); len(aside) != 1 {
			t.Errorf("set aside: %q", aside)
		}
	})
}

// Once reads up to now and ends; where it cannot, it says why after a few tries.
func TestOnce(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.nango()
		w.operation(time.Now().Add(-time.Hour), time.Hour, 0)
		once := func() error {
			w.options.Client = w.net.Over(&http.Transport{})
			defer w.options.Client.CloseIdleConnections()
			e, err := NewElasticsearch(w.options)
			if err != nil {
				t.Fatal(err)
			}
			return errors.Join(e.Once(context.Background()), e.Close())
		}
		if err := once(); err != nil {
			t.Error(err)
		}
		w.check()
		w.engine.Authorize("nobody")
		if err := once(); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("%v", err)
		}
	})
}

// Asked to end, it ends at once, whatever it waits for.
func TestEndsAtOnce(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.nango()
		w.start()
		w.pass(time.Minute)
		w.engine.Fail(counterpart.Hang(), counterpart.Hang())
		w.pass(30 * time.Second)
		began := time.Now()
		w.stop()
		if d := time.Since(began); d > 3*time.Second {
			t.Errorf("it took %s", d)
		}
	})
}
