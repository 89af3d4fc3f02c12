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

// wanted is a connection that was asked for in an environment.
type wanted struct {
	*Broken
	environment string
}

// identified adds to connections of an incident whose they are, and to unknown ones where their ids exist. What was said of one before stays.
func (d *Detector) identified(s *series, list []Broken) []Broken {
	for i := range list {
		d.own(s.Environment, &list[i])
	}
	if s.Signal != UnknownConnections {
		return list
	}
	said := map[connection]string{}
	for _, b := range s.incident.Connections {
		said[connection{b.Integration, b.Connection}] = b.Elsewhere
	}
	var asked []wanted
	for i := range list {
		b := &list[i]
		was, known := said[connection{b.Integration, b.Connection}]
		if b.Elsewhere = was; !known {
			asked = append(asked, wanted{b, s.Environment})
		}
	}
	d.locate(asked)
	return list
}

// folded is an id without the differences that people do not see.
func folded(id string) string { return strings.ToLower(strings.TrimSpace(id)) }

// names yields all connections that are known and not deleted, by rows or by Nango's API, in no order.
func (d *Detector) names(yield func(environment, integration, connection string)) {
	d.ledger.Names(yield)
	for n, l := range d.directory.listed {
		if l.Missing.IsZero() && d.ledger.State(n.environment, n.integration, n.connection) == "" {
			yield(n.environment, n.integration, n.connection)
		}
	}
}

// locate looks once through all connections that are known and not deleted for those that were asked for.
func (d *Detector) locate(asked []wanted) {
	if len(asked) == 0 {
		return
	}
	of, places := map[string][]int{}, make([][]found, len(asked))
	for i, x := range asked {
		of[folded(x.Connection)] = append(of[folded(x.Connection)], i)
	}
	d.names(func(environment, integration, id string) {
		for _, i := range of[folded(id)] {
			x := asked[i]
			if f := (found{name{environment, integration, id}, id != x.Connection}); f.spelled || environment != x.environment || integration != x.Integration {
				places[i] = append(places[i], f)
			}
		}
	})
	for i, x := range asked {
		x.Elsewhere = placesInWords(x.environment, x.Integration, places[i])
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
