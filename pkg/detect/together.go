package detect

// together ranks and diagnoses what an incident of a family stands for.
func (d *Detector) together(t *tracked) {
	parts, past := d.partsOf(t), normal{today: floorDay(d.edge)}
	for _, p := range parts {
		past.own = append(past.own, p.series)
	}
	family := d.opt.Family(t.Provider)
	for _, s := range d.order {
		if s.kind() == (kind{t.Signal, t.Cause}) && s.Environment == t.Environment && d.opt.Family(s.Provider) == family {
			past.wide = append(past.wide, s)
		}
	}
	if t.Signal == Revocations {
		t.Total = d.there(func(e, provider string) bool { return e == t.Environment && d.opt.Family(provider) == family })
	}
	found := take(parts...)
	top := past.rank(found, anyDimension)
	t.Ranking = lifts(top)
	t.Explanation = append(rankedLines(top, found.all), t.Explanation...)
	t.Diagnoses = d.diagnose(t, found, past, parts...)
}

// partsOf are the breaks of an incident's own series and of those that are part of it.
func (d *Detector) partsOf(t *tracked) (parts []part) {
	for _, s := range d.order {
		x := s.incident
		if x == t || x != nil && x.Parent == t.ID && (x.ResolvedAt.IsZero() || x.ResolvedAt.After(t.OpenedAt)) {
			parts = append(parts, part{s, d.told(s, x.Peak)})
		}
	}
	return parts
}

// explainAll ranks and diagnoses a rise of all.
func (d *Detector) explainAll(k kind, b *breadth, slot int64) {
	b.Broken = d.first(b, k.Signal, slot)
	var parts []part
	for _, s := range b.rises {
		parts = append(parts, part{s, d.told(s, peak{From: slot - hour + 1, To: slot})})
	}
	found, past := take(parts...), d.compareAll(k)
	if k.Signal == Revocations {
		b.Total = d.thereIn(b.Environments)
		top := past.rank(found, anyDimension)
		b.Ranking, b.Ranked = lifts(top), rankedLines(top, found.all)
	}
	b.Diagnoses = d.diagnoseAll(k, b, found, past, parts)
}

// lines say how wide the rise is, and what is over-represented in it.
func (b *breadth) lines(signal string) []string {
	return append([]string{b.words(signal)}, b.Ranked...)
}

// compareAll is the past of all series of a kind.
func (d *Detector) compareAll(k kind) normal {
	n := normal{today: floorDay(d.edge)}
	for _, s := range d.order {
		if s.kind() == k {
			n.own = append(n.own, s)
		}
	}
	n.wide = n.own
	return n
}
