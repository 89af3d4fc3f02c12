package stream

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/revwatch/revwatch/internal/broker"
)

// state makes a recorder that already holds a position.
func state(topic string, partition int, position int64) *recorder {
	h := newRecorder()
	h.next[topic] = map[int]int64{partition: position}
	return h
}

func (r *recorder) offsets() []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return offsets(r)
}

func (r *recorder) lost() []gap {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.gaps)
}

// upTo returns the offsets [from, to).
func upTo(from, to int64) []int64 {
	var out []int64
	for ; from < to; from++ {
		out = append(out, from)
	}
	return out
}

func TestWhereToStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reset string
		h     *recorder
		first int64 // offset of the first record read
		gaps  []gap
		err   error
	}{
		"earliest":               {ResetEarliest, newRecorder(), 4, nil, nil},
		"latest":                 {ResetLatest, newRecorder(), 10, nil, nil},
		"none":                   {ResetNone, newRecorder(), 0, nil, ErrNoPosition},
		"own position":           {ResetLatest, state("rows", 0, 7), 7, nil, nil},
		"none, own position":     {ResetNone, state("rows", 0, 7), 7, nil, nil},
		"before the log":         {ResetEarliest, state("rows", 0, 1), 4, []gap{{0, 1, 4, GapRetention}}, nil},
		"before the log, latest": {ResetLatest, state("rows", 0, 1), 10, []gap{{0, 1, 10, GapRetention}}, nil},
		"before the log, none":   {ResetNone, state("rows", 0, 1), 0, nil, ErrNoPosition},
		"behind the log":         {ResetEarliest, state("rows", 0, 50), 4, []gap{{0, 4, 4, GapTruncated}}, nil},
		"behind the log, latest": {ResetLatest, state("rows", 0, 50), 10, []gap{{0, 4, 10, GapTruncated}}, nil},
		"behind the log, none":   {ResetNone, state("rows", 0, 50), 0, nil, ErrNoPosition},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, broker.Options{Topics: []string{"rows"}})
			write(t, b.Addrs(), "rows", 0, values(0, 0, 10)...)
			if err := b.Cluster.DeleteRecords("rows", 0, 4); err != nil {
				t.Fatal(err)
			}
			o := quick(b.Addrs(), "rows")
			o.Reset = c.reset
			r := run(t, o, c.h)
			if c.err != nil {
				<-r.done
				if !errors.Is(r.err, c.err) {
					t.Errorf("error %v, want %v", r.err, c.err)
				}
				return
			}
			eventually(t, "the end", func() bool { return locked(c.h, func() bool { return c.h.batches > 0 && c.h.next["rows"][0] == 10 }) })
			write(t, b.Addrs(), "rows", 0, values(0, 10, 3)...)
			eventually(t, "the newest records", func() bool { o := c.h.offsets(); return len(o) > 0 && o[len(o)-1] == 12 })
			if got := c.h.offsets(); !slices.Equal(got, upTo(c.first, 13)) || !slices.Equal(c.h.lost(), c.gaps) {
				t.Errorf("read %v from %d, gaps %v, want %v", got, c.first, c.h.lost(), c.gaps)
			}
		})
	}
}

// While we do not look, the log loses its beginning: the loss is counted exactly.
func TestRetentionOvertakesUs(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Topics: []string{"rows"}})
	write(t, b.Addrs(), "rows", 0, values(0, 0, 10)...)
	h := newRecorder()
	run(t, quick(b.Addrs(), "rows"), h)
	eventually(t, "10 records", func() bool { return h.count() == 10 })
	h.pause(t, 0, true)
	write(t, b.Addrs(), "rows", 0, values(0, 10, 10)...)
	if err := b.Cluster.DeleteRecords("rows", 0, 15); err != nil {
		t.Fatal(err)
	}
	h.pause(t, 0, false)
	eventually(t, "the rest", func() bool { return h.count() == 15 })
	if want := append(upTo(0, 10), upTo(15, 20)...); !slices.Equal(h.offsets(), want) || !slices.Equal(h.lost(), []gap{{0, 10, 15, GapRetention}}) {
		t.Errorf("read %v, gaps %v", h.offsets(), h.lost())
	}
}

// pause sets what Paused answers and, when it pauses, waits until no fetch can be on its way any more.
func (r *recorder) pause(t *testing.T, partition int, on bool) {
	t.Helper()
	r.mu.Lock()
	r.paused[partition] = on
	batches := r.batches
	r.mu.Unlock()
	if !on {
		return
	}
	quiet := time.Now()
	eventually(t, "quiet", func() bool {
		now := locked(r, func() int { return r.batches })
		if now != batches {
			batches, quiet = now, time.Now()
		}
		return time.Since(quiet) > 150*time.Millisecond // three times MaxWait
	})
}

func TestPausedPartitionIsNotFetched(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Topics: []string{"rows"}, Partitions: 2})
	h := newRecorder()
	h.paused[0] = true
	o := quick(b.Addrs(), "rows")
	o.StallAfter = 200 * time.Millisecond // must not take a pause for a stall
	c := run(t, o, h)
	write(t, b.Addrs(), "rows", 0, append(values(0, 0, 5), values(1, 0, 5)...)...)
	eventually(t, "the open partition", func() bool { return h.count() == 5 })
	eventually(t, "some ticks", func() bool { return h.ticked() > 20 })
	if n := h.count(); n != 5 || c.Status().Stalled != 0 {
		t.Errorf("%d records with a paused partition, %d stalls", n, c.Status().Stalled)
	}
	h.pause(t, 0, false)
	eventually(t, "the other one", func() bool { return h.count() == 10 })
}

// A topic that is deleted and made anew: our position lies behind its end.
func TestTopicMadeAnew(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Topics: []string{"rows"}})
	write(t, b.Addrs(), "rows", 0, values(0, 0, 10)...)
	h := newRecorder()
	run(t, quick(b.Addrs(), "rows"), h)
	eventually(t, "10 records", func() bool { return h.count() == 10 })
	if err := errors.Join(b.Cluster.DeleteTopic("rows"), b.Cluster.CreateTopic("rows", 1, nil)); err != nil {
		t.Fatal(err)
	}
	write(t, b.Addrs(), "rows", 0, values(0, 0, 3)...)
	eventually(t, "the new records", func() bool { return h.count() == 13 })
	if !slices.Equal(h.lost(), []gap{{0, 0, 0, GapTruncated}}) || !slices.Equal(h.offsets(), append(upTo(0, 10), upTo(0, 3)...)) {
		t.Errorf("gaps %v, offsets %v", h.lost(), h.offsets())
	}
}

// A missing topic does not hide the others; when it comes it is read from its beginning, even with ResetLatest.
func TestMissingTopic(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Topics: []string{"rows"}})
	write(t, b.Addrs(), "rows", 0, values(0, 0, 10)...)
	h := newRecorder()
	o := quick(b.Addrs(), "rows", "later")
	o.Reset = ResetLatest
	c := run(t, o, h)
	eventually(t, "the end of the topic that is there", func() bool { return locked(h, func() bool { return h.next["rows"][0] == 10 }) })
	eventually(t, "a word on the missing one", func() bool { return c.Status().Err != "" })
	generation := c.Status().Generation
	if err := b.Cluster.CreateTopic("later", 2, nil); err != nil {
		t.Fatal(err)
	}
	write(t, b.Addrs(), "later", 0, values(1, 0, 7)...)
	eventually(t, "its records", func() bool { return h.count() == 7 })
	eventually(t, "no error", func() bool { return c.Status().Err == "" })
	if s := c.Status(); s.Partitions != 3 || s.Generation > generation+2 {
		t.Errorf("%d partitions; generation %d after %d", s.Partitions, s.Generation, generation)
	}
}

// Alone with a topic that does not exist, the member waits without rejoining over and over.
func TestNoTopicAtAll(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{})
	h := newRecorder()
	c := run(t, quick(b.Addrs(), "rows"), h)
	eventually(t, "a member without partitions", func() bool { s := c.Status(); return s.Joined && !s.Owner && s.Err != "" })
	eventually(t, "some ticks", func() bool { return h.ticked() > 20 })
	if s := c.Status(); s.Generation > 1 {
		t.Errorf("rejoined up to generation %d", s.Generation)
	}
	if err := b.Cluster.CreateTopic("rows", 1, nil); err != nil {
		t.Fatal(err)
	}
	write(t, b.Addrs(), "rows", 0, values(0, 0, 3)...)
	eventually(t, "records", func() bool { return h.count() == 3 })
}

// Partitions that are added are found, and read from their beginning: they are younger than our start.
func TestPartitionsAdded(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Topics: []string{"rows"}})
	h := newRecorder()
	o := quick(b.Addrs(), "rows")
	o.Reset = ResetLatest
	c := run(t, o, h)
	eventually(t, "the owner", func() bool { return locked(h, func() bool { return h.batches > 0 }) })
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := kafka.Client{Addr: kafka.TCP(b.Addrs()...), Transport: transport, Timeout: patience}
	res, err := client.CreatePartitions(t.Context(), &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{{Name: "rows", Count: 3}}})
	if err := errors.Join(err, res.Errors["rows"]); err != nil {
		t.Fatal(err)
	}
	write(t, b.Addrs(), "rows", 0, slices.Concat(values(0, 0, 2), values(1, 0, 2), values(2, 0, 2))...)
	eventually(t, "records of all partitions", func() bool { return h.count() == 6 })
	if s := c.Status(); s.Partitions != 3 {
		t.Errorf("%d partitions", s.Partitions)
	}
}
