package nango

import "bytes"

// relevant reports whether a value may hold a row that matters. It is a necessary condition, derived from what the readers
// of rows ask for, and looks only near rare bytes:
//
//   - Every whole Nango row has a level and says when it was created. What lacks either (partial updates, webhooks, spans, binary data, anything
//     foreign) is read, whatever level its shipper gave it; so is an update among whole rows, and what names its level in a way that is not ours.
//   - A message row of a refused refresh is of level error, or its error type holds a "_" right after "type". What says that a
//     refresh worked, or that none will be tried any more, says it in Nango's own words.
//   - An operation row that matters has an action with a "_" (refresh_token, create_connection, pre_connection_deletion), or
//     proxy as its type, or an error type or code with a "_" in it, or has not ended: then the error may come in an update.
//   - A line break stands between rows (a bulk body), never in one as Nango writes it: each may be another one, and all are read.
//   - What holds an escape \u, or base64, may spell any of these differently, and is read.
func relevant(b []byte) bool {
	level := false
	for i := 0; ; i++ { // "v": level, providerConfigKey
		n := bytes.IndexByte(b[i:], 'v')
		if n < 0 {
			break
		}
		i += n
		if hasAround(b, i, "le", "el") {
			level = true
			if v := valueAfter(b, i+3); v == 'e' || v == ',' && isQuoted(b, i-2) || v == '[' {
				return true
			}
		} else if hasAround(b, i, "pro", "iderConfigKey") {
			return true
		}
	}
	return !level || bytes.IndexByte(b, '\n') >= 0 || underscores(b) || proxyType(b) || words(b) || !ended(b) || encoded(b)
}

func isQuoted(b []byte, i int) bool { return i > 0 && b[i-1] == '"' }

// words looks for what Nango says in words: that the refresh limit is reached, that a manual refresh worked.
func words(b []byte) bool {
	for i := 0; ; i++ {
		n := bytes.IndexByte(b[i:], 'T')
		if n < 0 {
			return false
		}
		if i += n; hasAround(b, i, "", "he refresh limit") || hasAround(b, i, "", "oken manual refresh") {
			return true
		}
	}
}

// ended reports whether b says when a row was created, and nothing in it has yet to end.
func ended(b []byte) bool {
	created := false
	for i := 0; ; i++ {
		n := bytes.IndexByte(b[i:], 'A')
		if n < 0 {
			return created
		}
		if i += n; hasAround(b, i, "created", "t") {
			created = true
		} else if hasAround(b, i, "ended", "t") && valueAfter(b, i+2) == 'n' {
			return false
		}
	}
}

// What a byte may be part of.
const (
	inWord   = 1 << iota // an error type or code
	inBase64             // as JSON writes it: \/ for /
	inBytes              // a list of the numbers of bytes, one a line or not
)

var partOf = func() (of [256]byte) {
	for c := range of {
		if isCodeByte(byte(c)) {
			of[c] |= inWord
		}
		if c != '.' && isCodeByte(byte(c)) || c == '+' || c == '/' || c == '=' || c == '\\' {
			of[c] |= inBase64
		}
		if isDigit(byte(c)) || bytes.IndexByte([]byte(", \t\\nrt"), byte(c)) >= 0 {
			of[c] |= inBytes
		}
	}
	return of
}()

// begin returns where the bytes before i begin that are all part of the same; from is the earliest answer.
func begin(b []byte, i, from int, same byte) int {
	for i > from && partOf[b[i-1]]&same != 0 {
		i--
	}
	return i
}

// encoded looks for an escape \u, and for what may be base64 of JSON or a list of bytes. Neither is so short, where it holds a row, that none of
// its bytes is looked at.
func encoded(b []byte) bool {
	judged := -1 // a byte of the last text that was
	for i := shortestHidden - 1; i < len(b); i += shortestHidden {
		in := partOf[b[i]]
		if in&inBase64 != 0 && (spread(b[i-79:i+1]) || i+80 < len(b) && spread(b[i:i+80])) {
			if start := begin(b, i, judged+1, inBase64); (start == 0 || start > judged+1) && isHidden(b[start:]) {
				return true
			}
			judged = i
		}
		if in&inBytes != 0 && begin(b, i, i-shortestHidden/2, inBytes) == i-shortestHidden/2 {
			return true
		}
	}
	return bytes.Contains(b, escape)
}

var escape = []byte(`\u`)

// spread reports whether 80 bytes may all be base64, by some of them: one side of a byte within it is.
func spread(b []byte) bool {
	_ = b[79]
	return partOf[b[8]]&partOf[b[18]]&partOf[b[28]]&partOf[b[38]]&partOf[b[48]]&partOf[b[58]]&partOf[b[68]]&partOf[b[73]]&inBase64 != 0
}

// isHidden reports whether s begins with base64 of JSON that is long enough for a row.
func isHidden(s []byte) bool {
	return len(s) >= shortestHidden && hidesJSON(s) && begin(s, shortestHidden, 0, inBase64) == 0
}

// underscores looks for "type" or "code" or "action" whose value has a "_" in it, for a code that matters wherever it stands, and for updates.
func underscores(b []byte) bool {
	last := -1 // the _ before this one; its word is judged, and is walked once, however many _ it has
	wrapped := false
	for i := 0; ; i++ {
		n := bytes.IndexByte(b[i:], '_')
		if n < 0 {
			return false
		}
		i += n
		if !wrapped && i+1 < len(b) && (b[i+1] == 'i' || b[i+1] == 'u' || b[i+1] == 'd') { // _id, _index, _update, _doc
			if wrapped = true; bytes.Contains(b, docKey) || bytes.Contains(b, docKeyInText) {
				return true
			}
		}
		start := begin(b, i, last+1, inWord)
		switch {
		case start == last+1 && last >= 0: // the same word
			last = i
			continue
		case start == i: // a leading _
			continue
		}
		last = i
		switch keyBefore(b, start) {
		case 'e', 'n': // type, code, action
			return true
		}
		if isSign(b[start:]) {
			return true
		}
	}
}

// The error codes that matter of any operation, by whatever key.
var signWords = [...][]byte{[]byte("connection_refresh_"), []byte("invalid_credentials"), []byte("unknown_connection"), []byte("not_found")}

var docKey, docKeyInText = []byte(`"doc"`), []byte(`"doc\`)

func isSign(s []byte) bool {
	if isDigit(s[0]) { // an id
		return false
	}
	for _, w := range signWords {
		if bytes.HasPrefix(s, w) {
			return true
		}
	}
	return false
}

// proxyType looks for operations of type proxy.
func proxyType(b []byte) bool {
	for i := 0; ; i++ {
		n := bytes.IndexByte(b[i:], 'x')
		if n < 0 {
			return false
		}
		i += n
		if hasAround(b, i, "pro", "y") && keyBefore(b, i-3) == 'e' {
			return true
		}
	}
}

// hasAround reports whether b reads before, b[i], after at i.
func hasAround(b []byte, i int, before, after string) bool {
	return i >= len(before) && i+len(after) < len(b) && string(b[i-len(before):i]) == before && string(b[i+1:i+1+len(after)]) == after
}

// valueAfter returns the first byte of the value of a key that ends at i, whatever the depth of escaping: 0 when there is none.
func valueAfter(b []byte, i int) byte {
	for ; i < len(b); i++ {
		switch b[i] {
		case '"', '\\', ' ', ':', '\t', '\n', '\r':
		default:
			return b[i]
		}
	}
	return 0
}

// keyBefore returns the last letter of the key whose text value begins at i (type → e, action → n), 0 when it is none of
// those that matter.
func keyBefore(b []byte, i int) byte {
	i--
	colon := false
	for i >= 0 && (b[i] == ':' || b[i] == '"' || b[i] == '\\' || b[i] <= ' ') {
		colon = colon || b[i] == ':'
		i--
	}
	if !colon || i < 3 {
		return 0
	}
	switch string(b[i-3 : i+1]) {
	case "type", "code":
		return 'e'
	case "tion":
		return 'n'
	}
	return 0
}
