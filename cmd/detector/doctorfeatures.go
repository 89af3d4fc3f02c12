package main

import (
	"fmt"

	"github.com/revwatch/revwatch/pkg/nango"
)

// feature is one thing that Revwatch can do with what comes in.
type feature struct {
	Name  string `json:"feature"`
	Works string `json:"works"` // one of the works
	Why   string `json:"why"`
}

const (
	worksYes    = "yes"
	worksInPart = "in part"
	worksNo     = "no"
)

// features says of each what works with what was seen.
func (f *checkup) features() []feature {
	var all []feature
	for _, x := range []struct {
		name  string
		judge func() (works, why string)
	}{
		{"alerts on revocations", f.canAlert}, {"causes", f.canTellWhy}, {"customers, cap per customer", f.canTellWho}, {"seen active", f.canSeeLife},
		{"works again", f.canSeeRecovery}, {"unknown connections", f.canSeeUnknown}, {"history", f.canLearn},
	} {
		works, why := x.judge()
		all = append(all, feature{x.name, works, why})
	}
	return all
}

// road is the way by which rows come, where there is only one.
type road uint8

const (
	roadNone     road = iota // no rows
	roadBoth                 // operations and messages, whatever comes beside them
	roadOps                  // the operations index alone
	roadMessages             // the messages index alone
	roadConsole
	roadWebhooks
	roadSpans
)

func (f *checkup) road() road {
	ops, messages, hooks, spans := f.operationRows(), f.messageRows(), f.rows("webhook"), f.rows("span")
	switch {
	case ops > 0 && messages > 0:
		return roadBoth
	case f.console():
		return roadConsole
	case ops > 0:
		return roadOps
	case hooks > 0:
		return roadWebhooks
	case messages > 0:
		return roadMessages
	case spans > 0:
		return roadSpans
	}
	return roadNone
}

func (f *checkup) canAlert() (string, string) {
	age := f.age()
	switch {
	case f.road() == roadNone:
		return worksNo, "no row of Nango's logs comes"
	case f.road() == roadMessages:
		return worksNo, "messages alone do not say whose connection failed"
	case f.stats.Unnamed > 0 && failures(f.stats) == 0:
		return worksNo, "the failures do not name their connection"
	case f.files == 0 && f.behind():
		return worksInPart, "the rows that arrive are " + ageWords(age) + " old; alerts begin when the shipper has caught up"
	case f.files == 0 && age > staleAfter && f.stuck == "":
		return worksNo, "the newest row is " + ageWords(age) + " old: nothing comes any more"
	case f.files == 0 && age > lateAfter && f.stuck == "":
		return worksInPart, "rows come " + ageWords(age) + " late, and so would alerts"
	case f.road() == roadSpans:
		return worksInPart, "no span tells of a refresh, only that of its webhook, good news or bad"
	case f.road() == roadOps, f.road() == roadConsole, f.road() == roadWebhooks, f.causeless():
		return worksInPart, "nothing says why a refresh failed, so outages of a provider count with revocations"
	case f.refused() == 0:
		return worksYes, "both indices come; no refresh failed in these rows, so it is not proven yet"
	}
	return worksYes, plural(int(failures(f.stats)), "failure") + " of " + plural(len(f.connections), "connection") + " understood"
}

// causeless reports whether the reasons of refused refreshes are lost, most or all of them.
func (f *checkup) causeless() bool {
	return f.stats.Refreshes >= 5 && f.stats.Heard*2 < f.stats.Refreshes
}

func (f *checkup) canTellWhy() (string, string) {
	switch f.road() {
	case roadNone:
		return worksNo, "no rows"
	case roadOps, roadConsole:
		return worksNo, "reasons are in the rows of messages, which do not come"
	case roadWebhooks, roadSpans:
		return worksNo, "webhooks and spans do not hold the provider's reason"
	case roadMessages:
		return worksInPart, "they come, but not the operations they belong to"
	}
	refused, reasons := f.stats.Refreshes, f.stats.Reasons
	switch {
	case refused == 0:
		return worksYes, "the rows of messages come; no refresh failed in these rows"
	case f.causeless():
		return worksNo, fmt.Sprintf("of %s %d have no error row", plural(int(refused), "refused refresh"), f.unheard)
	case f.unheard*10 > refused:
		return worksInPart, fmt.Sprintf("%d of %d refused refreshes have no error row", f.unheard, refused)
	}
	return worksYes, fmt.Sprintf("%d of %d refused refreshes say why", reasons, refused)
}

func (f *checkup) canTellWho() (string, string) {
	known, all := f.customers()
	switch {
	case f.asks:
		return worksYes, "Nango's API is asked whose a connection is (nango.secret_key)"
	case all == 0:
		return worksNo, "no connection was seen yet"
	case known == 0 && f.road() == roadWebhooks:
		return worksNo, "no webhook names an end user; Nango's API may know more"
	case known == 0:
		return worksNo, "rows of operations do not say whose a connection is; webhooks and Nango's API do"
	case known*10 < all*9:
		return worksInPart, fmt.Sprintf("known of %d of %d connections", known, all)
	}
	return worksYes, fmt.Sprintf("known of %d of %d connections", known, all)
}

func (f *checkup) customers() (known, all int) {
	for _, k := range f.connections {
		if k {
			known++
		}
	}
	return known, len(f.connections)
}

func (f *checkup) canSeeLife() (string, string) {
	active, back, calls := f.events[nango.Active], f.events[nango.Reconnected], f.operations["proxy:call"]
	switch {
	case active > 0:
		return worksYes, plural(int(active), "sign") + " of life by proxy calls"
	case calls > 0:
		return worksInPart, fmt.Sprintf("%s, and none that ended well", plural(int(calls), "row")+" of proxy calls")
	case back > 0:
		return worksInPart, "no proxy call comes, only authorizations"
	}
	return worksNo, "no proxy call comes: alerts do not say how many connections are in use"
}

func (f *checkup) canSeeRecovery() (string, string) {
	ended, open := f.endings()
	switch road := f.road(); {
	case (road == roadBoth || road == roadOps) && ended == 0 && open >= 20:
		return worksNo, "no operation was seen to end, so no authorization to succeed"
	case f.events[nango.Reconnected] > 0:
		return worksYes, plural(int(f.events[nango.Reconnected]), "authorization") + " seen"
	case road == roadNone || road == roadMessages || road == roadConsole:
		return worksNo, "what ends well is not told on this road"
	case road == roadSpans:
		return worksInPart, "only by proxy calls that worked"
	}
	return worksYes, "none was authorized anew in these rows"
}

// endings counts the operations that were seen to end, and the others.
func (f *checkup) endings() (ended, open int) {
	for _, over := range f.ended {
		if over {
			ended++
		} else {
			open++
		}
	}
	return ended, open
}

func (f *checkup) canSeeUnknown() (string, string) {
	switch road := f.road(); {
	case f.events[nango.UnknownConnection] > 0:
		return worksYes, plural(int(f.events[nango.UnknownConnection]), "request") + " seen"
	case road == roadOps || road == roadSpans:
		return worksInPart, "the messages that say which connection was asked for do not come"
	case road != roadBoth:
		return worksNo, "they are seen in failed proxy calls, which do not come"
	case f.operations["proxy:call"] == 0:
		return worksInPart, "no proxy call was seen; only scripts can tell"
	}
	return worksYes, "proxy calls come; none asked for a connection that does not exist"
}
