package stream

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"sync/atomic"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// balancer gives all partitions to one member: a count split in two would be a wrong count. The last owner stays; without
// one, the member with the newest state of its own; else the lowest member id. The others stand by.
type balancer struct {
	stateTime  int64        // Unix milliseconds, 0 without state
	term       atomic.Int32 // generation in which this member owned last, 0 when another has owned since
	partitions func(topics []string) []kafka.Partition
	counts     atomic.Pointer[map[string]int] // of the partitions given away and not asked for by gave yet
}

// userDataSize: version 1, term int32, state time int64.
const userDataSize = 13

// ProtocolName is what members must agree on.
func (*balancer) ProtocolName() string { return "revwatch-one-owner" }

// UserData says what the leader needs to know of this member.
func (b *balancer) UserData() ([]byte, error) {
	data := make([]byte, 0, userDataSize)
	data = append(data, 1)
	data = binary.BigEndian.AppendUint32(data, uint32(b.term.Load()))
	return binary.BigEndian.AppendUint64(data, uint64(b.stateTime)), nil
}

// AssignGroups runs on the leader. The partitions that kafka-go has found are none at all while one of the topics is missing,
// so it looks itself as well.
func (b *balancer) AssignGroups(members []kafka.GroupMember, found []kafka.Partition) kafka.GroupMemberAssignments {
	if len(members) == 0 {
		return nil
	}
	owner := slices.MaxFunc(members, byClaim)
	all, counts := make(map[string][]int), make(map[string]int)
	for _, p := range append(b.partitions(owner.Topics), found...) {
		if slices.Contains(owner.Topics, p.Topic) && !slices.Contains(all[p.Topic], p.ID) {
			all[p.Topic] = append(all[p.Topic], p.ID)
		}
	}
	for _, topic := range owner.Topics {
		slices.Sort(all[topic])
		counts[topic] = len(all[topic])
	}
	b.counts.Store(&counts)
	out := make(kafka.GroupMemberAssignments, len(members))
	for _, m := range members {
		out[m.ID] = nil
	}
	out[owner.ID] = all
	return out
}

// gave returns, once, how many partitions of each topic were given away; nil when another member led the group.
func (b *balancer) gave() map[string]int {
	if counts := b.counts.Swap(nil); counts != nil {
		return *counts
	}
	return nil
}

func byClaim(a, b kafka.GroupMember) int {
	termA, stateA := claim(a.UserData)
	termB, stateB := claim(b.UserData)
	return cmp.Or(cmp.Compare(termA, termB), cmp.Compare(stateA, stateB), cmp.Compare(b.ID, a.ID))
}

func claim(data []byte) (term int32, state int64) {
	if len(data) < userDataSize || data[0] != 1 {
		return 0, 0
	}
	return int32(binary.BigEndian.Uint32(data[1:])), int64(binary.BigEndian.Uint64(data[5:]))
}

// partitions looks up the partitions of those topics that there are; none when that fails.
func (c *Consumer) partitions(topics []string) []kafka.Partition {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	m, err := c.transport().RoundTrip(ctx, c.addr, &metadata.Request{TopicNames: topics})
	if err != nil {
		return nil
	}
	var out []kafka.Partition
	for _, t := range m.(*metadata.Response).Topics {
		for _, p := range t.Partitions {
			out = append(out, kafka.Partition{Topic: t.Name, ID: int(p.PartitionIndex)})
		}
	}
	return out
}
