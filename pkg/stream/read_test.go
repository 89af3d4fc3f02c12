package stream

import (
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/revwatch/revwatch/internal/broker"
)

func TestReadsEverything(t *testing.T) {
	b := start(t, broker.Options{Topics: []string{"rows"}, Partitions: 3})
	for p := range 3 {
		write(t, b.Addrs(), "rows", kafka.Lz4, values(p, 0, 100)...)
	}
	h := newRecorder()
	c := run(t, quick(b.Addrs(), "rows"), h)
	eventually(t, "300 records", func() bool { return h.count() == 300 })
	if took := c.stop(t); took.Seconds() > 2 {
		t.Errorf("stopping took %v", took)
	}
	if len(h.faults) > 0 || len(h.gaps) > 0 || c.err != nil {
		t.Errorf("faults %v, gaps %v, error %v", h.faults, h.gaps, c.err)
	}
}
