package web

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/revwatch/revwatch/pkg/alert"
)

// serveSilences answers with the silences that are on.
func (p api) serveSilences(w http.ResponseWriter, r *http.Request) {
	if _, err := parameters(r.URL); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	all, err := p.Silences()
	switch {
	case err != nil:
		refuseFor(w, err)
	case all == nil:
		answerJSON(w, http.StatusOK, []alert.Silence{})
	default:
		answerJSON(w, http.StatusOK, all)
	}
}

// NewSilence is what is asked for. Its fields are those of alert.Silence.
type NewSilence struct {
	alert.Match
	Author string    `json:"author"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// addSilence begins a silence, and answers with it.
func (p api) addSilence(w http.ResponseWriter, r *http.Request) {
	var asked NewSilence
	if err := readJSON(r.Body, &asked); err != nil {
		var long *http.MaxBytesError
		status := http.StatusBadRequest
		if errors.As(err, &long) {
			status = http.StatusRequestEntityTooLarge
		}
		refuse(w, status, err)
		return
	}
	s, err := p.Silence(alert.Silence{Match: asked.Match, Author: asked.Author, Reason: asked.Reason, Until: asked.Until})
	switch {
	case errors.Is(err, ErrUnavailable):
		refuse(w, http.StatusServiceUnavailable, err)
	case err != nil:
		refuse(w, http.StatusBadRequest, err)
	default:
		answerJSON(w, http.StatusCreated, s)
	}
}

// endSilence ends one, and answers with its id.
func (p api) endSilence(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := p.EndSilence(id); err != nil {
		refuseFor(w, err)
		return
	}
	answerJSON(w, http.StatusOK, struct {
		ID string `json:"id"`
	}{id})
}

// readJSON reads one value of known fields. Its errors repeat nothing of the body but the names of fields.
func readJSON(r io.Reader, v any) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return bodyFault(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("the body holds more than one value")
	}
	return nil
}

func bodyFault(err error) error {
	var (
		long *http.MaxBytesError
		kind *json.UnmarshalTypeError
		form *json.SyntaxError
	)
	switch {
	case errors.As(err, &long):
		return err
	case errors.As(err, &kind):
		return errors.New("the body has a value of another kind under " + clean(kind.Field))
	case errors.As(err, &form), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the body is no JSON")
	}
	return errors.New("the body: " + clean(err.Error()))
}
