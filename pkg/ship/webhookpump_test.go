package ship

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func bodyOf(t testing.TB, value []byte) []byte {
	t.Helper()
	var v webhookRecord
	if err := json.Unmarshal(value, &v); err != nil {
		t.Fatalf("%v in %s", err, value)
	}
	if !v.Base64 {
		return []byte(v.Body)
	}
	b, err := base64.StdEncoding.DecodeString(v.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func failureOf(connection string) string { return strings.Replace(failed, "c-1", connection, 1) }

// inBubble runs a handler with a topic on a clock of its own: time passes when everybody waits.
func inBubble(t *testing.T, o WebhookOptions, f func(*Webhooks, *hookTopic)) {
	synctest.Test(t, func(t *testing.T) {
		o.Keys = keysOf(t, key1)
		w, to := receive(t, o)
		f(w, to)
	})
}

// send delivers in the background.
func send(w *Webhooks, r *http.Request) (answer chan *httptest.ResponseRecorder) {
	answer = make(chan *httptest.ResponseRecorder, 1)
	go func() { answer <- serve(w, r) }()
	return answer
}

// No answer is given before Kafka has acknowledged.
func TestWebhookAnsweredWhenAcknowledged(t *testing.T) {
	inBubble(t, WebhookOptions{}, func(w *Webhooks, to *hookTopic) {
		acknowledge := make(chan struct{})
		to.answer = func(context.Context, int, []kafka.Message) error { <-acknowledge; return nil }
		answer := send(w, delivered(key1, failed))
		synctest.Wait()
		if len(answer) != 0 || w.held.Load() != int64(len(failed)) {
			t.Fatalf("answered before Kafka did; %d bytes held", w.held.Load())
		}
		time.Sleep(7 * time.Second)
		close(acknowledge)
		if out := <-answer; out.Code != http.StatusOK {
			t.Errorf("answer %d", out.Code)
		}
	})
}

// Deliveries that come while another is being written go together.
func TestWebhooksTogether(t *testing.T) {
	inBubble(t, WebhookOptions{}, func(w *Webhooks, to *hookTopic) {
		first := make(chan struct{})
		to.answer = func(_ context.Context, call int, _ []kafka.Message) error {
			if call == 1 {
				<-first
			}
			return nil
		}
		var all sync.WaitGroup
		deliver := func(n int) {
			for i := range n {
				all.Go(func() {
					if out := serve(w, delivered(key1, failureOf(fmt.Sprint("c-", i)))); out.Code != http.StatusOK {
						t.Errorf("answer %d", out.Code)
					}
				})
			}
			synctest.Wait()
		}
		deliver(1)
		deliver(maxTogether + 100)
		close(first)
		all.Wait()
		if to.calls != 3 || len(to.got) != maxTogether+101 {
			t.Errorf("%d writes of %d records", to.calls, len(to.got))
		}
	})
}

// Trouble of Kafka's that ends while Nango waits costs nothing; else Nango is asked to send the delivery again, within its 20 s.
func TestWebhooksWhileKafkaIsAway(t *testing.T) {
	for name, away := range map[string]func(ctx context.Context) error{
		"refuses": func(context.Context) error { return errors.New("connection refused") },
		"refuses each": func(context.Context) error {
			return kafka.WriteErrors{kafka.LeaderNotAvailable}
		},
		"hangs": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"slow":  func(context.Context) error { time.Sleep(3 * time.Second); return kafka.NotEnoughReplicas },
	} {
		t.Run(name, func(t *testing.T) {
			core, log := observer.New(zap.InfoLevel)
			inBubble(t, WebhookOptions{Log: zap.New(core)}, func(w *Webhooks, to *hookTopic) {
				back := time.Now().Add(4 * time.Second)
				to.answer = func(ctx context.Context, _ int, _ []kafka.Message) error {
					if time.Now().Before(back) {
						return away(ctx)
					}
					return nil
				}
				began := time.Now()
				if out := serve(w, delivered(key1, failed)); out.Code != http.StatusOK || time.Since(began) > answerWithin || len(to.got) != 1 {
					t.Errorf("answer %d after %s, %d written", out.Code, time.Since(began), len(to.got))
				}
				back = time.Now().Add(time.Minute)
				began = time.Now()
				out := serve(w, delivered(key1, failed))
				if out.Code != http.StatusServiceUnavailable || out.Header().Get("Retry-After") == "" || time.Since(began) > 18*time.Second { // Nango waits for 20
					t.Errorf("answer %d after %s, %v", out.Code, time.Since(began), out.Header())
				}
				status := httptest.NewRecorder()
				if w.Status().ServeHTTP(status, httptest.NewRequest("GET", "/readyz", nil)); status.Code != http.StatusServiceUnavailable {
					t.Errorf("ready while Kafka is away: %s", status.Body)
				}
				time.Sleep(time.Minute)
				if out := serve(w, delivered(key1, failureOf("c-2"))); out.Code != http.StatusOK || len(to.got) != 2 || string(to.got[1].Key) != "c-2" {
					t.Errorf("afterwards: answer %d, wrote %q: what nobody waits for is not written later", out.Code, to.values())
				}
				if n := log.FilterLevelExact(zap.WarnLevel).Len(); n < 1 || n > 4 {
					t.Errorf("%d warnings in two minutes: %v", n, log.All())
				}
			})
		})
	}
}

// What a client that has gone sent is not written any more.
func TestWebhookClientGone(t *testing.T) {
	inBubble(t, WebhookOptions{}, func(w *Webhooks, to *hookTopic) {
		ctx, leave := context.WithCancel(context.Background())
		to.answer = func(_ context.Context, call int, _ []kafka.Message) error {
			if call == 1 {
				leave()
				return errors.New("connection refused")
			}
			return nil
		}
		r := delivered(key1, failed)
		serve(w, r.WithContext(ctx))
		time.Sleep(time.Minute)
		if w.counted(gone) != 1 || to.calls != 1 || len(to.got) != 0 {
			t.Errorf("%d gone, %d writes, wrote %q", w.counted(gone), to.calls, to.values())
		}
	})
}

// Of deliveries written together each gets its own answer; one that is too large for the topic does no harm to the others.
func TestWebhooksApart(t *testing.T) {
	inBubble(t, WebhookOptions{}, func(w *Webhooks, to *hookTopic) {
		hold := make(chan struct{})
		to.answer = func(_ context.Context, call int, all []kafka.Message) error {
			if call == 1 {
				<-hold
				return nil
			}
			each, bad := make(kafka.WriteErrors, len(all)), false
			for i, m := range all {
				switch key := string(m.Key); {
				case key == "late" && call == 2:
					each[i], bad = kafka.LeaderNotAvailable, true
				case strings.HasPrefix(key, "l") && key != "late" && len(all) > 1, key == "large": // a batch of the partition it shares
					each[i], bad = kafka.MessageSizeTooLarge, true
				}
			}
			if !bad {
				return nil
			}
			return each
		}
		answers := map[string]chan *httptest.ResponseRecorder{"first": send(w, delivered(key1, failureOf("first")))}
		synctest.Wait()
		for _, c := range []string{"large", "little", "late", "other"} {
			answers[c] = send(w, delivered(key1, failureOf(c)))
			synctest.Wait()
		}
		close(hold)
		for c, answer := range answers {
			want := http.StatusOK
			if c == "large" {
				want = http.StatusRequestEntityTooLarge
			}
			if out := <-answer; out.Code != want {
				t.Errorf("%s: answer %d, want %d", c, out.Code, want)
			}
		}
		if len(to.got) != 4 {
			t.Errorf("wrote %q", to.values())
		}
	})
}

// What comes faster than the rate waits its turn for 5 s, then is asked to come again, never with 429.
func TestWebhookRate(t *testing.T) {
	inBubble(t, WebhookOptions{Rate: 10}, func(w *Webhooks, to *hookTopic) {
		var all sync.WaitGroup
		began := time.Now()
		for range 100 {
			all.Go(func() {
				if out := serve(w, delivered(key1, failed)); out.Code != http.StatusOK && (out.Code != http.StatusServiceUnavailable || out.Header().Get("Retry-After") == "") {
					t.Errorf("answer %d", out.Code)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); len(to.got) != 60 || w.counted(overRate) != 40 || took != 5*time.Second {
			t.Errorf("%d written, %d over the rate after %s", len(to.got), w.counted(overRate), took)
		}
		for range 100 { // wrong ones take nobody's turn
			serve(w, delivered(key2, failed))
		}
		if out := serve(w, delivered(key1, failed)); out.Code != http.StatusOK || time.Since(began) > 6*time.Second {
			t.Errorf("answer %d after %s", out.Code, time.Since(began))
		}
	})
}

// However many deliveries wait, so many bytes are held and no more; Kafka's writer has one batch at most.
func TestWebhooksHeld(t *testing.T) {
	inBubble(t, WebhookOptions{}, func(w *Webhooks, to *hookTopic) {
		w.room = 1 << 20
		to.answer = func(ctx context.Context, _ int, _ []kafka.Message) error { <-ctx.Done(); return ctx.Err() }
		body := strings.Replace(failed, "org_1", strings.Repeat("x", 100_000), 1)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if out := serve(w, delivered(key1, body)); out.Code != http.StatusServiceUnavailable {
					t.Errorf("answer %d", out.Code)
				}
			})
		}
		synctest.Wait()
		if held := w.held.Load(); held > w.room || held == 0 {
			t.Errorf("%d bytes held", held)
		}
		all.Wait()
		if n, late := w.counted(busy), w.counted(notWritten); n < 90 || n+late != 100 || w.held.Load() != 0 {
			t.Errorf("%d busy, %d not written, %d bytes held", n, late, w.held.Load())
		}
	})
}

// While a write hangs no second one is begun, and so many deliveries wait and no more.
func TestWebhooksWaiting(t *testing.T) {
	inBubble(t, WebhookOptions{Rate: 1 << 20}, func(w *Webhooks, to *hookTopic) {
		var inside, together atomic.Int64
		to.answer = func(ctx context.Context, _ int, all []kafka.Message) error {
			if inside.Add(1) > 1 || len(all) > maxTogether {
				together.Add(1)
			}
			<-ctx.Done()
			inside.Add(-1)
			return ctx.Err()
		}
		const sent = maxWaiting + 2*maxTogether
		var all sync.WaitGroup
		for range sent {
			all.Go(func() { serve(w, delivered(key1, failed)) })
		}
		all.Wait()
		n, late := w.counted(busy), w.counted(notWritten)
		if n+late != sent || late < maxWaiting || late > maxWaiting+maxTogether || together.Load() != 0 {
			t.Errorf("%d busy, %d not written; %d writes too many", n, late, together.Load())
		}
	})
}

// What is not written when the receiver ends is given back.
func TestWebhooksEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &hookTopic{answer: func(ctx context.Context, _ int, _ []kafka.Message) error { <-ctx.Done(); return ctx.Err() }}
		w := NewWebhooks(WebhookOptions{Keys: keysOf(t, key1), Writer: to})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { w.Run(ctx); close(ended) }()
		answer := send(w, delivered(key1, failed))
		synctest.Wait()
		began := time.Now()
		stop()
		<-ended
		if out := <-answer; out.Code != http.StatusServiceUnavailable || time.Since(began) > 0 {
			t.Errorf("answer %d after %s", out.Code, time.Since(began))
		}
	})
}

// Every result there can be is there from the start, described once, and the histogram has le buckets.
func TestWebhookMetrics(t *testing.T) {
	w, _ := receive(t, WebhookOptions{Keys: keysOf(t, key1)})
	serve(w, delivered(key1, failed))
	out := httptest.NewRecorder()
	w.Status().ServeHTTP(out, httptest.NewRequest("GET", "/metrics", nil))
	text := out.Body.String()
	for _, o := range outcomes {
		want := 0
		if o == written {
			want = 1
		}
		if !strings.Contains(text, fmt.Sprintf("\nrevwatch_ship_webhooks_total{result=%q} %d\n", o.name, want)) {
			t.Errorf("%s is not %d", o.name, want)
		}
	}
	for _, line := range []string{
		"# TYPE revwatch_ship_webhooks_total counter\n", `revwatch_ship_webhooks_dropped_total{type="sync"} 0`, "\nrevwatch_ship_webhooks_unsigned_total 0\n",
		"\nrevwatch_ship_webhooks_write_failures_total 0\n", `revwatch_ship_webhooks_seconds_bucket{le="+Inf"} 1`, "\nrevwatch_ship_webhooks_held_bytes 0\n",
		fmt.Sprintf("\nrevwatch_ship_webhooks_newest_timestamp_seconds %d\n", noon.Unix()), "\nprocess_start_time_seconds ",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
	if n := strings.Count(text, "# HELP revwatch_ship_webhooks_"); n != len(w.families) {
		t.Errorf("%d descriptions of %d families", n, len(w.families))
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/": 404} {
		out := httptest.NewRecorder()
		if w.Status().ServeHTTP(out, httptest.NewRequest("GET", path, nil)); out.Code != want {
			t.Errorf("%s: %d %s", path, out.Code, out.Body)
		}
	}
}
