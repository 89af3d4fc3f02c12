package simulate

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// Kind says what happens.
type Kind string

// The kinds of happenings.
const (
	// MassRevocation: the provider revokes Connections of one Integration, spread over For, most of them early.
	MassRevocation Kind = "mass_revocation"
	// Outage: every refresh at Provider fails during For, as outages do; the tokens stay good.
	Outage Kind = "outage"
	// CustomerLeaving: the connections of Account at all providers are in turn revoked and deleted, spread over For. An Account of "" is one
	// that has one connection of each integration.
	CustomerLeaving Kind = "customer_leaving"
	// ClientSecretExpired: every refresh of Integration is refused for its client during For; a For of 0 never ends.
	ClientSecretExpired Kind = "client_secret_expired"
)

// Happening is something scripted. Only the fields that its Kind names are read.
type Happening struct {
	Kind        Kind
	At          time.Time // a time that has passed means now
	For         time.Duration
	Provider    string
	Integration string
	Account     string // such as acme-001
	Connections int
}

// Series names what breaks are counted by.
type Series struct {
	Environment, Provider string
	Cause                 string // revoked or misconfigured
}

// Truth is what really happened up to now, as far as a perfect reader of the rows could know.
type Truth struct {
	// Broken counts connections at their first failure of a cause, and again when they worked in between, by rows, or were not heard of for a
	// week. Where the rows do not hold the reason (GitHub), at the first failure after 6 h of failing.
	Broken     map[Series]int
	Happenings []Happened // in the order of their scheduling
}

// Happened is a Happening and what came of it so far.
type Happened struct {
	Happening
	Onset  time.Time // of the first failed refresh it caused; zero: none yet
	Broken int       // connections that newly broke by it, counted as in Truth
}

// Truth returns what happened before the last call's Until.
func (w *World) Truth() Truth {
	t := Truth{Broken: maps.Clone(w.broken)}
	for _, h := range w.happened {
		t.Happenings = append(t.Happenings, *h)
	}
	return t
}

// Schedule puts a happening on the calendar. It refuses names that the world does not have, and kinds and numbers that make no sense.
func (w *World) Schedule(h Happening) error {
	if h.Kind == CustomerLeaving && h.Account == "" {
		h.Account = fmt.Sprintf("acme-%03d", accounts)
	}
	var concerned []*connection
	for _, c := range w.connections {
		switch h.Kind {
		case MassRevocation, ClientSecretExpired:
			if c.in.name != h.Integration {
				continue
			}
		case Outage:
			if c.in.provider.name != h.Provider {
				continue
			}
		case CustomerLeaving:
			if c.account != h.Account {
				continue
			}
		default:
			return fmt.Errorf("simulate: no happening is called %q", h.Kind)
		}
		concerned = append(concerned, c)
	}
	switch {
	case len(concerned) == 0:
		return fmt.Errorf("simulate: %s concerns no connection: integration %q, provider %q, account %q", h.Kind, h.Integration, h.Provider, h.Account)
	case h.For < 0 || h.For == 0 && h.Kind == Outage:
		return fmt.Errorf("simulate: %s cannot last %s", h.Kind, h.For)
	case h.Kind == MassRevocation && (h.Connections < 1 || h.Connections > len(concerned)):
		return fmt.Errorf("simulate: %d of %d connections cannot be revoked", h.Connections, len(concerned))
	}
	done := &Happened{Happening: h}
	w.happened = append(w.happened, done)
	chance := rand.New(rand.NewPCG(w.cfg.Seed, 16+uint64(len(w.happened))))
	w.at(h.At.UnixMilli(), func() { w.begin(done, concerned, chance) })
	return nil
}

func (w *World) begin(h *Happened, concerned []*connection, chance *rand.Rand) {
	end := w.now + h.For.Milliseconds()
	switch h.Kind {
	case MassRevocation:
		alive := slices.DeleteFunc(concerned, func(c *connection) bool { return c.dead })
		chance.Shuffle(len(alive), func(i, j int) { alive[i], alive[j] = alive[j], alive[i] })
		for _, c := range alive[:min(h.Connections, len(alive))] {
			x := chance.Float64()
			w.at(w.now+int64(x*x*float64(h.For.Milliseconds())), func() { w.revoke(c, h) })
		}
	case Outage:
		p := concerned[0].in.provider
		w.outages[p] = h
		w.at(end, func() {
			if w.outages[p] == h {
				delete(w.outages, p)
			}
		})
		w.disturb(concerned)
	case ClientSecretExpired:
		in := concerned[0].in
		in.secret = h
		if h.For > 0 {
			w.at(end, func() {
				if in.secret == h {
					in.secret = nil
				}
			})
		}
		w.disturb(concerned)
	case CustomerLeaving:
		for i, c := range concerned {
			do := func() { c.lost = true; w.revoke(c, h) }
			if i%2 == 1 {
				do = func() { w.replace(c) }
			}
			w.at(w.now+chance.Int64N(max(h.For.Milliseconds(), 1)), do)
		}
	}
}

// disturb makes the accesses fail that would have worked unseen.
func (w *World) disturb(connections []*connection) {
	for _, c := range connections {
		if !c.armed {
			w.arm(c)
		}
	}
}
