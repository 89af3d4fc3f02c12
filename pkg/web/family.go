package web

import (
	"io"
	"maps"
	"math"
	"slices"

	"github.com/VictoriaMetrics/metrics"
)

// The kinds of metrics.
const (
	counter = "counter"
	gauge   = "gauge"
)

// family is one metric of the Prometheus text format with its samples by label text. Strangers whose labels became the same are one sample.
type family struct {
	name, kind, help string
	samples          map[string]float64
}

func newFamily(kind, name, help string) *family {
	return &family{name, kind, help, map[string]float64{}}
}

// single is a family of one sample without labels.
func single(kind, name, help string, v float64) *family {
	f := newFamily(kind, name, help)
	f.add("", v)
	return f
}

func (f *family) add(labels string, v float64) { f.samples[labels] += v }

// raise keeps the highest value.
func (f *family) raise(labels string, v float64) { f.samples[labels] = max(f.samples[labels], v) }

// lower keeps the lowest value.
func (f *family) lower(labels string, v float64) {
	if known, taken := f.samples[labels]; taken {
		v = min(known, v)
	}
	f.samples[labels] = v
}

// only keeps a value that has no meaning for two together: then it is +Inf.
func (f *family) only(labels string, v float64) {
	if _, taken := f.samples[labels]; taken {
		v = math.Inf(1)
	}
	f.samples[labels] = v
}

// addAll adds the values of a map under one label.
func addAll[K ~string](f *family, label string, values map[K]int64) *family {
	for k, v := range values {
		f.add(labels(label, clean(string(k))), float64(v))
	}
	return f
}

// write writes what there is of each family, its description once. Our own lines, not those of metrics.ExposeMetadata: they would be repeated for
// each sample, with no help in them.
func write(w io.Writer, families ...*family) {
	for _, f := range families {
		if len(f.samples) == 0 {
			continue
		}
		describe(w, f.name, f.kind, f.help)
		for _, l := range slices.Sorted(maps.Keys(f.samples)) {
			f.writeSample(w, l, f.samples[l])
		}
	}
}

func (f *family) writeSample(w io.Writer, labels string, v float64) {
	name := f.name
	if labels != "" {
		name += "{" + labels + "}"
	}
	whole := v >= 0 && v < 1<<53 && v == math.Trunc(v) // easier to read than 1e+06
	switch {
	case whole && f.kind == counter:
		metrics.WriteCounterUint64(w, name, uint64(v))
	case whole:
		metrics.WriteGaugeUint64(w, name, uint64(v))
	case f.kind == counter:
		metrics.WriteCounterFloat64(w, name, v)
	default:
		metrics.WriteGaugeFloat64(w, name, v)
	}
}

func describe(w io.Writer, name, kind, help string) {
	_, _ = io.WriteString(w, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+kind+"\n")
}

// histogram has le buckets, which Prometheus reads too. It lives in a set of its own: nothing is registered for the whole process.
type histogram struct {
	name, help string
	set        *metrics.Set
	values     *metrics.PrometheusHistogram
}

func newHistogram(name, help string, bounds ...float64) histogram {
	set := metrics.NewSet()
	return histogram{name, help, set, set.NewPrometheusHistogramExt(name, bounds)}
}

func (h histogram) write(w io.Writer) {
	describe(w, h.name, "histogram", h.help)
	h.set.WritePrometheus(w)
}
