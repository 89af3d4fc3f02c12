package main

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const operationsPage = "../../docs/operations.md"

var alarmSection = regexp.MustCompile(`(?m)^### (\w+)$`)

// Every alarm has a section, every section is of an alarm that there is, and says all five things.
func TestOperationsPageTellsOfEveryAlarm(t *testing.T) {
	page := readFile(t, operationsPage)
	alarms := map[string]bool{}
	for _, r := range shippedRules(t) {
		alarms[r.Alert] = true
	}
	told := readFile(t, "../../pkg/alert/promalert.go")
	for _, m := range regexp.MustCompile(`"((?:Revocation|Unknown|Nango)[A-Z]\w+)"`).FindAllStringSubmatch(told, -1) {
		alarms[m[1]] = true
	}
	for _, name := range []string{"RevocationSpike", "NangoRowsSilent"} {
		if !alarms[name] {
			t.Errorf("pkg/alert tells Alertmanager of no %s any more", name)
		}
	}
	at := alarmSection.FindAllStringSubmatchIndex(page, -1)
	for i, m := range at {
		name, end := page[m[2]:m[3]], len(page)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		if !alarms[name] {
			t.Errorf("there is no alarm %s", name)
		}
		delete(alarms, name)
		for _, part := range []string{"Means.", "Meanwhile.", "Confirm.", "Mend.", "It is not"} {
			if strings.Count(page[m[0]:end], "\n- **"+part+"** ") != 1 {
				t.Errorf("%s: %q is not said, or twice", name, part)
			}
		}
	}
	for name := range alarms {
		t.Errorf("%s has no section", name)
	}
}

// Every warning and error that the daemon logs stands on the page.
func TestOperationsPageTellsOfEveryWarning(t *testing.T) {
	page := readFile(t, operationsPage)
	_, table, _ := strings.Cut(page, "\n## In the log\n")
	logged := map[string]bool{}
	for _, dir := range []string{".", "../../pkg/alert", "../../pkg/directory", "../../pkg/stream", "../../pkg/web"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if name := filepath.Base(file); !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "ship") { // another program, with a page of its own
				warnings(t, file, logged)
			}
		}
	}
	if len(logged) < 10 {
		t.Fatalf("found %d warnings in the source", len(logged))
	}
	for text := range logged {
		if !strings.Contains(table, "\n| `"+strings.TrimSpace(text)) {
			t.Errorf("the page does not tell of the log line %q", text)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(table, -1) {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(logged)), func(s string) bool { return strings.TrimSpace(s) == m[1] }) {
			t.Errorf("nothing logs %q", m[1])
		}
	}
}

// warnings adds the messages that a file logs as warnings and errors: x.log.Warn("…", …).
func warnings(t *testing.T, file string, to map[string]bool) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		f, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || f.Sel.Name != "Warn" && f.Sel.Name != "Error" {
			return true
		}
		text := call.Args[0]
		for {
			sum, ok := text.(*ast.BinaryExpr)
			if !ok {
				break
			}
			text = sum.X
		}
		if lit, ok := text.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil {
				to[s] = true
			}
		}
		return true
	})
}

var (
	inCode  = regexp.MustCompile("`(detector [^`]+)`")
	inFence = regexp.MustCompile(`(?m)^(detector .*)$`)
	word    = regexp.MustCompile(`"([^"]*)"|'([^']*)'|(\S+)`)
)

// commandLines are the commands of this program on a page, in code and in blocks of it.
func commandLines(page string) (lines [][]string) {
	found := append(inCode.FindAllStringSubmatch(page, -1), inFence.FindAllStringSubmatch(page, -1)...)
	for _, m := range found {
		line, _, _ := strings.Cut(m[1], " #")
		line, _, _ = strings.Cut(line, " | ")
		var args []string
		for _, w := range word.FindAllStringSubmatch(line, -1) {
			args = append(args, w[1]+w[2]+w[3])
		}
		lines = append(lines, args[1:])
	}
	return lines
}

// Every command that somebody is told to type at night is one that the program understands.
func TestOperationsPageCommands(t *testing.T) {
	lines := commandLines(readFile(t, operationsPage))
	commands := map[string]bool{}
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{
		"detector.yaml":  "kafka.brokers: [127.0.0.1:1]\nslack.webhook_url: https://127.0.0.1:1/x\nalerts.allow: [127.0.0.0/8]\nhttp.listen: 127.0.0.1:1\nhttp.admin_listen: 127.0.0.1:2\n",
		"records.ndjson": "{}\n", "rows.ndjson": "{}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range lines {
		commands[args[0]] = true
		var errs strings.Builder
		if code := command(ended, args, strings.NewReader(""), io.Discard, &errs); code == exitUsage || code == exitConfig {
			t.Errorf("detector %s: exit code %d: %s", strings.Join(args, " "), code, errs.String())
		}
	}
	if len(commands) < 8 {
		t.Errorf("only these commands are on the page: %v", commands)
	}
	if code := command(ended, []string{"explain", "--nonsense"}, nil, io.Discard, io.Discard); code != exitUsage {
		t.Errorf("a wrong flag gives exit code %d: this test finds nothing", code)
	}
}

var ourMetric = regexp.MustCompile(`\brevwatch_[a-z0-9_]+`)

// Whatever metric a page, a rule or a dashboard names is on the page of metrics, which is written from what the program shows.
func TestMetricsThatAreNamedExist(t *testing.T) {
	t.Chdir("../..")
	shown := map[string]bool{}
	page, rest, _ := strings.Cut(readFile(t, "docs/metrics.md"), "\n## Labels\n")
	_, receiver, _ := strings.Cut(rest, "\n## The receiver of webhooks\n")
	page += receiver
	for _, m := range regexp.MustCompile("(?m)^\\| `(revwatch_[a-z0-9_]+)` \\| (\\w+),").FindAllStringSubmatch(page, -1) {
		shown[m[1]] = true
		if m[2] == "histogram" {
			shown[m[1]+"_bucket"], shown[m[1]+"_sum"], shown[m[1]+"_count"] = true, true, true
		}
	}
	if len(shown) < 50 {
		t.Fatalf("%d metrics on the page", len(shown))
	}
	named := 0
	check := func(file string) {
		for _, name := range ourMetric.FindAllString(readFile(t, file), -1) {
			if named++; !shown[name] {
				t.Errorf("%s names %s, which there is not", file, name)
			}
		}
	}
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(pages, "README.md") {
		check(file)
	}
	for _, dir := range []string{"deploy/prometheus", "deploy/grafana"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if ext := filepath.Ext(path); err == nil && !d.IsDir() && (ext == ".yaml" || ext == ".yml" || ext == ".json") {
				check(path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if named < 100 {
		t.Errorf("%d names found", named)
	}
}
