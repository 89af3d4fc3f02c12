package directory

import (
	"context"

	"github.com/revwatch/revwatch/pkg/nango"
)

// id tells connections of an environment apart.
type id struct{ integration, connection string }

func idOf(c *nango.Listed) id { return id{c.Integration, c.Connection} }

// walk is one reading of a list.
type walk struct {
	all     []nango.Listed
	known   map[id]int // place in all
	before  map[id]struct{}
	unnamed int
	partial bool
}

// walk reads a list from its begin to its end.
//
// Nango gives it by page number, newest connection first. What is deleted meanwhile moves the rest forward, so that one could slip from a page that was
// not read onto one that was. The pages therefore overlap: page p is asked for with a limit of L − p, begins at p(L − p), and repeats the last p entries
// of the one before. As long as two neighbours share an entry, nothing that was there all the time lies between them; when they share none, the list
// changed faster than it was read. What is made meanwhile only moves entries back: they are read twice.
func (c *Client) walk(ctx context.Context, w *walk) error {
	for page := 0; ; page++ {
		limit := c.size - page
		if 2*page >= c.size { // from here on pages would begin further and further to the front
			w.partial = true
			return nil
		}
		a, err := c.get(ctx, page, limit)
		if err != nil {
			return err
		}
		if page > 0 && !w.meets(a.connections) {
			return faultOf(Unsteady, 0)
		}
		w.take(a)
		switch {
		case a.entries > limit: // a release of Nango that knows no pages gives all at once
			return nil
		case a.entries < limit:
			return c.end(ctx, w, page*limit+a.entries)
		}
	}
}

// end makes sure that a short page was the last one: that nothing stands behind so many entries. If something does, pages are made shorter than asked for;
// then so many are asked for from now on.
func (c *Client) end(ctx context.Context, w *walk, entries int) error {
	if entries == 0 {
		return nil
	}
	a, err := c.get(ctx, entries, 1)
	if err != nil || a.entries != 1 || len(a.connections) != 1 {
		return err
	}
	if _, known := w.known[idOf(&a.connections[0])]; known { // one was made meanwhile
		return nil
	}
	if len(w.known) == entries && entries < c.size {
		c.size = entries
	}
	return faultOf(Unsteady, 0)
}

// meets reports whether a page has an entry of the one before.
func (w *walk) meets(page []nango.Listed) bool {
	for i := range page {
		if _, shared := w.before[idOf(&page[i])]; shared {
			return true
		}
	}
	return false
}

// take adds a page. Of what was read before, the newer answer counts.
func (w *walk) take(a answer) {
	w.before = make(map[id]struct{}, len(a.connections))
	w.unnamed += a.unnamed
	w.partial = w.partial || a.unnamed > 0
	for _, x := range a.connections {
		n := idOf(&x)
		w.before[n] = struct{}{}
		if at, known := w.known[n]; known {
			w.all[at] = x
			continue
		}
		w.known[n] = len(w.all)
		w.all = append(w.all, x)
	}
}
