package ship

import "net/http"

// outcome is what becomes of a request. Nango takes every answer below 500 but 2xx for final, 429 too: whatever may be better in a moment is a 503.
type outcome struct {
	name   string // its label in the metrics
	status int    // of the answer
	says   string // a sentence for who sent it
	hint   string // for the log: what to do; "": it is not worth a line
}

// Good ends.
var (
	written = &outcome{name: "written", status: http.StatusOK, says: "written"}
	dropped = &outcome{name: "dropped", status: http.StatusOK, says: "not an auth webhook: taken, and not written"}
)

// Refusals: the same request will never be taken.
var (
	wrongPath = &outcome{"wrong_path", http.StatusNotFound, "nothing is received here",
		"requests arrive at another path than ship.webhooks.path: set it, or the webhook URL in Nango, so that they are the same"}
	wrongMethod = &outcome{"wrong_method", http.StatusMethodNotAllowed, "webhooks are received here by POST", ""}
	tooLarge    = &outcome{"too_large", http.StatusRequestEntityTooLarge, "more than can be taken",
		"a delivery is larger than this program or the topic takes; auth webhooks have about 500 bytes, so it is probably none"}
	noSignature = &outcome{"no_signature", http.StatusUnauthorized, "the header " + signatureHeader + " is missing",
		"requests come without " + signatureHeader + ": they are not Nango's, or a proxy before us takes its headers away"}
	legacyOnly = &outcome{"legacy_signature", http.StatusUnauthorized, "the header " + signatureHeader + " is missing; " + legacyHeader + " alone is not enough",
		"requests have only the old " + legacyHeader + ", which can be forged: Nango has to be of a release that sends " + signatureHeader + " too"}
	badSignature = &outcome{"wrong_signature", http.StatusUnauthorized, "the signature is wrong",
		"signatures are wrong, and Nango does not send these deliveries again: is ship.webhooks.signing_key that of each environment (Environment Settings, Webhooks), " +
			"was it rotated there, or does a proxy change bodies?"}
	notJSON = &outcome{"not_json", http.StatusBadRequest, "the body is no JSON", "an unsigned request is no JSON, so it is no webhook of Nango's"}
)

// Passing trouble: Nango sends it again 3 s and 9 s later.
var (
	busy = &outcome{"busy", http.StatusServiceUnavailable, "too much at once, try again",
		"more deliveries wait than the memory set aside for them holds: is Kafka slow?"}
	brokenOff = &outcome{"broken_off", http.StatusServiceUnavailable, "the body ended early, or took too long, try again", "bodies end early, or take longer than 10 s"}
	overRate  = &outcome{"over_rate", http.StatusServiceUnavailable, "too many at once, try again",
		"deliveries come faster than ship.webhooks.rate for seconds on end: raise it"}
	notWritten = &outcome{"not_written", http.StatusServiceUnavailable, "Kafka did not take it in time, try again",
		"Kafka does not acknowledge deliveries in time, so Nango is asked to send them again; after three attempts it gives up, and that delivery is lost"}
	gone = &outcome{"gone", http.StatusServiceUnavailable, "you have gone", "clients go before Kafka has acknowledged; they will send it again"}
)

var outcomes = []*outcome{written, dropped, wrongPath, wrongMethod, tooLarge, noSignature, legacyOnly, badSignature, notJSON, brokenOff, busy, overRate, notWritten, gone}
