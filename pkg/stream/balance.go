package stream

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sync/atomic"

	"github.com/segmentio/kafka-go"
)

// balancer gives all partitions to one member: a count split in two would be a wrong count. The last owner stays; without
// one, the member with the newest state of its own; else the lowest member id. The others stand by.
type balancer struct {
	stateTime int64        // Unix milliseconds, 0 without state
	term      atomic.Int32 // generation in which this member owned last, 0 when another has owned since
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

// AssignGroups runs on the leader.
func (*balancer) AssignGroups(members []kafka.GroupMember, partitions []kafka.Partition) kafka.GroupMemberAssignments {
	if len(members) == 0 {
		return nil
	}
	owner := slices.MaxFunc(members, func(a, b kafka.GroupMember) int {
		termA, stateA := claim(a.UserData)
		termB, stateB := claim(b.UserData)
		return cmp.Or(cmp.Compare(termA, termB), cmp.Compare(stateA, stateB), cmp.Compare(b.ID, a.ID))
	})
	all := make(map[string][]int)
	for _, p := range partitions {
		if slices.Contains(owner.Topics, p.Topic) {
			all[p.Topic] = append(all[p.Topic], p.ID)
		}
	}
	for _, ids := range all {
		slices.Sort(ids)
	}
	out := make(kafka.GroupMemberAssignments, len(members))
	for _, m := range members {
		out[m.ID] = nil
	}
	out[owner.ID] = all
	return out
}

func claim(data []byte) (term int32, state int64) {
	if len(data) < userDataSize || data[0] != 1 {
		return 0, 0
	}
	return int32(binary.BigEndian.Uint32(data[1:])), int64(binary.BigEndian.Uint64(data[5:]))
}
