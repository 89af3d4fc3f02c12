package nango

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/valyala/fastjson"
)

// Tags say whose a connection is, as the customer's own system names it: at most 8 allow-listed keys, each with a value of at most 128 bytes
// that is no e-mail address. They can be compared: equal tags are equal, "" is none. Their JSON form is an object.
type Tags string

const (
	maxTags = 8
	maxTag  = 128
)

// tag is one of them.
type tag struct{ key, value string }

func makeTags(list []tag) Tags {
	var b strings.Builder
	for _, t := range list[:min(len(list), maxTags)] {
		b.WriteString(t.key + "\x00" + t.value + "\x00")
	}
	return Tags(b.String())
}

// All yields keys and values in the order of the keys.
func (t Tags) All() func(yield func(key, value string) bool) {
	return func(yield func(key, value string) bool) {
		for rest := string(t); rest != ""; {
			var key, value string
			key, rest, _ = strings.Cut(rest, "\x00")
			value, rest, _ = strings.Cut(rest, "\x00")
			if !yield(key, value) {
				return
			}
		}
	}
}

// Over returns t and what o adds to it.
func (t Tags) Over(o Tags) Tags { return t.with(o, func(mine, _ string) string { return mine }) }

// merge returns the union; of two values for a key the greater, so that the order of rows does not matter.
func (t Tags) merge(o Tags) Tags { return t.with(o, func(a, b string) string { return max(a, b) }) }

func (t Tags) with(o Tags, pick func(mine, other string) string) Tags {
	switch {
	case t == o || o == "":
		return t
	case t == "":
		return o
	}
	all := map[string]string{}
	for k, v := range o.All() {
		all[k] = v
	}
	for k, v := range t.All() {
		if other, ok := all[k]; ok {
			v = pick(v, other)
		}
		all[k] = v
	}
	return TagsOf(all)
}

// TagsOf returns the tags of a map, without those that say nothing; of more than 8 the first ones. It trusts what it is given: length and
// e-mail addresses are the business of who reads rows.
func TagsOf(all map[string]string) Tags {
	list := make([]tag, 0, len(all))
	for k, v := range all {
		if v != "" && !strings.Contains(k+v, "\x00") {
			list = append(list, tag{k, v})
		}
	}
	slices.SortFunc(list, func(a, b tag) int { return strings.Compare(a.key, b.key) })
	return makeTags(list)
}

// MarshalJSON writes an object.
func (t Tags) MarshalJSON() ([]byte, error) {
	all := map[string]string{}
	for k, v := range t.All() {
		all[k] = v
	}
	return json.Marshal(all)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Tags) UnmarshalJSON(b []byte) error {
	var all map[string]string
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	*t = TagsOf(all)
	return nil
}

// Where rows and webhooks keep the tags that have a field of their own.
var tagFields = map[string][][]string{
	"organization_id": {{"endUser", "organizationId"}, {"endUser", "organization", "id"}, {"end_user", "organization", "id"}},
	"end_user_id":     {{"endUser", "endUserId"}, {"endUserId"}, {"endUser", "id"}, {"end_user", "id"}},
}

// tags reads the allow-listed tags of a row or webhook.
func (r *Reader) tags(v *fastjson.Value) Tags {
	var places [4]*fastjson.Value
	user := v.Get("endUser")
	if user == nil {
		user = v.Get("end_user")
	}
	places[0], places[1], places[2] = v.Get("tags"), user.Get("tags"), v.Get("meta", "tags")
	if user == nil && places[0] == nil && places[2] == nil && v.Get("endUserId") == nil {
		return ""
	}
	var found [maxTags]tag
	list := found[:0]
	for _, key := range r.tagKeys {
		if value := r.tag(v, places[:3], key); value != "" {
			list = append(list, tag{key, value})
		}
	}
	return makeTags(list)
}

// tag returns the first value of a key that may be kept.
func (r *Reader) tag(v *fastjson.Value, places []*fastjson.Value, key string) string {
	for _, p := range places {
		if s := r.tagValue(p.Get(key)); s != "" {
			return s
		}
	}
	for _, path := range tagFields[key] {
		if s := r.tagValue(v.Get(path...)); s != "" {
			return s
		}
	}
	return ""
}

func (r *Reader) tagValue(v *fastjson.Value) string {
	s := r.text(v)
	if s == "" || personal(s) || confidential(s) {
		return ""
	}
	return bound([]byte(strings.ReplaceAll(s, "\x00", "")), maxTag)
}

// tagKeys are the keys to read, sorted, so that the tags of a row are.
func tagKeys(configured []string) []string {
	if configured == nil {
		configured = []string{"end_user_id", "organization_id"}
	}
	keys := slices.DeleteFunc(slices.Clone(configured), func(k string) bool { return k == "" || strings.Contains(k, "\x00") })
	slices.Sort(keys)
	keys = slices.Compact(keys)
	return keys[:min(len(keys), maxTags)]
}
