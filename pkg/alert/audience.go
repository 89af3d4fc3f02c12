package alert

import "github.com/revwatch/revwatch/pkg/detect"

// Audience names the destinations that the routes mean for an incident as it is now, whether or not anything is sent to them.
func (n *Notifier) Audience(in *detect.Incident) []string {
	names, everybody := recipients(n.opt.Routes, in, n.opt.Wording.Severity.of(in))
	if !everybody {
		return names
	}
	for _, l := range n.lanes {
		names = append(names, l.name)
	}
	return names
}
