package nango

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// The shapes of a body that rules may ask for.
var shapes = []string{shapeNull, shapeUnreadable, shapeBroken, shapeNoResponse, shapeNoReason}

const (
	shapeNull       = "null_body"       // the provider sent nothing
	shapeUnreadable = "unreadable_body" // Nango could not read it as JSON and dropped it
	shapeBroken     = "broken_json"     // it claimed to be JSON and was not
	shapeNoResponse = "no_response"     // no answer came back
	shapeNoReason   = "no_reason"       // the row holds a type and nothing else
)

// verdict is what a rule made of one row's facts. Verdicts of all rows of an operation are kept until its provider is
// known; the best one counts. They are ordered so that the choice does not depend on the order of rows.
type verdict struct {
	Family string  `json:"f,omitempty"` // "" = generic
	Rank   int     `json:"n"`           // place in its list; smaller wins; below 0 it stands above a provider's own
	Cause  Cause   `json:"c"`
	Reason string  `json:"r"`
	From   witness `json:"o,omitempty"`
	Said   uint32  `json:"s,omitempty"` // a hash of what the body says; 0 = nothing
}

// witness is the row that a verdict comes from.
type witness uint8

const (
	byLog     witness = iota // Nango's error object
	byRequest                // a token request
	byBody                   // Nango's error object, with the status that the body tells for the provider's
)

func (a verdict) compare(b verdict) int {
	return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Family, b.Family), cmp.Compare(a.Cause, b.Cause),
		cmp.Compare(a.Said, b.Said), cmp.Compare(a.From, b.From))
}

// tier is 0 for what stands above everything, 1 for a provider's own word, 2 for the generic rules.
func (a verdict) tier() int {
	switch {
	case a.Rank < 0:
		return 0
	case a.Family != "":
		return 1
	}
	return 2
}

// judge adds to out the verdict of the generic rules and of every provider that has an own word on these facts.
func (r *Rules) judge(f *facts, out []verdict) []verdict {
	f.texts = r.lookup.search(f.text, f.texts[:0])
	before := len(out)
	if v, ok := r.first(r.always, f); ok {
		v.Rank -= len(r.always)
		out = append(out, v)
	}
	for _, i := range r.own {
		if v, ok := r.first(r.groups[i].Rules, f); ok {
			v.Family = r.groups[i].Family
			out = append(out, v)
		}
	}
	if v, ok := r.first(r.generic, f); ok {
		out = append(out, v)
	}
	said := f.hash()
	for i := range out[before:] {
		out[before+i].From, out[before+i].Said = f.from, said
	}
	return out
}

// decide picks the verdict for a provider: its own rules first, then the generic ones. ok is false when there is none.
// An operation can have other requests than the refused one: when Nango's error object says why, only requests that said the same
// count. A status that a body tells counts only where no request knows the real one.
func (r *Rules) decide(provider string, verdicts []verdict) (best verdict, ok bool) {
	family := ""
	if g := r.group(provider); g != nil {
		family = g.Family
	}
	log, _ := pick(family, verdicts, func(v verdict) bool { return v.From == byLog })
	told := !slices.ContainsFunc(verdicts, func(v verdict) bool { return v.From == byRequest })
	return pick(family, verdicts, func(v verdict) bool {
		switch v.From {
		case byRequest:
			return log.Said == 0 || log.Cause == Unknown || v.Said == log.Said
		case byBody:
			return told
		}
		return true
	})
}

func pick(family string, verdicts []verdict, counts func(verdict) bool) (best verdict, ok bool) {
	for _, v := range verdicts {
		if v.Family != "" && v.Family != family || !counts(v) {
			continue
		}
		if !ok || cmp.Or(cmp.Compare(v.tier(), best.tier()), v.compare(best)) < 0 {
			best, ok = v, true
		}
	}
	return best, ok
}

func (r *Rules) first(rules []rule, f *facts) (verdict, bool) {
	for i := range rules {
		if code, ok := r.fits(&rules[i], f); ok {
			reason := rules[i].Reason
			if strings.IndexByte(reason, '{') >= 0 {
				reason = fill(reason, code, strconv.Itoa(f.status))
			}
			return verdict{Rank: i, Cause: rules[i].Cause, Reason: reason}, true
		}
	}
	return verdict{}, false
}

// fill puts what matched into a reason.
func fill(reason, code, status string) string {
	if reason == "{code}" {
		return code
	}
	return strings.ReplaceAll(strings.ReplaceAll(reason, "{code}", code), "{status}", status)
}

// fits reports whether all conditions of the rule hold, and the code that matched.
func (r *Rules) fits(x *rule, f *facts) (code string, ok bool) {
	if len(x.with.list) > 0 {
		if _, ok = r.named(&x.with, f.codes); !ok {
			return "", false
		}
	}
	if len(x.word.list) > 0 {
		if code, ok = r.named(&x.word, f.words); !ok {
			return "", false
		}
	}
	if len(x.code.list) > 0 {
		if code, ok = r.named(&x.code, f.codes); !ok {
			return "", false
		}
	}
	return code, x.status(f) && share(x.text, f.texts) && share(x.also, f.texts) && x.typ(f) &&
		(len(x.Shape) == 0 || slices.Contains(x.Shape, f.shape))
}

// named returns the first code wanted that was found, as the table spells it.
func (r *Rules) named(w *wanted, found []code) (string, bool) {
	if !slices.ContainsFunc(found, func(c code) bool { return w.set.has(c.number) }) {
		return "", false
	}
	for _, n := range w.list {
		for _, c := range found {
			if c.number == n {
				return cmp.Or(c.spelled, r.lookup.names[n]), true
			}
		}
	}
	return "", false
}

// share reports whether some number found is wanted, or nothing is.
func share(wanted bits, found []int) bool {
	return len(wanted) == 0 || slices.ContainsFunc(found, wanted.has)
}

func (x *rule) status(f *facts) bool {
	return len(x.Status) == 0 || f.status > 0 && slices.ContainsFunc(x.Status, f.hasStatus)
}

func (x *rule) typ(f *facts) bool {
	return len(x.Type) == 0 || f.typ != "" && slices.ContainsFunc(x.Type, func(p string) bool { return matches(p, f.typ) })
}

func (f *facts) hasStatus(pattern string) bool {
	if strings.HasSuffix(pattern, "xx") {
		return f.status/100 == int(pattern[0]-'0')
	}
	return len(pattern) == 3 && f.status == int(pattern[0]-'0')*100+int(pattern[1]-'0')*10+int(pattern[2]-'0')
}

// addVerdicts is the union of two sets, sorted, without duplicates: repeated and reordered rows make no difference.
func addVerdicts(have, more []verdict) []verdict {
	if len(more) == 0 {
		return have
	}
	have = append(have, more...)
	slices.SortFunc(have, verdict.compare)
	return slices.Compact(have)
}
