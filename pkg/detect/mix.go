package detect

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/window"
)

// dimension is a kind of trait that a break has.
type dimension int

// The dimensions of which a series keeps its normal mix, and those that tell series apart.
const (
	byIntegration dimension = iota
	byAccount
	byReason
	byAge
	byAuthMode
	mixed // so many have a mix

	byEnvironment = mixed
	byProvider    = mixed + 1
)

func (x dimension) String() string {
	return [...]string{"integration", "account", "reason", "age", "auth_mode", "environment", "provider"}[x]
}

// trait is the value of a break in a dimension with a mix; "" is not known.
func trait(b *window.Break, of dimension) string {
	switch of {
	case byIntegration:
		return b.Integration
	case byAccount:
		return b.Account
	case byReason:
		return b.Reason
	case byAge:
		return ageClass(b)
	case byAuthMode:
		return b.AuthMode
	}
	return ""
}

// aboutSevenDays is the age at which the tokens of an app in testing die.
const aboutSevenDays = "about 7 days"

// ages are the classes of how long a connection lived, each up to its end.
var ages = [...]struct {
	end  time.Duration
	name string
}{
	{day, "under a day"}, {6*day + 12*time.Hour, "1 to 6 days"}, {8 * day, aboutSevenDays}, {30 * day, "8 to 30 days"}, {91 * day, "1 to 3 months"},
	{183 * day, "3 to 6 months"}, {math.MaxInt64, "over 6 months"},
}

// ageClass is how long before it broke a connection was authorized, "" when that is not known.
func ageClass(b *window.Break) string {
	if age, known := ageOf(b); known {
		for _, x := range ages {
			if age < x.end {
				return x.name
			}
		}
	}
	return ""
}

func ageOf(b *window.Break) (age time.Duration, known bool) {
	age = b.Time.Sub(time.UnixMilli(b.Created))
	return age, b.Created != 0 && age >= 0
}

const (
	mixHalf   = 28              // days in which a break comes to weigh half
	mixLeast  = 1. / 8          // a value that weighs less is forgotten: one break is after 84 days
	mixValues = 32              // values of a dimension that are told apart
	mixDelay  = 4               // days after which a day teaches: what broke late has come, and no window can mask it any more
	mixFrom   = 2 * slotsPerDay // the first days of a series teach nothing: they hold what was broken long before
	mixKnown  = 5.              // breaks that must be remembered, by weight, before anything is called usual
)

// mix is what the breaks of a series usually look like: how often each value of each dimension occurred in the last 84 days, a break of four weeks
// before weighing half as much as one of today. The zero mix knows nothing.
type mix struct {
	Day int64         // the newest day that taught; weights are of that day
	Of  [mixed]values // by dimension
}

// values are the heaviest values of a dimension by name, and the weight of all others together.
type values struct {
	List []weight `json:",omitempty"`
	Rest float64  `json:",omitempty"`
}

type weight struct {
	Value  string
	Weight float64
}

// teach adds the breaks of a day. Days must come in order.
func (m *mix) teach(day int64, breaks []window.Break) {
	m.fade(day)
	for x := range mixed {
		for i := range breaks {
			if v := trait(&breaks[i], x); v != "" {
				m.Of[x].add(v)
			}
		}
		m.Of[x].bound()
	}
}

// fade brings the weights to a later day.
func (m *mix) fade(day int64) {
	by := m.discount(day)
	for x := range m.Of {
		for i := range m.Of[x].List {
			m.Of[x].List[i].Weight *= by
		}
		m.Of[x].Rest *= by
	}
	m.Day = day
}

// discount is what a weight of m is worth on a day.
func (m *mix) discount(day int64) float64 { return math.Exp2(-float64(max(0, day-m.Day)) / mixHalf) }

func (v *values) find(value string) (int, bool) {
	return slices.BinarySearchFunc(v.List, value, func(x weight, value string) int { return strings.Compare(x.Value, value) })
}

func (v *values) add(value string) {
	i, known := v.find(value)
	if !known {
		v.List = slices.Insert(v.List, i, weight{Value: value})
	}
	v.List[i].Weight++
}

// bound lets go of what was not seen for long, and of the lightest where there are too many.
func (v *values) bound() {
	v.List = slices.DeleteFunc(v.List, func(x weight) bool { return x.Weight < mixLeast })
	if over := len(v.List) - mixValues; over > 0 {
		slices.SortFunc(v.List, func(a, b weight) int {
			return cmp.Or(cmp.Compare(a.Weight, b.Weight), strings.Compare(a.Value, b.Value))
		})
		for _, x := range v.List[:over] {
			v.Rest += x.Weight
		}
		v.List = slices.Delete(v.List, 0, over)
		slices.SortFunc(v.List, func(a, b weight) int { return strings.Compare(a.Value, b.Value) })
	}
	v.List = slices.Clip(slices.Clone(v.List))
}

// usual is how many breaks, by weight, had a value, and of how many it is known.
type usual struct{ had, of float64 }

func (u usual) plus(o usual) usual { return usual{u.had + o.had, u.of + o.of} }

// known reports whether enough is remembered to call anything usual.
func (u usual) known() bool { return u.of >= mixKnown }

// share is had/of with a Beta(½, ½) prior, so that what was never seen is rare and not impossible.
func (u usual) share() float64 { return (u.had + .5) / (u.of + 1) }

// usual says how often a value occurs, as of a day. One that is not told apart is taken for as frequent as the rarest that is: it may not be new.
func (m *mix) usual(x dimension, value string, today int64) (u usual) {
	v := &m.Of[x]
	least := v.Rest
	for _, w := range v.List {
		u.of += w.Weight
		least = min(least, w.Weight)
	}
	u.of += v.Rest
	if i, known := v.find(value); known {
		u.had = v.List[i].Weight
	} else {
		u.had = least
	}
	by := m.discount(today)
	return usual{u.had * by, u.of * by}
}

// total is how many breaks are remembered, by weight.
func (m *mix) total(today int64) float64 { return m.usual(byIntegration, "", today).of }

// teachMix teaches the mix of a series the fourth day before today. What is masked, or broke while an incident went on, does not teach.
func (d *Detector) teachMix(s *series, today int64) {
	learned := today - mixDelay
	if learned <= s.mix.Day && s.mix.Day != 0 || s.newest < learned*slotsPerDay {
		return
	}
	var normal []window.Break
	for _, b := range s.breaks.Between(window.SlotTime(learned*slotsPerDay), window.SlotTime((learned+1)*slotsPerDay)) {
		if slot := window.SlotOf(b.Time); slot >= s.first+mixFrom && !s.ring.Masked(slot) && !s.inEpisode(slot) {
			d.knownOwner(s, &b)
			normal = append(normal, b)
		}
	}
	if len(normal) > 0 {
		s.mix.teach(learned, normal)
		s.mixChanged = true
	}
}

// inEpisode reports whether an incident was open in a slot, or rose to it.
func (s *series) inEpisode(slot int64) bool {
	if t := s.incident; t != nil && slot >= t.Onset && (t.ResolvedAt.IsZero() || slot < window.SlotOf(t.ResolvedAt)) {
		return true
	}
	return slices.ContainsFunc(s.episodes, func(e episode) bool { return slot >= window.SlotOf(e.Opened) && slot <= e.End })
}

func (s *series) mixChanges(name []string, put func(bucket, key string, value []byte)) {
	if s.mixChanged {
		put(bucketMix, encodeKey(name...), encode(s.mix))
		s.mixChanged = false
	}
}

func (s *series) restoreMix(value []byte) error { return json.Unmarshal(value, &s.mix) }
