package nango

import (
	"encoding/base64"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Base64 of JSON, indented or not, is known by its first letters; most words are not taken for it.
func TestHidesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"", " ", "\n", "\r\n", "\t", "   ", " \r\n\t"}).Draw(t, "blanks") +
			rapid.SampledFrom([]string{`{"id":1}`, "{\n  \"a\":1}", "{ }..", `[{"id":1}]`, `[[1,2]]`, "[\r\n{}]", `"{\"a\"`, "{\t\"a\"", `["x"]`, "[1]."}).Draw(t, "text")
		if !hidesJSON([]byte(base64.StdEncoding.EncodeToString([]byte(text)))) {
			t.Fatalf("%q", text)
		}
	})
	for _, s := range []string{"", "eyJ", "example", "error", "external", "Webhook", "Created", "Data", "ID", "Connection", "refresh", "e9d1e0000", "{\"a\":1}", "====", "e\"yJ"} {
		if hidesJSON([]byte(s)) {
			t.Errorf("%q", s)
		}
	}
}

// What is not base64, or a list of other numbers, is no row and no fault.
func TestNotHidden(t *testing.T) {
	for _, v := range []string{
		`{"token":"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.` + strings.Repeat("eyJz", 20) + `.c2ln"}`,
		`{"body":"eyJ` + strings.Repeat("*", 100) + `"}`,
		`{"ids":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,256]}`,
		`{"ids":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,1.5]}`,
		`{"ids":[123,34,3,4,5,6,7,8,9,10,11,12,13,14,15,"x"]}`,
	} {
		if _, st := read(t, Options{}, v); st.Ignored != 1 {
			t.Errorf("%s: %+v", v, st)
		}
	}
}

// Wherever in a value it stands and however long it is, what hides a row is found; a text of the same letters is not.
func TestEncodedIsFoundAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := `{"a":"` + strings.Repeat("x y", rapid.IntRange(0, 70).Draw(t, "before")) + strings.Repeat("z", rapid.IntRange(0, 70).Draw(t, "word")) + `","b":`
		size := rapid.IntRange(shortestHidden, 400).Draw(t, "size")
		hidden := base64.StdEncoding.EncodeToString([]byte(`{"` + strings.Repeat("k", size)))[:size]
		if !encoded([]byte(before + `"` + hidden + `"}`)) {
			t.Fatal("base64 was not found")
		}
		if !encoded([]byte(before + byteNumbers(`{"`+strings.Repeat("k", size)) + `}`)) {
			t.Fatal("a list was not found")
		}
		if encoded([]byte(before + `"` + strings.Repeat("k", size) + `"}`)) {
			t.Fatal("a long word is taken for base64")
		}
	})
}
