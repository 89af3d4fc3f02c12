package web

import (
	"fmt"
	"net/http"

	"github.com/revwatch/revwatch/pkg/alert"
	"github.com/revwatch/revwatch/pkg/detect"
)

// Incident is the public form of an incident with how soon a person should look: warning or critical.
type Incident struct {
	detect.Incident
	Severity string `json:"severity"`
}

// serveIncidents answers with the incidents that are open and those that ended in the last days, the oldest first. A member that stands by has none to
// show, whatever is in its state file.
func (p api) serveIncidents(w http.ResponseWriter, r *http.Request) {
	if _, err := parameters(r.URL); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	switch x := p.server.last.Load(); {
	case x == nil:
		refuseFor(w, fmt.Errorf("%w: nothing was read yet", ErrUnavailable))
	case len(x.Input.Partitions) == 0:
		refuseFor(w, fmt.Errorf("%w: this member reads nothing; ask the one whose revwatch_owner is 1, or wait until the group is joined", ErrUnavailable))
	default:
		answerJSON(w, http.StatusOK, graded(x.Incidents, p.server.o.Severity))
	}
}

// graded leaves out what is no incident.
func graded(all []detect.Incident, s alert.Severity) []Incident {
	out := []Incident{}
	for i := range all {
		if x := &all[i]; x.Signal != detect.Weekly {
			out = append(out, Incident{*x, s.Of(x)})
		}
	}
	return out
}
