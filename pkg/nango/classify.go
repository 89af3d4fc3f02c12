package nango

import (
	"bytes"
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

// facts is what one row says about a refused refresh. It lives only while the row is read: verdicts are kept, texts are not.
type facts struct {
	typ    string   // Nango's error type
	status int      // the provider's HTTP status, 0 when not known
	codes  []string // normalised
	text   []byte   // lower case, at most maxText bytes
	shape  string
}

func (f *facts) reset() { *f = facts{codes: f.codes[:0], text: f.text[:0]} }

// verdict is what a rule made of one row's facts. Verdicts of all rows of an operation are kept until its provider is
// known; the best one counts. They are ordered so that the choice does not depend on the order of rows.
type verdict struct {
	Family string `json:"f,omitempty"` // "" = generic
	Rank   int    `json:"n"`           // place in its list; smaller wins
	Cause  Cause  `json:"c"`
	Reason string `json:"r"`
}

func (a verdict) compare(b verdict) int {
	return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Family, b.Family), cmp.Compare(a.Cause, b.Cause))
}

// judge returns the verdict of the generic rules and of every provider that has an own word on these facts.
func (r *Rules) judge(f *facts) []verdict {
	var out []verdict
	for i := range r.groups {
		if v, ok := first(r.groups[i].Rules, f); ok {
			v.Family = r.groups[i].Family
			out = append(out, v)
		}
	}
	if v, ok := first(r.generic, f); ok {
		out = append(out, v)
	}
	return out
}

// decide picks the verdict for a provider: its own rules first, then the generic ones. ok is false when there is none.
func (r *Rules) decide(provider string, verdicts []verdict) (best verdict, ok bool) {
	family := ""
	if g := r.group(provider); g != nil {
		family = g.Family
	}
	for _, v := range verdicts {
		if v.Family != "" && v.Family != family {
			continue
		}
		own, bestOwn := v.Family != "", best.Family != ""
		if !ok || own && !bestOwn || own == bestOwn && v.compare(best) < 0 {
			best, ok = v, true
		}
	}
	return best, ok
}

func first(rules []rule, f *facts) (verdict, bool) {
	for i := range rules {
		if code, ok := rules[i].fits(f); ok {
			reason := rules[i].Reason
			if strings.Contains(reason, "{") {
				reason = strings.NewReplacer("{code}", code, "{status}", strconv.Itoa(f.status)).Replace(reason)
			}
			return verdict{Rank: i, Cause: rules[i].Cause, Reason: reason}, true
		}
	}
	return verdict{}, false
}

// fits reports whether all conditions of the rule hold, and the code that matched.
func (r *rule) fits(f *facts) (code string, ok bool) {
	if len(r.Code) > 0 {
		i := slices.IndexFunc(f.codes, func(c string) bool {
			return slices.ContainsFunc(r.Code, func(p string) bool { return matches(p, c) })
		})
		if i < 0 {
			return "", false
		}
		code = f.codes[i]
	}
	if len(r.Type) > 0 && (f.typ == "" || !slices.ContainsFunc(r.Type, func(p string) bool { return matches(p, f.typ) })) {
		return "", false
	}
	if len(r.Shape) > 0 && !slices.Contains(r.Shape, f.shape) {
		return "", false
	}
	if len(r.Status) > 0 && !slices.ContainsFunc(r.Status, f.hasStatus) {
		return "", false
	}
	if len(r.Text) > 0 && !slices.ContainsFunc(r.Text, func(t string) bool { return bytes.Contains(f.text, []byte(t)) }) {
		return "", false
	}
	return code, true
}

func (f *facts) hasStatus(pattern string) bool {
	if c, ok := strings.CutSuffix(pattern, "xx"); ok {
		return strconv.Itoa(f.status/100) == c
	}
	return strconv.Itoa(f.status) == pattern
}

// addVerdicts is the union of two sets, sorted, without duplicates: repeated and reordered rows make no difference.
func addVerdicts(have, more []verdict) []verdict {
	have = append(have, more...)
	slices.SortFunc(have, verdict.compare)
	return slices.Compact(have)
}
