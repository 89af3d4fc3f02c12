package web

import (
	"context"
	"net/http"

	"github.com/revwatch/revwatch/pkg/detect"
)

// serveExplain answers with a detect.Answer.
func (p api) serveExplain(w http.ResponseWriter, r *http.Request) {
	v, err := parameters(r.URL, "signal", "environment", "provider", "cause", "at")
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	q := detect.Question{Signal: v.Get("signal"), Environment: v.Get("environment"), Provider: v.Get("provider"), Cause: v.Get("cause")}
	a, err := p.Explain(ctx, q, v.Get("at"))
	if err != nil {
		refuseFor(w, err)
		return
	}
	answerJSON(w, http.StatusOK, a)
}
