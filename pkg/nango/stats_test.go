package nango

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Refused refreshes and those with a reason are counted once each, by what was read, whatever its order; a restart counts nothing twice.
func TestRefreshesAndReasons(t *testing.T) {
	want := map[int][2]int64{0: {1, 1}, 1: {1, 1}, 2: {1, 0}, 3: {0, 0}, 4: {1, 1}, 5: {1, 0}, 6: {0, 0}, 7: {0, 0}, 10: {0, 0}}
	rapid.Check(t, func(t *rapid.T) {
		var rows []row
		refreshes, reasons := int64(0), int64(0)
		for n := range rapid.IntRange(1, 10).Draw(t, "stories") {
			kind := rapid.SampledFrom([]int{0, 1, 2, 3, 4, 6, 7, 10}).Draw(t, "kind")
			rows = append(rows, tell(kind, n, worldStart.Add(time.Duration(n)*time.Second)).rows...)
			refreshes, reasons = refreshes+want[kind][0], reasons+want[kind][1]
		}
		l := &live{r: newReader(Options{}), store: map[[2]string][]byte{}}
		l.r.Open("t/0", 0, 0)
		for i, x := range rapid.Permutation(append(rows, rows...)).Draw(t, "order") {
			l.r.Read([]byte(x.value), Meta{Source: "t/0", Offset: int64(i)})
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				s := l.r.Stats()
				refreshes, reasons = refreshes-s.Refreshes, reasons-s.Reasons
				l.restart(t)
				l.r.Open("t/0", 0, 0)
			}
		}
		if s := l.r.Stats(); s.Refreshes != refreshes || s.Reasons != reasons {
			t.Fatalf("%d refreshes, %d reasons, want %d, %d", s.Refreshes, s.Reasons, refreshes, reasons)
		}
	})
}

// Rows of a second Nango account are noticed, not counted without bound; the store's test rows and rows of nobody are of no account.
func TestAccounts(t *testing.T) {
	of := func(accounts ...string) int {
		var rows []string
		for i, a := range accounts {
			op := operationRow(opID(worldStart, i), "proxy", "call", "success", whoOf(i), worldStart, worldStart)
			rows = append(rows, strings.Replace(op, `"accountId":3`, `"accountId":`+a, 1))
		}
		_, s := read(t, Options{}, rows...)
		return s.Accounts
	}
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprint(i + 1)
	}
	for want, got := range map[int]int{0: of("0", "-1", `"x"`, "null"), 1: of("3", `"3"`, "3"), 2: of("3", "4", "3"), 16: of(many...)} {
		if got != want {
			t.Errorf("%d accounts, want %d", got, want)
		}
	}
}

// A refusal is heard when a row said something of it, were it that it does not know the reason; a row of an unknown form says nothing.
func TestHeard(t *testing.T) {
	at := worldStart
	id := opID(at, 1)
	for name, c := range map[string]struct {
		row  string
		want int64
	}{
		"a reason":                  {errorLogRow(id, external, 400, `{"dataMessage":{"error":"invalid_grant"}}`, at), 1},
		"a code that no rule has":   {errorLogRow(id, external, 400, `{"dataMessage":{"error":"moon_full"}}`, at), 1},
		"words that no rule has":    {errorLogRow(id, external, 400, `{"dataMessage":{"message":"The moon is full."}}`, at), 1},
		"what Nango could not read": {errorLogRow(id, external, 400, `{}`, at), 1},
		"a status":                  {httpErrorRow(id, 418, `{}`, at), 1},
		"a form nobody knows":       {errorLogRow(id, external, 400, `{"answer":{"failure":17}}`, at), 0},
		"no row":                    {clockRow(at), 0},
	} {
		_, st := read(t, Options{}, operationRow(id, "auth", "refresh_token", "failed", whoOf(1), at, at), c.row, c.row)
		if st.Refreshes != 1 || st.Heard != c.want {
			t.Errorf("%s: %d refreshes, %d heard, want 1 and %d", name, st.Refreshes, st.Heard, c.want)
		}
	}
}
