package nango

import (
	"bytes"
	"encoding/base64"

	"github.com/valyala/fastjson"
)

// shortestBase64 is how long base64 must be to be looked into: no row is shorter in it.
const shortestBase64 = 80

// shortestHidden is how long base64 must be for the prefilter to see it beside a level and a creation time: whole rows are longer.
const shortestHidden = 160

// base64 reads text in which a gateway hides a body that it takes for binary.
func (r *Reader) base64(s []byte, c wrapper, depth int) bool {
	if len(s) < shortestBase64 || !hidesJSON(s) || !r.spend(len(s)) {
		return false
	}
	s = bytes.TrimRight(s, "=")
	encoding := base64.RawStdEncoding
	if bytes.ContainsAny(s, "-_") {
		encoding = base64.RawURLEncoding
	}
	plain, err := encoding.AppendDecode(nil, s)
	if err != nil {
		return false // a JSON web token, for one
	}
	r.enter(layerBase64)
	defer r.leave()
	return r.embedded(plain, c, depth+1)
}

// hidesJSON reports whether text that begins with s may be base64 of JSON, blanks before it or not: eyJ is {" and W3si is [{".
func hidesJSON(s []byte) bool {
	if len(s) < 4 {
		return false
	}
	switch s[0] {
	case 'e', 'W': // { or [, and a second letter for what follows: most words end here
		if s[1] != 'w' && s[1] != 'y' && s[1] != 'z' && (s[1] < '0' || s[1] > '3') {
			return false
		}
	case 'I', 'C', 'D': // a blank or "
	default:
		return false
	}
	var first [3]byte
	if n, err := base64.StdEncoding.Decode(first[:], s[:4]); n < len(first) || err != nil {
		return false
	}
	text := bytes.TrimLeft(first[:], string(blanks))
	return len(text) == 0 || startsJSON(text[0]) && (len(text) == 1 || ' ' <= text[1] && text[1] < 0x7f || bytes.IndexByte(blanks, text[1]) >= 0)
}

var blanks = []byte(" \t\r\n")

// byteList returns the text that is written as the numbers of its bytes, as journald does when there are colours in it; nil when v is another list.
func byteList(v *fastjson.Value) []byte {
	list := v.GetArray()
	if len(list) < shortest || list[0].Type() != fastjson.TypeNumber {
		return nil
	}
	text := make([]byte, 0, len(list))
	for _, e := range list {
		n := e.GetInt()
		if n < 1 || n > 255 {
			return nil
		}
		text = append(text, byte(n))
	}
	return text
}
