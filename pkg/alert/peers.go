package alert

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	peerGrace = 2 * time.Second  // the other peers get so much longer than the first that took an alert
	peerRest  = 15 * time.Second // and are left alone for so long when they did not take it: a dead one must not delay each alert
)

// peers are servers that are all told the same. It is told when one has taken it; what keeps the others from it is said by trouble.
type peers struct {
	all    []*peer
	auth   sealed
	caller caller
	now    func() time.Time
	mu     sync.Mutex // guards what peers say of themselves
}

type peer struct {
	target sealed
	rest   time.Time // not asked before
	wrong  string    // why it did not take what it was last asked to, "" when it did
}

// troubled is a destination of several servers that says what is wrong with some of them while the others work.
type troubled interface{ trouble() string }

// post sends a body to every peer that does not rest, at once.
func (p *peers) post(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	asked, wait := p.awake()
	if len(asked) == 0 {
		return &fault{verdict: failed, reason: "all peers ask to wait", after: wait}
	}
	type result struct {
		peer  *peer
		fault *fault
	}
	results := make(chan result, len(asked))
	for _, one := range asked {
		go func() { results <- result{one, p.ask(ctx, one, body)} }()
	}
	faults := map[*peer]*fault{}
	for range asked {
		r := <-results
		if faults[r.peer] = r.fault; r.fault == nil {
			late := time.AfterFunc(peerGrace, cancel)
			defer late.Stop()
		}
	}
	return p.settle(faults)
}

// ask makes one request; nil means that it was taken.
func (p *peers) ask(ctx context.Context, one *peer, body []byte) *fault {
	header := http.Header{}
	if auth := p.auth(); auth != "" {
		header.Set("Authorization", auth)
	}
	a, err := p.caller.callWith(ctx, http.MethodPost, one.target(), header, body)
	switch {
	case err != nil:
		f := faultOf(err)
		if ctx.Err() != nil { // the others did not wait for it
			f.reason = "no answer in time"
		}
		return f
	case a.status < 200 || a.status > 299:
		return a.statusFault("")
	case strings.HasPrefix(a.header.Get("Content-Type"), "text/html"):
		return &fault{verdict: refused, reason: "a web page answers there, no API"}
	}
	return nil
}

// awake are the peers that may be asked now, and how long the first of the others rests.
func (p *peers) awake() (all []*peer, wait time.Duration) {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.all {
		rest := soon(one.rest, now).Sub(now)
		if rest <= 0 {
			all = append(all, one)
		} else if wait == 0 || rest < wait {
			wait = rest
		}
	}
	return all, wait
}

// settle notes how each asked peer fares, and gives the most hopeful fault when none of them took it.
func (p *peers) settle(faults map[*peer]*fault) error {
	var best *fault
	took := false
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.all {
		f, asked := faults[one]
		switch {
		case !asked:
			continue
		case f == nil:
			took = true
			one.rest, one.wrong = time.Time{}, ""
			continue
		case best == nil || hope(f) > hope(best) || hope(f) == hope(best) && f.after < best.after:
			best = f
		}
		if one.wrong = f.reason; len(p.all) > 1 { // what a single one asks for, the lane obeys
			one.rest = now.Add(f.after)
		}
	}
	if !took {
		return best
	}
	for one, f := range faults {
		if f != nil {
			one.rest = now.Add(max(f.after, peerRest))
		}
	}
	return nil
}

// hope orders faults: one in doubt may have been taken, one that failed may be taken, the rest will not.
func hope(f *fault) int {
	return map[verdict]int{refused: 0, failed: 1, doubtful: 2}[f.verdict]
}

// trouble names the peers that did not take what they were last sent, by their number: an address may hold a secret.
func (p *peers) trouble() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for i, one := range p.all {
		if one.wrong != "" {
			all = append(all, fmt.Sprintf("peer %d of %d: %s", i+1, len(p.all), one.wrong))
		}
	}
	return strings.Join(all, "; ")
}
