package nango

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTags(t *testing.T) {
	who := func(org, user string) Tags {
		return TagsOf(map[string]string{"organization_id": org, "end_user_id": user})
	}
	long := strings.Repeat("x", 200)
	hook := func(more string) string {
		return `{"timestamp":"` + stampOf(worldStart) + `","from":"nango","type":"auth","operation":"creation","success":true,"connectionId":"c","providerConfigKey":"k","environment":"live",` + more + `}`
	}
	op := func(more string) string {
		return operationRow(opID(worldStart, 1), "proxy", "call", "success", whoOf(1)+","+more, worldStart, worldStart)
	}
	for name, tt := range map[string]struct {
		value string
		keys  []string
		want  Tags
	}{
		"webhook tags":                    {hook(`"tags":{"organization_id":"org_1","end_user_id":"eu_1","plan":"gold"}`), nil, who("org_1", "eu_1")},
		"end user of the webhook":         {hook(`"endUser":{"endUserId":"eu_1","organizationId":"org_1","email":"a@b.example"}`), nil, who("org_1", "eu_1")},
		"tags of the end user":            {hook(`"endUser":{"endUserId":"eu_1","tags":{"organization_id":"org_1"}}`), nil, who("org_1", "eu_1")},
		"end_user of the interface":       {hook(`"end_user":{"id":"eu_1","organization":{"id":"org_1","display_name":"Acme"}}`), nil, who("org_1", "eu_1")},
		"operation row":                   {op(`"tags":{"organization_id":"org_1"},"endUserId":77`), nil, who("org_1", "77")},
		"operation row's meta":            {op(`"meta":{"tags":{"organization_id":"org_1"}}`), nil, who("org_1", "")},
		"no address, however it comes":    {hook(`"tags":{"organization_id":"a@b.example","end_user_id":"Jo <jo@b.example>"},"endUser":{"endUserId":"jo%40b.example"}`), nil, ""},
		"nor however its sign is written": {hook(`"tags":{"organization_id":"a&#64;b.example","end_user_id":"jo(at)b.example"},"endUser":{"endUserId":"jo﹫b.example"}`), nil, ""},
		"no token":                        {hook(`"tags":{"organization_id":"Bearer 5f2d","end_user_id":"eyJh.eyJz.c2ln"}`), nil, ""},
		"another place where one was not": {hook(`"tags":{"end_user_id":"a@b.example"},"endUser":{"endUserId":"eu_1"}`), nil, who("", "eu_1")},
		"configured":                      {hook(`"tags":{"plan":"gold","organization_id":"org_1","site":true}`), []string{"site", "plan", "plan", ""}, TagsOf(map[string]string{"plan": "gold"})},
		"none configured":                 {hook(`"tags":{"organization_id":"org_1"}`), []string{}, ""},
		"of odd types":                    {hook(`"tags":[1],"endUser":"x","meta":7`), nil, ""},
		"long":                            {hook(`"tags":{"organization_id":"` + long + `"}`), nil, who(bound([]byte(long), 128), "")},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := read(t, Options{Tags: tt.keys}, tt.value)
			if len(got) != 1 || got[0].Tags != tt.want {
				t.Errorf("got %+v, want tags %q", got, tt.want)
			}
			for _, v := range got[0].Tags.All() {
				if len(v) > 128 {
					t.Errorf("%d bytes", len(v))
				}
			}
		})
	}
}

func drawTags(t *rapid.T) Tags {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("ab\"é")), 0, 3, -1)
	return TagsOf(rapid.MapOfN(text, text, 0, 12).Draw(t, "tags"))
}

// Merging is commutative, associative and idempotent, bounded, and survives its JSON form.
func TestTagsMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawTags(t), drawTags(t), drawTags(t)
		ab := a.merge(b)
		if ab != b.merge(a) || ab.merge(c) != a.merge(b.merge(c)) || ab.merge(a) != ab || a.merge(a) != a {
			t.Fatalf("%q %q %q", a, b, c)
		}
		over, n, last := map[string]string{}, 0, ""
		for _, x := range []Tags{b, a} {
			for k, v := range x.All() {
				over[k] = v
			}
		}
		for k, v := range a.Over(b).All() {
			if n++; over[k] != v || n > 1 && k <= last {
				t.Fatalf("%q over %q: %q", a, b, a.Over(b))
			}
			last = k
		}
		if n != min(len(over), maxTags) {
			t.Fatalf("%d of %d kept", n, len(over))
		}
		form, err := json.Marshal(struct {
			T Tags `json:"t,omitempty"`
		}{ab})
		var back struct {
			T Tags `json:"t"`
		}
		if err != nil || json.Unmarshal(form, &back) != nil || back.T != ab || (ab == "") != (string(form) == "{}") {
			t.Fatalf("%q came back as %q from %s", ab, back.T, form)
		}
	})
}

// A tag that comes with one row of an operation is on its event, in whatever order the rows come.
func TestTagsJoin(t *testing.T) {
	s := tell(0, 1, worldStart)
	rows := []string{s.rows[2].value, s.rows[3].value, strings.Replace(s.rows[3].value, `"accountId"`, `"tags":{"organization_id":"org_1"},"accountId"`, 1)}
	for _, order := range [][3]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		got, _ := read(t, Options{}, rows[order[0]], rows[order[1]], rows[order[2]])
		if len(got) != 1 || got[0].Tags != TagsOf(map[string]string{"organization_id": "org_1"}) || got[0].Account != "org_1" || got[0].Cause != Revoked {
			t.Errorf("%v: %+v", order, got)
		}
	}
}

// An account that is an e-mail address becomes a pseudonym: the same for the same address, another for another one.
func TestAccountIsNoAddress(t *testing.T) {
	account := func(s string) string {
		got, _ := read(t, Options{}, operationRow(opID(worldStart, 1), "auth", "refresh_token", "success", whoOf(1)+`,"endUserId":"`+s+`"`, worldStart, worldStart))
		return got[0].Account
	}
	a, b := account("Jo@b.example"), account("jo@B.example ")
	if a != b || a == account("joe@b.example") || strings.Contains(a, "@") || !strings.HasPrefix(a, "person-") || len(a) != 17 {
		t.Errorf("%q %q", a, b)
	}
	if got := account(`jo@b.example","endUser":{"organizationId":"acme"},"x":"`); got != "acme" {
		t.Errorf("an address hides the organization: %q", got)
	}
	if got := account("@acme"); got != "@acme" {
		t.Errorf("%q", got)
	}
}

// Names that differ only far behind stay different, valid and bounded.
func TestLongNames(t *testing.T) {
	for _, cut := range []string{"x", "é", "€", "\U0001F600", "a\xff"} {
		head := strings.Repeat(cut, 300/len(cut))
		a, b := bound([]byte(head+"1"), maxName), bound([]byte(head+"2"), maxName)
		if a == b || len(a) > maxName || len(a) < maxName-8 || a != bound([]byte(head+"1"), maxName) || strings.ToValidUTF8(a, "") != a {
			t.Errorf("%q: %d %q, %d %q", cut, len(a), a, len(b), b)
		}
	}
	if s := strings.Repeat("x", maxName); bound([]byte(s), maxName) != s {
		t.Error("cut although it fits")
	}
	events, _ := read(t, Options{}, twoNames("1")...)
	more, _ := read(t, Options{}, twoNames("2")...)
	if len(events) != 1 || len(more) != 1 || events[0].Connection == more[0].Connection || events[0].Integration == more[0].Integration {
		t.Errorf("%+v %+v", events, more)
	}
}

func twoNames(tail string) []string {
	long := strings.Repeat("n", 300) + tail
	return []string{operationRow(opID(worldStart, 1), "proxy", "call", "success", fmt.Sprintf(`"providerName":"x","integrationName":"%s","connectionName":"%s"`, long, long), worldStart, worldStart)}
}
