package window

import "slices"

type place struct{ environment, provider string }

// tally sums the entries of one provider.
type tally struct {
	broken       int
	integrations map[string]int
}

type user struct{ environment, integration string }

// use is how many entries of an integration are of a provider: of one, unless its name was given to another.
type use struct {
	provider string
	entries  int
}

// providerOf is the provider of a connection's integration by its other connections; of several the last in the alphabet, whatever came first.
func (l *Ledger) providerOf(key ledgerKey) (name string) {
	for _, u := range l.uses[user{key.Environment, key.Integration}] {
		name = max(name, u.provider)
	}
	return name
}

// Broken counts the connections of a provider whose last word is a counted failure or exhaustion.
func (l *Ledger) Broken(environment, provider string) int {
	if t := l.places[place{environment, provider}]; t != nil {
		return t.broken
	}
	return 0
}

// Integrations calls yield with every integration of a provider that has an entry.
func (l *Ledger) Integrations(environment, provider string, yield func(integration string)) {
	if t := l.places[place{environment, provider}]; t != nil {
		for name := range t.integrations {
			yield(name)
		}
	}
}

// tally takes an entry out of the sums before it changes (by = -1), and into them afterwards (by = 1).
func (l *Ledger) tally(key ledgerKey, n *entry, by int) {
	if n.Failed.IsZero() {
		l.standing += by
	}
	if n.counts() {
		if l.broken[key.Environment] += by; l.broken[key.Environment] == 0 {
			delete(l.broken, key.Environment)
		}
	}
	if n.Provider == "" || n.state() == Deleted {
		return
	}
	at := place{key.Environment, n.Provider}
	t := l.places[at]
	if t == nil {
		t = &tally{integrations: map[string]int{}}
		l.places[at] = t
	}
	if n.counts() {
		t.broken += by
	}
	l.use(user{key.Environment, key.Integration}, n.Provider, by)
	if t.integrations[key.Integration] += by; t.integrations[key.Integration] == 0 {
		delete(t.integrations, key.Integration)
	}
	if len(t.integrations) == 0 {
		delete(l.places, at)
	}
}

func (l *Ledger) use(of user, provider string, by int) {
	list := l.uses[of]
	i := slices.IndexFunc(list, func(u use) bool { return u.provider == provider })
	if i < 0 {
		i, list = len(list), append(list, use{provider: provider})
	}
	if list[i].entries += by; list[i].entries == 0 {
		list = slices.Delete(list, i, i+1)
	}
	if l.uses[of] = list; len(list) == 0 {
		delete(l.uses, of)
	}
}

// BrokenIn counts the connections of an environment whose last word is a counted failure or exhaustion, those without a known provider too.
func (l *Ledger) BrokenIn(environment string) int { return l.broken[environment] }

// Environments yields those with a broken connection, in no order.
func (l *Ledger) Environments(yield func(environment string)) {
	for name := range l.broken {
		yield(name)
	}
}
