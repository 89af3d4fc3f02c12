package detect

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/window"
)

// The ratio by hand, for 22 of 23 now and 49 of 80 before: p = 71/103.
func TestSurprise(t *testing.T) {
	log := math.Log
	want := 2 * (22*log(22./23) + log(1./23) + 49*log(49./80) + 31*log(31./80) - 71*log(71./103) - 32*log(32./103))
	if got := surprise(22, 23, 49, 80); math.Abs(got-want) > 1e-9 || got < 12 || got > 13 {
		t.Errorf("%v, want %v", got, want)
	}
}

// Equal shares surprise nobody, nothing surprises less than that, and more of a trait surprises more. What was never seen is no division by zero.
func TestSurpriseHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, m := float64(rapid.IntRange(1, 10_000).Draw(t, "n")), rapid.Float64Range(mixKnown, 1e5).Draw(t, "m")
		k := float64(rapid.IntRange(0, int(n)-1).Draw(t, "k"))
		h := rapid.Float64Range(0, 1).Draw(t, "share") * m
		g, more := surprise(k, n, h, m), surprise(k+1, n, h, m)
		if math.IsNaN(g) || math.IsInf(g, 0) || g < -1e-6*(n+m) {
			t.Fatalf("%v", g)
		}
		if k/n > h/m && more < g-1e-6*(n+m) {
			t.Fatalf("%v for %v of %v, %v for one more", g, k, n, more)
		}
		if same := surprise(k, n, k/n*m, m); math.Abs(same) > 1e-6*(n+m) {
			t.Fatalf("%v of equal shares", same)
		}
	})
}

// broken makes breaks of which each is of a connection of its own; each part is "count integration account reason age auth", "-" for what is not known.
func broken(parts ...string) (list []window.Break) {
	for _, p := range parts {
		var n int
		var f [5]string
		if _, err := fmt.Sscan(p, &n, &f[0], &f[1], &f[2], &f[3], &f[4]); err != nil {
			panic(err)
		}
		for i := range f {
			if f[i] == "-" {
				f[i] = ""
			}
		}
		for range n {
			b := window.Break{Time: onset, Integration: f[0], Account: f[1], Reason: f[2], AuthMode: f[4], Connection: fmt.Sprint("c", len(list)), Counted: true}
			if age, err := time.ParseDuration(f[3]); err == nil {
				b.Created = onset.Add(-age).UnixMilli()
			}
			list = append(list, b)
		}
	}
	return list
}

// taughtBy is a past in which a series had these breaks within one day.
func taughtBy(breaks []window.Break) normal {
	s := &series{key: key{Revocations, "prod", "google-mail", "revoked"}}
	today := floorDay(window.SlotOf(onset))
	s.mix.teach(today, breaks)
	return normal{own: []*series{s}, wide: []*series{s}, today: today}
}

func rankOf(past normal, breaks []window.Break) []over {
	return past.rank(take(part{past.own[0], breaks}), anyDimension)
}

// The most telling trait comes first; what is as usual, seldom, or of the same breaks as a better one is not told.
func TestRank(t *testing.T) {
	past := taughtBy(broken("8 mail-eu acme invalid_grant 1000h OAUTH2", "10 mail-us - invalid_grant 2000h OAUTH2", "12 mail-us - token_expired 100h OAUTH2", "10 mail-ap - token_expired 100h OAUTH2"))
	for name, c := range map[string]struct {
		breaks []window.Break
		want   string
	}{
		"one integration":         {broken("21 mail-eu - invalid_grant - OAUTH2", "1 mail-eu - token_expired - OAUTH2", "1 mail-us - invalid_grant - OAUTH2"), "integration=mail-eu 22/23; reason=invalid_grant 22/23"},
		"the same breaks":         {broken("20 mail-eu - invalid_grant - OAUTH2"), "integration=mail-eu 20/20"},
		"as usual":                {broken("4 mail-eu - invalid_grant - OAUTH2", "5 mail-us - invalid_grant - OAUTH2", "6 mail-us - token_expired - OAUTH2", "5 mail-ap - token_expired - OAUTH2"), ""},
		"too few":                 {broken("2 mail-new - token_new - OAUTH1"), ""},
		"never seen":              {broken("6 mail-new - token_expired - OAUTH2", "6 mail-us - invalid_grant - OAUTH2"), "integration=mail-new 6/12"},
		"an age, known of some":   {broken("8 mail-us - token_expired 168h OAUTH2", "4 mail-eu - invalid_grant - OAUTH2", "4 mail-ap - invalid_grant - OAUTH2"), "age=about 7 days 8/8"},
		"how it authorizes":       {broken("8 mail-us - token_expired - TBA", "8 mail-ap - invalid_grant - OAUTH2"), "auth_mode=TBA 8/16"},
		"nothing known of before": {broken("8 - - - - -"), ""},
	} {
		var got []string
		for _, l := range rankOf(past, c.breaks) {
			got = append(got, fmt.Sprintf("%s=%s %d/%d", l.Dimension, l.Value, l.Count, l.Of))
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s: %q, want %q", name, text, c.want)
		}
	}
}

// Without a history nothing is called more than usual.
func TestNothingIsUsualWithoutHistory(t *testing.T) {
	if got := rankOf(taughtBy(broken("4 mail-us - token_expired 100h OAUTH2")), broken("50 mail-eu acme invalid_grant 168h TBA")); got != nil {
		t.Errorf("%+v", got)
	}
}

// Whatever broke: at most five, finite, each more than usual and of three breaks at least, in an order that does not depend on that of the breaks.
func TestRankHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) (list []window.Break) {
			for range rapid.IntRange(0, 80).Draw(t, label) {
				of := func(label, values string) string { return rapid.SampledFrom(strings.Fields(values)).Draw(t, label) }
				list = append(list, broken("1 "+of("integration", "a b c")+" "+of("account", "- x y z")+" "+of("reason", "- r s")+" "+of("age", "- 1h 168h 9000h")+" "+of("auth", "- OAUTH2 TBA"))...)
			}
			return list
		}
		past, now := taughtBy(draw("before")), draw("now")
		list := lifts(rankOf(past, now))
		if len(list) > ranked {
			t.Fatalf("%d traits", len(list))
		}
		for _, l := range list {
			if l.Count < rankLeast || l.Count > l.Of || l.Of > len(now) || !(l.Usual > 0 && l.Usual < 1 && l.Lift >= rankRise) || math.IsInf(l.Lift, 0) || l.Value == "" {
				t.Fatalf("%+v", l)
			}
		}
		other := rapid.Permutation(now).Draw(t, "in another order")
		if again := lifts(rankOf(past, other)); !reflect.DeepEqual(list, again) {
			t.Fatalf("%+v, and in another order %+v", list, again)
		}
	})
}

func TestTraitInWords(t *testing.T) {
	for _, c := range []struct {
		of   over
		all  int
		want string
	}{
		{of: over{Lift{"reason", "invalid_grant", 22, 23, .61, 1.57}, false}, all: 23, want: "22 of 23 with reason invalid_grant (usually 61 %, 1.6 times as often)"},
		{of: over{Lift{"integration", "google-mail-eu", 23, 23, .2, 5}, false}, all: 23, want: "all 23 under integration google-mail-eu (usually 20 %, 5.0 times as often)"},
		{of: over{Lift{"account", "acme", 9, 23, .002, 195}, true}, all: 23, want: "9 of 23 of customer account acme (usually under 1 %)"},
		{of: over{Lift{"age", aboutSevenDays, 14, 15, .05, 18.7}, false}, all: 23, want: "14 of 15 broke about 7 days after their authorization (known of 15 of 23; usually 5 %, 19 times as often)"},
		{of: over{Lift{"auth_mode", "TBA", 5, 9, .1, 5.6}, false}, all: 23, want: "5 of 9 with auth mode TBA (known of 9 of 23; usually 10 %, 5.6 times as often)"},
		{of: over{Lift{"environment", "prod", 23, 24, .5, 1.9}, false}, all: 23, want: "23 of 24 in environment prod (usually 50 %, 1.9 times as often)"},
		{of: over{Lift{"provider", "slack", 23, 30, .5, 1.5}, false}, all: 30, want: "23 of 30 of provider slack (usually 50 %, 1.5 times as often)"},
	} {
		if got := c.of.words(c.all); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
