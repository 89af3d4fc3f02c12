package main

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// epoch is when every simulated history begins, a Monday.
var epoch = time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC)

// World is a set of providers. Provider i is a function of the World and i alone, so any slice of them can be made by itself.
type World struct {
	Seed      uint64
	Providers int
	Days      int       // length of the whole history
	History   int       // days of it that are not judged
	Rates     []float64 // breaks a day of provider i mod len; nil: drawn as traits.go says
	Null      bool      // nothing labelled happens in the judged time, nuisances neither
	Together  int       // events that hit all providers at once, evenly spread over the judged time
}

// dense is a World as the tables use it: 150 days, of which 90 are judged.
func dense(seed uint64, providers, days int) World {
	return World{Seed: seed, Providers: providers, Days: days, History: days * 2 / 5}
}

// nullRates are 16 rates from one in 7 days to 200 a day, evenly spread by their logarithms.
var nullRates = []float64{.15, .24, .39, .63, 1.0, 1.6, 2.6, 4.3, 6.9, 11.2, 18.1, 29.2, 47.2, 76.4, 123.6, 200}

// null is a World in which every alarm of the judged time is false: clean, but with all that is ordinary, and with incidents nobody labelled
// in the history.
func null(seed uint64, providers, days int) World {
	w := dense(seed, providers, days)
	w.Rates, w.Null = nullRates, true
	return w
}

func (w World) end() time.Time    { return epoch.Add(time.Duration(w.Days) * day) }
func (w World) judged() time.Time { return epoch.Add(time.Duration(w.History) * day) }

// Provider makes one provider.
func (w World) Provider(i int) Provider {
	r := rand.New(rand.NewPCG(w.Seed, uint64(i)+1))
	g := &generator{w: w, r: r, t: drawTraits(w, r, i), gaps: w.gaps()}
	g.name = "p" + strconv.Itoa(i)
	g.ordinary()
	g.contaminate()
	if !w.Null {
		g.happenings()
	}
	g.together()
	return g.provider()
}

// Slice makes the providers [from, to), on two goroutines.
func (w World) Slice(from, to int) []Provider {
	out := make([]Provider, to-from)
	parallel(len(out), func(i int) { out[i] = w.Provider(from + i) })
	return out
}

// parallel calls f with 0 to n-1 on two goroutines.
func parallel(n int, f func(i int)) {
	var wait sync.WaitGroup
	next := make(chan int)
	for range 2 {
		wait.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wait.Wait()
}
