package nango

import (
	"slices"
	"strings"
	"time"

	"github.com/valyala/fastjson"
)

// Listed is a connection as Nango's API lists it: that it is there, whose it is, and how it fares now.
type Listed struct {
	Integration, Connection string
	Provider, Account       string
	Tags                    Tags
	Created                 time.Time // when it was made; a later authorization does not move it. Zero: not said
	Refused                 bool      // Nango keeps an error of its authorization: the last refresh failed, for whatever reason
	Unsaid                  bool      // whether it does is not said
}

// Lister reads the connections of the API's lists, by the settings by which a Reader reads rows: names are bounded and a customer is called the same in both.
// It is not safe for concurrent use.
type Lister struct{ reader *Reader }

// NewLister takes the fields of the customer account and the keys of tags as Options does.
func NewLister(accountFields, tags []string) *Lister {
	r := NewReader(Options{AccountFields: accountFields, Tags: tags, Rules: &Rules{}})
	var paths [][]string
	for _, p := range r.accountFields {
		paths = append(paths, inList(p)...)
	}
	r.accountFields = paths
	return &Lister{r}
}

// inList returns the places in a list that hold what a field of rows holds, itself among them.
func inList(path []string) [][]string {
	switch dotted := strings.Join(path, "."); {
	case dotted == "endUser.organizationId" || dotted == "endUserOrganizationId":
		return [][]string{path, {"end_user", "organization", "id"}}
	case dotted == "endUserId" || dotted == "endUser.endUserId":
		return [][]string{path, {"end_user", "id"}}
	case path[0] == "endUser":
		return [][]string{path, slices.Concat([]string{"end_user"}, path[1:])}
	case path[0] == "tags":
		return [][]string{path, slices.Concat([]string{"end_user"}, path)}
	}
	return [][]string{path}
}

// Read takes one connection of a list; false for what names none. Metadata, names of people and addresses are not kept.
func (l *Lister) Read(v *fastjson.Value) (c Listed, ok bool) {
	r := l.reader
	c.Integration, c.Connection = r.name(v, "provider_config_key"), r.text(v.Get("connection_id"))
	if c.Integration == "" || c.Connection == "" {
		return c, false
	}
	if p := r.name(v, "provider"); p != "unknown" {
		c.Provider = p
	}
	c.Account, c.Tags = r.account(v), r.tags(v)
	if made := parseTime(v.Get("created")); made >= minTime && made <= maxTime {
		c.Created = at(made)
	}
	errors := v.Get("errors")
	c.Unsaid = errors == nil || errors.Type() != fastjson.TypeArray
	for _, e := range errors.GetArray() {
		c.Refused = c.Refused || string(e.GetStringBytes("type")) == "auth"
	}
	return c, true
}
