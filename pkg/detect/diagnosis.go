package detect

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/revwatch/revwatch/pkg/nango"
)

// wrongPlace: of the unknown connections most, and at least three, are known in another environment or integration. The environment of a secret key or
// the Integration ID is wrong.
func wrongPlace(p *pattern) (Diagnosis, bool) {
	if p.in.Signal != UnknownConnections {
		return Diagnosis{}, false
	}
	n, places := 0, map[string]int{}
	for i := range p.in.Connections {
		if at := p.in.Connections[i].Elsewhere; at != "" {
			n++
			places[at]++
		}
	}
	all := len(p.in.Connections)
	if n < minCount || 2*n <= all {
		return Diagnosis{}, false
	}
	where, k := "", 0
	for at, count := range places {
		if count > k || count == k && at < where {
			where, k = at, count
		}
	}
	of := strconv.Itoa(all)
	if all == shown {
		of = "the first " + of
	}
	return Diagnosis{Kind: WrongPlace, Evidence: fmt.Sprintf("%d of %s ids are known elsewhere, most (%d) %s", n, of, k, where)}, true
}

// nangoFault: providers of three vendors or more rise in the same hour, and neither one vendor nor one customer stands for them.
func nangoFault(p *pattern) (Diagnosis, bool) {
	if p.breadth == nil || p.vendors < faultVendors || p.in.Signal != Revocations {
		return Diagnosis{}, false
	}
	if _, n := p.found.top(byAccount); most(n, p.found.all) {
		return Diagnosis{}, false
	}
	return Diagnosis{Kind: NangoFault, Evidence: fmt.Sprintf("%d of %d providers, of %d vendors, rise in the same hour", p.breadth.Rising, p.breadth.Of, p.vendors)}, true
}

// oauthClient: a misconfiguration of one integration, whose breaks say that the OAuth client was refused. A provider that refuses all clients for an hour
// looks the same at first: where not said to have expired, five breaks are needed, and so many in one integration as its connections in use do not explain.
func oauthClient(p *pattern) (Diagnosis, bool) {
	if p.in.Cause != string(nango.Misconfigured) || p.in.Integration == "" {
		return Diagnosis{}, false
	}
	n, reason := p.found.reasons(clientRefused)
	expired := slices.Contains(clientExpired, reason)
	if !most(n, p.found.all) || !expired && (p.found.all < clientLeast || p.byChance() > clientChance) {
		return Diagnosis{}, false
	}
	text := fmt.Sprintf("%s with reason %s under integration %s", share(n, p.found.all), reason, p.in.Integration)
	if expired {
		text += ": the client secret has expired"
	}
	return Diagnosis{Kind: OAuthClient, Evidence: text, Source: sourceOf(reason, "https://www.rfc-editor.org/rfc/rfc6749#section-5.2")}, true
}

// byChance is how probable it is that as many breaks as are, or more, are of the integration of the incident, when each is of any connection in use; 0 where it
// is the only one, or nothing is known of others.
func (p *pattern) byChance() (sum float64) {
	of, all := p.under(p.in.Integration)
	if of == all || of == 0 {
		return 0
	}
	n, share := float64(p.found.all), float64(of)/float64(all)
	for k := float64(p.found.by[byIntegration][p.in.Integration].count); k <= n; k++ {
		sum += math.Exp(choose(n, k) + binomial(k, n, share))
	}
	return sum
}

// choose is the log of the binomial coefficient.
func choose(n, k float64) float64 {
	a, _ := math.Lgamma(n + 1)
	b, _ := math.Lgamma(k + 1)
	c, _ := math.Lgamma(n - k + 1)
	return a - b - c
}

// outage: far more connections of the provider than before fail for passing reasons in the same window, and no fewer than broke; or, once it is over, many
// work again though nobody authorized them. That the rows do not say why they broke is no evidence: some sources never do.
func outage(p *pattern) (Diagnosis, bool) {
	if p.in.Cause != string(nango.Revoked) {
		return Diagnosis{}, false
	}
	if n := len(p.in.Recovered); n >= backLeast && float64(n) >= backShare*float64(p.broke) {
		return Diagnosis{Kind: Outage, Evidence: fmt.Sprintf("%d of %d work again without a new authorization", n, p.broke)}, true
	}
	if p.fleeting < outageLeast || p.fleeting < outageRise*p.usually || p.fleeting < float64(len(p.breaks)) {
		return Diagnosis{}, false
	}
	return Diagnosis{Kind: Outage, Evidence: fmt.Sprintf("%.0f connections failed for passing reasons in the same window, %s usually do", p.fleeting, tenths(p.usually))}, true
}

// vendorEvent: the rise began between two days before and seven days after a day for which the provider announced what breaks connections.
func vendorEvent(p *pattern) (Diagnosis, bool) {
	for _, b := range p.known.Behaviours {
		if after := p.in.Since.Sub(b.Date); !b.Date.IsZero() && after >= -eventBefore && after <= eventAfter {
			return Diagnosis{Kind: VendorEvent, Source: b.Source, Evidence: fmt.Sprintf("announced for %s: %s", b.Date.Format("2 January 2006"), strings.TrimSuffix(b.What, "."))}, true
		}
	}
	return Diagnosis{}, false
}
