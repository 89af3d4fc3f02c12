package main

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/revwatch/revwatch/pkg/web"
)

// Each question is answered once, on the owner's goroutine, a bounded number in a row; without an owner it ends with the asker's patience.
func TestQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQuestions()
		const all = 2*atOnce + 1
		answered := 0 // by the owner alone
		nothing := func() (int, error) { answered++; return 0, nil }
		var asking sync.WaitGroup
		for range all {
			asking.Go(func() {
				a, err := ask(t.Context(), q, func() (int, error) { answered++; return answered, errAny })
				if a == 0 || !errors.Is(err, errAny) {
					t.Error(a, err)
				}
			})
		}
		for _, want := range []int{atOnce, 2 * atOnce, all, all} {
			synctest.Wait()
			if q.answerAll(); answered != want {
				t.Errorf("%d answered, want %d", answered, want)
			}
		}
		asking.Wait()

		slow := 0 // each takes more than half of what may be spent in a row
		for range 3 {
			asking.Go(func() {
				_, _ = ask(t.Context(), q, func() (int, error) { slow++; time.Sleep(answering * 2 / 3); return 0, nil })
			})
		}
		for _, want := range []int{2, 3} {
			synctest.Wait()
			if q.answerAll(); slow != want {
				t.Errorf("%d slow ones answered, want %d", slow, want)
			}
		}
		asking.Wait()

		patience, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := ask(patience, q, nothing); !errors.Is(err, web.ErrUnavailable) {
			t.Error("nobody answers:", err)
		}
		if q.answerAll(); answered != all {
			t.Error("answered what nobody waits for any more")
		}
		close(q.ended)
		if _, err := ask(t.Context(), q, nothing); !errors.Is(err, web.ErrUnavailable) {
			t.Error("after the end:", err)
		}
		(*questions)(nil).answerAll()
	})
}
