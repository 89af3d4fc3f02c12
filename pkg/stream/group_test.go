package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/internal/broker"
)

// One of two members owns everything; when it leaves, the other takes over at once, from the state that it shares here.
func TestOneOwnerAndTakeover(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Topics: []string{"rows", "more"}, Partitions: 3})
	o := quick(b.Addrs(), "rows", "more")
	o.SessionTimeout = 5 * time.Second // leaving must not need it
	first, second := newRecorder(), newRecorder()
	a := run(t, o, first)
	eventually(t, "an owner", func() bool { return a.Status().Owner })
	z := run(t, o, second)
	eventually(t, "a member that stands by", func() bool { return z.Status().Joined })
	write(t, b.Addrs(), "rows", 0, slices.Concat(values(0, 0, 10), values(1, 0, 10), values(2, 0, 10))...)
	eventually(t, "30 records", func() bool { return first.count() == 30 })
	if s := z.Status(); s.Owner || s.Partitions != 0 || second.count() != 0 || a.Status().Partitions != 6 {
		t.Errorf("standing by: %+v, owner: %+v", s, a.Status())
	}
	first.onRevoke = func() { second.adopt(first.positions()) }
	began := time.Now()
	a.stop(t)
	write(t, b.Addrs(), "rows", 0, values(1, 10, 5)...)
	eventually(t, "the successor", func() bool { return second.count() == 5 })
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("takeover took %v", took)
	}
	if first.revoked == 0 || len(second.faults) > 0 || !z.Status().Owner {
		t.Errorf("revoked %d times, faults %v", first.revoked, second.faults)
	}
	if got := committed(b, "rows", 0); got != 10 {
		t.Errorf("committed %d, want 10", got)
	}
}

// adopt takes over positions as a state file would bring them.
func (r *recorder) adopt(p Positions) {
	r.mu.Lock()
	defer r.mu.Unlock()
	Positions(r.next).merge(p)
}

func committed(b *broker.Broker, topic string, partition int32) int64 {
	g := b.Cluster.GroupInfo("group")
	if g == nil {
		return -1
	}
	if c, ok := g.Commits[topic][partition]; ok {
		return c.Offset
	}
	return -1
}

// The last owner stays the owner when members come, with the higher member id or the lower.
func TestOwnerStaysWhenMembersCome(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Topics: []string{"rows"}})
	first := newRecorder()
	a := run(t, quick(b.Addrs(), "rows"), first)
	eventually(t, "an owner", func() bool { return a.Status().Owner })
	for i := range 4 {
		r := run(t, quick(b.Addrs(), "rows"), newRecorder())
		eventually(t, "a member that stands by", func() bool {
			return r.Status().Joined && a.Status().Joined && a.Status().Generation == r.Status().Generation
		})
		if r.Status().Partitions != 0 || a.Status().Partitions != 1 {
			t.Fatalf("member %d: %+v, first: %+v", i, r.Status(), a.Status())
		}
	}
}

// An owner whose handler hangs while the group does not hear of it: the other takes over after the session timeout, and what
// the first one commits when it wakes is refused.
func TestZombieIsFenced(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Topics: []string{"rows"}})
	o := quick(b.Addrs(), "rows")
	first, second := newRecorder(), newRecorder()
	hang := make(chan struct{})
	first.onBatch = func(batch Batch) error {
		if len(batch.Records) > 0 {
			<-hang
		}
		return nil
	}
	a := run(t, o, first)
	eventually(t, "an owner", func() bool { return a.Status().Owner })
	z := run(t, o, second)
	eventually(t, "a member that stands by", func() bool { return z.Status().Joined })
	write(t, b.Addrs(), "rows", 0, values(0, 0, 5)...)
	eventually(t, "the first batch", func() bool { return first.count() == 5 })

	silence(b, z.Status().Member)
	eventually(t, "the successor", func() bool { return second.count() == 5 })
	if a.Status().Owner {
		t.Error("cut off for a session and still the owner")
	}
	write(t, b.Addrs(), "rows", 0, values(0, 5, 5)...)
	eventually(t, "5 more", func() bool { return second.count() == 10 })
	z.Commit(second.positions())
	eventually(t, "its commit", func() bool { return committed(b, "rows", 0) == 10 })
	close(hang)
	eventually(t, "the end of the first", func() bool { return locked(first, func() bool { return first.revoked > 0 }) })
	a.stop(t)
	if got := committed(b, "rows", 0); got != 10 {
		t.Errorf("the zombie moved the group to %d", got)
	}
}

// silence makes the group deaf for all members but one.
func silence(b *broker.Broker, but string) {
	deaf := func(r kmsg.Request) (kmsg.Response, error, bool) {
		member := ""
		switch r := r.(type) {
		case *kmsg.HeartbeatRequest:
			member = r.MemberID
		case *kmsg.JoinGroupRequest:
			member = r.MemberID
		case *kmsg.LeaveGroupRequest:
			member = r.MemberID
		}
		if member == but {
			return nil, nil, false
		}
		b.Cluster.KeepControl()
		return nil, errors.New("cut"), true
	}
	for _, k := range []kmsg.Key{kmsg.Heartbeat, kmsg.JoinGroup, kmsg.LeaveGroup} {
		b.Cluster.ControlKey(k.Int16(), deaf)
	}
}

// A handler that takes longer than the session does not lose the partitions: heartbeats go on.
func TestSlowHandlerStaysOwner(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Topics: []string{"rows"}})
	o := quick(b.Addrs(), "rows")
	o.SessionTimeout = 300 * time.Millisecond
	h := newRecorder()
	release := make(chan struct{})
	h.onBatch = func(batch Batch) error {
		if len(batch.Records) > 0 {
			<-release
		}
		return nil
	}
	c := run(t, o, h)
	write(t, b.Addrs(), "rows", 0, values(0, 0, 5)...)
	eventually(t, "the batch", func() bool { return h.count() == 5 })
	time.AfterFunc(3*o.SessionTimeout, func() { close(release) })
	<-release
	write(t, b.Addrs(), "rows", 0, values(0, 5, 5)...)
	eventually(t, "10 records", func() bool { return h.count() == 10 })
	if s := c.Status(); s.Generation != 1 || !s.Owner || len(h.faults) > 0 {
		t.Errorf("%+v, faults %v", s, h.faults)
	}
}

// A member comes while the owner's handler hangs for longer than the group waits for it to hand over: the owner stays the
// owner, and goes on where its state is.
func TestRebalanceDuringSlowHandler(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Topics: []string{"rows"}})
	o := quick(b.Addrs(), "rows")
	o.SessionTimeout = 400 * time.Millisecond
	h := newRecorder()
	release := make(chan struct{})
	h.onBatch = func(batch Batch) error {
		if len(batch.Records) > 0 {
			<-release
		}
		return nil
	}
	a := run(t, o, h)
	write(t, b.Addrs(), "rows", 0, values(0, 0, 5)...)
	eventually(t, "the batch", func() bool { return h.count() == 5 })
	z := run(t, o, newRecorder())
	eventually(t, "a member that stands by", func() bool { return z.Status().Joined })
	close(release)
	write(t, b.Addrs(), "rows", 0, values(0, 5, 5)...)
	eventually(t, "10 records", func() bool { return h.count() == 10 })
	if s := z.Status(); s.Partitions != 0 || len(h.faults) > 0 || len(h.lost()) > 0 {
		t.Errorf("standing by: %+v, faults %v, gaps %v", s, h.faults, h.lost())
	}
	eventually(t, "one generation", func() bool { s := a.Status(); return s.Owner && s.Generation == z.Status().Generation })
}

// An error of the handler ends Run with it, without Revoked: the state may not be fit to be committed.
func TestHandlerErrorEndsRun(t *testing.T) {
	b := start(t, broker.Options{Topics: []string{"rows"}})
	h := newRecorder()
	broken := errors.New("disk full")
	h.onBatch = func(batch Batch) error {
		if len(batch.Records) > 0 {
			return broken
		}
		return nil
	}
	r := run(t, quick(b.Addrs(), "rows"), h)
	write(t, b.Addrs(), "rows", 0, values(0, 0, 5)...)
	<-r.done
	if r.err != broken || h.revoked != 0 {
		t.Errorf("error %v, revoked %d times", r.err, h.revoked)
	}
	if err := r.Run(t.Context(), h); err == nil {
		t.Error("a second Run was accepted")
	}
}

// Commit, from any goroutine, in the order of calls; without ownership it does nothing.
func TestCommit(t *testing.T) {
	b := start(t, broker.Options{Topics: []string{"rows"}, Partitions: 2})
	h := newRecorder()
	c := run(t, quick(b.Addrs(), "rows"), h)
	c.Commit(Positions{"rows": {0: 99}}) // before it owns anything, or just after
	eventually(t, "an owner", func() bool { return c.Status().Owner })
	for i := range int64(50) {
		c.Commit(Positions{"rows": {0: i}})
	}
	c.Commit(Positions{"rows": {1: 7}})
	eventually(t, "both", func() bool { return committed(b, "rows", 0) == 49 && committed(b, "rows", 1) == 7 })
}

func TestCommitSurvivesFaults(t *testing.T) {
	b := start(t, broker.Options{Topics: []string{"rows"}})
	h := newRecorder()
	c := run(t, quick(b.Addrs(), "rows"), h)
	eventually(t, "an owner", func() bool { return c.Status().Owner })
	b.Cluster.RehashCoordinators()
	c.Commit(Positions{"rows": {0: 5}})
	eventually(t, "the commit", func() bool { return committed(b, "rows", 0) == 5 })
}

// A commit that is refused for good says that the partitions are somebody else's: they are given up and the group is joined anew.
func TestRefusedCommitEndsOwnership(t *testing.T) {
	b := start(t, broker.Options{Topics: []string{"rows"}})
	o := quick(b.Addrs(), "rows")
	o.Heartbeat = patience // nothing else tells
	o.SessionTimeout = 2 * patience
	h := newRecorder()
	c := run(t, o, h)
	eventually(t, "an owner", func() bool { return c.Status().Owner })
	generation := c.Status().Generation
	b.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.IllegalGeneration})
	c.Commit(Positions{"rows": {0: 1}})
	eventually(t, "a new generation", func() bool { s := c.Status(); return s.Owner && s.Generation > generation })
	if n := locked(h, func() int { return h.revoked }); n != 1 {
		t.Errorf("revoked %d times", n)
	}
}

// All partitions go to exactly one member: the newest owner, else the newest state, else the lowest id; in whatever order
// members are listed.
func TestBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var members []kafka.GroupMember
		best := -1
		var claims [][2]int
		for i := range rapid.IntRange(1, 5).Draw(t, "members") {
			b := &balancer{stateTime: int64(rapid.IntRange(0, 2).Draw(t, "state"))}
			b.term.Store(int32(rapid.IntRange(0, 2).Draw(t, "term")))
			data, _ := b.UserData()
			members = append(members, kafka.GroupMember{ID: fmt.Sprint("m", i), Topics: []string{"rows"}, UserData: data})
			claims = append(claims, [2]int{int(b.term.Load()), int(b.stateTime)})
			if best < 0 || claims[i][0] > claims[best][0] || claims[i][0] == claims[best][0] && claims[i][1] > claims[best][1] {
				best = i
			}
		}
		want := members[best].ID
		members = rapid.Permutation(members).Draw(t, "order")
		b := &balancer{partitions: func([]string) []kafka.Partition {
			return []kafka.Partition{{Topic: "rows", ID: 2}, {Topic: "rows", ID: 0}}
		}}
		out := b.AssignGroups(members, []kafka.Partition{{Topic: "rows", ID: 0}, {Topic: "rows", ID: 1}, {Topic: "other", ID: 0}})
		for _, m := range members {
			got := out[m.ID]
			if m.ID == want && (len(got) != 1 || !slices.Equal(got["rows"], []int{0, 1, 2})) || m.ID != want && len(got) != 0 {
				t.Fatalf("%s got %v, owner should be %s", m.ID, got, want)
			}
		}
		if counts := b.gave(); counts["rows"] != 3 || b.gave() != nil {
			t.Fatalf("counts %v", counts)
		}
	})
}

// Nobody answers, or somebody accepts and is silent: Status says so and Run ends soon after its context.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{"refused": refusing(t), "silent": silent(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newRecorder()
			c := run(t, quick([]string{address}, "rows"), h)
			if name == "refused" {
				eventually(t, "an error", func() bool { return c.Status().Err != "" })
			}
			eventually(t, "some ticks", func() bool { return h.ticked() > 10 })
			if took := c.stop(t); took > 4*time.Second || c.err != nil {
				t.Errorf("Run ended after %v with %v", took, c.err)
			}
			if s := c.Status(); s.Joined || s.Owner {
				t.Errorf("%+v", s)
			}
		})
	}
}

// The broker goes away under an owner that is reading: stopping does not hang either.
func TestStopWithoutBroker(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{Topics: []string{"rows"}})
	h := newRecorder()
	c := run(t, quick(b.Addrs(), "rows"), h)
	eventually(t, "an owner", func() bool { return c.Status().Owner })
	b.Close()
	eventually(t, "an error", func() bool { return c.Status().Err != "" })
	eventually(t, "no ownership", func() bool { return !c.Status().Owner })
	if took := c.stop(t); took > 4*time.Second || c.err != nil {
		t.Errorf("Run ended after %v with %v", took, c.err)
	}
}

func TestContextEndsBeforeRun(t *testing.T) {
	b := start(t, broker.Options{Topics: []string{"rows"}})
	c, err := New(quick(b.Addrs(), "rows"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Run(ctx, newRecorder()); err != nil {
		t.Error(err)
	}
}
