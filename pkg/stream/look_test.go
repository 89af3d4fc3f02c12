package stream

import (
	"context"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/revwatch/revwatch/internal/broker"
)

// from reads every partition from so many records before its end.
type from struct {
	*recorder
	back int64
}

func (f from) Assigned(topic string, partition int, end, committed int64) (int64, bool) {
	f.recorder.Assigned(topic, partition, end, committed)
	return max(end-f.back, 0), true
}

// look reads until the handler's Batch cancels.
func look(t *testing.T, o Options, h from, enough func() bool) error {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	h.onBatch = func(Batch) error {
		if enough() {
			cancel()
		}
		return nil
	}
	return c.Look(ctx, h)
}

// Look reads the end of several topics, an empty partition among them, and leaves no group behind.
func TestLookReadsTheEndAndCommitsNothing(t *testing.T) {
	b := start(t, broker.Options{Topics: []string{"rows", "more"}, Partitions: 3})
	write(t, b.Addrs(), "rows", kafka.Lz4, values(0, 0, 100)...)
	write(t, b.Addrs(), "rows", 0, values(1, 0, 4)...)
	write(t, b.Addrs(), "more", 0, values(2, 0, 20)...)
	h := from{newRecorder(), 10}
	if err := look(t, quick(b.Addrs(), "rows", "more"), h, func() bool { return h.count() == 10+4+10 }); err != nil {
		t.Fatal(err)
	}
	first := map[string]bool{}
	for _, r := range h.records {
		first[r.value] = true
	}
	if h.count() != 24 || !first["0/90"] || first["0/89"] || !first["1/0"] || !first["2/10"] || first["2/9"] || h.assigned != 6 || h.revoked != 1 || len(h.faults)+len(h.gaps) > 0 {
		t.Errorf("%d records, %d assigned, %d revoked, faults %v, gaps %v", h.count(), h.assigned, h.revoked, h.faults, h.gaps)
	}
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(b.Addrs()...), Transport: transport}
	groups, err := client.ListGroups(t.Context(), &kafka.ListGroupsRequest{})
	if err != nil || len(groups.Groups) > 0 {
		t.Errorf("groups %+v, %v", groups, err)
	}
}

// Where the log was deleted up to, the rest is read, and what is missing is said.
func TestLookBeginsWhereTheLogDoes(t *testing.T) {
	b := start(t, broker.Options{Topics: []string{"rows"}})
	write(t, b.Addrs(), "rows", 0, values(0, 0, 50)...)
	if err := b.Cluster.DeleteRecords("rows", 0, 45); err != nil {
		t.Fatal(err)
	}
	h := from{newRecorder(), 20}
	if err := look(t, quick(b.Addrs(), "rows"), h, func() bool { return h.count() == 5 }); err != nil {
		t.Fatal(err)
	}
	if len(h.gaps) != 1 || h.gaps[0] != (gap{0, 30, 45, GapRetention}) {
		t.Errorf("gaps %v", h.gaps)
	}
}

// A topic that is not there is an error, and is not made.
func TestLookDoesNotMakeTopics(t *testing.T) {
	b := start(t, broker.Options{Topics: []string{"rows"}})
	for range 2 {
		err := look(t, quick(b.Addrs(), "rows", "absent"), from{newRecorder(), 1}, func() bool { return false })
		if err == nil || !strings.Contains(err.Error(), "topic absent") {
			t.Fatalf("error %v", err)
		}
	}
}

// Errors of the handler end it.
func TestLookEndsWithTheHandler(t *testing.T) {
	b := start(t, broker.Options{Topics: []string{"rows"}})
	write(t, b.Addrs(), "rows", 0, values(0, 0, 1)...)
	c, err := New(quick(b.Addrs(), "rows"))
	if err != nil {
		t.Fatal(err)
	}
	h := from{newRecorder(), 1}
	h.onBatch = func(Batch) error { return context.Canceled }
	if err := c.Look(t.Context(), h); err != context.Canceled {
		t.Errorf("error %v", err)
	}
	if err := c.Look(t.Context(), h); err == nil {
		t.Error("it was used twice")
	}
}
