package alert

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLinksCheck(t *testing.T) {
	for template, wrong := range map[string]string{
		"": "", "https://app.nango.dev/{environment}/logs?integrations={integration}#{incident}": "", "http://nango.local:3003/{environment}": "", "https://a.example": "", "https://[::1]:9/x": "",
		"https://{environment}.nango.example/":           "host",
		"https://nango.{environment}":                    "host",
		"https://a.example:{environment}/":               "host",
		"https://user:secret@a.example/":                 "host",
		"https://a.example/{env}":                        "braces",
		"https://a.example/{}":                           "braces",
		"https://a.example/{connection}":                 "braces",
		"https://a.example/{environment":                 "address",
		"https://a.example/}":                            "address",
		"ftp://a.example/":                               "address",
		"javascript:alert(1)//{environment}":             "address",
		"{environment}":                                  "address",
		"//a.example/":                                   "address",
		"https:///x":                                     "address",
		"https://a.example/a b":                          "address",
		"https://a.example/<x>|y":                        "address",
		"https://a.example/\n":                           "address",
		"https://a.example/" + strings.Repeat("a", 1000): "longer",
	} {
		err := Links{Runbook: template}.Check()
		if (err == nil) != (wrong == "") || err != nil && (!strings.Contains(err.Error(), wrong) || !strings.HasPrefix(err.Error(), "links.runbook: ")) {
			t.Errorf("%q: %v", template, err)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "a.example")) {
			t.Errorf("the error shows the template: %v", err)
		}
	}
	if err := (Links{Connection: "https://a.example/{connection}"}).Check(); err != nil {
		t.Error(err)
	}
}

// TestExpandProperty: whatever stands for a name, it comes out of the address again as it went in, and changes nothing around it.
func TestExpandProperty(t *testing.T) {
	const template = "https://app.example/p/{environment}/q?c={connection}#{incident}"
	rapid.Check(t, func(t *rapid.T) {
		value := text().Draw(t, "value")
		got := expand(template, map[string]string{"environment": value, "connection": value, "incident": value})
		if got == "" {
			if value == clean(value) && value != "" && !strings.HasPrefix(value, ".") && len(value) < 300 {
				t.Fatalf("no link for %q", value)
			}
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Host != "app.example" || u.Path != "/p/"+value+"/q" || u.Query().Get("c") != value || u.Fragment != value || len(u.Query()) != 1 || len(got) > maxAddress {
			t.Fatalf("%q gives %s: %v", value, got, err)
		}
	})
}

// No link is made of a name that is missing, that would be a step of a path, or that hides something.
func TestNoLinkOf(t *testing.T) {
	for _, value := range []string{"", ".", "..", "a\nb", "a\u202eb", " a", "\xff", strings.Repeat("é", 1000)} {
		if got := expand("https://a.example/{environment}", map[string]string{"environment": value}); got != "" {
			t.Errorf("%q gives %s", value, got)
		}
	}
}

// A link of a rise of several names no single provider, and a message has no more links than fit.
func TestLinksOfMessage(t *testing.T) {
	in := everywhere()
	in.Environment, in.Provider, in.Integration = "prod", "google-mail", "google-mail-eu"
	for _, l := range compose(&in, nil, open, wording()).links {
		if l.text == "Dashboard" || l.text == "Runbook" {
			t.Errorf("%+v", l)
		}
	}
	in = revoked()
	in.Connections[0].Connection = strings.Repeat("a", 2900)
	in.Connections[1].Connection = strings.Repeat("b", 1500)
	var have []string
	for _, l := range compose(&in, nil, open, wording()).links {
		have = append(have, l.text)
	}
	if got := strings.Join(have, " "); got != "Dashboard Runbook "+strings.Repeat("a", maxOwner-1)+"… user-0037" {
		t.Error(got)
	}
}
