package ship

import (
	"hash/fnv"
	"time"

	"github.com/valyala/fastjson"
)

// row is what is looked at of a document. What cannot be read is empty: the row goes to the topic all the same.
type row struct {
	id      string
	key     string // of the record: rows of one operation share it
	open    bool   // an operation that may change yet
	expires int64  // Unix ms; 0: it does not say
	dummy   bool   // what Nango writes at its first start
	print   uint64 // of its bytes
}

// rowOf looks at a document.
func (p *rowParser) rowOf(h *hit) row {
	r := row{id: h.ID, key: h.ID, print: fingerprint(h.Source)}
	v, err := p.ParseBytes(h.Source)
	if err != nil {
		return r
	}
	text := func(name string) string { return string(v.GetStringBytes(name)) }
	parent, id := text("parentId"), text("id")
	r.dummy = id == "-1" || parent == "-1"
	switch {
	case parent != "":
		r.key = parent
		return r
	case id != "":
		r.id, r.key = id, id
	}
	state := text("state")
	r.open = state == "waiting" || state == "running"
	if t, err := time.Parse(time.RFC3339, text("expiresAt")); err == nil {
		r.expires = t.UnixMilli()
	}
	return r
}

// rowParser reads one row after the other in the same memory.
type rowParser struct{ fastjson.Parser }

// fingerprint is as good as never the same for two forms of one row. It is the same in every process.
func fingerprint(b []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(b)
	return h.Sum64()
}
