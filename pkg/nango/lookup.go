package nango

import (
	"bytes"
	"slices"
	"strings"
)

// table finds in what a provider wrote the codes and pieces of text that some rule asks for, and gives each a number. What
// no rule asks for is dropped at once: nothing a provider wrote goes any further.
type table struct {
	codes map[string]int // squeezed → number
	stems []stem         // codes that end with "*"
	names []string       // number → code as the table spells it, without "*"
	texts map[string]int
	found []needle // by number
	heads map[[4]byte][]int
	likes [1024]uint64 // a bit for each hash of a head: most places in a text are passed at once
}

type stem struct {
	squeezed string
	number   int
}

// compile numbers all conditions.
func (r *Rules) compile() {
	r.lookup = table{codes: map[string]int{}, texts: map[string]int{}, heads: map[[4]byte][]int{}}
	r.always, r.generic = r.lookup.compile(r.always), r.lookup.compile(r.generic)
	r.own = nil
	for i := range r.groups {
		g := &r.groups[i]
		g.Rules = r.lookup.compile(g.Rules)
		g.remedies = overlay(r.remedy, g.Remedy)
		if len(g.Rules) > 0 {
			r.own = append(r.own, i)
		}
	}
}

func (t *table) compile(rules []rule) []rule {
	out := slices.Clone(rules) // a table laid under this one keeps its own numbers
	for i := range out {
		x := &out[i]
		x.code, x.with, x.word = want(numbers(x.Code, t.code)), want(numbers(x.With, t.code)), want(numbers(x.Word, t.code))
		x.text, x.also = bitsOf(numbers(x.Text, t.text)), bitsOf(numbers(x.Also, t.text))
	}
	return out
}

// bits is a set of small numbers.
type bits []uint64

func bitsOf(numbers []int) (b bits) {
	for _, n := range numbers {
		for n/64 >= len(b) {
			b = append(b, 0)
		}
		b[n/64] |= 1 << (n % 64)
	}
	return b
}

func (b bits) has(n int) bool { return n/64 < len(b) && b[n/64]>>(n%64)&1 == 1 }

// wanted are numbers in an order.
type wanted struct {
	list []int
	set  bits
}

func want(numbers []int) wanted { return wanted{numbers, bitsOf(numbers)} }

func numbers(values []string, number func(string) int) []int {
	var out []int
	for _, v := range values {
		out = append(out, number(v))
	}
	return out
}

func (t *table) code(c string) int {
	name, wild := strings.CutSuffix(c, "*")
	key := squeezed(name)
	if wild {
		key += "*"
	}
	if n, ok := t.codes[key]; ok {
		return n
	}
	n := len(t.names)
	t.codes[key], t.names = n, append(t.names, name)
	if wild {
		t.stems = append(t.stems, stem{squeezed(name), n})
		slices.SortStableFunc(t.stems, func(a, b stem) int { return len(b.squeezed) - len(a.squeezed) }) // the longest says most
	}
	return n
}

func (t *table) text(s string) int {
	if n, ok := t.texts[s]; ok {
		return n
	}
	n, x := len(t.found), newNeedle(s)
	t.texts[s], t.found = n, append(t.found, x)
	head := [4]byte([]byte(x.head[:4]))
	t.heads[head] = append(t.heads[head], n)
	h := hash4(head)
	t.likes[h/64] |= 1 << (h % 64)
	return n
}

func hash4(b [4]byte) uint32 {
	return (uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24) * 2654435761 >> 16
}

// search adds the numbers of all text conditions that fit to into. They begin where words begin.
func (t *table) search(text []byte, into []int) []int {
	for i := 0; i+4 <= len(text); i++ {
		if i > 0 && isSmall(text[i]) && isSmall(text[i-1]) {
			continue
		}
		head := [4]byte(text[i:])
		if h := hash4(head); t.likes[h/64]&(1<<(h%64)) == 0 {
			continue
		}
		for _, n := range t.heads[head] {
			if t.found[n].at(text, i) && !slices.Contains(into, n) {
				into = append(into, n)
			}
		}
	}
	return into
}

// spoken appends text in the form in which it is searched: lower case, one space for any run of blanks, "_" and "-".
func spoken(to, s []byte) []byte {
	for _, c := range s {
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c == '_', c == '-', c <= ' ' && c != '\n':
			c = ' '
			if len(to) > 0 && to[len(to)-1] == ' ' {
				continue
			}
		}
		to = append(to, c)
	}
	return to
}

// maxCode is the length of the longest code, in bytes.
const maxCode = 64

// squeeze appends the letters and digits of a code in lower case; nil when s is no code but a sentence.
func squeeze(to, s []byte) []byte {
	if len(s) == 0 || len(s) > maxCode {
		return nil
	}
	blanks := 0
	for _, c := range s {
		switch {
		case isDigit(c), 'a' <= c && c <= 'z':
			to = append(to, c)
		case 'A' <= c && c <= 'Z':
			to = append(to, c+'a'-'A')
		case c == '_', c == '-', c == '.':
		case c == ' ' && blanks < 3:
			blanks++
		default:
			return nil
		}
	}
	return to
}

func squeezed(s string) string { return string(squeeze(nil, []byte(s))) }

// Words around a code that do not change it.
var (
	codePrefixes = []string{"error", "err", "oauth2", "oauth", "e", "auth"}
	codeSuffixes = []string{"exception", "error", "fault"}
)

// find returns the number of the code that s spells.
func (t *table) find(scratch, s []byte) (int, bool) {
	c := squeeze(scratch[:0], s)
	if n, ok := t.codes[string(c)]; ok || c == nil {
		return n, ok
	}
	for _, suffix := range codeSuffixes {
		if short, ok := bytes.CutSuffix(c, []byte(suffix)); ok {
			if n, ok := t.codes[string(short)]; ok {
				return n, true
			}
		}
	}
	for _, prefix := range codePrefixes {
		if short, ok := bytes.CutPrefix(c, []byte(prefix)); ok {
			if n, ok := t.codes[string(short)]; ok {
				return n, true
			}
		}
	}
	for _, x := range t.stems {
		if bytes.HasPrefix(c, []byte(x.squeezed)) {
			return x.number, true
		}
	}
	return 0, false
}
