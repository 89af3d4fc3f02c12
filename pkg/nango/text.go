package nango

import "bytes"

// shortest is how many bytes a text must have to be looked into: no row, not even an update, is shorter.
const shortest = 16

// outcome of reading a text: parsed when there was JSON in it, found when the JSON was, or held, something we know; fault is why some of it was
// not parsed.
type outcome struct {
	parsed, found bool
	fault         string
}

// embedded reads a JSON string that may hold a row: JSON, JSON behind a prefix, several of them, base64, or none of these.
func (r *Reader) embedded(s []byte, c wrapper, depth int) bool {
	s = bytes.TrimSpace(s)
	if len(s) < shortest {
		return false
	}
	if bytes.IndexByte(s, '{') < 0 {
		return r.base64(s, c, depth)
	}
	if depth == 0 || s[0] == '"' {
		r.enter(layerText)
		defer r.leave()
	}
	fault := ""
	if r.nested == maxNested {
		fault = "too_deep"
	} else if startsJSON(s[0]) {
		if v := r.parseNested(s); v != nil {
			found := r.walk(v, c, depth+1)
			r.nested--
			return found
		}
		fault = r.parseFault
	}
	found := r.nested < maxNested && r.pieces(s, c, depth).found
	switch {
	case found:
	case fault != "" && fault != "not_json":
		r.bad(fault)
		return true
	case isCut(s):
		r.bad("cut_row")
	}
	return found
}

// isCut reports whether a text that holds no row begins like one: the shipper, or the runtime under it, splits long lines.
func isCut(s []byte) bool {
	return bytes.HasPrefix(s, []byte(`{"`)) && s[len(s)-1] != '}' &&
		(bytes.Contains(s, []byte(`"operation":{"`)) || bytes.Contains(s, []byte(`"parentId":"`)) || bytes.Contains(s, []byte(`"source":"internal"`)))
}

// pieces reads text that is not one JSON value: a bulk body, log lines, lines with a prefix (console, CRI, syslog), values run together. What cannot be read
// does not take its neighbours with it.
func (r *Reader) pieces(s []byte, c wrapper, depth int) (all outcome) {
	if !r.scan(len(s)) {
		return outcome{}
	}
	whole, last := len(bytes.TrimSpace(s)), bytes.LastIndexByte(s, '{')
	several, read := layerNone, 0
	for cut := (cutter{rest: s}); cut.next(); {
		if len(s)-len(cut.rest) <= last { // another one follows
			several = layerLines
		}
		named := c
		if id := pathID(s[read : len(s)-len(cut.rest)-len(cut.value)]); id != nil { // the head of an HTTP request
			named.id = id
		}
		read = len(s) - len(cut.rest)
		o := r.piece(&cut, len(cut.value) == whole, named, depth, several)
		all.parsed, all.found = all.parsed || o.parsed, all.found || o.found
		if o.fault != "" {
			all.fault = o.fault
		}
	}
	if all.parsed && all.fault != "" {
		r.bad(all.fault)
	}
	return all
}

// piece reads one JSON value of a text and what stands before it on its line; tried: it is the whole text, which was parsed in vain.
func (r *Reader) piece(cut *cutter, tried bool, c wrapper, depth int, several layer) outcome {
	switch {
	case !cut.whole:
		r.parseFault = "not_json"
	case len(cut.value) < shortest:
		return outcome{parsed: true}
	}
	level := len(r.layers)
	defer func() { r.layers = r.layers[:level] }()
	if several != layerNone {
		r.enter(several)
	}
	for _, l := range prefixLayers(cut.before) {
		if l != layerNone && !r.enter(l) {
			return outcome{parsed: true, found: true}
		}
	}
	if cut.whole && !tried {
		if v := r.parseNested(cut.value); v != nil {
			defer func() { r.nested-- }()
			return outcome{parsed: true, found: r.walk(v, c, depth+1)}
		}
	}
	fault := r.parseFault
	found := r.salvage(cut.value, c, depth)
	return outcome{parsed: found, found: found, fault: fault}
}

var consoleStart = []byte("operation(")

// prefixLayers names what writes such a prefix before JSON: a container runtime or syslog, and Nango's console after it.
func prefixLayers(before []byte) (l [2]layer) {
	if bytes.HasSuffix(before, consoleStart) {
		l[1] = layerConsole
	}
	switch {
	case bytes.Contains(before, []byte(" stdout ")) || bytes.Contains(before, []byte(" stderr ")):
		l[0] = layerCRI
	case bytes.HasPrefix(before, []byte("<")), l[1] == layerNone && len(bytes.Trim(before, " \t\x1b,;)")) > 0:
		l[0] = layerSyslog
	}
	return l
}
