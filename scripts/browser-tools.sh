#!/usr/bin/env bash
# Gets what judges the pages in tests: axe-core and the Nu HTML checker, from npm,
# at the versions and with the digests of scripts/browser/package-lock.json, into
# .cache/browser, or the folder that MIRRORBRAIN_BROWSER_TOOLS names. Does nothing
# when they are there. No script of theirs is run.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=${MIRRORBRAIN_BROWSER_TOOLS:-.cache/browser}
mkdir -p "$dir"
if [ -d "$dir/node_modules" ] && cmp -s scripts/browser/package-lock.json "$dir/installed.json"; then
	exit 0
fi
scripts/need.sh npm
rm -rf "$dir/node_modules" "$dir/installed.json"
cp scripts/browser/package.json scripts/browser/package-lock.json "$dir/"
(cd "$dir" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
cp "$dir/package-lock.json" "$dir/installed.json"
