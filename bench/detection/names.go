package main

import (
	"strconv"
	"time"
)

// names hands out the names of connections, each again only when it is free, so that a history has about as many as a provider has.
type names struct {
	provider     string
	integrations []string
	made         int
	free         map[int][]freed // by integration, in the order of time
}

type freed struct {
	name string
	at   time.Time
}

func (n *names) integration(i int) string {
	for len(n.integrations) <= i {
		n.integrations = append(n.integrations, n.provider+"-"+strconv.Itoa(len(n.integrations)))
	}
	return n.integrations[i]
}

func (n *names) take(integration int, at time.Time) string {
	if f := n.free[integration]; len(f) > 0 && !f[0].at.After(at) {
		n.free[integration] = f[1:]
		return f[0].name
	}
	n.made++
	return "c" + strconv.Itoa(n.made)
}

func (n *names) give(integration int, name string, at time.Time) {
	if n.free == nil {
		n.free = map[int][]freed{}
	}
	n.free[integration] = append(n.free[integration], freed{name, at})
}
