package detect

import (
	"fmt"
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

// oauthClient: a misconfiguration of one integration, whose breaks say that the OAuth client was refused.
func oauthClient(p *pattern) (Diagnosis, bool) {
	if p.in.Cause != string(nango.Misconfigured) || p.in.Integration == "" {
		return Diagnosis{}, false
	}
	n, reason := p.found.reasons(clientRefused)
	if !most(n, p.found.all) {
		return Diagnosis{}, false
	}
	text := fmt.Sprintf("%s with reason %s under integration %s", share(n, p.found.all), reason, p.in.Integration)
	if slices.Contains(clientExpired, reason) {
		text += ": the client secret has expired"
	}
	return Diagnosis{Kind: OAuthClient, Evidence: text, Source: sourceOf(reason, "https://www.rfc-editor.org/rfc/rfc6749#section-5.2")}, true
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
