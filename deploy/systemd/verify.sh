#!/bin/sh
# What systemd itself says of the units: no complaint, and an exposure of at most 1.5 of 10. The program need not be installed.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/units"
for unit in revwatch.service revwatch-ship@.service; do
  sed 's|/usr/local/bin/detector|/bin/true|' "$unit" > "$work/units/$unit"
done
cp "$work/units/revwatch-ship@.service" "$work/units/revwatch-ship@elasticsearch.service"
for unit in revwatch.service revwatch-ship@elasticsearch.service; do
  said=$(SYSTEMD_UNIT_PATH="$work/units:" systemd-analyze verify --man=no "$work/units/$unit" 2>&1) || { echo "$said" >&2; exit 1; }
  [ -z "$said" ] || { echo "$said" >&2; exit 1; }
  report=$(systemd-analyze security --offline=yes --threshold=15 --no-pager "$work/units/$unit") || { echo "$report" >&2; exit 1; }
  echo "$report" | tail -1
done
