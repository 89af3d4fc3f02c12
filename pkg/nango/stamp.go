package nango

import (
	"cmp"
	"strconv"
	"time"

	"github.com/valyala/fastjson"
)

// Times that can be meant: Nango did not exist before 2015, and 2100 is a fault of a clock.
const (
	minTime = 1420070400_000
	maxTime = 4102444800_000
	ahead   = 5 * 60_000
)

// parseTime returns Unix milliseconds, 0 when v holds no time (the first moment of 1970, which is never meant, is 1). Text is RFC 3339, a number is
// milliseconds, or seconds where milliseconds would lie before anybody wrote rows.
func parseTime(v *fastjson.Value) int64 {
	if v == nil {
		return 0
	}
	if v.Type() == fastjson.TypeNumber {
		n := v.GetFloat64()
		if n >= minTime/1000 && n < maxTime/1000 {
			n *= 1000
		}
		return cmp.Or(int64(n), 1)
	}
	return parseStamp(v.GetStringBytes())
}

func parseStamp(s []byte) int64 {
	if len(s) == 24 && s[10] == 'T' && s[23] == 'Z' && s[19] == '.' { // as Nango writes it
		if ms, ok := fastStamp(s); ok {
			return cmp.Or(ms, 1)
		}
	}
	if t, err := time.Parse(time.RFC3339Nano, string(s)); err == nil {
		return cmp.Or(t.UnixMilli(), 1)
	}
	return 0
}

func fastStamp(s []byte) (int64, bool) {
	n := func(from, to int) (x int) {
		for _, c := range s[from:to] {
			if !isDigit(c) {
				return -1 << 40
			}
			x = x*10 + int(c-'0')
		}
		return x
	}
	y, mo, d, h, mi, sec, ms := n(0, 4), n(5, 7), n(8, 10), n(11, 13), n(14, 16), n(17, 19), n(20, 23)
	if y < 0 || mo < 1 || mo > 12 || d < 1 || d > 31 || h < 0 || h > 23 || mi < 0 || mi > 59 || sec < 0 || sec > 60 || ms < 0 {
		return 0, false
	}
	return time.Date(y, time.Month(mo), d, h, mi, sec, ms*1e6, time.UTC).UnixMilli(), true
}

// idTime reads the creation time that begins every operation id; 0 when the id is of another form.
func idTime(id []byte) int64 {
	if len(id) < 15 || id[13] != '_' {
		return 0
	}
	ms, err := strconv.ParseInt(string(id[:13]), 10, 64)
	if err != nil {
		return 0
	}
	return ms
}

// stamp returns a row's event time, judged by the append time. ok is false, and the reason counted, when it cannot be meant.
func (r *Reader) stamp(v *fastjson.Value, id []byte) (ms int64, ok bool) {
	ms = parseTime(v)
	if ms == 0 {
		ms = idTime(id)
	}
	return r.plausible(ms)
}

// plausible judges a row's event time; of one that tells none, 0, the append time stands for it.
func (r *Reader) plausible(ms int64) (int64, bool) {
	if ms == 0 {
		ms = r.meta.Time
	}
	switch {
	case ms == 0:
		r.bad("no_time")
		return 0, false
	case ms < minTime:
		r.bad("implausible_time")
		return 0, false
	case r.meta.Time > 0:
		if c := r.clamp(ms); c != ms {
			r.stats.ClockAhead++
			return c, true
		}
	case ms > maxTime:
		r.bad("implausible_time")
		return 0, false
	case r.ceiling > 0 && ms > r.ceiling+ahead:
		r.bad("future")
		return 0, false
	}
	return ms, true
}

// touch lets a row that does not matter otherwise tell the time.
func (r *Reader) touch(v *fastjson.Value) { r.tellsTime(parseTime(v.Get("createdAt")), 0) }

// tellsTime takes from a row without meaning when it was created, and when it was last written, 0 where that is not known. A time that cannot be
// meant is no fault here.
func (r *Reader) tellsTime(created, written int64) {
	t := r.clamp(created)
	if t != 0 && (r.meta.Time > 0 || r.ceiling == 0 || t <= r.ceiling+ahead) {
		r.seen(t, max(t, r.clamp(written)))
	}
}

// clamp replaces a time far ahead of the append time by the append time.
func (r *Reader) clamp(ms int64) int64 {
	if r.meta.Time > 0 && ms > r.meta.Time+ahead {
		return r.meta.Time
	}
	if ms < minTime || ms > maxTime {
		return 0
	}
	return ms
}
