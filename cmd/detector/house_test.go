package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/revwatch/revwatch/"

// rooms says which rooms a room may import; every room of the house is in it.
var rooms = map[string][]string{
	"cmd/detector": {"configs", "internal/broker", "pkg/alert", "pkg/baseline", "pkg/detect", "pkg/directory", "pkg/nango", "pkg/ship", "pkg/simulate", "pkg/store", "pkg/stream", "pkg/web", "pkg/window"},
	"configs":      {}, "pkg/stream": {}, "pkg/store": {}, "pkg/baseline": {}, "pkg/simulate": {}, "internal/broker": {}, "internal/counterpart": {}, "internal/broker/apache": {"internal/broker"}, "internal/searchengine": {},
	"pkg/nango":  {"configs"},
	"pkg/window": {"pkg/nango"},
	"pkg/detect": {"pkg/nango", "pkg/window", "pkg/baseline"},
	"pkg/alert":  {"pkg/detect"},
	"pkg/ship":   {"pkg/store", "pkg/stream"}, "pkg/directory": {"pkg/nango"},
	"pkg/web": {"pkg/alert", "pkg/detect", "pkg/nango"},

	"bench/detection": {"pkg/detect", "pkg/nango", "pkg/window", "pkg/baseline"},
}

// pure rooms are functions of records and times. They may import these packages and nothing else of the world.
var (
	pureRooms   = []string{"pkg/nango", "pkg/window", "pkg/baseline", "pkg/detect", "pkg/simulate"}
	pureImports = []string{"bytes", "cmp", "container/heap", "crypto/sha256", "encoding/binary", "encoding/hex", "encoding/json", "errors", "fmt", "hash/fnv",
		"hash/maphash", "maps", "math", "math/rand/v2", "regexp", "slices", "sort", "strconv", "strings", "time", "unicode", "unicode/utf8", "bufio",
		"github.com/valyala/fastjson", "go.yaml.in/yaml/v4", "encoding/base64", "go.opentelemetry.io/proto/otlp/common/v1", "go.opentelemetry.io/proto/otlp/logs/v1",
		"go.opentelemetry.io/proto/otlp/trace/v1", "google.golang.org/protobuf/encoding/protowire", "google.golang.org/protobuf/proto"}
	clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
)

// The border between the rooms, and between the pure ones and the world.
func TestHouse(t *testing.T) {
	root := "../.."
	found := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			room, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			found[filepath.ToSlash(room)] = true
			checkFile(t, filepath.ToSlash(room), path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for room := range found {
		if _, known := rooms[room]; !known {
			t.Errorf("%s is no room of the house: say in this test what it may import", room)
		}
	}
	for room := range rooms {
		if !found[room] {
			t.Errorf("%s has no file", room)
		}
	}
}

func checkFile(t *testing.T, room, path string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Error(err)
		return
	}
	pure := slices.Contains(pureRooms, room)
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Error(err)
		}
		other, ours := strings.CutPrefix(name, module)
		switch {
		case ours && !slices.Contains(rooms[room], other):
			t.Errorf("%s: %s may not import %s", path, room, other)
		case pure && !ours && !slices.Contains(pureImports, name):
			t.Errorf("%s: the pure room %s may not import %s", path, room, name)
		}
	}
	if pure {
		ast.Inspect(file, func(n ast.Node) bool { checkPure(t, path, n); return true })
	}
}

func checkPure(t *testing.T, path string, n ast.Node) {
	t.Helper()
	switch n := n.(type) {
	case *ast.GoStmt, *ast.SelectStmt, *ast.ChanType:
		t.Errorf("%s: a pure room has no goroutines and channels", path)
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clocks, n.Sel.Name) {
			t.Errorf("%s: a pure room does not read the clock: time.%s", path, n.Sel.Name)
		}
	}
}
