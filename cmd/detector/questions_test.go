package main

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/web"
)

// Each question is answered once, on the owner's goroutine, a bounded number in a row; without an owner it ends with the asker's patience.
func TestQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQuestions()
		const all = 2*atOnce + 1
		var asking sync.WaitGroup
		for range all {
			asking.Go(func() {
				a, err := q.ask(t.Context(), detect.Question{Provider: "p"}, "14:05")
				if a.Provider != "p" || !errors.Is(err, errAny) {
					t.Error(a, err)
				}
			})
		}
		answered := 0
		owner := func(x detect.Question, at string) (detect.Answer, error) {
			answered++
			return detect.Answer{Provider: x.Provider}, errAny
		}
		for _, want := range []int{atOnce, 2 * atOnce, all, all} {
			synctest.Wait()
			if q.answerAll(owner); answered != want {
				t.Errorf("%d answered, want %d", answered, want)
			}
		}
		asking.Wait()

		patience, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := q.ask(patience, detect.Question{}, ""); !errors.Is(err, web.ErrUnavailable) {
			t.Error("nobody answers:", err)
		}
		if q.answerAll(owner); answered != all {
			t.Error("answered what nobody waits for any more")
		}
		close(q.ended)
		if _, err := q.ask(t.Context(), detect.Question{}, ""); !errors.Is(err, web.ErrUnavailable) {
			t.Error("after the end:", err)
		}
		(*questions)(nil).answerAll(owner)
	})
}
