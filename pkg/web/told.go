package web

import (
	"cmp"
	"io"

	"github.com/revwatch/revwatch/pkg/detect"
)

// all stands for every provider, or every environment, where an incident is of no single one.
const all = "all"

// writeTold shows which incidents are open and told, by what does not change while they are: an integration is its provider's here, as an incident
// moves between the two with each break. Every series has a sample, so that a dashboard sees an incident come and go; one that stands for others
// has its own, with the wider scope, until its end is forgotten.
func (s *Server) writeTold(w io.Writer, x *Snapshot) {
	f := newFamily(gauge, "revwatch_incident", "1 while an incident that people are told of is open.")
	for _, v := range x.Series {
		f.raise(s.incident(v.Signal, v.Environment, v.Provider, v.Cause, ofProvider), 0)
	}
	for i := range x.Incidents {
		if v := &x.Incidents[i]; v.Signal != detect.Weekly && !untold(v) {
			for _, l := range s.incidentLabels(v) {
				f.raise(l, bit(v.Status != detect.StatusResolved))
			}
		}
	}
	write(w, f)
}

const ofProvider = "provider" // the scope of an incident of one provider

// untold says that an incident is only recorded: it is of the past, or part of another one.
func untold(v *detect.Incident) bool { return v.Past || v.Parent != "" }

// incidentLabels has one text for each environment that an incident of all is of, as those who are told of any of them are told.
func (s *Server) incidentLabels(v *detect.Incident) (texts []string) {
	switch v.Scope {
	case "family":
		return []string{s.incident(v.Signal, v.Environment, v.Provider, v.Cause, "family")}
	case all:
		for _, environment := range v.Environments {
			texts = append(texts, s.incident(v.Signal, environment, all, v.Cause, all))
		}
		if texts == nil {
			texts = []string{s.incident(v.Signal, cmp.Or(v.Environment, all), all, cmp.Or(v.Cause, "none"), all)}
		}
		return texts
	default:
		return []string{s.incident(v.Signal, v.Environment, v.Provider, v.Cause, ofProvider)}
	}
}

func (s *Server) incident(signal, environment, provider, cause, scope string) string {
	n := s.roster(signal).label(Integration{Environment: environment, Provider: provider}.clean())
	if environment == all {
		n.Environment = all
	}
	if provider == all {
		n.Provider = all
	}
	return labels("environment", n.Environment, "provider", n.Provider, "cause", clean(cause), "signal", clean(signal), "scope", scope)
}
