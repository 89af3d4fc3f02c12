package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/revwatch/revwatch/pkg/simulate"
)

// dumped is what an export of one of Nango's indices holds.
type dumped struct {
	index string
	rows  []json.RawMessage
}

// dumpedWorld is four days of a made-up Nango: its operations and its messages. Of an operation that was written several times the last one counts, as
// in an index.
func dumpedWorld(t *testing.T) (operations, messages dumped) {
	t.Helper()
	operations.index, messages.index = "20250724_operations.2026-10-01", "20240528_messages.2026-10-01"
	start := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	w := simulate.New(simulate.Config{Seed: 7, Start: start, Filler: .2})
	place := map[string]int{}
	w.Until(start.AddDate(0, 0, 4), func(r simulate.Row) {
		if r.Message {
			messages.rows = append(messages.rows, bytes.Clone(r.Value))
			return
		}
		if at, known := place[string(r.Key)]; known {
			operations.rows[at] = bytes.Clone(r.Value)
			return
		}
		place[string(r.Key)] = len(operations.rows)
		operations.rows = append(operations.rows, bytes.Clone(r.Value))
	})
	return operations, messages
}

func (d dumped) id(i int) string {
	var row struct{ ID, Type string }
	json.Unmarshal(d.rows[i], &row)
	if row.Type != "operation" {
		return fmt.Sprintf("es-%d", i) // Elasticsearch makes the ids of messages
	}
	return row.ID
}

// hits are the rows as a search returns them.
func (d dumped) hits() (all []json.RawMessage) {
	for i, row := range d.rows {
		all = append(all, fmt.Appendf(nil, `{"_index":%q,"_id":%q,"_score":1,"_source":%s}`, d.index, d.id(i), row))
	}
	return all
}

func (d dumped) answers(page int) (all [][]byte) {
	for hits := d.hits(); len(hits) > 0; {
		n := min(page, len(hits))
		list, _ := json.Marshal(hits[:n])
		all = append(all, fmt.Appendf(nil, `{"_scroll_id":"c2Nyb2xs","took":3,"timed_out":false,"_shards":{"total":1,"successful":1,"skipped":0,"failed":0},"hits":{"total":{"value":%d,"relation":"eq"},"max_score":1.0,"hits":%s},"aggregations":{"hits":{"buckets":[{"key":"x","hits":[{"a":1}]}]}}}`, len(d.rows), list))
		hits = hits[n:]
	}
	return all
}

func lines[T ~[]byte](values []T) []byte {
	var b bytes.Buffer
	for _, v := range values {
		b.Write(v)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func pretty(t *testing.T, value []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, value, "", "  "); err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

func jsonList(t *testing.T, values []json.RawMessage) []byte {
	t.Helper()
	b, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func zstandard(t *testing.T, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(b, nil)
}

// exports are the usual forms of an index in a file.
func exports(t *testing.T) map[string]func(dumped) []byte {
	elasticdump := func(d dumped) []byte { return lines(d.hits()) }
	return map[string]func(dumped) []byte{
		"rows":          func(d dumped) []byte { return lines(d.rows) },
		"elasticdump":   elasticdump,
		"answers":       func(d dumped) []byte { return lines(d.answers(100)) },
		"answers alone": func(d dumped) []byte { return bytes.Join(d.answers(100), nil) },
		"one answer":    func(d dumped) []byte { return d.answers(len(d.rows))[0] },
		"pretty answers": func(d dumped) (out []byte) {
			for _, a := range d.answers(1000) {
				out = append(out, pretty(t, a)...)
			}
			return out
		},
		"several searches": func(d dumped) []byte {
			return fmt.Appendf(nil, `{"took":3,"responses":[%s]}`, bytes.Join(d.answers(300), []byte(",")))
		},
		"dashboards": func(d dumped) []byte {
			return pretty(t, fmt.Appendf(nil, `{"id":"x","rawResponse":%s,"isPartial":false}`, d.answers(1 << 20)[0]))
		},
		"hits":        func(d dumped) []byte { return jsonList(t, d.hits()) },
		"pretty hits": func(d dumped) []byte { return pretty(t, jsonList(t, d.hits())) },
		"list":        func(d dumped) []byte { return jsonList(t, d.rows) },
		"pretty list": func(d dumped) []byte { return pretty(t, jsonList(t, d.rows)) },
		"list by line": func(d dumped) []byte {
			return append(append([]byte("[\n"), bytes.Join(raw(d.rows), []byte(",\n"))...), "\n]\n"...)
		},
		"pretty rows": func(d dumped) (out []byte) {
			for _, row := range d.rows {
				out = append(out, pretty(t, row)...)
			}
			return out
		},
		"bulk": func(d dumped) (out []byte) {
			for i, row := range d.rows {
				out = fmt.Appendf(out, "{\"index\":{\"_index\":%q,\"_id\":%q}}\n%s\n", d.index, d.id(i), row)
			}
			return out
		},
		"logstash": func(d dumped) (out []byte) {
			for _, row := range d.rows {
				out = fmt.Appendf(out, "{\"@timestamp\":\"2026-10-05T09:00:00.000Z\",\"@version\":\"1\",%s\n", row[1:])
			}
			return out
		},
		"gzip":         func(d dumped) []byte { return gzipped(elasticdump(d)) },
		"gzip members": func(d dumped) []byte { return append(gzipped(lines(d.hits()[:9])), gzipped(lines(d.hits()[9:]))...) },
		"zstd":         func(d dumped) []byte { return zstandard(t, elasticdump(d)) },
		"windows": func(d dumped) []byte {
			return append([]byte("\xef\xbb\xbf"), bytes.ReplaceAll(pretty(t, jsonList(t, d.rows)), []byte("\n"), []byte("\r\n"))...)
		},
		"crlf": func(d dumped) []byte {
			return append([]byte("\xef\xbb\xbf"), bytes.ReplaceAll(elasticdump(d), []byte("\n"), []byte("\r\n"))...)
		},
	}
}

func raw(values []json.RawMessage) (all [][]byte) {
	for _, v := range values {
		all = append(all, v)
	}
	return all
}

var fromLearned = regexp.MustCompile(`^Learned (\d+) providers from 4 days \(.*?\): (\d+) records, (\d+) failures`)

// One command leads from an export of any usual form to the same state, with every row counted once.
func TestLearnReadsEveryExport(t *testing.T) {
	operations, messages := dumpedWorld(t)
	events, sentence := "", ""
	forms := exports(t)
	for _, form := range slices.Insert(slices.Sorted(maps.Keys(forms)), 0, "rows") {
		dir := t.TempDir()
		for name, d := range map[string]dumped{"operations": operations, "messages": messages} {
			if err := os.WriteFile(filepath.Join(dir, name), forms[form](d), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		state := filepath.Join(t.TempDir(), "state.db")
		code, out, errs := said(t, "learn", "--input", dir, "--state", state)
		m := fromLearned.FindStringSubmatch(out)
		if code != exitOK || m == nil || errs != "" {
			t.Fatalf("%s: exit code %d, said\n%s%s", form, code, out, errs)
		}
		got := output(t, "", "replay", "--output", "json", "--only", "failure,reconnected,unknown_connection", "--input", filepath.Join(dir, "operations"), "--input", filepath.Join(dir, "messages"))
		if sentence == "" {
			events, sentence = got, m[0]
			if n := fmt.Sprint(len(operations.rows) + len(messages.rows)); m[2] != n || m[1] == "0" || m[3] == "0" {
				t.Fatalf("said %q of %s rows", m[0], n)
			}
		}
		if got != events || m[0] != sentence {
			t.Errorf("%s: said %q, want %q; %d bytes of events, want %d", form, m[0], sentence, len(got), len(events))
		}
	}
}

// Of a file that breaks off, what comes before counts, and it is named.
func TestLearnFromAFileThatBreaksOff(t *testing.T) {
	operations, messages := dumpedWorld(t)
	hits := append(messages.hits(), operations.hits()...)
	all := lines(hits)
	whole := len(operations.rows) + len(messages.rows)
	for form, cut := range map[string][]byte{
		"plain": all[:len(all)-100],
		"list":  jsonList(t, hits)[:len(all)*2/3],
		"answer": func() []byte {
			a := messages.answers(1 << 20)[0]
			return append(lines(operations.rows), a[:len(a)-3]...)
		}(),
		"gzip": gzipped(all)[:len(gzipped(all))*2/3],
		"zstd": zstandard(t, all)[:len(zstandard(t, all))*2/3],
	} {
		file := filepath.Join(t.TempDir(), "dump")
		if err := os.WriteFile(file, cut, 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, errs := said(t, "learn", "--input", file, "--state", filepath.Join(t.TempDir(), "state.db"))
		m := fromLearned.FindStringSubmatch(out)
		if code != exitOK || m == nil || !strings.HasPrefix(errs, "warning: "+file+" breaks off after ") || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: exit code %d, said\n%s%s", form, code, out, errs)
			continue
		}
		var n int
		if fmt.Sscan(m[2], &n); n > whole || n < whole/3 {
			t.Errorf("%s: %d records of %d", form, n, whole)
		}
	}
}

// What is not read is refused with a word of what to do, and leaves no state behind.
func TestLearnRefuses(t *testing.T) {
	empty := t.TempDir()
	_, messages := dumpedWorld(t)
	for content, want := range map[string]string{
		"_id,_index,createdAt,message\nx,y,z,w\n":                            "is CSV",
		"\"@timestamp\",\"_id\",\"level\"\n\"Oct 1, 2026 @ 09:00\",x,info\n": "is CSV",
		"\xff\xfe{\x00": "UTF-16",
		"PK\x03\x04zip": "zip archive: unpack it first",
		"\xfd7zXZ\x00":  "xz -d",
		string(gzipped([]byte("_id,_index\n1,2\n"))): "is CSV",
		"\x1f\x8bnot gzip at all":                    "cannot be unpacked",
		"operations" + strings.Repeat("\x00", 247) + "ustar\x0000" + strings.Repeat("\x00", 300): "tar -xf",
		"":                                 "there is nothing in the input",
		"{\"a\":1}\n":                      "learn: 1 record, and no row of Nango's logs that says anything of a connection: nothing was learned. They are in the indices",
		string(lines(messages.rows[:900])): "only rows of messages among them, which do not say whose connection they are about: nothing was learned. Give the index 20250724_operations as well",
	} {
		file := filepath.Join(t.TempDir(), "dump")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		state := filepath.Join(t.TempDir(), "state.db")
		code, out, errs := said(t, "learn", "--input", file, "--state", state)
		if code != exitFailure || !strings.Contains(errs, want) {
			t.Errorf("%q: exit code %d, said\n%s%s", content, code, out, errs)
		}
		if _, err := os.Stat(state); err == nil {
			t.Errorf("%q: there is a state file", content)
		}
	}
	for input, want := range map[string]string{empty: "the directory holds no files", empty + "/*.json": "no file is called so", empty + "/none": "no such file"} {
		if code, out, errs := said(t, "learn", "--input", input, "--state", empty+"/state.db"); code != exitFailure || !strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, said\n%s%s", input, code, out, errs)
		}
	}
}

// A link in a directory stands for the file it leads to; one that leads nowhere is told, not passed over.
func TestInputsFollowsLinks(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "dump")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink(file, filepath.Join(dir, "a")), os.Symlink(t.TempDir(), filepath.Join(dir, "b"))); err != nil {
		t.Fatal(err)
	}
	if names, err := inputNames([]string{dir}); err != nil || !slices.Equal(names, []string{filepath.Join(dir, "a")}) {
		t.Errorf("%v, %v", names, err)
	}
	if err := os.Symlink(file+".gone", filepath.Join(dir, "c")); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := said(t, "doctor", "--input", dir); code != exitFailure || !strings.Contains(errs, "no such file") {
		t.Errorf("exit code %d, said %s", code, errs)
	}
}

// Of the operations alone everything is learned but why, and the warning names the other index.
func TestLearnFromOperationsAlone(t *testing.T) {
	operations, _ := dumpedWorld(t)
	file := filepath.Join(t.TempDir(), "dump")
	if err := os.WriteFile(file, lines(operations.hits()), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := said(t, "learn", "--input", file, "--state", file+".db")
	if code != exitOK || !fromLearned.MatchString(out) || !strings.HasSuffix(errs, "none has a cause: are the message rows there? None was seen; they are in the index 20240528_messages\n") {
		t.Errorf("exit code %d, said\n%s%s", code, out, errs)
	}
}

// A value may be cut anywhere, in any part of the buffer: those after it are not lost, and none is read twice.
func TestSplitGoesOnBehindACutValue(t *testing.T) {
	for text, want := range map[string]string{
		"{\n  \"a\": 1\n}\n{\"b\":2}\n":                    "{|  \"a\": 1|}/{\"b\":2}",
		"{\"a\":\n{\"b\":2}\n":                             "{\"a\":/{\"b\":2}",
		"{\"a\":\"x\n{\"b\":2}":                            "{\"a\":\"x/{\"b\":2}",
		"{\"a\": 1,\n{\"b\":2}\n":                          "{\"a\": 1,/{\"b\":2}",
		"[{\"a\":1}, {\"b\":[2]},\n {\"c\":{}}]\n":         "{\"a\":1}/{\"b\":[2]}/{\"c\":{}}",
		"[\n{\"a\":1},\n{\"b\":\n{\"c\":3},\n{\"d\":4}\n]": "{\"a\":1}/{\"b\":/{\"c\":3}/{\"d\":4}/]",
		"[1791191701.3, {\"log\":\"x\"}]\n":                "[1791191701.3, {\"log\":\"x\"}]",
		"[[1,{}],{\"a\":1}]\n{}":                           "[[1,{}],{\"a\":1}]/{}",
		"[debug] operation({\"a\":1})\n{\"b\":2}":          "[debug] operation({\"a\":1})/{\"b\":2}",
		"{\"hits\":{\"total\":0,\"hits\":[]}}":             "{\"hits\":{\"total\":0,\"hits\":[]}}",
		"{\"took\":1,\"hits\":{\"hits\":[{\"a\":\"]}\\\"\"}],\"x\":[{}]},\"y\":{\"hits\":[{}]}}{\"b\":2}": "{\"a\":\"]}\\\"\"}/{\"b\":2}",
		"{\"_source\":{\"hits\":{\"hits\":[{\"a\":1}]}},\n\"b\":2}":                                       "{\"_source\":{\"hits\":{\"hits\":[{\"a\":1}]}},|\"b\":2}",
		"[]\n[ ]\n{}": "[]/[ ]/{}",
		"{\"update\":{\"_id\":\"1\"}}\n{\"doc\":{}}\n{\"delete\":{\"_id\":\"1\"}}\n{\"index\":{\"_id\":\"2\"}}\n{\"c\":1}": "{\"update\":{\"_id\":\"1\"}}|{\"doc\":{}}/{\"delete\":{\"_id\":\"1\"}}/{\"index\":{\"_id\":\"2\"}}|{\"c\":1}",
	} {
		for _, size := range []int{16, 17, 19, 23, 64, 1 << 18} {
			in := newInput("-", strings.NewReader(text), nil)
			in.lines = bufio.NewReaderSize(in.packed, size)
			var got []string
			for {
				value, _, err := in.next()
				if err != nil {
					break
				}
				got = append(got, strings.NewReplacer("\r", "", "\n", "|").Replace(string(value)))
			}
			if all := strings.Join(got, "/"); all != want {
				t.Errorf("%q in parts of %d\ngot  %q\nwant %q", text, size, all, want)
			}
		}
	}
}
