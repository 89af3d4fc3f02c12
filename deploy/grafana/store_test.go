//go:build integration

package grafana

import (
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything here may take that ends well.
const patience = 2 * time.Minute

// program finds one that this test needs. It is asked for by name where the test has to run, as in continuous integration.
func program(t *testing.T, variable, name string) string {
	t.Helper()
	asked := os.Getenv(variable) != "" || os.Getenv("CI") != ""
	if of := os.Getenv(variable); of != "" {
		name = of
	}
	path, err := exec.LookPath(name)
	if err != nil && asked {
		t.Fatalf("%s is missing (Debian's package of that name); %s names another", name, variable)
	}
	if err != nil {
		t.Skipf("%s is missing (Debian's package of that name)", name)
	}
	return path
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start runs a program until the test ends.
func start(t *testing.T, out *os.File, path string, args ...string) {
	t.Helper()
	p := exec.Command(path, args...)
	p.Stdout, p.Stderr = out, out
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Signal(syscall.SIGTERM)
		hard := time.AfterFunc(10*time.Second, func() { _ = p.Process.Kill() })
		_ = p.Wait()
		hard.Stop()
	})
}

// logOf is a file for what a program says, shown when the test fails.
func logOf(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if raw, err := os.ReadFile(f.Name()); err == nil && t.Failed() {
			t.Logf("%s said at last: %s", name, raw[max(0, len(raw)-2000):])
		}
		f.Close()
	})
	return f
}

// store is a real one that answers Prometheus' queries.
type store struct{ name, url string }

func startPrometheus(t *testing.T, config string) store {
	t.Helper()
	at := freeAddress(t)
	start(t, logOf(t, "prometheus"), program(t, "REVWATCH_PROMETHEUS", "prometheus"), "--config.file="+config, "--storage.tsdb.path="+t.TempDir(), "--web.listen-address="+at, "--log.level=warn")
	return store{"prometheus", "http://" + at}
}

func startVictoriaMetrics(t *testing.T, config string) store {
	t.Helper()
	at := freeAddress(t)
	start(t, logOf(t, "victoria-metrics"), program(t, "REVWATCH_VICTORIAMETRICS", "victoria-metrics"), "-promscrape.config="+config, "-storageDataPath="+t.TempDir(), "-httpListenAddr="+at,
		"-search.latencyOffset=1s", "-search.disableCache", "-loggerLevel=WARN")
	return store{"victoria-metrics", "http://" + at}
}

// series is the answer to a query: the values of each series by its labels.
type series map[string][]float64

// ask calls the API; both stores serve it under the same path.
func (s store) ask(path string, q url.Values) (json.RawMessage, error) {
	r, err := http.PostForm(s.url+path, q)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("%s: %s", r.Status, err)
	}
	if answer.Status != "success" {
		return nil, fmt.Errorf("%s: %s", r.Status, answer.Error)
	}
	return answer.Data, nil
}

func (s store) instant(expr string, at time.Time) (series, error) {
	data, err := s.ask("/api/v1/query", url.Values{"query": {expr}, "time": {stamp(at)}})
	if err != nil {
		return nil, err
	}
	return read(data)
}

func (s store) over(expr string, from, to time.Time) (series, error) {
	data, err := s.ask("/api/v1/query_range", url.Values{"query": {expr}, "start": {stamp(from)}, "end": {stamp(to)}, "step": {"1"}})
	if err != nil {
		return nil, err
	}
	return read(data)
}

// labelValues is what Grafana asks for a variable label_values(match, label).
func (s store) labelValues(match, label string, from, to time.Time) (values []string, err error) {
	r, err := http.Get(s.url + "/api/v1/label/" + label + "/values?" + url.Values{"match[]": {match}, "start": {stamp(from)}, "end": {stamp(to)}}.Encode())
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	var answer struct{ Data []string }
	return answer.Data, json.NewDecoder(r.Body).Decode(&answer)
}

func stamp(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

// read takes vectors and matrices alike, and leaves out what is not a number: Grafana shows a gap there.
func read(data json.RawMessage) (series, error) {
	var answer struct {
		Result []struct {
			Metric map[string]string
			Value  []any
			Values [][]any
		}
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, err
	}
	all := series{}
	for _, r := range answer.Result {
		if r.Value != nil {
			r.Values = append(r.Values, r.Value)
		}
		labels, err := json.Marshal(r.Metric) // sorted
		if err != nil {
			return nil, err
		}
		for _, v := range r.Values {
			n, err := strconv.ParseFloat(strings.TrimSpace(fmt.Sprint(v[1])), 64)
			if err != nil {
				return nil, err
			}
			if !math.IsNaN(n) {
				all[string(labels)] = append(all[string(labels)], n)
			}
		}
	}
	return all, nil
}

// differs says where two answers are not the same; "" when they are.
func (a series) differs(b series) string {
	for labels, v := range a {
		w, there := b[labels]
		if !there {
			return fmt.Sprintf("%s is in one only", labels)
		}
		if last, other := v[len(v)-1], w[len(w)-1]; last != other && math.Abs(last-other) > 1e-9*max(math.Abs(last), math.Abs(other)) {
			return fmt.Sprintf("%s is %v and %v", labels, last, other)
		}
	}
	if len(a) != len(b) {
		return fmt.Sprintf("%d and %d series", len(a), len(b))
	}
	return ""
}
