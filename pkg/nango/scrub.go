package nango

import (
	"bytes"
	"strings"
)

const maxDetail = 160

// cuts end what may be told of a sentence: a secret follows. A word with ":" or "=" behind it is one of the second list.
var (
	cuts     = wordSet("bearer basic digest password passwd pwd passphrase passcode cookie cookies apikey authorization credential pin otp jwt dsn")
	cutAtEnd = wordSet("token secret key code assertion signature session state nonce username user email name login account id phone")
)

// capitals are the words that may begin with a capital letter within a sentence; others may be names of people.
var capitals = wordSet(`access account api app application auth authorization bad client code conditional credentials error expired failed forbidden gateway google
	grant http https id identity internal invalid ip json jwt microsoft mfa nango not oauth permission policy provider refresh request revoked scope server service session slack
	the token unauthorized unavailable user workspace azure portal salesforce hubspot you your please this it entity tenant organization admin proxy timeout`)

func wordSet(s string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(s) {
		out[w] = true
	}
	return out
}

// scrub appends what may be told of a provider's sentence: ordinary words, Microsoft's numbers, HTTP statuses and codes of
// the table; all else becomes "…". At most maxDetail bytes.
func (t *table) scrub(to, s []byte) []byte {
	start := true // of a sentence
	s = bytes.TrimSpace(s)
	for len(s) > 0 {
		var chunk []byte
		chunk, s = nextWord(s)
		core := bytes.Trim(chunk, `.,;:!?'"()`)
		out := chunk
		if !t.ordinary(core, start) {
			out = []byte("…")
		}
		if bytes.HasSuffix(to, []byte("…")) && string(out) == "…" {
			out = nil
		}
		if len(to)+len(out)+len(" …") > maxDetail {
			break
		}
		if len(out) > 0 {
			if len(to) > 0 {
				to = append(to, ' ')
			}
			to = append(to, out...)
		}
		if cutsOff(chunk, s) {
			to = append(bytes.TrimSuffix(to, []byte(" …")), " …"...)
			break
		}
		start = len(chunk) > 0 && bytes.IndexByte([]byte(".!?:"), chunk[len(chunk)-1]) >= 0
	}
	if len(bytes.Trim(to, "… ")) == 0 {
		return to[:0]
	}
	return to
}

func nextWord(s []byte) (chunk, rest []byte) {
	n := bytes.IndexAny(s, " \t\r\n")
	if n < 0 {
		return s, nil
	}
	return s[:n], bytes.TrimLeft(s[n:], " \t\r\n")
}

// cutsOff reports whether what follows a chunk may be a secret: one of its words announces one, by itself or with ":" or "=" behind it.
func cutsOff(chunk, rest []byte) bool {
	for i := 0; i < len(chunk); {
		w := word(chunk[i:], isLetterByte)
		if len(w) == 0 {
			i++
			continue
		}
		i += len(w)
		after := bytes.TrimLeft(chunk[i:], `\"'`)
		if len(after) == 0 {
			after = rest
		}
		named := len(after) > 0 && (after[0] == ':' || after[0] == '=')
		w = bytes.Trim(bytes.ToLower(w[:min(len(w), maxCode)]), "_-")
		if cuts[string(w)] || named && announces(w) {
			return true
		}
	}
	return false
}

// announces takes client_secret for secret.
func announces(w []byte) bool {
	return cutAtEnd[string(w)] || cutAtEnd[string(w[bytes.LastIndexAny(w, "_-")+1:])] || cuts[string(w[bytes.LastIndexAny(w, "_-")+1:])]
}

func isLetterByte(c byte) bool { return isWordByte(c) && !isDigit(c) }

// ordinary reports whether a word has a shape that no secret has.
func (t *table) ordinary(w []byte, start bool) bool {
	switch {
	case len(w) == 0:
		return true // punctuation alone
	case isStatus(w):
		return true
	case bytes.HasPrefix(w, []byte("AADSTS")):
		return len(w) > 8 && len(w) <= 14 && len(word(w[6:], isDigit)) == len(w)-6
	case bytes.IndexByte(w, '_') > 0:
		var scratch [maxCode]byte
		n, ok := t.find(scratch[:], w)
		return ok && !t.wild(n)
	}
	return isPlainWord(w, start)
}

func isStatus(w []byte) bool {
	return len(w) == 3 && (w[0] == '4' || w[0] == '5') && isDigit(w[1]) && isDigit(w[2])
}

// isPlainWord takes letters only: all small, all capital when short, or a capital first where a sentence begins or a known
// word stands; and only what can be spoken.
func isPlainWord(w []byte, start bool) bool {
	if len(w) > 20 {
		return false
	}
	capital, small, vowels, run := 0, 0, 0, 0
	for _, c := range w {
		switch {
		case 'A' <= c && c <= 'Z':
			capital++
		case 'a' <= c && c <= 'z':
			small++
		default:
			return false
		}
		if run++; bytes.IndexByte([]byte("aeiouyAEIOUY"), c) >= 0 {
			vowels, run = vowels+1, 0
		}
		if run > 5 {
			return false
		}
	}
	if capital+small > 3 && vowels == 0 && capital == 0 {
		return false
	}
	switch {
	case capital == 0:
		return true
	case small == 0:
		return capital <= 5 || capitals[strings.ToLower(string(w))]
	}
	return w[0] >= 'A' && w[0] <= 'Z' && capital == 1 && start || capitals[strings.ToLower(string(w))]
}

// wild reports whether a number stands for all codes that begin alike.
func (t *table) wild(n int) bool {
	for _, x := range t.stems {
		if x.number == n {
			return true
		}
	}
	return false
}

// spelling returns a code in the form of a reason, "" when it may be something else: its parts are words and short numbers.
func spelling(s []byte) string {
	out := make([]byte, 0, len(s)+1)
	for i, c := range s[:min(len(s), 24)] {
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c == ' ', i == 23:
			return ""
		case c == '-', c == '.':
			c = '_'
		}
		if isDigit(c) && i > 0 && out[len(out)-1] != '_' && !isDigit(out[len(out)-1]) {
			out = append(out, '_')
		}
		out = append(out, c)
	}
	if !isShaped(out) {
		return ""
	}
	return string(out)
}

// isShaped reports whether s has the shape of a code: words of at most 16 letters and numbers of at most 8 digits between "_".
func isShaped(s []byte) bool {
	if len(s) < 2 || len(s) > maxCode {
		return false
	}
	for part := range bytes.SplitSeq(s, []byte("_")) {
		letters := word(part, func(c byte) bool { return 'a' <= c && c <= 'z' })
		digits := word(part[len(letters):], isDigit)
		if len(letters)+len(digits) != len(part) || len(letters) > 16 || len(digits) > 8 || len(letters) > 0 && len(digits) > 2 {
			return false
		}
	}
	return true
}

// boundedType returns Nango's error type when it has the shape of one, else "": a name in it may come from anywhere.
func (r *Reader) boundedType(typ []byte) string {
	if typ = bytes.ReplaceAll(typ, []byte("-"), []byte("_")); isShaped(typ) {
		return r.intern(typ)
	}
	return ""
}
