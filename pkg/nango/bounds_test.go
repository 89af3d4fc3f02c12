package nango

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// hostile values are made to be slow: n bytes of each.
func hostile(n int) map[string]string {
	fill := func(before, unit, after string) string {
		return before + strings.Repeat(unit, max((n-len(before)-len(after))/len(unit), 1)) + after
	}
	keys := func(before, unit string) string {
		var b strings.Builder
		b.WriteString(before)
		for i := 0; b.Len() < n-30; i++ {
			fmt.Fprintf(&b, unit, i)
		}
		return b.String()
	}
	id := opID(worldStart, 1)
	deep := `{"a":1}`
	for len(deep) < n/2 {
		deep = `{"message":` + quoted(deep) + `}`
	}
	return map[string]string{
		"keys":               keys(`{"x":1`, `,"k%d":1`) + "}",
		"keys of one row":    keys(`{"parentId":"`+id+`","level":"error","meta":{"type":"x_y"},"createdAt":"2026-03-02T00:00:00.000Z"`, `,"k%d":1`) + "}",
		"keys of operation":  keys(`{"id":"`+id+`","operation":{"type":"auth","action":"refresh_token"},"state":"failed"`, `,"k%d":1`) + "}",
		"keys of a body":     keys(`{"parentId":"`+id+`","level":"error","createdAt":"2026-03-02T00:00:00.000Z","meta":{"type":"x_y","payload":{"dataMessage":{"x":1`, `,"k%d":1`) + "}}}}",
		"keys of a webhook":  keys(`{"from":"nango","type":"auth","connectionId":"c"`, `,"k%d":1`) + "}",
		"keys of a span":     keys(`{"name":"nango.proxy.call","attributes":{"x":"1"`, `,"k%d":"1"`) + "}}",
		"flat":               fill("[", `{"meta.type":"1","a":1,"b":2},`, "{}]"),
		"flat keys":          fill("[", `{"operation.action":"1"`+strings.Repeat(`,"a.b.c.d.e.f.g.h.i":1`, maxFields-1)+`},`, "{}]"),
		"objects":            fill("[", "{},", "{}]"),
		"objects, run on":    fill("", "{}", ""),
		"texts":              fill("[", `"{",`, `""]`),
		"braces in a text":   fill(`{"message":"`, `{\"`, `"}`),
		"texts run on":       fill("", `"" `, ""),
		"lists run on":       fill("{}", "[] ", ""),
		"broken lists":       fill("[", `[None,"0123456789",`, ""),
		"broken objects":     fill("", `{"a":None,"b":`, "") + strings.Repeat("}", n/14),
		"a broken end":       fill("[", `{"a":"0123456789"},`, "None]"),
		"open objects":       fill("", `{"a":`, ""),
		"open lines":         fill("", "{\"a\":1,\n", ""),
		"open texts":         fill("", "{\"a\n", ""),
		"brackets":           fill("", "[", ""),
		"deep text":          deep,
		"lines":              fill("", "{\"a\":1}\n", ""),
		"actions":            fill("", "{\"index\":{}}\n", ""),
		"consoles":           fill("", "operation({\"a\":1})\n", ""),
		"prefixes":           fill("", "x {\"", ""),
		"quotes":             fill("", `x " {\`, ""),
		"escaped quotes":     fill("x ", `\" {\a`, ""),
		"no quotes":          fill("x ", `{\aaaaaaaa`, ""),
		"quoted braces":      fill(`""None`, `""{\"0123456789abcdef`, ""),
		"blanks":             fill("x ", "{        ", ""),
		"base64":             fill(`{"body":"eyJ`, "AAAA", `"}`),
		"base64 texts":       fill(`[`, `"eyJ`+strings.Repeat("7fQA", 20)+`x",`, `""]`),
		"lists of bytes":     fill(`[`, `[123,34,`+strings.Repeat("97,", 20)+`9],`, `""]`),
		"messages":           fill("[", `{"parentId":"1"},`, "{}]"),
		"errors":             fill("[", `{"parentId":"a","level":"error","createdAt":1772413200,"meta":{"type":"a_b"}},`, "{}]"),
		"errors of many":     keys(`[{}`, `,{"parentId":"a%d","level":"error","createdAt":1772413200,"meta":{"type":"a_b"}}`) + "]",
		"http errors":        fill("[", `{"parentId":"a","level":"error","createdAt":1772413200,"type":"http"},`, "{}]"),
		"operations":         keys(`[{}`, `,{"id":"`+id+`%d","operation":{"type":"auth","action":"refresh_token"}}`) + "]",
		"updates":            keys(`[{}`, `,{"_id":"`+id+`%d","doc":{}}`) + "]",
		"nested updates":     fill("", `{"doc":{"operation":1,"x":`, ""),
		"nameless updates":   strings.Repeat(`{"a":`, 30) + fill("{", `"x":{"doc":{"state":"failed"}},`, `"":1}`) + strings.Repeat("}", 30),
		"spans":              fill("[", `{"name":"nango.x","tags":1},`, "{}]"),
		"protobuf spans":     protobufOf(n, "\x12\x00"),
		"protobuf links":     protobufOf(n, "\x12\x28\x0a\x01a\x2a\x09nango.a.b"+strings.Repeat("\x6a\x00\x4a\x00\x5a\x00", 4)+"\x6a\x00"),
		"lists of keys":      fill(`{"kvlistValue":{"values":[`, `{"key":"a","value":{"stringValue":"b"}},`, `{}]}}`),
		"nested body":        `{"parentId":"` + id + `","level":"error","createdAt":"2026-03-02T00:00:00.000Z","meta":{"type":"x_y","payload":{"dataMessage":` + fill(`[`, `{"error":{"error":{}},"errors":[{}]},`, `{}]`) + `}}}`,
		"text in a body":     `{"parentId":"` + id + `","level":"error","createdAt":"2026-03-02T00:00:00.000Z","meta":{"type":"x_y","payload":{"dataMessage":` + quoted(deep) + `}}}`,
		"sentence of a body": `{"parentId":"` + id + `","level":"error","createdAt":"2026-03-02T00:00:00.000Z","meta":{"type":"x_y","payload":{"message":"` + fill("", "with payload 'AADSTS1 error= ", "' has occurred") + `"}}}`,
		"escapes":            fill(`{"message":"`, `\u007b`, `"}`),
		"path":               fill(`{"path":"`, `1772413200000_`, `"}`),
	}
}

// protobufOf fills a batch of about n bytes with fields of a scope.
func protobufOf(n int, field string) string {
	scope := strings.Repeat(field, max(n-20, 0)/len(field))
	size := func(n int) string {
		var b []byte
		for ; n >= 128; n >>= 7 {
			b = append(b, byte(n)|128)
		}
		return string(append(b, byte(n)))
	}
	inner := "\x12" + size(len(scope)) + scope
	return "\x0a" + size(len(inner)) + inner
}

// No value takes much work or memory: both grow with its length and no faster. What is slow without either shows in BenchmarkHostile.
func TestNoValueIsMuchWork(t *testing.T) {
	for _, size := range []int{16 << 10, 128 << 10} {
		for name, v := range hostile(size) {
			checkCost(t, name, []byte(v))
		}
	}
}

// checkCost reads a value and checks what was parsed, or would have been had the allowance not been used up, and the memory taken for it.
func checkCost(t *testing.T, name string, v []byte) {
	t.Helper()
	var before, after runtime.MemStats
	r := newReader(Options{})
	runtime.ReadMemStats(&before)
	r.Read(v, Meta{Source: "f"})
	runtime.ReadMemStats(&after)
	if work := allowance(len(v)) - r.work; work > allowance(len(v))+2*len(v) {
		t.Errorf("%s, %d bytes: %d bytes of work", name, len(v), work)
	}
	if grown := int(after.TotalAlloc - before.TotalAlloc); grown > 64*len(v)+8<<20 {
		t.Errorf("%s, %d bytes: %d bytes of memory", name, len(v), grown)
	}
}

// BenchmarkHostile is what values made to be slow cost: the cost of a byte may not grow with their length.
func BenchmarkHostile(b *testing.B) {
	for _, size := range []int{64 << 10, 512 << 10} {
		for name, v := range hostile(size) {
			value := []byte(v)
			b.Run(name+"/"+strconv.Itoa(size), func(b *testing.B) {
				r := newReader(Options{})
				b.SetBytes(int64(len(value)))
				for b.Loop() {
					r.Read(value, Meta{Source: "f"})
				}
			})
		}
	}
}
