package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// advice is one thing that the doctor noticed, and what to do about it.
type advice struct {
	Code  string `json:"code"`
	Grade string `json:"grade"` // one of the grades
	Says  string `json:"says"`
	Next  string `json:"next,omitempty"`
}

// The grades of advice, the gravest first.
const (
	gradeNeeded = "needed" // without it alerts cannot work
	gradeBetter = "better" // something does not work, or not well
	gradeNote   = "note"   // good to know
)

var grades = []string{gradeNeeded, gradeBetter, gradeNote}

// advise says what to do, the gravest first.
func (f *checkup) advise() []advice {
	d := adviser{checkup: f}
	for _, look := range []func(){
		d.onStart, d.onNothing, d.onAge, d.onRoad, d.onUnread, d.onFailures, d.onOperations, d.onCustomers, d.onLife, d.onHistory, d.onCopies, d.onAccounts,
	} {
		look()
	}
	slices.SortStableFunc(d.all, func(a, b advice) int { return slices.Index(grades, a.Grade) - slices.Index(grades, b.Grade) })
	return d.all
}

// adviser collects advice.
type adviser struct {
	*checkup
	all []advice
}

func (d *adviser) add(code, grade, says, next string) {
	d.all = append(d.all, advice{code, grade, says, next})
}

// onStart tells what keeps the daemon from starting or reading.
func (d *adviser) onStart() {
	if d.config != "" {
		d.add("configuration", gradeNeeded, "The configuration is not good, and `detector run` would not start: "+d.config, "mend it; `detector check -config FILE` names every fault with its line")
	}
	if d.group != "" {
		d.add("group_denied", gradeNeeded, d.group+": the daemon could not read.", "allow it to Read the group, or set kafka.group_id to one that it may use")
	}
	if d.stuck != "" {
		d.add("stuck", gradeBetter, "Not everything was read: "+d.stuck+".", "run it again; what follows is about what was read")
	}
	for _, b := range d.broken {
		d.add("broken_file", gradeBetter, b+".", "export it again, if the rest matters")
	}
}

// onNothing tells that there is nothing, or nothing of Nango.
func (d *adviser) onNothing() {
	rows := d.allRows()
	switch {
	case d.records == 0 && d.files > 0:
		d.add("empty", gradeNeeded, "There is nothing in the input.", "export the two log indices of Nango (20250724_operations and 20240528_messages), or take records off the topic with kcat -J")
	case d.records == 0 && d.written() > 0:
		d.add("emptied", gradeNeeded, "The topic is empty: what it held was deleted, and nothing came while the doctor looked.", "start the shipper, and look again")
	case d.records == 0:
		d.add("empty", gradeNeeded, "The topic is empty: nothing was ever written to it, and nothing came while the doctor looked.", "let a shipper write Nango's rows to it: docs/getting-rows-in.md; `detector ship elasticsearch` or `detector ship webhooks` where there is none")
	case rows == 0:
		look, n := most(d.looks)
		next := looksHints[look]
		switch {
		case next != "":
		case d.files > 0:
			next = "look whether it is the right file: whole rows of the indices 20250724_operations and 20240528_messages are wanted, or records of the topic with such rows"
		default:
			next = "look whether it is the right topic, and whether the shipper reads the indices 20250724_operations and 20240528_messages"
		}
		d.add("no_rows", gradeNeeded, fmt.Sprintf("Of %s none holds a row of Nango's logs. Most (%d) are %s.", plural(int(d.records), "record"), n, look), next+". `detector explain-record` says what is seen in single records")
	case d.withoutRow()*10 > d.records*9:
		d.add("foreign", gradeNote, fmt.Sprintf("%d of %d records hold no row of Nango's logs; they are passed over.", d.withoutRow(), d.records), "a topic of its own costs less to read")
	}
}

// written counts what was ever written to the topics.
func (d *adviser) written() (n int64) {
	for _, p := range d.topics {
		n += p.end
	}
	return n
}

func (d *adviser) withoutRow() (n int64) {
	for _, x := range d.looks {
		n += x
	}
	return n
}

// most returns the name with the highest count.
func most(counts map[string]int64) (name string, n int64) {
	for k, x := range counts {
		if x > n || x == n && k < name {
			name, n = k, x
		}
	}
	return name, n
}

// onRoad tells what is missing because of the way by which rows come.
func (d *adviser) onRoad() {
	if d.road() == roadWebhooks && d.messageRows() > 0 {
		d.add("messages_only", gradeBetter, "Rows of messages come without those of operations: they do not say whose connection it was.", "ship the index 20250724_operations to the topic as well")
	}
	export := ""
	if d.files > 0 {
		export = "; of an export, name the file of that index with one more --input"
	}
	switch d.road() {
	case roadMessages:
		d.add("messages_only", gradeNeeded, "Only rows of messages come. They say why, but not whose connection it was.", "ship the index 20250724_operations to the topic as well"+export)
	case roadOps:
		d.add("operations_only", gradeBetter, "Only rows of operations come. They say whose connection failed, but not why: an outage looks like a revocation.", "ship the index 20240528_messages to the topic as well"+export)
	case roadConsole:
		d.add("console_only", gradeBetter, "All rows are lines of Nango's console. They say when an operation begins, and neither why nor how it ends.", "let Nango keep its logs (NANGO_LOGS_ENABLED=true), and ship both indices")
	case roadWebhooks:
		d.add("webhooks_only", gradeNote, "Only auth webhooks come. They say who and whose, but not why: an outage looks like a revocation.", "self-hosted: ship the two log indices as well; on Nango Cloud that is all there is, and it works")
	case roadSpans:
		d.add("otlp_only", gradeBetter, "Only OpenTelemetry spans come. There is none for a refresh itself.", "ship the two log indices, or let `detector ship webhooks` receive the auth webhooks")
	}
}

// onFailures tells of refreshes that fail, or do not.
func (d *adviser) onFailures() {
	s, both := &d.stats, d.road() == roadBoth
	if d.operationRows() >= 20 && d.refused() == 0 && d.road() != roadMessages {
		d.add("no_failures", gradeNote, fmt.Sprintf("In %s no refresh failed. Where connections are few that is usual; where there are hundreds, some fail on most days.", d.span()),
			"if Nango's own page of logs shows failed operations of auth in this time, the shipper leaves them out: look at its filters")
	}
	if both && d.unheard*10 > s.Refreshes {
		d.add("reasons_missing", gradeBetter, fmt.Sprintf("%d of %s came without an error row.", d.unheard, plural(int(s.Refreshes), "refused refresh")),
			"look whether the shipper filters rows of messages (level, type, size), falls behind with that index, or began later there")
	}
	if both && s.Unjoined >= 5 && s.Unjoined*10 > s.Heard {
		d.add("unjoined", gradeBetter, fmt.Sprintf("%s without the operation that tells whose connection it was. A few lie at the beginning of what was read; these are more.", plural(int(s.Unjoined), "reason")),
			"look whether the shipper filters rows of operations, or falls behind with that index; another key or partition does no harm")
	}
	if s.Unnamed > 0 {
		d.add("unnamed", gradeBetter, fmt.Sprintf("%s without the name of the connection.", plural(int(s.Unnamed), "failure")), "let the shipper keep all fields of a row (connectionName, integrationName, environmentName, providerName)")
	}
}

// span says in words of how long the rows are.
func (f *checkup) span() string {
	if f.engine.oldest.IsZero() {
		return "these rows"
	}
	return ageWords(max(f.engine.reader.Newest().Sub(f.engine.oldest), time.Second)) + " of rows"
}

// onOperations tells of operations that do not end.
func (d *adviser) onOperations() {
	ended, open := d.endings()
	switch road := d.road(); {
	case road != roadBoth && road != roadOps || ended+open < 20:
	case ended == 0:
		d.add("never_end", gradeBetter, fmt.Sprintf("None of %s was seen to end: they are read once, by createdAt, while they still run. Authorizations and calls that worked are not seen.", plural(open, "operation")),
			"let the shipper poll operations by updatedAt, with an overlap")
	case open*5 > ended+open:
		d.add("some_never_end", gradeNote, fmt.Sprintf("%d of %d operations were not seen to end. A poller by updatedAt misses those that a sweep times out (it touches no date); one by createdAt those that end later.", open, ended+open),
			"nothing, if the shipper polls by updatedAt with an overlap; failures are told by their error rows all the same")
	}
}

// onCustomers tells whether it is known whose connections are.
func (d *adviser) onCustomers() {
	known, all := d.customers()
	grade := gradeBetter
	if d.files > 0 { // whose they are does not matter to who learns
		grade = gradeNote
	}
	if all >= 3 && known*10 < all*9 && !d.asks {
		d.add("customers", grade, fmt.Sprintf("The customer of %d of %d connections is not known: alerts name connections, and one customer who leaves with many counts as many.", all-known, all),
			"set nango.secret_key_file, so that Nango's API is asked; or ship the auth webhooks as well; or name a field of your rows in detection.account")
	}
}

// onLife tells that there is no sign of life.
func (d *adviser) onLife() {
	if d.road() == roadBoth && d.operationRows() >= 20 && d.events[nango.Active] == 0 && d.operations["proxy:call"] == 0 {
		d.add("no_signs_of_life", gradeNote, "No proxy call comes: alerts cannot say how many connections are in use, and requests for unknown connections are not seen.",
			"nothing, if your product makes no proxy calls; else look at the shipper's filter")
	}
}

// onCopies tells of records that come several times.
func (d *adviser) onCopies() {
	if d.records >= 100 && d.copies*3 > d.records {
		d.add("copies", gradeNote, fmt.Sprintf("%d of %d records came before, byte by byte. Each counts once, but all are read.", d.copies, d.records), "a smaller overlap of the poller; or two shippers write the same")
	}
}

// onAccounts tells of several accounts on one topic.
func (d *adviser) onAccounts() {
	if n := d.stats.Accounts; n > 1 {
		d.add("several_accounts", gradeBetter, fmt.Sprintf("Rows of %d Nango accounts come: environments and connections of the same name are taken for one.", n), "a topic, and a detector, for each account")
	}
	idle := 0
	for _, p := range d.topics {
		if p.read == 0 {
			idle++
		}
	}
	if idle > 0 && d.records > 0 && d.stuck == "" {
		d.add("idle_partitions", gradeNote, fmt.Sprintf("%d of %d partitions had nothing new.", idle, len(d.topics)), "nothing: they hold nothing back")
	}
}
