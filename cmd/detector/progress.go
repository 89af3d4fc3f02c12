package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progress shows on a terminal how much of the inputs is read; anywhere else it shows nothing.
type progress struct {
	out   io.Writer // nil: not a terminal
	files []*input
	shown time.Time
}

func newProgress(out io.Writer, files []*input) *progress {
	if isTerminal(out) {
		return &progress{out: out, files: files}
	}
	return &progress{}
}

// show draws the bar, five times a second at most.
func (p *progress) show() {
	if p.out == nil || time.Since(p.shown) < 200*time.Millisecond {
		return
	}
	p.shown = time.Now()
	var read, size, records int64
	known := true
	for _, f := range p.files {
		read, size, records = read+f.read, size+f.size, records+f.offset
		known = known && f.size > 0
	}
	const width = 30
	if known {
		done := int(min(read, size) * width / size)
		fmt.Fprintf(p.out, "\r[%s%s] %3d %%  %d records", strings.Repeat("=", done), strings.Repeat(" ", width-done), min(read, size)*100/size, records)
		return
	}
	fmt.Fprintf(p.out, "\r%d records", records)
}

// clear takes the bar away.
func (p *progress) clear() {
	if p.out != nil {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
