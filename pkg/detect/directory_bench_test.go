package detect

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

const manyListed = 100_000

// manyConnections are of 30 providers and 5,000 customers.
func manyConnections() []nango.Listed {
	list := make([]nango.Listed, 0, manyListed)
	for i := range manyListed {
		list = append(list, nango.Listed{Integration: fmt.Sprint("integration-", i%50), Connection: fmt.Sprintf("5ecre7a0-1111-4222-8333-%012d", i), Provider: fmt.Sprint("provider-", i%30),
			Account: fmt.Sprint("organization-", i%5000), Tags: nango.TagsOf(map[string]string{"organization_id": fmt.Sprint("organization-", i%5000)}), Created: onset.Add(-time.Duration(i) * time.Minute)})
	}
	return list
}

func storedBytes(d *Detector) (n, bytes int) {
	d.Changes(func(_, key string, value []byte) { n, bytes = n+1, bytes+len(key)+len(value) })
	return n, bytes
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// What the owner of the core spends on a list of 100,000 connections: the first, with what it takes in memory and on disk afterwards, and one in which a
// hundred changed. Reading stands still meanwhile.
func BenchmarkList(b *testing.B) {
	b.Run("first", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			before, d, list := heap(), New(Options{}), manyConnections()
			b.StartTimer()
			d.List(listing(onset, list...))
			n, bytes := storedBytes(d)
			b.StopTimer()
			b.ReportMetric(float64(bytes)/float64(n), "disk-B/connection")
			list = nil
			b.ReportMetric((heap()-before)/manyListed, "memory-B/connection")
			runtime.KeepAlive(d)
		}
	})
	b.Run("next", func(b *testing.B) {
		d, list, at := New(Options{}), manyConnections(), onset
		d.List(listing(onset, list...))
		storedBytes(d)
		for i := 0; b.Loop(); i++ {
			for j := range 100 {
				x := &list[(i*100+j)%manyListed]
				x.Refused = !x.Refused
			}
			at = at.Add(15 * time.Minute)
			d.List(listing(at, list...))
			n, _ := storedBytes(d)
			b.ReportMetric(float64(n), "stored")
		}
	})
}
