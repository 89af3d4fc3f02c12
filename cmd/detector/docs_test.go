package main

import (
	"os"
	"strings"
	"testing"

	"github.com/revwatch/revwatch/pkg/nango"
)

// fences returns the code blocks of a page by what is written behind their opening.
func fences(t *testing.T, path string) map[string][]string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	parts := strings.Split(string(raw), "\n```")
	for i := 1; i+1 < len(parts); i += 2 {
		kind, text, _ := strings.Cut(parts[i], "\n")
		found[kind] = append(found[kind], text+"\n")
	}
	return found
}

// Every piece of configuration in README and in the page on alerts is taken, with secrets and destinations where it leaves them out.
func TestDocumentedConfiguration(t *testing.T) {
	secret := write(t, hook)
	key := write(t, key32)
	for _, page := range []string{"README.md", "docs/alerts.md"} {
		all := fences(t, "../../"+page)["yaml"]
		for _, text := range all {
			text = strings.NewReplacer("https://hooks.slack.com/services/…", hook, "/run/secrets/slack", secret, "/run/secrets/pagerduty", key).Replace(text)
			for name, section := range map[string]string{"slack.webhook_url": "slack.webhook_url: " + hook, "pagerduty.": "pagerduty.routing_key: " + key32,
				"slack-crm, slack": "destinations: [{name: slack-crm, slack: {webhook_url: " + hook + "}}]"} {
				if !strings.Contains(text, name) {
					text += section + "\n"
				}
			}
			if _, err := loadConfig(write(t, text)); err != nil {
				t.Errorf("%s: %v in\n%s", page, err, text)
			}
		}
		if len(all) == 0 {
			t.Errorf("%s has lost its fences", page)
		}
	}
}

// What the page on rows shows is what the program prints and takes.
func TestRowsDocumentation(t *testing.T) {
	const page = "../../docs/rows.md"
	all := fences(t, page)
	for _, text := range all["yaml"] {
		if code, out, errs := checked(t, text); code != exitOK || !strings.Contains(out, "of your own") {
			t.Errorf("%s\nis not taken: %s%s", text, out, errs)
		}
	}
	t.Chdir("../..")
	shown := 0
	for _, text := range all[""] {
		command, rest, _ := strings.Cut(text, "\n")
		args, ok := strings.CutPrefix(command, "$ detector ")
		if !ok {
			continue
		}
		shown++
		if got := output(t, "", strings.Fields(args)...); got != rest {
			t.Errorf("%s prints\n%s", command, got)
		}
	}
	if shown == 0 || len(all["yaml"]) == 0 {
		t.Errorf("%d commands and %d pieces of configuration: the page has lost its fences", shown, len(all["yaml"]))
	}
	raw, err := os.ReadFile("docs/rows.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range nango.Envelopes {
		if !strings.Contains(string(raw), "\n| `"+name+"` |") {
			t.Errorf("the page does not tell of the envelope %s", name)
		}
	}
}
