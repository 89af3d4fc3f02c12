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
	broken []string // files that break off, and where
}

func (d *doubt) take(value []byte) {
	d.looked++
	d.found = d.found || d.row(value)
}

// ended notes a file that was read to its end, or to where it breaks off.
func (d *doubt) ended(f *input) {
	if f.broken != "" {
		d.broken = append(d.broken, fmt.Sprintf("%s breaks off after %s (%s): what comes before counts", f.name, plural(int(f.offset), "record"), f.broken))
	}
}

// print says which files break off, and in one line what is lacking; nothing when nothing is.
func (d *doubt) print(errs io.Writer, s nango.Stats) {
	d.printBroken(errs)
	switch {
	case s.Records == 0:
	case !d.found && rowsOf(s) == 0: // the rest was dropped before it was parsed: nobody knows what it is
		read := max(d.looked, s.Records-s.Skipped)
		fmt.Fprintf(errs, "warning: of %s that were read none is a row of Nango's logs: `detector explain-record` says what is seen in them\n", plural(int(read), "record"))
	case s.Refreshes > 0 && s.Heard == 0:
		fmt.Fprintf(errs, "warning: of %s none has a cause: are the message rows there? %s\n", plural(int(s.Refreshes), "failed refresh"), missingIndex(s))
	case s.Unnamed > 0 && failures(s) == 0:
		fmt.Fprintf(errs, "warning: %s, and none names its connection: `detector explain-record` says what is seen in single records\n", plural(int(s.Unnamed), "failed refresh"))
	case s.Refreshes == 0 && s.Unjoined >= leastUnjoined:
		fmt.Fprintf(errs, "warning: of %s none has its operation: are the operation rows there? %s\n", plural(int(s.Unjoined), "reason"), missingIndex(s))
	}
}

func (d *doubt) printBroken(errs io.Writer) {
	for _, text := range d.broken {
		fmt.Fprintf(errs, "warning: %s\n", text)
	}
}

// missingIndex says where the other half of the rows is, where only one is seen; else how to see more.
func missingIndex(s nango.Stats) string {
	switch operations, messages := halves(s); {
	case operations > 0 && messages == 0:
		return "None was seen; they are in the index 20240528_messages"
	case messages > 0 && operations == 0:
		return "None was seen; they are in the index 20250724_operations"
	}
	return "`detector explain-record` says what is seen in single records"
}

// halves counts the rows that were read of each of Nango's two indices.
func halves(s nango.Stats) (operations, messages int64) {
	return s.Rows["operation"] + s.Rows["update"] + s.Rows["other_operation"], s.Rows["message_log"] + s.Rows["message_http"] + s.Rows["other_message"]
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
