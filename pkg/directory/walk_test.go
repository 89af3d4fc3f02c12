package directory

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Whatever is made and deleted between two pages, a listing that succeeds has every connection that was there all the time, and none that was not there at
// any time; one that cannot have them all says so instead.
func TestListWhileItChanges(t *testing.T) {
	listed := 0
	for seed := range uint64(40) {
		within(t, func(t *testing.T, w *world) {
			chance := rand.New(rand.NewPCG(seed, 7))
			w.fill(chance.IntN(300))
			w.client.size = 10 + chance.IntN(40)
			made, stayed, ever := 0, w.nango.Names(), w.nango.Names()
			busy := chance.IntN(12)
			w.nango.Paging = func() {
				for range chance.IntN(1 + busy) {
					if names := w.nango.Names(); chance.IntN(2) == 0 && len(names) > 0 {
						gone := names[min(chance.IntN(len(names)), chance.IntN(len(names)))] // mostly of the front, which moves the rest
						w.nango.Deleting(gone)
						stayed = slices.DeleteFunc(stayed, func(s string) bool { return s == gone })
						continue
					}
					made++
					x := plain(fmt.Sprint("new", made))
					x.Created = time.Date(2026, 2, 1, 0, 0, made, 0, time.UTC)
					w.nango.Adding(x)
					ever = append(ever, x.Connection)
				}
			}
			l, err := w.client.List(t.Context())
			if err != nil {
				if f, ours := errors.AsType[*Fault](err); !ours || f.Kind != Unsteady {
					t.Fatal(seed, err)
				}
				return
			}
			listed++
			got := ids(l)
			for _, s := range stayed {
				if _, listed := slices.BinarySearch(got, s); !listed && !l.Partial {
					t.Errorf("seed %d, pages of %d: %s was there all the time and is not listed", seed, w.client.size, s)
				}
			}
			for _, s := range got {
				if !slices.Contains(ever, s) {
					t.Errorf("seed %d: %s was never there", seed, s)
				}
			}
		})
	}
	if listed < 20 {
		t.Errorf("%d listings: the trials are too wild", listed)
	}
}

// A burst of deletions between two pages is noticed, and the list is read again; when it never ends, there is no listing.
func TestUnsteady(t *testing.T) {
	for _, bursts := range []int{1, 100} {
		within(t, func(t *testing.T, w *world) {
			w.fill(2000)
			w.client.size = 100
			left := bursts
			w.nango.Paging = func() {
				if names := w.nango.Names(); left > 0 && len(w.client.Status().Requests) > 0 && len(names) > 50 {
					left--
					w.nango.Deleting(names[:50]...)
				}
			}
			l, err := w.client.List(t.Context())
			f, unsteady := errors.AsType[*Fault](err)
			if bursts == 1 && (err != nil || len(l.Connections) != 1950) || bursts > 1 && (!unsteady || f.Kind != Unsteady) {
				t.Errorf("%d bursts: %d connections, %v", bursts, len(l.Connections), err)
			}
		})
	}
}
