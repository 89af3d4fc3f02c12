package directory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/valyala/fastjson"

	"github.com/revwatch/revwatch/pkg/nango"
)

const (
	mostBytes = 128 << 20 // of one answer: metadata of one's own stands in it, and is not kept
	mostEntry = 4 << 20   // of one connection
)

// errLost says that an answer ended before its end.
var errLost = errors.New("the answer is cut off")

// answer is one page.
type answer struct {
	connections []nango.Listed
	entries     int           // in the page
	unnamed     int           // of these that named no connection, or were too large or too deep to be read
	rest        time.Duration // asked of us before the next request
}

// read takes a page connection by connection, so that a large one is never held whole. Fields that are not known are passed over.
func (c *Client) read(body io.Reader) (a answer, err error) {
	limited := &io.LimitedReader{R: body, N: mostBytes}
	d := json.NewDecoder(limited)
	defer func() {
		if err != nil && limited.N <= 0 {
			err = errors.New("the answer is too large")
		}
	}()
	if err := open(d, '{'); err != nil {
		return a, cutOff(err)
	}
	listed := false
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return a, cutOff(err)
		}
		if key != "connections" {
			var skipped json.RawMessage
			if err := d.Decode(&skipped); err != nil {
				return a, cutOff(err)
			}
			continue
		}
		if listed {
			return a, errors.New("two lists")
		}
		listed = true
		if err := c.entries(d, &a); err != nil {
			return a, cutOff(err)
		}
	}
	if _, err := d.Token(); err != nil {
		return a, cutOff(err)
	}
	if !listed {
		return a, errors.New("no list")
	}
	return a, nil
}

func (c *Client) entries(d *json.Decoder, a *answer) error {
	if err := open(d, '['); err != nil {
		return err
	}
	var parser fastjson.Parser
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		a.entries++
		if len(raw) > mostEntry {
			a.unnamed++
			continue
		}
		v, err := parser.ParseBytes(raw)
		if err != nil { // it is JSON, or the decoder had said so
			a.unnamed++
			continue
		}
		x, named := c.lister.Read(v)
		if !named {
			a.unnamed++
			continue
		}
		a.connections = append(a.connections, x)
	}
	_, err := d.Token()
	return err
}

func open(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err == nil && t != want {
		err = fmt.Errorf("%v instead of %v", t, want)
	}
	return err
}

// cutOff tells an answer that ended too early from one that is no list.
func cutOff(err error) error {
	var syntax *json.SyntaxError
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &syntax) && isNetwork(err) {
		return fmt.Errorf("%w: %w", errLost, io.ErrUnexpectedEOF)
	}
	return err
}

func isNetwork(err error) bool {
	var n interface{ Timeout() bool }
	return errors.As(err, &n)
}
