#!/bin/sh
# rows.sh operations|messages|sweeps: prints what is new in one of Nango's log indices, one row a line, and remembers how far it is.
# For Fluent Bit's exec input, which has no source of its own for Elasticsearch; anything else that reads lines will do as well. Needs curl and jq.
#
# NANGO_LOGS_ES_URL, and NANGO_LOGS_ES_USER with NANGO_LOGS_ES_PWD where there is a login; NANGO_LOGS_ES_INDEX_OPERATIONS and
# NANGO_LOGS_ES_INDEX_MESSAGES where Nango has them, else 20250724_operations and 20240528_messages are read; CURL_CA_BUNDLE for an authority of your
# own. ROWS_STATE is a directory that stays.
set -eu
: "${NANGO_LOGS_ES_URL:?the address of the log store, such as http://localhost:9200}"

operations=20250724_${NANGO_LOGS_ES_INDEX_OPERATIONS:-operations}
messages=20240528_${NANGO_LOGS_ES_INDEX_MESSAGES:-messages}
state=${ROWS_STATE:-/var/lib/fluent-bit}/nango-$1
size=1000
case $1 in
operations) index=$operations field=updatedAt ;; # changed in place: first `running`, later `failed`
messages) index=$messages field=createdAt ;;
sweeps) index=$operations field=expiresAt ;; # every 10 minutes Nango ends what has expired, and touches no date
*) echo "rows.sh: operations, messages or sweeps?" >&2 && exit 2 ;;
esac

# Rows become visible out of order. So each look ends a minute before now, and by then they are all there: none is missed, none is printed twice.
from='now-15d' # without a state: all that Nango keeps
[ ! -s "$state" ] || from=$(cat "$state")
where="{\"range\":{\"$field\":{\"gt\":\"$from\",\"lte\":\"now-1m\"}}}"
[ "$1" != sweeps ] || where='{"range":{"expiresAt":{"gte":"now-40m","lte":"now"}}},{"terms":{"state":["timeout","cancelled"]}}'

# The login goes by standard input: arguments can be seen by everybody on the machine.
search() {
	printf '%s:%s\n' "${NANGO_LOGS_ES_USER:-}" "${NANGO_LOGS_ES_PWD:-}" | sed 's/[\\"]/\\&/g; s/.*/user = "&"/' |
		curl -sS --fail --max-time 30 -K - -H 'content-type: application/json' --data-binary "$1" \
			"$NANGO_LOGS_ES_URL/$index/_search?allow_partial_search_results=false"
}

page=$(mktemp)
trap 'rm -f "$page"' EXIT
after=''
while :; do
	search "{\"size\":$size,\"query\":{\"bool\":{\"filter\":[$where]}},\"sort\":[{\"$field\":\"asc\"},{\"id\":\"asc\"}]$after}" >"$page"
	jq -c '.hits.hits[]._source' "$page"
	newest=$(jq -r ".hits.hits[-1]._source.$field // empty" "$page")
	[ -z "$newest" ] || last=$newest
	[ "$(jq '.hits.hits | length' "$page")" -eq $size ] || break
	after=",\"search_after\":$(jq -c '.hits.hits[-1].sort' "$page")"
done
if [ -n "${last:-}" ] && [ "$1" != sweeps ]; then
	echo "$last" >"$state.new" && mv "$state.new" "$state"
fi
