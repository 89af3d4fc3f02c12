#!/bin/sh
# export.sh DIR: writes what Nango's log store holds to DIR/operations.ndjson and DIR/messages.ndjson, one search answer a line, for
#
#   detector learn --input DIR/operations.ndjson --input DIR/messages.ndjson
#
# For Elasticsearch 7 and 8 and OpenSearch 1 and 2. Needs curl and nothing else. NANGO_LOGS_ES_URL, and NANGO_LOGS_ES_USER with NANGO_LOGS_ES_PWD
# where there is a login; NANGO_LOGS_ES_INDEX_OPERATIONS and NANGO_LOGS_ES_INDEX_MESSAGES where Nango has them; CURL_CA_BUNDLE for an authority of
# your own. SINCE is how far back: 15d, which is all that Nango keeps, by default.
# The files hold what the log store holds, bodies of requests too: keep them as you keep that.
set -eu
umask 077

dir=${1:?export.sh DIR: where to?}
: "${NANGO_LOGS_ES_URL:?the address of the log store, such as http://localhost:9200}"
mkdir -p "$dir"

# The login goes by standard input: arguments can be seen by everybody on the machine.
ask() { # METHOD PATH BODY
	printf '%s:%s\n' "${NANGO_LOGS_ES_USER:-}" "${NANGO_LOGS_ES_PWD:-}" | sed 's/[\\"]/\\&/g; s/.*/user = "&"/' |
		curl -sS --fail --retry 5 --max-time 120 -K - -X "$1" -H 'content-type: application/json' --data-binary "$3" "$NANGO_LOGS_ES_URL$2"
}

page() { # PATH BODY: a page of the answer to $page, the scroll that holds the place to $scroll
	ask POST "$1&filter_path=_scroll_id,hits.hits._id,hits.hits._source" "$2" >"$page"
	scroll=$(sed -n 's/.*"_scroll_id":"\([^"]*\)".*/\1/p' "$page")
}

export_index() { # INDEX FILE
	rows=0
	: >"$2"
	page "/$1/_search?scroll=5m&size=1000&allow_partial_search_results=false" \
		"{\"query\":{\"range\":{\"createdAt\":{\"gte\":\"now-${SINCE:-15d}\"}}},\"sort\":[\"_doc\"]}"
	while grep -q '"_source":' "$page"; do
		cat "$page" >>"$2"
		echo >>"$2"
		rows=$((rows + $(grep -o '"_source":' "$page" | wc -l)))
		page '/_search/scroll?' "{\"scroll\":\"5m\",\"scroll_id\":\"$scroll\"}"
	done
	ask DELETE /_search/scroll "{\"scroll_id\":\"$scroll\"}" >/dev/null || true
	echo "$2: $rows rows of $1" >&2
}

page=$(mktemp)
trap '[ $? -eq 0 ] || echo "export.sh: broke off: what is in $dir is not whole, do not learn from it" >&2; rm -f "$page"' EXIT
trap 'exit 1' HUP INT TERM
export_index "20250724_${NANGO_LOGS_ES_INDEX_OPERATIONS:-operations}" "$dir/operations.ndjson"
export_index "20240528_${NANGO_LOGS_ES_INDEX_MESSAGES:-messages}" "$dir/messages.ndjson"
