package nango

import (
	"bytes"
	"strings"
)

// needle is a piece of text: head, or head and behind it tail, when tail is said of head.
type needle struct{ head, tail string }

// gap is how many bytes may stand between head and tail.
const gap = 24

// newNeedle reads a text condition; " ~ " stands for up to gap bytes.
func newNeedle(s string) needle {
	head, tail, _ := strings.Cut(s, " ~ ")
	return needle{string(spoken(nil, []byte(head))), string(spoken(nil, []byte(tail)))}
}

// at reports whether the needle is in text at i.
func (x needle) at(text []byte, i int) bool {
	rest := text[i:]
	if len(rest) < len(x.head) || string(rest[:len(x.head)]) != x.head {
		return false
	}
	rest = rest[len(x.head):]
	if x.tail == "" {
		return x.said(text[:i], rest)
	}
	n := bytes.Index(rest[:min(len(rest), gap+len(x.tail))], []byte(x.tail))
	return n > 0 && !isSmall(rest[n-1]) && isGlue(rest[:n]) && isSubject(text[:i])
}

// said reports whether a piece without a tail, when it judges a token, judges that and nothing around it.
func (x needle) said(before, after []byte) bool {
	first, _, _ := strings.Cut(x.head, " ")
	switch {
	case first == "token":
		return isSubject(bytes.TrimSuffix(before, []byte("refresh ")))
	case judges[first] && strings.HasSuffix(x.head, "token"):
		return !isThing(after)
	}
	return true
}

// judges are words before "token" that say something of it.
var judges = wordSet("invalid expired revoked unknown bad incorrect wrong unrecognized inactive malformed old no")

// things are words behind "token" that make it the name of something else: a token endpoint can be invalid while every token is good.
var things = wordSet(`endpoint endpoints url uri route path service server store storage cache lock grant type types request requests response parameter param field
	header flow exchange rotation lookup table backend handler function feature support policy issuer audience signature scope api format`)

// isThing reports whether the word before rest goes on, or the one behind it is one of things.
func isThing(rest []byte) bool {
	w := word(bytes.TrimPrefix(rest, []byte(" ")), isSmall)
	return len(rest) > 0 && isSmall(rest[0]) || things[string(w)]
}

// glue are the words that may stand between a thing and what is said of it. Any other word may be what it is said of.
var glue = wordSet(`is are was were be been being has have had may might seems appears a an the this that it its you your we our and or either no longer
	provided supplied given sent passed submitted specified used presented received value already now also expired invalid revoked of for by with from user account
	customer tenant id string which as to could must`)

// isGlue reports whether nothing in a gap speaks of something else: its words are of glue, quoted, or of digits.
func isGlue(s []byte) bool {
	if bytes.ContainsAny(s, ".:;!?/\n") || isSmall(s[0]) {
		return false
	}
	for w := range bytes.FieldsFuncSeq(s, func(c rune) bool { return c == ' ' || c == ',' || c == '(' || c == ')' }) {
		if isSmall(w[0]) && !glue[string(w)] && !bytes.ContainsAny(w, "0123456789") {
			return false
		}
	}
	return true
}

// governors are words before a thing that make it the object of another: "to refresh token", "lock on refresh token".
var governors = wordSet("to not cannot can't couldn't didn't while on of for using with by from in if whether parameter loading client")

// articles stand between those and the thing.
var articles = wordSet("a an the this that your provided supplied given")

// isSubject reports whether what follows s may have something said of it: it is no part of a path and no object of another word.
func isSubject(s []byte) bool {
	if len(s) > 0 && s[len(s)-1] == '/' {
		return false
	}
	for {
		s = bytes.TrimRight(s, " '\"(")
		n := bytes.LastIndexAny(s, " \n") + 1
		w := bytes.TrimRight(s[n:], ":")
		if len(w) == 0 || !articles[string(w)] {
			return !governors[string(w)]
		}
		s = s[:n]
	}
}

func isSmall(c byte) bool { return 'a' <= c && c <= 'z' }
