// Package searchengine starts a real Elasticsearch or OpenSearch, one node in a process of its own, for integration tests. It needs Java and the
// server's classes, in a folder of the one that the environment variable REVWATCH_SEARCH_ENGINES names: `make integration-elasticsearch` fetches them.
package searchengine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Variable names the folder.
const Variable = "REVWATCH_SEARCH_ENGINES"

// patience is what a start may take; 6 s are usual.
const patience = 90 * time.Second

// Node is a running server.
type Node struct {
	URL string

	t       testing.TB
	dir     string
	classes string
	main    string
	ports   [2]string
	process *exec.Cmd
	gone    chan struct{} // closed when the process has ended
}

// OpenSearch starts an OpenSearch 2 with the modules that Nango uses, and returns when it answers. It is stopped when the test ends. Without Variable or
// Java the test fails.
func OpenSearch(t testing.TB) *Node { return start(t, "opensearch", "Loopback") }

// Elasticsearch starts an Elasticsearch 8, as OpenSearch does. It has no modules: scripts and pipelines are not on Maven Central.
func Elasticsearch(t testing.TB) *Node {
	return start(t, "elasticsearch", "org.elasticsearch.node.Loopback")
}

func start(t testing.TB, name, main string) *Node {
	t.Helper()
	folder := os.Getenv(Variable)
	if folder == "" {
		t.Fatalf("%s is not set: run the integration tests by `make integration`", Variable)
	}
	n := &Node{t: t, dir: t.TempDir(), classes: filepath.Join(folder, name), main: main}
	n.must(os.Mkdir(filepath.Join(n.dir, "config"), 0o700))
	n.takePorts()
	n.URL = "http://127.0.0.1:" + n.ports[0]
	t.Cleanup(n.Kill)
	n.Restart()
	return n
}

func (n *Node) takePorts() {
	n.t.Helper()
	for i := range n.ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		n.must(err)
		defer l.Close() // both are taken before the first is given back
		_, n.ports[i], err = net.SplitHostPort(l.Addr().String())
		n.must(err)
	}
}

// Kill ends the server as kill -9 does.
func (n *Node) Kill() {
	if n.process == nil {
		return
	}
	n.process.Process.Kill()
	<-n.gone
	n.process = nil
}

// Restart starts the server, which must not run, on its data and ports, and waits until every index answers.
func (n *Node) Restart() {
	n.t.Helper()
	log, err := os.OpenFile(n.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	n.must(err)
	defer log.Close()
	n.process = exec.Command("java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", n.classes+string(os.PathListSeparator)+filepath.Join(n.classes, "*"),
		n.main, n.dir, n.ports[0], n.ports[1])
	n.process.Dir, n.process.Stdout, n.process.Stderr = n.dir, log, log
	n.must(n.process.Start())
	n.gone = make(chan struct{})
	go func(p *exec.Cmd, gone chan struct{}) {
		defer close(gone)
		_ = p.Wait() // it is killed
	}(n.process, n.gone)
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if status, _, err := n.call(http.MethodGet, "/_cluster/health?wait_for_status=yellow&timeout=1s", nil); err == nil && status == http.StatusOK {
			return
		}
		select {
		case <-n.gone:
			n.t.Fatalf("the server ended at once: %s", n.logTail())
		default:
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("the server does not answer: %s", n.logTail())
		}
	}
}

// Do asks the server; body is sent as it is, or as JSON when it is no bytes. Whatever is no success fails the test.
func (n *Node) Do(method, path string, body any) []byte {
	n.t.Helper()
	data, raw := body.([]byte)
	if !raw && body != nil {
		var err error
		data, err = json.Marshal(body)
		n.must(err)
	}
	status, answer, err := n.call(method, path, data)
	n.must(err)
	if status/100 != 2 {
		n.t.Fatalf("%s %s: HTTP %d: %s", method, path, status, answer)
	}
	return answer
}

func (n *Node) call(method, path string, body []byte) (int, []byte, error) {
	req, err := http.NewRequest(method, n.URL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// Nango makes the index templates that Nango makes: daily indices behind an alias, with its types for the fields that anybody asks for.
func (n *Node) Nango(aliases ...string) {
	n.t.Helper()
	fields := map[string]any{"message": map[string]string{"type": "text"}, "meta": map[string]any{"type": "object", "enabled": false}}
	for _, f := range []string{"id", "parentId", "accountId", "environmentId", "integrationId", "providerName", "connectionId", "type", "level", "state", "source"} {
		fields[f] = map[string]string{"type": "keyword"}
	}
	for _, f := range []string{"createdAt", "updatedAt", "startedAt", "expiresAt", "endedAt"} {
		fields[f] = map[string]string{"type": "date"}
	}
	for _, alias := range aliases {
		n.Do(http.MethodPut, "/_index_template/"+alias, map[string]any{
			"index_patterns": []string{alias + ".*"},
			"template": map[string]any{
				"settings": map[string]any{"number_of_shards": 2, "number_of_replicas": 0, "index": map[string]any{"sort.field": []string{"createdAt", "id"}, "sort.order": []string{"desc", "desc"}}},
				"mappings": map[string]any{"dynamic": false, "properties": fields},
				"aliases":  map[string]any{alias: map[string]any{}},
			},
		})
	}
}

// Row is a document of a daily index.
type Row struct {
	Alias, ID string
	Created   time.Time
	Source    []byte // one line
}

// Write stores rows, each over one of the same id. Searches see them when they are refreshed, after a second.
func (n *Node) Write(rows []Row) {
	n.t.Helper()
	for len(rows) > 0 {
		var body bytes.Buffer
		batch := rows[:min(2000, len(rows))]
		for _, r := range batch {
			fmt.Fprintf(&body, `{"index":{"_index":"%s.%s","_id":%q}}`+"\n", r.Alias, r.Created.UTC().Format(time.DateOnly), r.ID)
			body.Write(r.Source)
			body.WriteByte('\n')
		}
		var answer struct{ Errors bool }
		out := n.Do(http.MethodPost, "/_bulk", body.Bytes())
		if n.must(json.Unmarshal(out, &answer)); answer.Errors {
			n.t.Fatalf("bulk: %.2000s", out)
		}
		rows = rows[len(batch):]
	}
}

func (n *Node) logFile() string { return filepath.Join(n.dir, "out") }

// logTail is the end of what the server printed.
func (n *Node) logTail() string {
	out, _ := os.ReadFile(n.logFile())
	return string(out[max(0, len(out)-4000):])
}

func (n *Node) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}
