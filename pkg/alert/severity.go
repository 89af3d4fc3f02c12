package alert

import (
	"errors"
	"fmt"
	"slices"

	"github.com/revwatch/revwatch/pkg/detect"
)

// severity of an incident: how soon a person should look.
type severity string

const (
	warning  severity = "warning"
	critical severity = "critical"
)

// Severity says which incidents are critical: those that fulfil one of its conditions. All others are warnings. The zero value means DefaultSeverity
// in the options of who grades; with Scopes empty and not nil it means that none is critical.
type Severity struct {
	Connections int      // so many newly broke
	Share       float64  // so large a share of the connections newly broke, 10 of them at least: of all where Nango's API lists them, else of those seen active; 0: the share does not matter
	Score       float64  // 10 or more broke at so many times the alarm line (a score is logarithmic: 2 is the square of the rarity that alarms)
	Scopes      []string // of these scopes
}

// DefaultSeverity is that of configs/detector.yaml.
var DefaultSeverity = Severity{Connections: 50, Share: 0.2, Score: 2, Scopes: []string{"family", "all"}}

// OrDefault is s, or DefaultSeverity where s is the zero value.
func (s Severity) OrDefault() Severity {
	if s.Scopes == nil && s.Connections == 0 && s.Share == 0 && s.Score == 0 {
		return DefaultSeverity
	}
	return s
}

// Check says what is wrong with the conditions.
func (s Severity) Check() error {
	if s.Connections < 0 {
		return errors.New("severity.connections: want 0, which does not matter, or more")
	}
	if !(s.Share >= 0 && s.Share <= 1) {
		return errors.New("severity.share: want 0, which does not matter, to 1, which is all")
	}
	if !(s.Score == 0 || s.Score >= 1 && s.Score <= 1e6) {
		return errors.New("severity.score: want 0, which does not matter, or 1 and more: 1 is the alarm line")
	}
	for _, scope := range s.Scopes {
		if !slices.Contains(Scopes, scope) {
			return fmt.Errorf("severity.scopes: want some of %v", Scopes)
		}
	}
	return nil
}

// Of is the severity of an incident: warning or critical.
func (s Severity) Of(in *detect.Incident) string { return string(s.of(in)) }

// several is how many connections make a share or a rarity worth waking somebody.
const several = 10

func (s Severity) of(in *detect.Incident) severity {
	many := in.Observed >= several
	broke, there := in.Observed, in.Active
	if in.Total > 0 { // Nango's API says how many there are
		there = in.Total
		if in.Scope == "family" { // Observed is of the provider that rose first
			broke = max(broke, in.Affected)
		}
	}
	share := there > 0 && s.Share > 0 && float64(broke) >= s.Share*float64(there)
	switch {
	case slices.Contains(s.Scopes, in.Scope), s.Connections > 0 && in.Observed >= s.Connections,
		many && s.Score > 0 && in.Score >= s.Score, many && share:
		return critical
	}
	return warning
}
