package main

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"slices"
)

// Curve is what one detector finds at each false-alert rate.
type Curve struct {
	Name   string
	FA     []float64 // false alerts per provider-month, in any order
	Recall []float64 // share of incidents found there, 0-1
	Ours   bool
}

// The picture, in pixels, and the rates that it shows. The part right of the axes holds the names.
const (
	plotWidth, plotHeight         = 900, 560
	plotLeft, plotRight           = 64., 624.
	plotTop, plotBottom           = 64., 500.
	plotLeast, plotMost           = .02, 2.
	plotNameLeft, plotNameGap     = 688., 17.
	plotNamesTop, plotNamesBottom = 40., 530.
	plotHued                      = 4 // best rivals that get a colour of their own
)

// plotStyle is legible on white and on black: the picture follows the reader's choice. Hues are of a set that colour-blind readers tell apart.
const plotStyle = `
text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:var(--ink)}
svg{--paper:#fff;--ink:#1f2328;--faint:#59636e;--grid:#d9dee3;--rest:#8c959f;--ours:#0a5fd0;--h0:#b35900;--h1:#1a7f4b;--h2:#8250df;--h3:#b3246b}
@media(prefers-color-scheme:dark){svg{--paper:#0d1117;--ink:#e6edf3;--faint:#9aa4af;--grid:#2b323b;--rest:#6e7781;--ours:#58a6ff;--h0:#f0883e;--h1:#3fb97a;--h2:#bc8cff;--h3:#f778ba}}
.paper{fill:var(--paper)}.grid{stroke:var(--grid)}.title{font-size:16px;font-weight:600}.faint{fill:var(--faint)}
.line{fill:none;stroke-width:1.75;stroke-linejoin:round}.lead{fill:none;stroke-width:1;opacity:.7}.lead.rest{opacity:.5}
.rest{stroke:var(--rest);stroke-width:1.1}.ours{stroke:var(--ours)}.line.ours{stroke-width:3.5}text.ours{fill:var(--ours);font-weight:700;stroke:none}
.h0{stroke:var(--h0)}.h1{stroke:var(--h1)}.h2{stroke:var(--h2)}.h3{stroke:var(--h3)}
text.h0{fill:var(--h0);stroke:none}text.h1{fill:var(--h1);stroke:none}text.h2{fill:var(--h2);stroke:none}text.h3{fill:var(--h3);stroke:none}text.rest{fill:var(--faint);stroke:none}
`

// PlotRecall writes an SVG picture of recall against false alerts per provider-month (logarithmic, .02 to 2): a line a detector with its name beside its right end, ours
// in front. Points that are not finite or not positive in FA are left out, and lines are cut at the edges of the picture. The order of equal curves is kept, so equal
// input gives equal bytes. It fails if a curve has not as many recalls as rates, or if w does.
func PlotRecall(w io.Writer, curves []Curve) error {
	lines := make([]plotLine, 0, len(curves))
	for _, c := range curves {
		if len(c.FA) != len(c.Recall) {
			return fmt.Errorf("curve %q has %d false-alert rates and %d recalls", c.Name, len(c.FA), len(c.Recall))
		}
		if line := newPlotLine(c); len(line.points) > 0 {
			lines = append(lines, line)
		}
	}
	dress(lines)
	var out bytes.Buffer
	writeFrame(&out)
	for _, l := range slices.Backward(lines) {
		l.write(&out)
	}
	out.WriteString("</svg>\n")
	_, err := w.Write(out.Bytes())
	return err
}

// plotLine is a curve in pixels.
type plotLine struct {
	name   string
	points [][2]float64
	area   float64 // under the recall over the rates shown, by their logarithm, for the order; where a curve ends it is taken to stay
	ours   bool
	class  string
	nameY  float64
}

func newPlotLine(c Curve) plotLine {
	line := plotLine{name: c.Name, ours: c.Ours}
	var points [][2]float64
	for k, fa := range c.FA {
		if r := c.Recall[k]; fa > 0 && !math.IsInf(fa, 0) && !math.IsNaN(r) && !math.IsInf(r, 0) {
			points = append(points, [2]float64{math.Log(fa), min(max(r, 0), 1)})
		}
	}
	slices.SortStableFunc(points, func(a, b [2]float64) int { return cmp.Compare(a[0], b[0]) })
	points = cut(points, math.Log(plotLeast), math.Log(plotMost))
	for k, p := range points {
		if k > 0 {
			line.area += (p[0] - points[k-1][0]) * (p[1] + points[k-1][1]) / 2
		}
		line.points = append(line.points, [2]float64{plotX(math.Exp(p[0])), plotY(p[1])})
	}
	if last := len(points) - 1; last >= 0 {
		line.area += (math.Log(plotMost) - points[last][0]) * points[last][1]
	}
	return line
}

// cut keeps what of the line through points, sorted by x, lies between low and high.
func cut(points [][2]float64, low, high float64) (kept [][2]float64) {
	for k, p := range points {
		if k > 0 {
			for _, edge := range []float64{low, high} {
				if a := points[k-1]; a[0] < edge && edge < p[0] {
					kept = append(kept, [2]float64{edge, a[1] + (p[1]-a[1])*(edge-a[0])/(p[0]-a[0])})
				}
			}
		}
		if low <= p[0] && p[0] <= high {
			kept = append(kept, p)
		}
	}
	return kept
}

func plotX(fa float64) float64 {
	return plotLeft + (plotRight-plotLeft)*math.Log(fa/plotLeast)/math.Log(plotMost/plotLeast)
}

func plotY(recall float64) float64 { return plotBottom - (plotBottom-plotTop)*recall }

// dress sorts the lines, ours first and then by recall, gives the best rivals a colour and places the names: beside the ends of their lines, moved apart.
func dress(lines []plotLine) {
	slices.SortStableFunc(lines, func(a, b plotLine) int {
		if a.ours != b.ours {
			if a.ours {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.area, a.area)
	})
	hue := 0
	for k := range lines {
		l := &lines[k]
		switch {
		case l.ours:
			l.class = "ours"
		case hue < plotHued:
			l.class = fmt.Sprintf("h%d", hue)
			hue++
		default:
			l.class = "rest"
		}
		l.nameY = l.points[len(l.points)-1][1]
	}
	spreadNames(lines)
}

// spreadNames moves the names apart, downwards from the top and then up again from the bottom; more names than fit are set closer.
func spreadNames(lines []plotLine) {
	order := make([]*plotLine, len(lines))
	for k := range lines {
		order[k] = &lines[k]
	}
	slices.SortStableFunc(order, func(a, b *plotLine) int { return cmp.Compare(a.nameY, b.nameY) })
	gap := min(plotNameGap, (plotNamesBottom-plotNamesTop)/float64(max(len(lines)-1, 1)))
	lowest := plotNamesTop
	for _, l := range order {
		l.nameY = max(l.nameY, lowest)
		lowest = l.nameY + gap
	}
	highest := plotNamesBottom
	for _, l := range slices.Backward(order) {
		l.nameY = min(l.nameY, highest)
		highest = l.nameY - gap
	}
}

func (l plotLine) write(out *bytes.Buffer) {
	fmt.Fprintf(out, `<polyline class="line %s" points="`, l.class)
	for _, p := range l.points {
		fmt.Fprintf(out, "%.1f,%.1f ", p[0], p[1])
	}
	end := l.points[len(l.points)-1]
	fmt.Fprintf(out, "\"/>\n<polyline class=\"lead %s\" points=\"%.1f,%.1f %.1f,%.1f %.1f,%.1f\"/>\n", l.class, end[0], end[1], plotRight+6, end[1], plotNameLeft-4, l.nameY)
	fmt.Fprintf(out, `<text class="%s" x="%.1f" y="%.1f">%s</text>`+"\n", l.class, plotNameLeft, l.nameY+4.5, escaped(l.name))
}

// escaped is name as XML text; what XML cannot hold becomes U+FFFD.
func escaped(name string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(name)) // a bytes.Buffer does not fail
	return b.String()
}

// writeFrame opens the picture and draws paper, axes and what they say.
func writeFrame(out *bytes.Buffer) {
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-labelledby="what">`+"\n", plotWidth, plotHeight, plotWidth, plotHeight)
	fmt.Fprintf(out, "<title id=\"what\">Recall against false alerts per provider-month</title>\n<style>%s</style>\n", plotStyle)
	fmt.Fprintf(out, `<rect class="paper" width="%d" height="%d"/>`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(out, `<text class="title" x="%g" y="32">Share of incidents found, by false alerts allowed</text>`+"\n", plotLeft)
	for tenth := 0; tenth <= 10; tenth += 2 {
		y := plotY(float64(tenth) / 10)
		fmt.Fprintf(out, `<line class="grid" x1="%g" y1="%.1f" x2="%g" y2="%.1f"/><text class="faint" x="%g" y="%.1f" text-anchor="end">%d%%</text>`+"\n",
			plotLeft, y, plotRight, y, plotLeft-10, y+4.5, 10*tenth)
	}
	for _, fa := range []float64{.02, .05, .1, .2, .5, 1, 2} {
		x := plotX(fa)
		fmt.Fprintf(out, `<line class="grid" x1="%.1f" y1="%g" x2="%.1f" y2="%g"/><text class="faint" x="%.1f" y="%g" text-anchor="middle">%g</text>`+"\n",
			x, plotTop, x, plotBottom, x, plotBottom+20, fa)
	}
	fmt.Fprintf(out, `<text x="%g" y="%g" text-anchor="middle">false alerts per provider and month (log scale)</text>`+"\n", (plotLeft+plotRight)/2, plotBottom+44)
}
