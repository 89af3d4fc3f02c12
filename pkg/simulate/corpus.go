package simulate

import (
	"strconv"
	"time"
)

// owe notes that a row was written that filler rows shall accompany.
func (w *World) owe() { w.debt += w.cfg.Filler }

// fill writes the filler rows that are due, spread over the next minute.
func (w *World) fill() {
	n := int64(w.debt)
	w.debt -= float64(n)
	for i := range n {
		w.writeFiller(w.now + i*minute/n)
	}
	w.at(w.now+minute, w.fill)
}

// writeFiller is what most rows of a Nango are: scripts that ran, in their last version, and what they log.
func (w *World) writeFiller(at int64) {
	c := w.connections[w.noise.IntN(len(w.connections))]
	serial := strconv.FormatInt(int64(w.noise.Uint32()), 36)
	id := strconv.FormatInt(at, 10) + "_" + ("0000000" + serial)[len(serial)-1:]
	switch w.noise.IntN(6) {
	case 0:
		o := &operation{id: id, typ: "sync", action: "run", message: "Sync executed", created: at, expires: day, conn: c}
		w.write(at, id, w.operationRow(at, o, "success"), false)
	case 1:
		o := &operation{id: id, typ: "action", action: "run", message: "Action executed", created: at, expires: 15 * minute, conn: c}
		w.write(at, id, w.operationRow(at, o, "success"), false)
	case 2:
		w.write(at, id, w.messageRow(id, at, id, "info", "http", "GET https://"+c.in.provider.name+".example.com/api/records",
			`"context":"script","request":{"method":"GET","url":"https://`+c.in.provider.name+`.example.com/api/records","headers":{}},"response":{"code":200,"headers":{}},`), true)
	default:
		w.write(at, id, w.messageRow(id, at, id, "info", "log", "Saved a batch of records",
			`"context":"script","meta":{"model":"Record","count":`+strconv.Itoa(w.noise.IntN(100))+`},`), true)
	}
}

// Corpus emits n rows for benchmarks, of which the given fraction (0 to 1) is about refreshes that fail and authorizations; the rest is
// filler. The fraction is met to within the filler of one minute. Connections die twenty times as often as in an ordinary World.
func Corpus(n int, relevant float64, seed uint64, emit func(Row)) {
	const busy = 20
	cfg := Config{Seed: seed, Calls: -1, Quiet: relevant <= 0, Filler: 1}
	if relevant > 0 {
		cfg.Filler = max(0, 1/relevant-1)
	}
	w := newWorld(cfg, busy)
	for t := moment(w.now); n > 0; {
		if cfg.Quiet {
			w.debt = 1000
		}
		t = t.Add(time.Minute)
		w.Until(t, func(r Row) {
			if n > 0 {
				n--
				emit(r)
			}
		})
	}
}
