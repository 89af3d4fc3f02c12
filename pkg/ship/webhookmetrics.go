package ship

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// webhookCounts are the metrics of Webhooks. Every label value there can be is there from the start.
type webhookCounts struct {
	results      map[*outcome]*metrics.Counter
	droppedKinds map[string]*metrics.Counter
	unsigned     *metrics.Counter
	failures     *metrics.Counter
	took         *metrics.PrometheusHistogram
	newest       *metrics.Gauge
	families     []webhookFamily
	trouble      atomic.Pointer[error] // of the last write
}

// webhookFamily is one metric with its samples in a set of its own, so that its description stands once before them.
type webhookFamily struct {
	name, kind, help string
	set              *metrics.Set
}

func (c *webhookCounts) family(name, kind, help string) *metrics.Set {
	f := webhookFamily{name, kind, help, metrics.NewSet()}
	c.families = append(c.families, f)
	return f.set
}

func (w *Webhooks) makeCounts() {
	c := &w.webhookCounts
	const p = "revwatch_ship_webhooks_"
	c.results, c.droppedKinds = map[*outcome]*metrics.Counter{}, map[string]*metrics.Counter{}
	set := c.family(p+"total", "counter", "Requests to the receiver of webhooks, by what came of them.")
	for _, o := range outcomes {
		c.results[o] = set.NewCounter(p + `total{result="` + o.name + `"}`)
	}
	set = c.family(p+"dropped_total", "counter", "Webhooks that were taken and not written because they are no auth webhooks, by type.")
	for _, kind := range dropKinds {
		c.droppedKinds[kind] = set.NewCounter(p + `dropped_total{type="` + kind + `"}`)
	}
	c.unsigned = c.family(p+"unsigned_total", "counter", "Webhooks that were taken without a signature, by -allow-unsigned.").NewCounter(p + "unsigned_total")
	c.failures = c.family(p+"write_failures_total", "counter", "Writes to Kafka that failed; each is tried again.").NewCounter(p + "write_failures_total")
	c.took = c.family(p+"seconds", "histogram", "From the head of a request until Kafka had acknowledged it.").
		NewPrometheusHistogramExt(p+"seconds", []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15})
	c.newest = c.family(p+"newest_timestamp_seconds", "gauge", "When the newest webhook was written; 0 when none was.").NewGauge(p+"newest_timestamp_seconds", nil)
	c.family(p+"held_bytes", "gauge", "Bytes of requests that are held.").NewGauge(p+"held_bytes", func() float64 { return float64(w.held.Load()) })
}

// ended counts a request.
func (w *Webhooks) ended(end *outcome, took time.Duration) {
	w.results[end].Inc()
	if end == written {
		w.took.Update(took.Seconds())
		w.newest.Set(float64(w.o.Now().UnixMilli()) / 1000)
	}
}

// WriteMetrics writes them in the Prometheus text format, each with its description.
func (w *Webhooks) WriteMetrics(out io.Writer) {
	for _, f := range w.families {
		_, _ = io.WriteString(out, "# HELP "+f.name+" "+f.help+"\n# TYPE "+f.name+" "+f.kind+"\n")
		f.set.WritePrometheus(out)
	}
}

// Status answers GET /metrics, /healthz, and /readyz, which fails when the last write to Kafka did. It is for those who run the receiver, not for those
// who send to it.
func (w *Webhooks) Status() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(out http.ResponseWriter, _ *http.Request) { answerText(out, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(out http.ResponseWriter, _ *http.Request) {
		if err := w.trouble.Load(); err != nil && *err != nil {
			answerText(out, http.StatusServiceUnavailable, "the last write to Kafka failed: "+(*err).Error())
			return
		}
		answerText(out, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /metrics", func(out http.ResponseWriter, _ *http.Request) {
		var b bytes.Buffer
		w.WriteMetrics(&b)
		metrics.WriteProcessMetrics(&b)
		out.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = out.Write(b.Bytes())
	})
	return mux
}
