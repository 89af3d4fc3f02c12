package detect

import (
	"fmt"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// What the owner of the core spends on a list of 100,000 connections: the first, and one in which a hundred changed. Reading stands still meanwhile.
func BenchmarkList(b *testing.B) {
	const all = 100_000
	list := make([]nango.Listed, 0, all)
	for i := range all {
		list = append(list, nango.Listed{Integration: fmt.Sprint("integration-", i%50), Connection: fmt.Sprintf("5ecre7a0-1111-4222-8333-%012d", i), Provider: fmt.Sprint("provider-", i%30),
			Account: fmt.Sprint("organization-", i%5000), Tags: nango.TagsOf(map[string]string{"organization_id": fmt.Sprint("organization-", i%5000)}), Created: onset.Add(-time.Duration(i) * time.Minute)})
	}
	stored := func(d *Detector) (n, bytes int) {
		d.Changes(func(_, key string, value []byte) { n, bytes = n+1, bytes+len(key)+len(value) })
		return n, bytes
	}
	b.Run("first", func(b *testing.B) {
		for range b.N {
			d := New(Options{})
			d.List(listing(onset, list...))
			n, bytes := stored(d)
			b.ReportMetric(float64(bytes)/float64(n), "B/connection")
		}
	})
	b.Run("next", func(b *testing.B) {
		d := New(Options{})
		d.List(listing(onset, list...))
		stored(d)
		at := onset
		for i := 0; b.Loop(); i++ {
			for j := range 100 {
				list[(i*100+j)%all].Refused = !list[(i*100+j)%all].Refused
			}
			at = at.Add(15 * time.Minute)
			d.List(listing(at, list...))
			n, _ := stored(d)
			b.ReportMetric(float64(n), "stored")
		}
	})
}
