package ship

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/revwatch/revwatch/internal/counterpart"
)

// Whatever is written, updated, swept and rolled over, however late it becomes visible, and whatever fails and is killed meanwhile: in the end the
// last form of every row is on the topic.
func TestNothingIsLost(t *testing.T) {
	for _, opensearch := range []bool{false, true} {
		for seed := range uint64(2) {
			t.Run(fmt.Sprintf("opensearch=%v/%d", opensearch, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { play(t, opensearch, seed) })
			})
		}
	}
}

func play(t *testing.T, opensearch bool, seed uint64) {
	w := begin(t, opensearch, seed)
	for range 300 { // history over some days, with midnights
		w.live(time.Now().Add(-time.Duration(w.rng.Int64N(int64(80 * time.Hour)))))
	}
	w.start()
	swept := time.Now()
	for range 80 {
		w.pass(time.Duration(w.rng.Int64N(int64(4 * time.Minute))))
		for range w.rng.IntN(20) {
			w.live(time.Now())
		}
		if time.Since(swept) > 10*time.Minute {
			w.sweep(time.Now())
			swept = time.Now()
		}
		w.trouble()
	}
	w.engine.Heal()
	w.engine.Away(0)
	w.engine.Window(10_000)
	w.topic.failNext(nil)
	w.sweep(time.Now())
	w.pass(10 * time.Minute)
	w.check()
	if n := w.engine.Points(); n > 2 {
		t.Errorf("%d points in time are left open", n)
	}
}

// live lets Nango do something at a time.
func (w *world) live(at time.Time) {
	late := time.Duration(w.rng.Int64N(int64(90 * time.Second)))
	if time.Since(at) > time.Second {
		late = 0 // history: it was visible long ago
	}
	switch n := len(w.running); {
	case n > 0 && w.rng.IntN(3) == 0:
		i := w.rng.IntN(n)
		o := w.running[i]
		w.running = append(w.running[:i], w.running[i+1:]...)
		if at.Before(o.created) {
			at = o.created
		}
		w.end(o, "failed", at, late)
	case n > 0 && w.rng.IntN(3) == 0: // a request that took long: its row is written when it has ended, and bears the time at which it began
		w.message(w.running[w.rng.IntN(n)].id, at.Add(-time.Duration(w.rng.Int64N(int64(12*time.Minute)))), late)
	case w.rng.IntN(20) == 0: // one that does not say when it was changed
		id := w.id(at)
		w.put(operations, id, at, fmt.Sprintf(`{"id":"%s","state":"success","createdAt":"%s"}`, id, at.UTC().Format(stamp)), late)
	case w.rng.IntN(30) == 0: // a clock that is ahead
		w.message(w.id(at), at.Add(30*time.Minute), late)
	default:
		expires := time.Duration(1 + w.rng.Int64N(int64(time.Hour)))
		o := w.operation(at, expires, late)
		w.running = append(w.running, o)
		w.message(o.id, at.Add(-time.Duration(w.rng.IntN(200))*time.Millisecond), late)
	}
}

// trouble lets something go wrong, now and then.
func (w *world) trouble() {
	faults := []counterpart.Fault{
		counterpart.Status(503, `{"error":"closed"}`), counterpart.Busy(20 * time.Second), counterpart.Cut(), counterpart.Cut().Late(), counterpart.Hang(), counterpart.Reset(),
		counterpart.Status(200, `{"took":1,"timed_out":true,"_shards":{"total":2,"successful":2,"failed":0},"hits":{"hits":[]}}`),
		counterpart.Status(200, `{"took":1,"timed_out":false,"_shards":{"total":2,"successful":1,"failed":1},"hits":{"hits":[]}}`),
		counterpart.Status(200, "<html>"), counterpart.Flood(200, `{"hits":"`), counterpart.Drip(200, time.Second),
	}
	switch w.rng.IntN(12) {
	case 0:
		for range 1 + w.rng.IntN(4) {
			w.engine.Fail(make([]counterpart.Fault, w.rng.IntN(6))...)
			w.engine.Fail(faults[w.rng.IntN(len(faults))])
		}
	case 1:
		w.engine.Away(1 + w.rng.IntN(5))
	case 2:
		w.engine.Forget()
	case 3:
		w.engine.Window(1 + w.rng.IntN(50))
	case 4:
		w.topic.failNext(func(int) error { return kafka.NotEnoughReplicas })
	case 5:
		seed := w.rng.Uint64() // the writer is another goroutine's
		w.topic.failNext(func(n int) error {
			rng := rand.New(rand.NewPCG(seed, 1))
			some := make(kafka.WriteErrors, n)
			for i := range some {
				if rng.IntN(2) == 0 {
					some[i] = kafka.RequestTimedOut
				}
			}
			some[0] = kafka.RequestTimedOut
			return some
		})
	case 6:
		w.kill()
		w.pass(time.Duration(w.rng.Int64N(int64(3 * time.Hour))))
		w.start()
	case 7:
		w.stop()
		w.start()
	}
}

// Without failures nothing is put on the topic twice, neither by looking back nor by stopping and starting.
func TestNothingTwice(t *testing.T) {
	for _, opensearch := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := begin(t, opensearch, 5)
			for range 300 {
				w.live(time.Now().Add(-time.Duration(w.rng.Int64N(int64(80 * time.Hour)))))
			}
			w.start()
			for i := range 60 {
				w.pass(time.Minute)
				for range w.rng.IntN(20) {
					w.live(time.Now())
				}
				if i%7 == 6 {
					w.stop()
					w.start()
				}
			}
			w.pass(10 * time.Minute)
			w.check()
			if n := w.twice(); n > 0 {
				t.Errorf("%d of %d records are on the topic twice", n, len(w.topic.values))
			}
		})
	}
}
