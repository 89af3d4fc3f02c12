package alert

import (
	"slices"
	"sync"
)

// board says which destinations refuse which incidents, so that others can be told instead. It is made anew from the records at each start.
type board struct {
	mu      sync.Mutex
	refused map[string][]refuser // by incident, in the order of their names
	wake    func()               // of those that stand in
}

type refuser struct{ name, reason string }

// note says that a destination refuses an incident; an empty reason, that it does no more.
func (b *board) note(incident, name, reason string) {
	b.mu.Lock()
	all := b.refused[incident]
	i := slices.IndexFunc(all, func(r refuser) bool { return r.name >= name })
	known := i >= 0 && all[i].name == name
	switch {
	case known && reason == "":
		all = slices.Delete(slices.Clone(all), i, i+1)
	case known:
		all[i].reason = reason
	case reason != "" && i < 0:
		all = append(all, refuser{name, reason})
	case reason != "":
		all = slices.Insert(all, i, refuser{name, reason})
	}
	if len(all) == 0 {
		delete(b.refused, incident)
	} else {
		b.refused[incident] = all
	}
	b.mu.Unlock()
	if known != (reason != "") {
		b.wake()
	}
}

// standIn is a destination other than name that refuses the incident.
func (b *board) standIn(incident, name string) (refuser, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.refused[incident] {
		if r.name != name {
			return r, true
		}
	}
	return refuser{}, false
}
