package main

import (
	"fmt"
	"io"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// doubt notes of files whether they hold rows at all.
type doubt struct {
	probe
	looked int64 // records it looked at, whatever the prefilter says of them
	found  bool
}

func (d *doubt) take(value []byte) {
	d.looked++
	d.found = d.found || d.row(value)
}

// print says what is lacking, in one line; nothing when nothing is.
func (d *doubt) print(errs io.Writer, s nango.Stats) {
	switch {
	case s.Records == 0:
	case !d.found && rowsOf(s) == 0: // the rest was dropped before it was parsed: nobody knows what it is
		read := max(d.looked, s.Records-s.Skipped)
		fmt.Fprintf(errs, "warning: of %s that were read none is a row of Nango's logs: `detector explain-record` says what is seen in them\n", plural(int(read), "record"))
	case s.Refreshes > 0 && s.Heard == 0:
		fmt.Fprintf(errs, "warning: of %s none has a cause: are the message rows there? `detector explain-record` says what is seen in single records\n", plural(int(s.Refreshes), "failed refresh"))
	case s.Unnamed > 0 && failures(s) == 0:
		fmt.Fprintf(errs, "warning: %s, and none names its connection: `detector explain-record` says what is seen in single records\n", plural(int(s.Unnamed), "failed refresh"))
	case s.Refreshes == 0 && s.Unjoined >= leastUnjoined:
		fmt.Fprintf(errs, "warning: of %s none has its operation: are the operation rows there? `detector explain-record` says what is seen in single records\n", plural(int(s.Unjoined), "reason"))
	}
}

// probe looks into single records, whatever the prefilter says of them. It has a reader of its own, so that what it sees changes no event.
type probe struct {
	config *config
	reader *nango.Reader
	read   int
}

// row reports whether a value holds a row of Nango's logs.
func (p *probe) row(value []byte) bool {
	if p.reader == nil || p.read == 1000 { // it keeps what it read
		p.read = 0
		p.reader = nango.NewReader(nango.Options{Envelope: p.config.envelope, Rules: p.config.table()})
	}
	p.read++
	before := rowsOf(p.reader.Stats())
	p.reader.Read(value, nango.Meta{Source: "probe", Time: probeTime}) // a reader reads every record at an offset of 0
	return rowsOf(p.reader.Stats()) > before
}

// probeTime is any append time: a row is a row whenever it was written.
var probeTime = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// rowsOf counts all rows of Nango's logs that were read, those of no meaning as well.
func rowsOf(s nango.Stats) (n int64) {
	for _, x := range s.Rows {
		n += x
	}
	return n
}
