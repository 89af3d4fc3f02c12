package ship

import (
	"encoding/binary"
	"hash/fnv"
)

// mostSeen bounds the rows that are remembered, at about 50 bytes each.
const mostSeen = 1_000_000

// seen remembers in which form each row was put on the topic, so that looking back does not put it there again. It keeps what was put there, or met
// again, since the newest row was one span older than it is, and up to one span more. Its bound forgets the oldest half: whoever looks back must not
// go behind what covers says, or puts rows on the topic again.
type seen struct {
	span       int64 // ms
	young, old map[uint64]uint64
	since      int64 // the newest row when young began
	covers     int64 // the newest row when old began: whatever was put on the topic since then is remembered
}

func newSeen(span int64) *seen {
	return &seen{span: span, young: map[uint64]uint64{}}
}

func seenKey(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return h.Sum64()
}

// knows says that a row was put on the topic in this form.
func (s *seen) knows(key, print uint64) bool {
	known, ok := s.young[key]
	if !ok {
		if known, ok = s.old[key]; ok {
			s.young[key] = known
		}
	}
	return ok && known == print
}

// keep remembers a row that was put on the topic.
func (s *seen) keep(key, print uint64) { s.young[key] = print }

// moved is told of the time of the newest row, and forgets what is too old to be met again.
func (s *seen) moved(newest int64) {
	if newest-s.since > s.span || len(s.young) >= mostSeen/2 {
		s.old, s.young = s.young, map[uint64]uint64{}
		s.since, s.covers = newest, s.since
	}
}

// bytes is what is remembered, for restore; that an earlier process put a row on the topic stays true.
func (s *seen) bytes() []byte {
	b := make([]byte, 0, 16*(len(s.young)+len(s.old)))
	for _, m := range []map[uint64]uint64{s.old, s.young} {
		for key, print := range m {
			b = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, key), print)
		}
	}
	return b
}

func (s *seen) restore(b []byte) {
	for ; len(b) >= 16; b = b[16:] {
		s.young[binary.LittleEndian.Uint64(b)] = binary.LittleEndian.Uint64(b[8:])
	}
}
