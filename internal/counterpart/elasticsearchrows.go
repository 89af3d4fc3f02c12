package counterpart

import (
	"encoding/json"
	"slices"
	"time"
)

// index is one index with its documents.
type index struct {
	name, alias string
	fields      map[string]string // field → type
	documents   []*document
	byID        map[string]*document
}

// document is a document with its forms, the oldest first.
type document struct {
	id    string
	forms []form
}

type form struct {
	source  []byte
	fields  map[string]any // parsed
	visible time.Time
}

// stored is a document as a point in time holds it.
type stored struct {
	index  *index
	id     string
	source []byte
	fields map[string]any
}

// nangoFields are the types of Nango's mappings, as far as they are asked for.
var nangoFields = map[string]string{
	"id": "keyword", "parentId": "keyword", "state": "keyword", "type": "keyword", "message": "text", "createdAt": "date", "updatedAt": "date",
	"expiresAt": "date", "startedAt": "date", "endedAt": "date",
}

// Write puts a document into the index of its day behind an alias, over one with the same id, as Nango's pipeline does. Searches see it after a while.
func (e *Elasticsearch) Write(alias, id string, created time.Time, source []byte, after time.Duration) {
	e.change(func() {
		e.index(alias+"."+created.UTC().Format(time.DateOnly), alias, nangoFields).write(id, source, after)
	})
}

// Create makes an index with a mapping of its own: field → type.
func (e *Elasticsearch) Create(name, alias string, fields map[string]string) {
	e.change(func() { e.index(name, alias, fields) })
}

// Drop deletes the indices that a name, an alias or a pattern stands for.
func (e *Elasticsearch) Drop(expression string) {
	e.change(func() {
		gone := e.resolve(expression)
		e.indices = slices.DeleteFunc(e.indices, func(i *index) bool { return slices.Contains(gone, i) })
	})
}

func (e *Elasticsearch) index(name, alias string, fields map[string]string) *index {
	for _, i := range e.indices {
		if i.name == name {
			return i
		}
	}
	i := &index{name: name, alias: alias, fields: fields, byID: map[string]*document{}}
	e.indices = append(e.indices, i)
	return i
}

// write adds a form of a document. Forms become visible in their order.
func (i *index) write(id string, source []byte, after time.Duration) {
	d := i.byID[id]
	if d == nil {
		d = &document{id: id}
		i.byID[id] = d
		i.documents = append(i.documents, d)
	}
	f := form{source: source, visible: time.Now().Add(after)}
	_ = json.Unmarshal(source, &f.fields)
	if n := len(d.forms); n > 0 && d.forms[n-1].visible.After(f.visible) {
		f.visible = d.forms[n-1].visible
	}
	d.forms = append(d.forms, f)
}

// visible are the documents that a search sees at a time, each in the form that it sees.
func (i *index) visible(now time.Time) (all []stored) {
	for _, d := range i.documents {
		for n := len(d.forms) - 1; n >= 0; n-- {
			if f := d.forms[n]; !f.visible.After(now) {
				all = append(all, stored{index: i, id: d.id, source: f.source, fields: f.fields})
				break
			}
		}
	}
	return all
}

// value is what a field is sorted and sought by: Unix ms of dates, text of keywords; nil: the document lacks it, or the mapping does.
func (s *stored) value(field string) any {
	text, ok := s.fields[field].(string)
	switch kind := s.index.fields[field]; {
	case !ok || kind == "":
		return nil
	case kind == "date":
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil
		}
		return t.UnixMilli()
	default:
		return text
	}
}
