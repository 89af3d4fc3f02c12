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

// encoded looks for an escape \u, and for {" in base64.
func encoded(b []byte) bool {
	for i := 0; ; i++ {
		n := bytes.IndexByte(b[i:], 'J')
		if n < 0 {
			return unicodeEscape(b)
		}
		if i += n; i >= 2 && b[i-2] == 'e' && b[i-1] == 'y' {
			return true
		}
	}
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
		start := i
		for start > last+1 && isLower(b[start-1]) {
			start--
		}
		switch {
		case start == last+1 && last >= 0: // the same word
			last = i
			continue
		case start == i: // an id, or a leading _
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

func unicodeEscape(b []byte) bool {
	for i := 0; ; i++ {
		n := bytes.IndexByte(b[i:], '\\')
		if n < 0 {
			return false
		}
		i += n
		if i+1 < len(b) && b[i+1] == 'u' {
			return true
		}
	}
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' || c == '_' }

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
