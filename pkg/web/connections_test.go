package web

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/detect"
)

// Every parameter reaches the owner of the core, and its refusals have their status.
func TestConnections(t *testing.T) {
	var got detect.Filter
	var fails error
	known := []detect.Connection{{Environment: "prod", Provider: "google-mail", Integration: "mail", Connection: "a,\"b\"", State: "broken", Since: noon}}
	h := New(Options{}).Admin(Admin{Connections: func(ctx context.Context, f detect.Filter) ([]detect.Connection, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("asked without a deadline")
		}
		got = f
		return known, fails
	}})
	status, body := tell(h, "GET", ConnectionsPath+"?environment=e&provider=p&integration=i&account=a&incident=x&broken=true")
	var list []map[string]any
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != 200 || len(list) != 1 || list[0]["connection"] != `a,"b"` || list[0]["state"] != "broken" {
		t.Errorf("%d %s %v", status, body, err)
	}
	if want := (detect.Filter{Environment: "e", Provider: "p", Integration: "i", Account: "a", Incident: "x", Broken: true}); got != want {
		t.Errorf("asked %+v", got)
	}
	status, body = tell(h, "GET", ConnectionsPath+"?format=csv&broken=false")
	if want := "environment,provider,integration,connection,"; status != 200 || !strings.HasPrefix(body, want) || !strings.Contains(body, "\r\nprod,google-mail,mail,\"a,\"\"b\"\"\",") || got.Broken {
		t.Errorf("%d %q", status, body)
	}
	for _, c := range []struct {
		query  string
		err    error
		status int
	}{
		{"brokn=true", nil, 400}, {"broken=1", nil, 400}, {"format=xml", nil, 400}, {"provider=a&provider=b", nil, 400}, {"provider=%zz", nil, 400},
		{"", fmt.Errorf("%w: busy", ErrUnavailable), 503}, {"", errors.New("no such incident"), 404},
	} {
		fails = c.err
		if status, body := tell(h, "GET", ConnectionsPath+"?"+c.query); status != c.status || !json.Valid([]byte(body)) {
			t.Errorf("%q: %d %s, want %d", c.query, status, body, c.status)
		}
	}
	known, fails = nil, nil
	if status, body := tell(h, "GET", ConnectionsPath); status != 200 || body != "[]\n" {
		t.Errorf("of nothing: %d %q", status, body)
	}
}

// Whatever names there are, the table has a row for each connection, the cells hold what they were, and no cell begins as a formula does.
func TestCSVHoldsAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[=+\-@\t]{1,3}(cmd\|'/C calc'!A0|SUM\(1\+1\))["',;\n\x1b]*`))
		var all []detect.Connection
		for range rapid.IntRange(0, 4).Draw(t, "rows") {
			all = append(all, detect.Connection{Environment: text.Draw(t, "environment"), Connection: text.Draw(t, "connection"), Account: text.Draw(t, "account"), Created: noon})
		}
		var b strings.Builder
		if err := WriteCSV(&b, all); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(b.String(), func(r rune) bool { return r != '\r' && r != '\n' && !unicode.IsGraphic(r) }) || strings.Count(b.String(), "\n") != len(all)+1 {
			t.Fatalf("%q steers a terminal, or has a line more", b.String())
		}
		rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil || len(rows) != len(all)+1 {
			t.Fatalf("%d rows, want %d: %v", len(rows), len(all)+1, err)
		}
		same := func(cell, want string) bool {
			want = strings.Map(visible, want)
			return cell == want || cell == "'"+want
		}
		for i, row := range rows[1:] {
			if !same(row[0], all[i].Environment) || !same(row[3], all[i].Connection) || !same(row[4], all[i].Account) || row[7] != noon.Format(time.RFC3339) {
				t.Fatalf("%q of %+v", row, all[i])
			}
			for _, cell := range row {
				if cell != "" && strings.ContainsAny(cell[:1], "=+-@") {
					t.Fatalf("%q would be calculated", cell)
				}
			}
		}
	})
}
