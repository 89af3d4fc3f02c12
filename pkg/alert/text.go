package alert

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks one character keeps; more of them only paint over the neighbouring lines.
const maxMarks = 4

// clean makes a text that came from outside fit to be shown on one line: valid UTF-8, white space collapsed to single
// spaces, no control, format (bidi, zero width), private or unassigned-plane noncharacter left.
func clean(s string) string { return cleaned(s, math.MaxInt) }

// cleaned is the beginning of a clean text, so many characters of it at most.
func cleaned(s string, most int) string {
	var b strings.Builder
	space, marks, n := false, 0, 0
	for _, r := range s {
		if n >= most {
			break
		}
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case hidden(r):
			continue
		case unicode.Is(unicode.M, r):
			if marks++; marks > maxMarks || b.Len() == 0 || space {
				continue
			}
		default:
			marks = 0
		}
		if space {
			b.WriteByte(' ')
			space = false
			n++
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// hidden says that a character shows nothing by itself or changes how its neighbours are shown.
func hidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp) || r&0xFFFE == 0xFFFE
}

// or gives the cleaned text, or what stands for it when nothing is left.
func or(s, empty string) string {
	if s = clean(s); s == "" {
		return empty
	}
	return s
}

// clip shortens s to at most limit characters as cost counts them, ending in "…" when something was left out. It cuts
// between characters as people see them: never before a combining mark or a skin tone, never inside a flag.
func clip(s string, limit int, cost func(rune) int) string {
	total, end := 0, 0 // end: the last cut that leaves room for the ellipsis
	flags := 0
	for i, r := range s {
		inside := joins(r) || flags%2 == 1 && banner(r)
		if !inside && total+cost('…') <= limit {
			end = i
		}
		if banner(r) {
			flags++
		} else {
			flags = 0
		}
		if total += cost(r); total > limit {
			if cost('…') > limit {
				return ""
			}
			return strings.TrimRight(s[:end], " ") + "…"
		}
	}
	return s
}

func joins(r rune) bool {
	return unicode.Is(unicode.M, r) || r >= 0x1F3FB && r <= 0x1F3FF
}

func banner(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// runes counts a character as one.
func runes(rune) int { return 1 }

// slackCost counts a character as Slack may count it: UTF-16 units of the escaped text.
func slackCost(r rune) int {
	switch {
	case r == '&':
		return len("&amp;")
	case r == '<' || r == '>':
		return len("&lt;")
	case r > 0xFFFF:
		return 2
	}
	return 1
}

// maxRead is how many bytes of a text are looked at for each character that may be shown of it, so that a long one costs no more than a short one.
const maxRead = 64

// short cleans a text from outside and cuts it to limit characters.
func short(s string, limit int) string {
	if end := maxRead * limit; len(s) > end {
		for i := 1; i < utf8.UTFMax && !utf8.RuneStart(s[end]); i++ { // between two characters
			end--
		}
		s = s[:end]
	}
	return clip(cleaned(s, limit+1), limit, runes)
}

// number writes a quantity with as many digits as a person reads: 0.04, 0.4, 3.2, 23.
func number(x float64) string {
	switch {
	case x != x || x < 0:
		return "?"
	case x == 0:
		return "0"
	case x < 0.01:
		return "less than 0.01"
	case x < 0.1:
		return strconv.FormatFloat(x, 'f', 2, 64)
	case x < 9.95:
		return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0")
	case x < 1e15:
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return "very many"
}

// count writes n things in words: "1 connection", "23 connections".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// sentence lets a text begin with a capital letter and end with a full stop.
func sentence(s string) string {
	if s == "" {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(r)) + s[n:]
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "…") {
		return s
	}
	return s + "."
}
