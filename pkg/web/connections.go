package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/nango"
)

// serveConnections answers with the connections that the parameters ask for, as JSON or, with format=csv, as a table.
func (p api) serveConnections(w http.ResponseWriter, r *http.Request) {
	v, err := parameters(r.URL, "environment", "provider", "integration", "account", "incident", "broken", "format")
	broken, format := v.Get("broken"), v.Get("format")
	switch {
	case err == nil && broken != "" && broken != "true" && broken != "false":
		err = errors.New("broken is true or false")
	case err == nil && format != "" && format != "json" && format != "csv":
		err = errors.New("format is json or csv")
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	all, err := p.Connections(ctx, detect.Filter{Environment: v.Get("environment"), Provider: v.Get("provider"), Integration: v.Get("integration"),
		Account: v.Get("account"), Incident: v.Get("incident"), Broken: broken == "true"})
	switch {
	case err != nil:
		refuseFor(w, err)
	case format == "csv":
		var b bytes.Buffer
		_ = WriteCSV(&b, all) // a buffer takes everything
		w.Header().Set("Content-Disposition", `attachment; filename="connections.csv"`)
		answer(w, http.StatusOK, "text/csv; charset=utf-8; header=present", b.Bytes())
	case all == nil:
		answerJSON(w, http.StatusOK, []detect.Connection{})
	default:
		answerJSON(w, http.StatusOK, all)
	}
}

var columns = []string{"environment", "provider", "integration", "connection", "account", "tags", "auth_mode", "created", "state", "cause", "reason", "since",
	"last_failure", "exhausted", "before_start", "incident"}

// WriteCSV writes connections as a table (RFC 4180) with its header, a line each. No cell is one that a spreadsheet takes for a formula, or that steers a
// terminal.
func WriteCSV(w io.Writer, all []detect.Connection) error {
	table := csv.NewWriter(w)
	table.UseCRLF = true
	err := table.Write(columns)
	for i := range all {
		c := &all[i]
		row := []string{c.Environment, c.Provider, c.Integration, c.Connection, c.Account, tagsOf(c.Tags), c.AuthMode, stamp(c.Created), c.State, c.Cause, c.Reason,
			stamp(c.Since), stamp(c.LastFailure), strconv.FormatBool(c.Exhausted), strconv.FormatBool(c.BeforeStart), c.Incident}
		for i, cell := range row {
			row[i] = harmless(strings.Map(visible, cell))
		}
		err = errors.Join(err, table.Write(row))
	}
	table.Flush()
	return errors.Join(err, table.Error())
}

// harmless puts ' before what a spreadsheet would calculate.
func harmless(cell string) string {
	if first, _ := utf8.DecodeRuneInString(cell); cell != "" && strings.ContainsRune("=+-@＝＋－＠", first) {
		return "'" + cell
	}
	return cell
}

func tagsOf(t nango.Tags) string {
	var all []string
	for key, value := range t.All() {
		all = append(all, key+"="+value)
	}
	return strings.Join(all, "; ")
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return second(t)
}
