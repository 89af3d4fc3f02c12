package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// texts parses the picture, fails if it is not well-formed, and returns what its text elements say.
func texts(t interface{ Fatal(...any) }, picture []byte) (said []string) {
	decoder := xml.NewDecoder(bytes.NewReader(picture))
	inText := false
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return said
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			inText = token.Name.Local == "text"
			if token.Name.Local == "script" {
				t.Fatal("a picture has no script")
			}
		case xml.CharData:
			if inText {
				said = append(said, string(token))
			}
		case xml.EndElement:
			inText = false
		}
	}
}

// Whatever names and numbers a curve has, the picture is well-formed, has no coordinate that is not a number, and shows the name if it shows a point.
func TestPlotIsWellFormed(t *testing.T) {
	number := rapid.OneOf(rapid.Float64Range(0, 3), rapid.Float64(), rapid.Just(math.NaN()), rapid.Just(math.Inf(1)))
	rapid.Check(t, func(t *rapid.T) {
		var curves []Curve
		for range rapid.IntRange(0, 40).Draw(t, "curves") {
			n := rapid.IntRange(0, 5).Draw(t, "points")
			curves = append(curves, Curve{
				Name: rapid.String().Draw(t, "name"), Ours: rapid.Bool().Draw(t, "ours"),
				FA: rapid.SliceOfN(number, n, n).Draw(t, "fa"), Recall: rapid.SliceOfN(number, n, n).Draw(t, "recall"),
			})
		}
		var out bytes.Buffer
		if err := PlotRecall(&out, curves); err != nil {
			t.Fatal(err)
		}
		texts(t, out.Bytes())
		for _, part := range strings.FieldsFunc(out.String(), func(r rune) bool { return r == '"' }) {
			if strings.HasPrefix(part, "NaN") || strings.Contains(part, ",NaN") || strings.Contains(part, "Inf,") || strings.Contains(part, ",+Inf") {
				t.Fatal(part)
			}
		}
	})
}

func TestPlotNames(t *testing.T) {
	var out bytes.Buffer
	odd := `a<b> & "c" 'd' ]]> кσ`
	curves := []Curve{
		{Name: odd, FA: []float64{.1, 1}, Recall: []float64{.2, .4}},
		{Name: "ours", FA: []float64{1, .1}, Recall: []float64{.9, .8}, Ours: true},
		{Name: "nowhere", FA: []float64{0, 5, math.NaN()}, Recall: []float64{.2, .4, .5}},
	}
	if err := PlotRecall(&out, curves); err != nil {
		t.Fatal(err)
	}
	said := texts(t, out.Bytes())
	if !slices.Contains(said, odd) || !slices.Contains(said, "ours") || slices.Contains(said, "nowhere") {
		t.Error(said)
	}
	if i, j := strings.Index(out.String(), "line h0"), strings.Index(out.String(), "line ours"); i < 0 || j < i {
		t.Error("our line is not drawn last, in front")
	}
}

// A line from .01 to 1 is cut at .02, where by its logarithm it has come log 2 / log 100 = .1505 of its way: x is 64 there, and 1 lies at
// 64 + 560 log 50 / log 100 = 539.7. Recall .1505 is 500 - 436 × .1505 = 434.4 px down.
func TestPlotCutsAtTheEdge(t *testing.T) {
	var out bytes.Buffer
	if err := PlotRecall(&out, []Curve{{Name: "x", FA: []float64{.01, 1}, Recall: []float64{0, 1}}}); err != nil {
		t.Fatal(err)
	}
	if want := `points="64.0,434.4 539.7,64.0 "`; !strings.Contains(out.String(), want) {
		t.Errorf("no %s in %s", want, out.String())
	}
}

// Names never lie nearer than 17 px, or as near as their number asks, and never leave the picture.
func TestPlotNamesKeepApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := make([]plotLine, rapid.IntRange(1, 50).Draw(t, "lines"))
		for k := range lines {
			lines[k].nameY = rapid.Float64Range(plotTop, plotBottom).Draw(t, "y")
		}
		spreadNames(lines)
		var ys []float64
		for _, l := range lines {
			ys = append(ys, l.nameY)
		}
		slices.Sort(ys)
		gap := min(17, 490/float64(max(len(lines)-1, 1)))
		for k, y := range ys {
			if y < 40-1e-6 || y > 530+1e-6 || k > 0 && y-ys[k-1] < gap-1e-6 {
				t.Fatal(ys)
			}
		}
	})
}

func TestPlotErrors(t *testing.T) {
	if err := PlotRecall(io.Discard, []Curve{{Name: "x", FA: []float64{1}}}); err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Error(err)
	}
	if err := PlotRecall(fullDisk{}, nil); !errors.Is(err, io.ErrShortWrite) {
		t.Error(err)
	}
}

// fullDisk is one with no room.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// The best rivals get a colour by the area under their lines, and a line that ends early is not the worse for it: .8 from .02 to .2 and then no more false alerts beats
// .7 all along.
func TestPlotColours(t *testing.T) {
	lines := []plotLine{
		newPlotLine(Curve{Name: "all along", FA: []float64{.02, 2}, Recall: []float64{.7, .7}}),
		newPlotLine(Curve{Name: "early", FA: []float64{.02, .2}, Recall: []float64{.8, .8}}),
		newPlotLine(Curve{Name: "ours", FA: []float64{.02, 2}, Recall: []float64{.1, .1}, Ours: true}),
	}
	dress(lines)
	for k, want := range []string{"ours ours", "early h0", "all along h1"} {
		if got := lines[k].name + " " + lines[k].class; got != want {
			t.Errorf("line %d: got %s, want %s", k, got, want)
		}
	}
}
