package nango

// salvage reads what is whole inside a value that is not: cut off, with one element that is no JSON, or with more values in it than are
// parsed at once. One neighbour does not take the others with it.
func (r *Reader) salvage(s []byte, c wrapper, depth int) (found bool) {
	if len(s) < shortestRow || depth > maxWrappers || r.work < len(s)/4 { // the record counts as damaged anyway
		return false
	}
	r.scan(len(s))
	r.enter(layerList)
	r.wrappings = append(r.wrappings, wrapping{})
	defer func() {
		r.wrappings = r.wrappings[:len(r.wrappings)-1]
		r.leave()
	}()
	c = wrapper{time: c.time}
	for _, part := range wholeParts(s) {
		if r.work < len(part) {
			break
		}
		if v := r.parseNested(part); v != nil {
			found = r.walk(v, c, depth+1) || found
			r.nested--
		} else if part[0] != '"' {
			found = r.salvage(part, c, depth+1) || found
		}
	}
	return found
}

// maxOpen is how deep salvage looks; nothing deeper is parsed either.
const maxOpen = 300

// parts are the whole values found so far, each as large as it can be.
type parts struct {
	open   []opened
	deeper int // levels below the last one of open
	whole  [][]byte
}

// opened is an object or array that has not ended yet.
type opened struct {
	at, whole int  // where it begins; how many parts stand before it
	row       bool // a row of Nango: what stands in it is its own
	holds     bool // an object, or a text that may be one
}

// wholeParts returns the whole values that stand directly in the containers of s that are not whole, or else in s itself.
func wholeParts(s []byte) [][]byte {
	var p parts
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			end := textEnd(s, i+1)
			if end < 0 || s[end] != '"' {
				return p.end()
			}
			p.text(s[i : end+1])
			i = end
		case '{', '[':
			p.begin(s, i)
		case '}', ']':
			if p.close(s, i) {
				return p.end()
			}
		}
	}
	return p.end()
}

func (p *parts) begin(s []byte, at int) {
	if len(p.open) == maxOpen {
		p.deeper++
		return
	}
	p.open = append(p.open, opened{at: at, whole: len(p.whole), holds: s[at] == '{'})
}

// close ends the innermost container, which then stands for all in it; true when it is the outermost.
func (p *parts) close(s []byte, end int) bool {
	if p.deeper > 0 {
		p.deeper--
		return false
	}
	last := len(p.open) - 1
	if last <= 0 {
		return true
	}
	o := p.open[last]
	p.open, p.whole = p.open[:last], p.whole[:o.whole]
	if o.holds && end+1-o.at >= shortest {
		p.whole = append(p.whole, s[o.at:end+1])
		p.open[last-1].holds = true
	}
	return false
}

// text takes a key or a text with its quotes.
func (p *parts) text(s []byte) {
	if len(p.open) == 0 {
		return
	}
	o := &p.open[len(p.open)-1]
	switch string(s) {
	case `"parentId"`, `"accountId"`, `"environmentId"`, `"connectionId"`:
		o.row = true
	}
	if len(s) >= shortestRow && p.deeper == 0 {
		p.whole = append(p.whole, s)
		o.holds = true
	}
}

// end drops what stands in rows that are not whole.
func (p *parts) end() [][]byte {
	for _, o := range p.open {
		if o.row {
			return p.whole[:o.whole]
		}
	}
	return p.whole
}
