package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/revwatch/revwatch/pkg/nango"
)

// A user's rule decides before the built-in ones, a user's provider is named as the user says; the rest of the table stays.
func TestOwnRulesLieOverTheTable(t *testing.T) {
	file := write(t, "rules:\n  - {cause: other, reason: our_policy, code: [invalid_grant]}\n")
	for name, text := range map[string]string{
		"inline": "disorder: 1m\nrules:\n  - {cause: other, reason: our_policy, code: [invalid_grant]}\n",
		"file":   "rules_file: " + file + "\n",
		"alias":  "rules:\n  - &a {cause: other, reason: our_policy, code: &c [invalid_grant]}\n  - {cause: other, reason: again, code: *c, status: ['499']}\n",
		"both":   "rules_file: " + write(t, "rules: [{cause: transient, reason: under, code: [invalid_grant]}]\n") + "\nrules: [{cause: other, reason: our_policy, code: [invalid_grant], status: [4xx]}]\n",
	} {
		got := output(t, "", "replay", "--input", rows, "--config", write(t, text))
		if !strings.Contains(got, " other         our_policy ") || !strings.Contains(got, " revoked       bad_refresh_token ") {
			t.Errorf("%s: said\n%s", name, got)
		}
	}
	c, err := loadConfig(write(t, "providers:\n  - {family: acme, name: Acme, keys: [acme, acme-*], rules: [{cause: revoked, reason: grant_gone, code: [e_4711]}]}\n"))
	if err != nil || c.table().Provider("acme").Name != "Acme" || c.table().Provider("google-mail").Name != "Gmail" {
		t.Errorf("%q %q, %v", c.table().Provider("acme").Name, c.table().Provider("google-mail").Name, err)
	}
}

func TestCheckCountsOwnRules(t *testing.T) {
	const one = "{cause: other, reason: a, code: [a%d]}"
	for text, want := range map[string]string{
		"rules: [" + fmt.Sprintf(one+", "+one, 1, 2) + "]\nproviders: [{family: acme, name: Acme, keys: [acme], rules: [" + fmt.Sprintf(one, 3) + "]}]\n": "; causes by 3 rules of your own first\n",
		"providers: [{family: acme, name: Acme, keys: [acme]}]\n":              "; causes by 1 provider of your own first\n",
		"rules: []\nproviders: []\n":                                           "fewer than 3 connections\n",
		"rules_file: " + write(t, "rules: ["+fmt.Sprintf(one, 4)+"]\n") + "\n": "; causes by 1 rule of your own first\n",
	} {
		if code, out, errs := checked(t, text); code != exitOK || !strings.Contains(out, want) {
			t.Errorf("%q: exit code %d, want %q in\n%s%s", text, code, want, out, errs)
		}
	}
}

// What is wrong with a rule is said at its line, with what is allowed, and without the names of our types.
func TestFaultsOfRules(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for i := 'b'; i < 'i'; i++ {
		bomb += fmt.Sprintf("%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	for text, want := range map[string]string{
		"\nrules:\n  - {cause: revoked, reason: a, code: [a]}\n\n  - {cause: gone, reason: a, code: [b]}\n": `.yaml:5: rules[1]: cause "gone": want revoked, transient`,
		"rules:\n  - cause: other\n    reason: a\n    cod: [a]\n":                                           `.yaml:4: unknown key "cod": one of also, cause, code, reason`,
		"rules:\n\n  - cause: other\n    reason: [a]\n    code: [a]\n":                                      `.yaml:4: a list is not allowed here: `,
		"rules:\n  - cause: other\n    reason: a\n\n    code: {a: b}\n":                                     `.yaml:5: a mapping is not allowed here: a list such as [a, b]`,
		"\n\nrules: [{cause: other, reason: a, code: [a],\n  status: 42}]\n":                                `.yaml:3: rules[0]: status "42": want 100 to 599`,
		"rules:\n  - {cause: other, reason: a, code: [a]}\n  - null\n":                                      `.yaml:3: rules[1]: a value is needed here, or remove it`,
		"\n\nrules: [null]\n": `.yaml:3: rules[0]: a value is needed here`,
		"\nproviders: [~]\n":  `.yaml:2: providers[0]: a value is needed here`,
		"rules:\n  - cause: other\n    reason: a\n    code: [a]\n    status:\n":              `.yaml:5: rules[0].status: a value is needed here`,
		"\nrules: [{cause: other,\n  code: [a],\n  code: [b]}]\n":                            `.yaml:4: key "code" is already set in line 3`,
		"rules: [{cause: other, reason: a, code: [a],\n\n  colour: [b]}]\n":                  `.yaml:3: unknown key "colour"`,
		"rules_file: " + write(t, "rules:\n  - {cause: other, reason: a, code: [a]}\n  -\n"): `.yaml:3: rules[1]: a value is needed here`,
		"tags: [a, b, c, d, e, f, g,\n  h,\n  i, j]\n":                                       `:3: tags: "i" is one too many: at most 8`,
		"tags: a,b,c,d,e,f,g,h,i\n":                                                          `:1: tags: "i" is one too many: at most 8`,
		"rules:\n  - {cause: other, reason: a, code: [a], code: [b]}\n":                      `.yaml:2: key "code" is already set in line 2`,
		"rules:\n  - a\n":                 `.yaml:2: "a" is not allowed here: a rule such as`,
		"\nrules: {cause: other}\n":       ".yaml:2: rules: a list is expected here",
		"\nproviders: x\n":                ".yaml:2: providers: a list is expected here",
		"rules: []\n\nrules: []\n":        "rules",
		"\nrules_file: /does/not/exist\n": `.yaml:2: rules_file: "/does/not/exist" cannot be read: no such file`,
		"providers:\n  - family: x\n    name: X\n    keys: [x]\n    rules:\n      - {cause: other, reason: a, code: [a]}\n      - {cause: other, reason: A, code: [b]}\n": `.yaml:7: providers[0] (x)`,
		"providers:\n  - {family: acme, name: Acme}\n":                           ".yaml:2: providers[0] (acme)",
		"rules_file: " + write(t, "\n\nrules:\n  - {cause: other, reason: a}\n"): `.yaml:4: rules[0]: no condition`,
		"rules_file: " + write(t, "rules: [\n"):                                  "not YAML",
		"rules_file: " + write(t, "- a\n"):                                       ".yaml:1: `rules:` or `providers:` is expected",
		"rules_file: " + write(t, ""):                                            ".yaml:1: `rules:` or `providers:` is expected",
		"rules_file: " + write(t, "rule: []\n"):                                  `.yaml:1: unknown key "rule": one of `,
		"rules_file: " + write(t, bomb+"rules: *h\n"):                            "more than 50000 values",
		"tags: [a, user_email]\n":                                                `:1: tags: "user_email" is not allowed: tags are shown in alerts: no e-mail addresses`,
		"tags: [a b]\n":                                                          `:1: tags: "a b" is not allowed: the key of a tag`,
	} {
		code, out, errs := checked(t, text)
		if code != exitConfig || out != "" || !strings.Contains(errs, want) || strings.Contains(errs, "nango.") {
			t.Errorf("%q: exit code %d, said\n%s%s\nwant %q", text, code, out, errs, want)
		}
	}
}

// One value stands for a list of one, and a number for its text.
func TestOneValueIsAList(t *testing.T) {
	for _, text := range []string{"code: some_code, status: 400", "code: some_code, status: '400'", "code: [some_code], status: [400]"} {
		c, err := loadConfig(write(t, "rules: [{cause: other, reason: ours, "+text+"}]\nproviders: [{family: acme, name: Acme, keys: acme, rules: [{cause: revoked, reason: gone, code: 4711}]}]\n"))
		if err != nil || c.own.count != 2 || c.table().Provider("acme").Name != "Acme" {
			t.Errorf("%s: %d rules, %v", text, c.own.count, err)
		}
	}
}

// As many tags as may be configured are kept.
func TestTagsThatMayBeConfiguredAreKept(t *testing.T) {
	all, kept := map[string]string{}, 0
	for i := range maxTags + 1 {
		all[fmt.Sprint("tag", i)] = "x"
	}
	for range nango.TagsOf(all).All() {
		kept++
	}
	if kept != maxTags {
		t.Errorf("%d are kept, %d may be configured", kept, maxTags)
	}
}

// A rules file stands beside the configuration that names it.
func TestRulesFileIsBesideTheConfiguration(t *testing.T) {
	path := write(t, "rules_file: mine/rules.yaml\n")
	file := filepath.Join(filepath.Dir(path), "mine", "rules.yaml")
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("rules: [{cause: other, reason: our_policy, code: [invalid_grant]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := loadConfig(path); err != nil || c.own.count != 1 {
		t.Errorf("%d rules, %v", c.own.count, err)
	}
}

// A changed rules file is a changed configuration.
func TestRulesFileIsPartOfTheHash(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rules.yaml")
	path := write(t, "rules_file: "+file+"\n")
	var seen []string
	for _, reason := range []string{"a", "b"} {
		if err := os.WriteFile(file, []byte("rules: [{cause: other, reason: "+reason+", code: [some_code]}]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := loadConfig(path)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, c.hash)
	}
	if seen[0] == seen[1] {
		t.Errorf("both are %s", seen[0])
	}
}
