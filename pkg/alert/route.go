package alert

// Match says which incidents are meant. An empty field matches every incident; of a list one entry has to match. Entries of Provider, Integration
// and Environment may hold * for any characters.
type Match struct {
	Provider    []string `json:"provider,omitempty"`
	Integration []string `json:"integration,omitempty"`
	Environment []string `json:"environment,omitempty"`
	Cause       []string `json:"cause,omitempty"`
	Signal      []string `json:"signal,omitempty"`
	Scope       []string `json:"scope,omitempty"`
	Severity    string   `json:"severity,omitempty"` // this severity or a higher one: warning, critical
}

// Route names who is told of the incidents that it matches.
type Route struct {
	Match
	To []string // names of destinations; none: nobody is told
}
