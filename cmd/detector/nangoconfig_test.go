package main

import (
	"strings"
	"testing"
	"time"
)

const slackLine = "slack.webhook_url: " + hook + "\n"

// Nango's API is asked where a key is given, of one environment or of several; check says so, and warns where a key would go in the clear.
func TestNangoSettings(t *testing.T) {
	key := write(t, nangoKey32+"\n")
	for _, c := range []struct{ text, says, warns string }{
		{"", "", ""},
		{"nango.environments: []\n", "", ""},
		{"nango.secret_key_file: " + key + "\n", "asks     Nango's API at https://api.nango.dev every 15m whose connections those of prod are, and how many there are\n", ""},
		{"nango: {secret_key_file: " + key + ", environment: live, url: http://nango-server:3003, every: 1h}\n", "http://nango-server:3003 every 1h whose connections those of live are", ""},
		{"nango: {secret_key_file: " + key + ", url: http://10.2.3.4:3003}\n", "10.2.3.4", ""},
		{"nango: {secret_key_file: " + key + ", url: http://nango.example.com}\n", "nango.example.com", "warning: nango.url: over http:// everybody on the way to nango.example.com reads the secret key"},
		{"nango: {secret_key: a, environments: [{environment: dev, secret_key_file: " + key + "}, {environment: stage, secret_key: c}]}\n", "those of prod, dev, stage are", ""},
		{"nango: {environments: [{environment: dev, secret_key_file: " + key + "}]}\n", "those of dev are", ""},
	} {
		code, out, errs := checked(t, slackLine+c.text)
		if code != exitOK || !strings.Contains(out, c.says) || (c.says == "") == strings.Contains(out, "asks") || (c.warns == "") != (errs == "") || !strings.Contains(errs, c.warns) || strings.Contains(out+errs, nangoKey32) {
			t.Errorf("%s: exit code %d, said\n%s%s", c.text, code, out, errs)
		}
	}
}

// A fault of these settings names its line and what is wanted, and no key.
func TestFaultsOfNangoSettings(t *testing.T) {
	for text, want := range map[string]string{
		"nango.url: api.nango.dev":                                     `:2: nango.url: "api.nango.dev" is not allowed: a URL`,
		"nango.url: https://me:x@nango":                                "nango.url: the value is not allowed: a URL without a name",
		"nango.every: 10s":                                             "nango.every",
		"nango.environment: ''":                                        "nango.environment",
		"nango.secret_key: 'se cret'":                                  "nango.secret_key: the value is not allowed: an API key of the environment",
		"nango.environments: [{environment: dev}]":                     ":2: nango.environments: each entry needs environment and secret_key (or secret_key_file)",
		"nango.environments: [{secret_key: SECRET}]":                   ":2: nango.environments: each entry needs environment and secret_key",
		"nango.environments: [{environment: dev, secret_kee: SECRET}]": "secret_key",
		"nango: {secret_key: a, environments: [{environment: prod, secret_key: SECRET}]}":             `nango.environments: "prod" is named twice`,
		"nango: {secret_key: SECRET, environments: [{environment: dev, secret_key: SECRET}]}":         `"prod" and "dev" have the same secret key`,
		"nango.environments: [{environment: a, secret_key: x}, {environment: a, secret_key: SECRET}]": `"a" is named twice`,
		"nango.environments: [dev]": ":2: settings are expected in each entry of this list",
	} {
		if _, err := loadConfig(write(t, slackLine+text+"\n")); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s\nsaid %v\nwant %s", text, err, want)
		}
	}
}

// What the page on rows shows is taken.
func TestDocumentedNango(t *testing.T) {
	key := write(t, nangoKey32)
	for _, text := range fences(t, "../../docs/rows.md")[""] {
		if strings.HasPrefix(text, "nango.url") {
			if code, out, errs := checked(t, slackLine+strings.Replace(text, "/run/secrets/nango-prod", key, 1)); code != exitOK || !strings.Contains(out, "those of prod are") {
				t.Errorf("%s\nis not taken: %s%s", text, out, errs)
			}
			return
		}
	}
	t.Error("the page has lost its example")
}

// Who is asked uses the account fields and tags of the rows, and one pace for all keys.
func TestDirectories(t *testing.T) {
	c, err := loadConfig(write(t, slackLine+"nango: {secret_key: a, environments: [{environment: dev, secret_key: b}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.directories(time.Now)
	if err != nil || len(all) != 2 || all[0].Environment() != "prod" || all[1].Environment() != "dev" {
		t.Errorf("%v, %v", all, err)
	}
}
