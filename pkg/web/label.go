package web

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText is the longest label value, in bytes; it holds "topic/partition" of any topic.
const maxText = 256

// unnamed stands for a label value that the rows do not hold: to Prometheus an empty label is none at all.
const unnamed = "unknown"

// other stands for all names without a label value of their own.
const other = "other"

// clean makes a text of strangers one short line of visible characters: what is not one of these, or not valid UTF-8, becomes U+FFFD.
func clean(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r = visible(r); b.Len()+utf8.RuneLen(r) > maxText-len("…") {
			b.WriteRune('…')
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// visible is r, or U+FFFD in place of what steers a terminal.
func visible(r rune) rune {
	if unicode.IsGraphic(r) {
		return r
	}
	return utf8.RuneError
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// labels renders pairs of name and clean value; clean leaves no line break to escape.
func labels(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(pairs[i] + `="`)
		_, _ = escaper.WriteString(&b, cmp.Or(pairs[i+1], unnamed))
		b.WriteByte('"')
	}
	return b.String()
}

// roster decides which names have label values of their own. A name keeps what it first got for the life of the process: no place becomes free,
// so what was once counted under other stays there, and a counter never falls.
type roster struct {
	size         int
	own          map[Integration]bool
	environments map[string]bool
}

func newRoster(size int) *roster {
	return &roster{size, map[Integration]bool{}, map[string]bool{}}
}

// admit gives the free places to those names with the highest counts; equal ones by name.
func (r *roster) admit(counts map[Integration]int64) {
	var fresh []Integration
	for n := range counts {
		if !r.own[n] {
			fresh = append(fresh, n)
		}
	}
	slices.SortFunc(fresh, func(a, b Integration) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), a.compare(b))
	})
	for _, n := range fresh[:min(len(fresh), r.size-len(r.own))] {
		r.own[n], r.environments[n.Environment] = true, true
	}
}

// label is n itself, or other in its place. So there are at most size environments and one, and twice size names and one.
func (r *roster) label(n Integration) Integration {
	if r.own[n] {
		return n
	}
	if !r.environments[n.Environment] {
		n.Environment = other
	}
	n.Provider = other
	if n.Integration != "" {
		n.Integration = other
	}
	return n
}

func (n Integration) compare(o Integration) int {
	return cmp.Or(strings.Compare(n.Environment, o.Environment), strings.Compare(n.Provider, o.Provider), strings.Compare(n.Integration, o.Integration))
}

func (n Integration) clean() Integration {
	return Integration{clean(n.Environment), clean(n.Provider), clean(n.Integration)}
}
