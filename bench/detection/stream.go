package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// item is one event of a stream, kept small: at names it in its provider's list.
type item struct {
	ms       int64
	provider int32
	at       int32
	kind     itemKind
}

type itemKind uint8

const (
	created itemKind = iota // the provider's first connection
	broke
	retried // the same refusal an hour later, for every third break: no new one
	down
	ended
)

// stream merges what happened to providers into one order of time: what a pipeline would hand to the detector.
func stream(providers []Provider) []item {
	var out []item
	for i, p := range providers {
		add := func(t time.Time, at int, kind itemKind) {
			out = append(out, item{t.UnixMilli(), int32(i), int32(at), kind})
		}
		add(p.Start, 0, created)
		for j, b := range p.Breaks {
			add(b.Time, j, broke)
			if again := b.Time.Add(30 * time.Minute); j%3 == 0 && !inGap(p.Gaps, again) {
				add(again, j, retried)
			}
		}
		for j, b := range p.Transient {
			add(b.Time, j, down)
		}
		for j, e := range p.Endings {
			add(e.Time, j, ended)
		}
	}
	slices.SortFunc(out, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.ms, b.ms), cmp.Compare(a.provider, b.provider), cmp.Compare(a.kind, b.kind), cmp.Compare(a.at, b.at))
	})
	return out
}

func inGap(gaps []gap, t time.Time) bool {
	return slices.ContainsFunc(gaps, func(g gap) bool { return g.holds(t) })
}

// event is the item as the reader of rows would have released it.
func (x item) event(p *Provider) nango.Event {
	e := nango.Event{Time: time.UnixMilli(x.ms).UTC(), Environment: "production", Provider: p.Name}
	e.Due = e.Time
	set := func(b Break, cause nango.Cause) {
		e.Kind, e.Cause, e.Type = nango.Failure, cause, "refresh_token_external_error"
		e.Integration, e.Connection, e.Account = b.Integration, b.Connection, b.Account
	}
	switch x.kind {
	case created:
		e.Kind, e.Integration, e.Connection = nango.Reconnected, p.Name+"-0", "first"
	case broke, retried:
		set(p.Breaks[x.at], nango.Revoked)
		e.Reason = "invalid_grant"
	case down:
		set(p.Transient[x.at], nango.Transient)
		e.Reason = "http_503"
	case ended:
		end := p.Endings[x.at]
		e.Integration, e.Connection, e.Kind = end.Integration, end.Connection, nango.Reconnected
		if end.Deleted {
			e.Kind = nango.Deleted
		}
	}
	return e
}
