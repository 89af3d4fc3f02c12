package nango

import "bytes"

// formBody reads a body of the kind a=b&c=d that came as text: its parts, decoded, as lines "a=b". ok is false when s is none.
func formBody(buffer, s []byte) ([]byte, bool) {
	if i := bytes.Index(s, []byte("error")); i < 0 || i > 0 && s[i-1] != '&' && s[i-1] != '?' {
		return nil, false
	}
	if name := word(s, isWordByte); len(name) == 0 || len(name) == len(s) || s[len(name)] != '=' || bytes.ContainsAny(s, " {<") {
		return nil, false
	}
	out := buffer[:0]
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '&':
			out = append(out, '\n')
		case c == '+':
			out = append(out, ' ')
		case c == '%' && i+2 < len(s) && unhex(s[i+1]) < 16 && unhex(s[i+2]) < 16:
			out = append(out, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return out, true
}

func unhex(c byte) byte {
	switch {
	case isDigit(c):
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

func (r *Reader) formText(f *facts, s []byte) {
	before := len(f.codes) + len(f.text)
	for line := range bytes.SplitSeq(s, []byte("\n")) {
		key, value, _ := bytes.Cut(line, []byte("="))
		switch role := f.role(key); {
		case role&roleCode != 0 && r.addCode(f, value):
		case role == roleText, role == roleCode:
			r.sentence(f, value)
		}
	}
	if len(f.codes)+len(f.text) == before { // it was none
		r.sentence(f, s)
	}
}

// isPage reports whether s is HTML, not XML that a program writes for another.
func isPage(s []byte) bool {
	if len(s) == 0 || s[0] != '<' {
		return false
	}
	s = bytes.ToLower(s[:min(len(s), 512)])
	return bytes.Contains(s, []byte("<html")) || bytes.Contains(s, []byte("<!doctype html")) || bytes.Contains(s, []byte("<head")) || bytes.Contains(s, []byte("<body")) || bytes.Contains(s, []byte("<title"))
}

// markup reads XML and HTML: the texts between the tags. A page for people holds no codes, whatever its headings say.
func (r *Reader) markup(f *facts, s []byte) {
	page := isPage(s)
	for len(s) > 0 {
		_, rest, ok := bytes.Cut(s, []byte(">"))
		if !ok {
			return
		}
		text, _, _ := bytes.Cut(rest, []byte("<"))
		s = rest[len(text):]
		if text = bytes.TrimSpace(text); len(text) < 2 || page && bytes.ContainsAny(text, "{}") {
			continue
		}
		if page || !r.addCode(f, text) {
			r.sentence(f, text)
		}
	}
}
