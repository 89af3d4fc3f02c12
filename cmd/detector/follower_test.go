package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/revwatch/revwatch/pkg/alert"
	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/store"
	"github.com/revwatch/revwatch/pkg/stream"
	"github.com/revwatch/revwatch/pkg/web"
)

// newFollower is a follower without a Kafka.
func newFollower(t *testing.T) *follower {
	t.Helper()
	c := defaults()
	f := &follower{engine: newEngine(&c, time.Time{}), silence: &silence{}, weekly: &weekly{}, drift: newDrift(&c), now: func() time.Time { return worldStart }, log: zap.NewNop(),
		watch: func(web.Snapshot) {}, server: web.New(web.Options{}), logged: map[string]int{}}
	f.incident, f.silence.change = f.decided, f.decided
	var err error
	if f.store, err = store.Open(filepath.Join(t.TempDir(), "state.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.store.Close() })
	if f.consumer, err = stream.New(stream.Options{Brokers: []string{"127.0.0.1:1"}, Topics: []string{"t"}, GroupID: "g"}); err != nil {
		t.Fatal(err)
	}
	if f.notifier, err = alert.NewNotifier(alert.Options{}); err != nil {
		t.Fatal(err)
	}
	return f
}

// A state that cannot be committed stops the reading, and nothing is told; when it can be again, reading goes on.
func TestCommitFails(t *testing.T) {
	f := newFollower(t)
	f.Assigned("t", 0, 10, -1)
	path := filepath.Join(t.TempDir(), "other.db")
	good := f.store
	bad, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := bad.Close(); err != nil {
		t.Fatal(err)
	}
	f.store = bad
	f.changed = true
	if err := f.Batch(stream.Batch{Topic: "t", Next: 10, HighWatermark: 10, FetchedAt: worldStart}); err != nil {
		t.Fatal(err)
	}
	f.check()
	if f.failing == nil || !f.Paused("t", 0) || !f.changed || !f.committed.IsZero() {
		t.Errorf("failing %v, paused %v, changed %v, committed %v", f.failing, f.Paused("t", 0), f.changed, f.committed)
	}
	f.store = good
	f.commit()
	if f.failing != nil || f.Paused("t", 0) || f.changed || f.committed.IsZero() {
		t.Errorf("still failing %v, paused %v, changed %v, committed %v", f.failing, f.Paused("t", 0), f.changed, f.committed)
	}
}

// Lost records leave the slots between the rows around them unobserved, also when the process ends in between; their number is exact.
func TestGapSurvivesARestart(t *testing.T) {
	f := newFollower(t)
	f.Assigned("t", 0, 10, -1)
	f.reader.Read([]byte(`{"id":"1767571200000_Ab000001","type":"operation","operation":{"type":"sync","action":"run"},"createdAt":"2026-01-05T00:00:00.000Z"}`), nango.Meta{Source: "t/0"})
	f.Gap("t", 0, 10, 25, stream.GapRetention)
	f.commit()
	again := &positions{}
	if err := f.store.LoadAll(again.restore); err != nil {
		t.Fatal(err)
	}
	p := again.at("t", 0)
	if p.Next != 25 || p.Gap != 15 || !p.GapAt.Equal(f.now()) || !p.LostSince.Equal(worldStart) || !p.known {
		t.Errorf("restored %+v", p)
	}
	if err := again.restore(bucketPositions, "no partition", []byte("{}")); err == nil || !strings.Contains(err.Error(), "no partition") {
		t.Errorf("a damaged key gave %v", err)
	}
}

// A producer's clock that is ahead, and a record without a time, count as appended now.
func TestAppended(t *testing.T) {
	const at = 1_767_571_200_000
	now := time.UnixMilli(at)
	for ms, want := range map[int64]int64{-1: at, 0: at, 1_640_000: at, at - 1: at - 1, at + 1: at} {
		if got := appended(ms, now); got != want {
			t.Errorf("appended(%d) is %d, want %d", ms, got, want)
		}
	}
}

// Only records that the group had committed, and our state had not read, were told by others.
func TestRelearn(t *testing.T) {
	at := func(h int) int64 { return worldStart.Add(time.Duration(h-100) * time.Hour).UnixMilli() }
	records := []stream.Record{{Offset: 0, Time: at(0)}, {Offset: 1, Time: at(1)}, {Offset: 2, Time: at(2)}, {Offset: 3, Time: at(3)}}
	for name, c := range map[string]struct {
		next, committed, end int64
		cut                  bool
		want                 int // hour of the newest record that was told, -1: none
	}{
		"the first start":             {0, -1, 4, false, -1},
		"another read half of it":     {0, 2, 4, false, 1},
		"our own commits":             {2, 2, 4, false, -1},
		"we are behind another":       {1, 3, 4, false, 2},
		"commits of an older log":     {0, 900, 4, false, -1},
		"the log was cut and is anew": {2, 4, 4, true, -1},
	} {
		f := newFollower(t)
		p := f.positions.at("t", 0)
		p.Next = c.next
		f.Assigned("t", 0, c.end, c.committed)
		if c.cut {
			f.Gap("t", 0, 0, 0, stream.GapTruncated)
		}
		if err := f.Batch(stream.Batch{Topic: "t", Records: records[p.Next:], Next: 4, HighWatermark: 4, FetchedAt: worldStart}); err != nil {
			t.Fatal(err)
		}
		if got := p.Told; c.want < 0 && !got.IsZero() || c.want >= 0 && got.UnixMilli() != at(c.want) {
			t.Errorf("%s: told until %v, want hour %d", name, got, c.want)
		}
	}
}
