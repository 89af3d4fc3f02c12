package alert

import "github.com/revwatch/revwatch/pkg/detect"

// Wording is what messages say beyond the incident itself. A zero field means its default.
type Wording struct {
	Display  func(provider string) string        // display name of a provider; the key itself
	Remedy   func(provider, cause string) string // what the provider's table says to do about a cause, our own words; "" for nothing
	Severity Severity                            // DefaultSeverity
	Links    Links                               // none
}

// Links are templates of addresses into other programs. In them {environment}, {provider}, {integration}, {connection} and {incident} stand for the
// percent-encoded names. An empty template makes no link, and neither does one with a name that the incident does not have. {connection} is for the
// template of one connection.
type Links struct {
	Dashboard  string // of the environment's logs or connections in Nango
	Connection string // of one connection in Nango
	Runbook    string // of your own runbook
}

func (w Wording) orDefault() Wording {
	if w.Display == nil {
		w.Display = func(provider string) string { return provider }
	}
	if w.Remedy == nil {
		w.Remedy = func(string, string) string { return "" }
	}
	w.Severity = w.Severity.OrDefault()
	return w
}

// provider is what people call the provider of an incident; of unknown connections it is an integration, which has no other name than its own.
func (w Wording) provider(in *detect.Incident) string {
	name := in.Provider
	if in.Signal != detect.UnknownConnections {
		name = w.Display(name)
	}
	return or(short(name, maxName), "unknown provider")
}
