package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// doctorReport is what the doctor says. Its JSON form is public.
type doctorReport struct {
	Type      string    `json:"type"` // doctor
	Works     bool      `json:"alerts_can_work"`
	Where     string    `json:"where"`
	Numbers   numbers   `json:"numbers"`
	Features  []feature `json:"features"`
	Advice    []advice  `json:"advice"`
	Next      string    `json:"next_step"`
	sentences [][2]string
}

// numbers are what was counted.
type numbers struct {
	Records    int64            `json:"records"`
	Live       int64            `json:"live_records"`
	LiveFor    float64          `json:"live_seconds"`
	Rows       map[string]int64 `json:"rows"`
	Envelopes  map[string]int64 `json:"envelopes"`
	WithoutRow map[string]int64 `json:"without_row"`
	Refused    int64            `json:"refused_refreshes"`
	Reasons    int64            `json:"with_reason"`
	Unheard    int64            `json:"without_error_row"`
	Unjoined   int64            `json:"reasons_without_operation"`
	Failures   int64            `json:"failures"`
	Providers  map[string]int64 `json:"providers"`
	Known      int              `json:"connections_with_customer"`
	All        int              `json:"connections"`
	Oldest     time.Time        `json:"oldest_row,omitzero"`
	Newest     time.Time        `json:"newest_row,omitzero"`
	Age        float64          `json:"newest_row_age_seconds"`
	Copies     int64            `json:"copies"`
}

// report draws the conclusions.
func (f *checkup) report() *doctorReport {
	known, all := f.customers()
	s := &f.stats
	r := &doctorReport{Type: "doctor", Where: f.where(), Features: f.features(), Advice: append([]advice{}, f.advise()...), Numbers: numbers{
		Records: f.records, Live: f.fresh, LiveFor: f.live.Round(time.Millisecond).Seconds(), Rows: f.kinds, Envelopes: f.envelopes, WithoutRow: f.looks, Refused: s.Refreshes, Reasons: s.Reasons,
		Unheard: f.unheard, Unjoined: s.Unjoined, Failures: failures(*s), Providers: f.providers, Known: known, All: all,
		Oldest: f.engine.oldest, Newest: f.engine.reader.Newest(), Age: f.age().Seconds(), Copies: f.copies,
	}}
	r.Works = r.Features[0].Works != worksNo && !slices.ContainsFunc(r.Advice, func(a advice) bool { return a.Grade == gradeNeeded })
	r.Next = f.next(r.Advice)
	r.sentences = f.sentences()
	return r
}

// next is the one step to do first.
func (f *checkup) next(all []advice) string {
	for _, a := range all {
		if a.Grade != gradeNote {
			return a.Next
		}
	}
	if span, _ := f.history(); f.files > 0 && span < historyLeast {
		return "look at the topic itself: `detector doctor -config FILE`"
	}
	if f.files > 0 {
		return "`detector learn` with the same --input writes the state file that `detector run` starts with"
	}
	return "`detector run -config FILE`; alerts.shadow: true for the first week, if you like to look on first"
}

func (f *checkup) where() string {
	if f.files > 0 {
		return plural(f.files, "file")
	}
	partitions := map[string]int{}
	for _, p := range f.topics {
		partitions[p.topic]++
	}
	var names []string
	for _, t := range slices.Sorted(maps.Keys(partitions)) {
		names = append(names, fmt.Sprintf("topic %s (%s)", t, plural(partitions[t], "partition")))
	}
	return strings.Join(names, ", ")
}

// sentences say what was counted.
func (f *checkup) sentences() (all [][2]string) {
	say := func(what, format string, args ...any) {
		all = append(all, [2]string{what, fmt.Sprintf(format, args...)})
	}
	s := &f.stats
	say("read", "%s%s", plural(int(f.records), "record"), f.pace())
	if f.records == 0 {
		return all
	}
	say("rows", "%s", f.rowWords())
	if len(f.envelopes) > 0 {
		say("envelopes", "%s", counts(f.envelopes, 6))
	}
	if f.allRows() == 0 {
		say("they are", "%s", counts(f.looks, 6))
		return all
	}
	if newest := f.engine.reader.Newest(); !newest.IsZero() {
		age := ""
		if f.files == 0 {
			age = "; the newest row is " + ageWords(f.age()) + " old"
		}
		say("times", "%s to %s UTC%s", minute(f.engine.oldest), minute(newest), age)
	}
	say("refreshes", "%s", f.refusedWords())
	say("failures", "%s; something was seen of %s", plural(int(failures(*s)), "failure"), plural(len(f.connections), "connection"))
	if len(f.providers) > 0 {
		say("providers", "%d: %s", len(f.providers), namesOf(f.providers, 8))
	}
	known, n := f.customers()
	say("customers", "known of %d of %s", known, plural(n, "connection"))
	return all
}

// refusedWords says what became of the refused refreshes that rows tell of.
func (f *checkup) refusedWords() string {
	s := &f.stats
	var parts []string
	for _, x := range []struct {
		n    int64
		what string
	}{{s.Reasons, "with a reason"}, {s.Refreshes - s.Reasons - f.unheard, "whose error row says none"}, {f.unheard, "without an error row"}, {s.Unjoined, "reasons without an operation"}} {
		if x.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	text := fmt.Sprintf("%d refused, by rows", s.Refreshes)
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text
}

// pace says how fast records come.
func (f *checkup) pace() string {
	if f.files > 0 {
		return ""
	}
	text := ""
	if !f.last.IsZero() {
		text = ", the newest appended " + ageWords(max(f.now.Sub(f.last), 0)) + " ago"
	}
	if seconds := f.live.Seconds(); seconds >= 1 {
		text += fmt.Sprintf("; %d came in the last %s: %.3g a second", f.fresh, ageWords(f.live), float64(f.fresh)/seconds)
	}
	return text
}

func (f *checkup) rowWords() string {
	var list []string
	for _, x := range []struct {
		n    int64
		what string
	}{{f.operationRows(), "of operations"}, {f.messageRows(), "of messages"}, {f.rows("webhook"), "webhooks"}, {f.rows("span"), "spans"}} {
		if x.n > 0 {
			list = append(list, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	if len(list) == 0 {
		return "no row of Nango's logs"
	}
	var none int64
	for _, n := range f.looks {
		none += n
	}
	if none > 0 {
		list = append(list, fmt.Sprintf("%s without any", plural(int(none), "record")))
	}
	return strings.Join(list, ", ")
}

// counts lists names with their counts, the highest first.
func counts(all map[string]int64, most int) string {
	var list []string
	for _, name := range byCount(all) {
		list = append(list, fmt.Sprintf("%s %d", cmp.Or(map[string]string{"row": "bare row"}[name], name), all[name]))
	}
	return firstOf(list, most)
}

func namesOf(all map[string]int64, most int) string {
	var list []string
	for _, name := range byCount(all) {
		list = append(list, clean(name))
	}
	return firstOf(list, most)
}

func byCount(all map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(all), func(a, b string) int { return cmp.Or(cmp.Compare(all[b], all[a]), cmp.Compare(a, b)) })
}

// doctorWidth is how wide the report is.
const doctorWidth = 96

// print writes the report for people.
func (r *doctorReport) print(out io.Writer) error {
	w := &table{out: out}
	w.line("%s\n", r.Where)
	for _, s := range r.sentences {
		w.hang(12, s[0], s[1])
	}
	w.line("\nWhat works with it")
	for _, f := range r.Features {
		w.hang(30, "  "+f.Name, fmt.Sprintf("%-8s %s", f.Works, f.Why))
	}
	if len(r.Advice) > 0 {
		w.line("\nWhat was noticed, the gravest first")
	}
	for _, a := range r.Advice {
		w.hang(10, "  "+a.Grade, a.Says)
		if a.Next != "" {
			w.hang(10, "", "-> "+a.Next)
		}
	}
	verdict := "Alerts can work."
	if !r.Works {
		verdict = "Alerts cannot work yet."
	}
	w.line("")
	for _, line := range fold(verdict+" Next step: "+r.Next, doctorWidth) {
		w.line("%s", line)
	}
	return w.err
}

// hang writes a text beside what it is about, folded, its lines under each other.
func (t *table) hang(indent int, what, text string) {
	for _, line := range fold(text, doctorWidth-indent) {
		t.line("%-*s%s", indent, what, line)
		what = ""
	}
}
