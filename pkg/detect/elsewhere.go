package detect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// placesTold is how many places of an unknown connection are told; of more their number is.
const placesTold = 2

// found is a connection whose id is that of an unknown one, or nearly.
type found struct {
	name
	spelled bool // otherwise
}

// elsewhere says of unknown connections where their ids exist. What was said once of a connection of the incident stays.
func (d *Detector) elsewhere(s *series, list []Broken) []Broken {
	if s.Signal != UnknownConnections {
		return list
	}
	said := map[connection]string{}
	for _, b := range s.incident.Connections {
		said[connection{b.Integration, b.Connection}] = b.Elsewhere
	}
	asked := map[string][]*Broken{}
	for i := range list {
		b := &list[i]
		was, known := said[connection{b.Integration, b.Connection}]
		if b.Elsewhere = was; !known {
			asked[folded(b.Connection)] = append(asked[folded(b.Connection)], b)
		}
	}
	if len(asked) > 0 {
		d.locate(s.Environment, asked)
	}
	return list
}

// folded is an id without the differences that people do not see.
func folded(id string) string { return strings.ToLower(strings.TrimSpace(id)) }

// locate looks through all connections that are known and not deleted for those that were asked for.
func (d *Detector) locate(environment string, asked map[string][]*Broken) {
	places := map[*Broken][]found{}
	d.ledger.Names(func(env, integration, id string) {
		for _, b := range asked[folded(id)] {
			if f := (found{name{env, integration, id}, id != b.Connection}); f.spelled || env != environment || integration != b.Integration {
				places[b] = append(places[b], f)
			}
		}
	})
	for b, list := range places {
		b.Elsewhere = placesInWords(environment, b.Integration, list)
	}
}

// placesInWords tells first the exact id, then the same environment, then the order of names.
func placesInWords(environment, integration string, list []found) string {
	slices.SortFunc(list, func(a, b found) int {
		return cmp.Or(compareBool(a.spelled, b.spelled), compareBool(a.environment != environment, b.environment != environment), a.name.compare(b.name))
	})
	var words []string
	for _, f := range list[:min(len(list), placesTold)] {
		words = append(words, f.words(environment, integration))
	}
	if more := len(list) - len(words); more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func (f found) words(environment, integration string) string {
	var words []string
	if f.spelled {
		words = append(words, fmt.Sprintf("as %q", f.connection))
	}
	if f.environment != environment {
		words = append(words, "in environment "+f.environment)
	}
	if f.integration != integration {
		words = append(words, "under integration "+f.integration)
	}
	return strings.Join(words, " ")
}
