package nango

import (
	"bytes"

	"github.com/valyala/fastjson"
)

// wrapping is an object in which something is being read, and the field where that stands.
type wrapping struct{ object, field *fastjson.Value }

// nearestPath returns the operation id in the address to which an update was sent. Proxies and tees name that field as they like, so any text
// beside the document counts that has such a path in it: of the object around it, or the next one out, up to a list; then the record's headers.
// It is nil when there is none, or when there are several.
func (r *Reader) nearestPath(update, doc *fastjson.Value) []byte {
	search := pathSearch{r: r}
	search.in(update, doc)
	for i := len(r.wrappings) - 1; i >= 0 && search.id == nil; i-- {
		if r.wrappings[i].object == nil { // a list: what stands around it is said of no element
			return nil
		}
		search.in(r.wrappings[i].object, r.wrappings[i].field)
	}
	if search.id == nil {
		for _, h := range r.meta.Headers {
			search.note(pathID(h.Value))
		}
	}
	if search.several {
		return nil
	}
	return search.id
}

type pathSearch struct {
	r       *Reader
	id      []byte
	several bool // different ones
}

func (p *pathSearch) note(id []byte) {
	p.several = p.several || id != nil && p.id != nil && !bytes.Equal(id, p.id)
	if id != nil {
		p.id = id
	}
}

// in looks through v, but not at the field without.
func (p *pathSearch) in(v, without *fastjson.Value) {
	if v == without || p.r.work < 0 {
		return
	}
	switch v.Type() {
	case fastjson.TypeString:
		s := v.GetStringBytes()
		p.r.spend(8 + len(s)/8)
		p.note(pathID(s))
	case fastjson.TypeArray:
		p.r.spend(8)
		for _, e := range v.GetArray() {
			p.in(e, without)
		}
	case fastjson.TypeObject:
		p.r.spend(8)
		v.GetObject().Visit(func(_ []byte, field *fastjson.Value) { p.in(field, without) })
	}
}

// pathID returns the operation id in the path of a request for one document, nil when there is none: /index/_update/id.
func pathID(s []byte) []byte {
	for {
		i := bytes.Index(s, []byte("/_"))
		if i < 0 {
			return nil
		}
		s = s[i+2:]
		verb, id, _ := bytes.Cut(s[:min(len(s), 64)], []byte("/"))
		switch string(verb) {
		case "update", "doc", "create":
			if id = word(id, isCodeByte); isOperationID(id) {
				return id
			}
		}
	}
}
