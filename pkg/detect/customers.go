package detect

import (
	"fmt"

	"github.com/revwatch/revwatch/pkg/nango"
)

// oneCustomer: most of at least five connections are of one customer, who usually has a smaller share of them and does not hold
// nearly all connections in use.
func oneCustomer(p *pattern) (Diagnosis, bool) {
	account, n := p.found.top(byAccount)
	if p.in.Signal != Revocations || p.found.all < customerLeast || !most(n, p.found.all) {
		return Diagnosis{}, false
	}
	if u := p.past.usual(byAccount, account); u.known() && u.share()*rankRise > float64(n)/float64(p.found.all) {
		return Diagnosis{}, false
	}
	text := share(n, p.found.all) + " are of customer account " + account
	of, all := p.holds(account)
	if all > 0 {
		if float64(of) >= holdsAll*float64(all) {
			return Diagnosis{}, false
		}
		text += fmt.Sprintf(", who has %d of the %d connections in use", of, all)
	}
	return Diagnosis{Kind: OneCustomer, Evidence: text}, true
}

// policyChange: most breaks say that access was withdrawn or restricted, more than usually do, and they are of three customers or more, or most of one:
// then its administrator did it.
func policyChange(p *pattern) (Diagnosis, bool) {
	n, reason := p.found.reasons(policyReason)
	if n < policyLeast || !most(n, p.found.all) || p.breadth != nil || !p.moreOften(n, policyReason) {
		return Diagnosis{}, false
	}
	text := fmt.Sprintf("%s with reason %s, ", share(n, p.found.all), reason)
	account, of := p.found.top(byAccount)
	switch customers := len(p.found.by[byAccount]); {
	case most(of, p.found.all):
		text += fmt.Sprintf("%d of customer account %s: its administrator changed who has access", of, account)
	case customers >= policyLeast:
		text += fmt.Sprintf("of %d customer accounts", customers)
	default:
		return Diagnosis{}, false
	}
	return Diagnosis{Kind: PolicyChange, Evidence: text, Source: sourceOf(reason, "")}, true
}

// moreOften reports whether reasons of a kind are credibly more frequent than usual; where nothing is known of what is usual, they are.
func (p *pattern) moreOften(n int, fits func(string) bool) bool {
	sum := usual{of: p.past.usual(byReason, "").of}
	for reason := range p.found.by[byReason] {
		if fits(reason) {
			sum.had += p.past.usual(byReason, reason).had
		}
	}
	sum.had = min(sum.had, sum.of)
	share := float64(n) / float64(p.found.all)
	return !sum.known() || share >= rankRise*sum.share() && surprise(float64(n), float64(p.found.all), sum.had, sum.of) >= rankCertain
}

// tokenLimit: the provider lets so many tokens of one user live, and behind most breaks whose customer is known, three at least, stands a connection of
// the same customer and integration that was authorized in the 24 hours before, while that customer has as many connections in use or more.
func tokenLimit(p *pattern) (Diagnosis, bool) {
	if p.in.Cause != string(nango.Revoked) || 2*p.found.of[byAccount] <= p.found.all {
		return Diagnosis{}, false
	}
	for _, b := range p.known.Behaviours {
		if b.Tokens == 0 {
			continue
		}
		if r := p.renewed(b.Tokens); r.breaks >= renewedLeast && float64(r.breaks) >= renewedShare*float64(r.of) {
			text := "in the 24 h before, customers of %d of %d authorized anew who have %d connections or more, and at most %d tokens live at a time"
			return Diagnosis{Kind: TokenLimit, Source: b.Source, Evidence: fmt.Sprintf(text, r.breaks, r.of, b.Tokens, b.Tokens)}, true
		}
	}
	return Diagnosis{}, false
}
