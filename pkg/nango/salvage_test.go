package nango

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What is no JSON, is cut off or has too much in it takes no neighbour with it, wherever they stand together.
func TestNeighboursOfWhatIsBroken(t *testing.T) {
	at := worldStart.Add(time.Hour)
	id := opID(at, 1)
	op := operationRow(id, "auth", "refresh_token", "failed", whoOf(1), at, at)
	log := errorLogRow(id, external, 400, `{"dataMessage":{"error":"invalid_grant"}}`, at)
	user := `{"id":"m1","accountId":3,"source":"user","level":"info","type":"log","message":"x","parentId":"` + id + `","meta":{"ids":[%s]},"createdAt":"` + stampOf(at) + `"}`
	want, _ := read(t, Options{}, op, log)
	broken := map[string]string{
		"no JSON":        `{"x":undefined}`,
		"nothing":        "",
		"a word":         "None",
		"many numbers":   fmt.Sprintf(user, strings.Repeat("31,", 40_000)+"1"),
		"many objects":   fmt.Sprintf(user, strings.Repeat("{},", 10_000)+"{}"),
		"deep":           fmt.Sprintf(user, strings.Repeat("[", 5_000)+strings.Repeat("]", 5_000)),
		"a broken value": fmt.Sprintf(user, "0x10"),
	}
	around := map[string]string{
		"list":      `[OP,LOG,BAD]`,
		"between":   `[LOG,BAD,OP]`,
		"operation": `{"operation":OP,"messages":[LOG,BAD],"pagination":{"total":2}}`,
		"hits":      `{"took":3,"hits":{"total":{"value":3},"hits":[{"_index":"i","_id":"a","_source":OP},{"_index":"i","_id":"b","_source":LOG},{"_index":"i","_id":"c","_source":BAD}]}}`,
	}
	for what, bad := range broken {
		for where, all := range around {
			value := strings.NewReplacer("OP", op, "LOG", log, "BAD", bad).Replace(all)
			for _, e := range []struct{ name, value string }{
				{"bare", value},
				{"in a tool's answer", `{"result":{"content":[{"type":"text","text":` + quoted(value) + `}]}}`},
				{"as a line", "2026-03-02T00:00:01.512345678Z stdout F " + value},
			} {
				got, st := read(t, Options{}, e.value)
				if d := difference(got, want); d != "" || len(want) != 1 || st.Damaged != 1 {
					t.Errorf("%s, %s, %s: %s\n%+v", what, where, e.name, d, st)
				}
			}
		}
	}
}

// Of a value that is cut off anywhere, the rows before the cut are read; what a cut row quotes is none.
func TestCutAnywhere(t *testing.T) {
	at := worldStart.Add(time.Hour)
	rapid.Check(t, func(t *rapid.T) {
		value, ends := `{"hits":{"hits":[`, []int{}
		for i := range rapid.IntRange(1, 5).Draw(t, "rows") {
			row := operationRow(opID(at, i), "auth", "refresh_token", "success", whoOf(i), at, at)
			quoting := `{"id":"m","parentId":"` + opID(at, i) + `","level":"info","createdAt":"` + stampOf(at) + `","meta":{"sent":` + operationRow(opID(at, 100+i), "auth", "refresh_token", "success", whoOf(9), at, at) + `}},`
			value += quoting + `{"_id":"x","_source":` + row
			ends = append(ends, len(value))
			value += `},`
		}
		cut := rapid.IntRange(1, len(value)).Draw(t, "cut")
		whole := 0
		for _, end := range ends {
			if end <= cut {
				whole++
			}
		}
		r := newReader(Options{})
		r.Read([]byte(value[:cut]), Meta{Source: "f"})
		if got := r.Flush(); len(got) != whole {
			t.Fatalf("cut after %d bytes: %d events, want %d: %+v", cut, len(got), whole, got)
		}
	})
}

// What is broken stays in its envelope, and a short end that is cut off counts as damage.
func TestBrokenInAnEnvelope(t *testing.T) {
	at := worldStart.Add(time.Hour)
	op := operationRow(opID(at, 1), "auth", "refresh_token", "success", whoOf(1), at, at)
	for _, v := range []string{"[" + op + ",None]", op + "\n2026-03-02T00:00:01.5Z stdout F {\"a\":"} {
		got, st := read(t, Options{Envelope: "cri"}, "2026-03-02T00:00:01.5Z stdout F "+v)
		if len(got) != 1 || st.Damaged != 1 || st.Envelopes["cri"] != 1 {
			t.Errorf("%s: %+v, %+v", v, got, st)
		}
	}
}

// A shipper's line that was cut after the row is no loss.
func TestWholeTextInWhatIsCut(t *testing.T) {
	at := worldStart.Add(time.Hour)
	op := operationRow(opID(at, 1), "auth", "refresh_token", "success", whoOf(1), at, at)
	got, st := read(t, Options{}, `{"log":`+quoted(op+"\n")+`,"stream":"std`)
	if len(got) != 1 || st.Damaged != 1 {
		t.Errorf("%+v, %+v", got, st)
	}
}
