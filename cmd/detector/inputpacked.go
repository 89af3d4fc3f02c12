package main

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// errPacked is a packed file that cannot be unpacked, or not to its end.
var errPacked = errors.New("it cannot be unpacked to its end")

// unpacked reads a file as it is, or unpacks it where its first bytes say that it is packed. Nothing is read before the first Read.
type unpacked struct {
	from   *bufio.Reader
	to     io.Reader // nil: the first bytes were not looked at
	finish func()    // lets go of what unpacking took
}

func newUnpacked(r io.Reader) *unpacked {
	return &unpacked{from: bufio.NewReader(r), finish: func() {}}
}

func (u *unpacked) Read(b []byte) (int, error) {
	if u.to == nil {
		if err := u.open(); err != nil {
			return 0, fmt.Errorf("%w: %w", errPacked, err)
		}
	}
	n, err := u.to.Read(b)
	if err != nil && err != io.EOF && u.to != io.Reader(u.from) {
		err = fmt.Errorf("%w: %w", errPacked, err)
	}
	return n, err
}

// maxWindow is how far back a zstd file may refer: as far as zstd --long does.
const maxWindow = 128 << 20

// open looks at the first bytes.
func (u *unpacked) open() (err error) {
	magic, _ := u.from.Peek(4) // an error comes again with the first Read
	begins := func(with string) bool { return bytes.HasPrefix(magic, []byte(with)) }
	switch u.to = u.from; {
	case begins("\x1f\x8b"):
		u.to, err = gzip.NewReader(u.from)
	case begins("BZh"):
		u.to = bzip2.NewReader(u.from)
	case begins("\x28\xb5\x2f\xfd"):
		var d *zstd.Decoder
		d, err = zstd.NewReader(u.from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err == nil {
			u.to, u.finish = d, d.Close
		}
	}
	return err
}

// metered counts the bytes that are read.
type metered struct {
	from io.Reader
	n    *int64
}

func (m metered) Read(b []byte) (int, error) {
	n, err := m.from.Read(b)
	*m.n += int64(n)
	return n, err
}

// firstPart takes the byte order mark off the first part of a file, and refuses what is no text, or none that holds whole rows.
func firstPart(name string, part []byte) ([]byte, error) {
	for _, x := range []struct{ magic, what string }{
		{"\xff\xfe", "is text in UTF-16: write it as UTF-8 (iconv -f UTF-16 -t UTF-8)"},
		{"\xfe\xff", "is text in UTF-16: write it as UTF-8 (iconv -f UTF-16 -t UTF-8)"},
		{"PK\x03\x04", "is a zip archive: unpack it first"},
		{"\xfd7zXZ\x00", "is packed with xz, which is not read: unpack it first (xz -d), or pipe it in (xz -dc FILE | detector … --input -)"},
		{"7z\xbc\xaf", "is a 7z archive: unpack it first"},
		{"PAR1", "is a Parquet file, which is not read: export JSON, a row a line"},
	} {
		if bytes.HasPrefix(part, []byte(x.magic)) {
			return nil, fmt.Errorf("%s %s", name, x.what)
		}
	}
	if len(part) > 262 && string(part[257:262]) == "ustar" {
		return nil, fmt.Errorf("%s is a tar archive: unpack it first (tar -xf), and name the files, or their directory", name)
	}
	part = bytes.TrimPrefix(part, []byte("\xef\xbb\xbf"))
	if isCSV(part) {
		return nil, fmt.Errorf("%s is CSV, as Kibana and OpenSearch Dashboards export it: it does not hold whole rows. Export JSON, as elasticdump or a saved _search answer is", name)
	}
	return part, nil
}

// columns are names of fields that stand in the first line of a CSV file.
var columns = map[string]bool{"_id": true, "_index": true, "_score": true, "_source": true, "@timestamp": true, "id": true, "parentId": true, "createdAt": true, "updatedAt": true,
	"providerName": true, "integrationName": true, "connectionName": true, "environmentName": true, "state": true, "level": true, "message": true, "operation.type": true,
	"operation.action": true, "accountId": true, "type": true, "source": true}

// isCSV reports whether a file begins with the names of at least two fields, and commas or semicolons between.
func isCSV(first []byte) bool {
	line, _, _ := bytes.Cut(first[:min(len(first), 1<<14)], []byte("\n"))
	if len(line) == 0 || bytes.ContainsAny(line, "{}[]") {
		return false
	}
	known := 0
	for _, cell := range strings.FieldsFunc(string(line), func(r rune) bool { return r == ',' || r == ';' || r == '\t' }) {
		if columns[strings.Trim(cell, "\" \r")] {
			known++
		}
	}
	return known >= 2
}
