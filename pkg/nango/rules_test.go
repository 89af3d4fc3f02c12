package nango

import (
	"strings"
	"testing"
)

func TestParseRulesRefuses(t *testing.T) {
	good := "{cause: revoked, reason: a, code: [x1]}"
	for name, tt := range map[string]struct{ yaml, want string }{
		"unknown key":        {"rules: [{cause: revoked, reason: a, codes: [x]}]", "codes"},
		"unknown cause":      {"rules: [{cause: gone, reason: a, code: [x1]}]", `cause "gone"`},
		"no reason":          {"rules: [{cause: revoked, code: [x1]}]", "reason"},
		"reason with spaces": {"rules: [{cause: revoked, reason: a b, code: [x1]}]", "reason"},
		"code that is none":  {"rules: [{cause: revoked, reason: '{code}', status: ['400']}]", "stands for"},
		"no condition":       {"rules: [{cause: revoked, reason: a}]", "no condition"},
		"upper case code":    {"rules: [{cause: revoked, reason: a, code: [Invalid]}]", `code "Invalid": write invalid`},
		"code as it is sent": {"rules: [{cause: revoked, reason: a, code: [E-4711]}]", `code "E-4711": write e_4711`},
		"code and a star":    {"rules: [{cause: revoked, reason: a, code: ['E-47*']}]", `code "E-47*": write e_47*`},
		"code of signs":      {"rules: [{cause: revoked, reason: a, code: ['a§b']}]", `code "a§b": want 1 to 64`},
		"status":             {"rules: [{cause: revoked, reason: a, status: ['9xx']}]", `status "9xx"`},
		"short text":         {"rules: [{cause: revoked, reason: a, text: [ab]}]", `text "ab"`},
		"shape":              {"rules: [{cause: revoked, reason: a, shape: [round]}]", `shape "round"`},
		"duplicate rule":     {"rules: [" + good + "," + good + "]", "duplicate"},
		"duplicate key":      {"rules: []\nrules: []", "rules"},
		"duplicate family":   {"providers: [{family: a, name: A, keys: [a1]}, {family: a, name: B, keys: [b1]}]", "duplicate family"},
		"claimed twice":      {"providers: [{family: a, name: A, keys: [mail]}, {family: b, name: B, keys: [mail]}]", "already claimed by a"},
		"claimed by prefix":  {"providers: [{family: a, name: A, keys: [mail-*]}, {family: b, name: B, keys: [mail-x]}]", "already claimed by a"},
		"prefix in prefix":   {"providers: [{family: a, name: A, keys: [mail-x-*]}, {family: b, name: B, keys: ['mail*']}]", "already claimed by a"},
		"provider's rule":    {"providers: [{family: a, name: A, keys: [m1], rules: [{cause: revoked, reason: a}]}]", "providers[0] (a)[0]"},
		"no keys":            {"providers: [{family: a, name: A}]", "required"},
		"not YAML":           {"rules: [", "parse provider rules"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseRules([]byte(tt.yaml))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that says %q", err, tt.want)
			}
		})
	}
}

func TestOverlap(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"mail", "mail", true},
		{"mail", "mails", false},
		{"mail*", "mail", true},
		{"mail*", "mailbox", true},
		{"mail-*", "mail", false},
		{"mail*", "mail-*", true},
		{"a*", "b*", false},
	} {
		if overlap(tt.a, tt.b) != tt.want || overlap(tt.b, tt.a) != tt.want {
			t.Errorf("overlap(%q, %q) is not %v", tt.a, tt.b, tt.want)
		}
	}
}

func TestProvider(t *testing.T) {
	for key, want := range map[string][2]string{
		"google-mail":  {"Gmail", "google"},
		"google-tasks": {"Google (google-tasks)", "google"},
		"hubspot":      {"HubSpot", "hubspot"},
		"outlook":      {"Outlook", "microsoft"},
		"some-new-api": {"some-new-api", "some-new-api"},
	} {
		got := builtIn.Provider(key)
		if got.Name != want[0] || got.Family != want[1] || got.Remedy[Revoked] == "" || got.Remedy[Misconfigured] == "" {
			t.Errorf("%s: got %+v, want %v and what to do", key, got, want)
		}
	}
}
