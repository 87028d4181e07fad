#!/usr/bin/env bash
# Runs every fuzz target of the project for the given time each.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-30s}
grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r dir; do
	for f in $(grep -h '^func Fuzz' "$dir"/*_test.go | sed 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/'); do
		out=$(go test -run='^$' -fuzz="^$f\$" -fuzztime="$time" -fuzzminimizetime=20x "$dir" </dev/null 2>&1) || {
			# The fuzzing engine now and then takes the end of its own time for a
			# failure, and says no more then. A real one names the failing input.
			if grep -q 'context deadline exceeded' <<<"$out" && ! grep -qE 'Failing input|panic|_test.go:' <<<"$out"; then
				echo "$dir $f: stopped at its time"
				continue
			fi
			echo "$out"
			exit 1
		}
		echo "$dir $f: $(echo "$out" | grep -o 'execs: [0-9]*' | tail -n 1)"
	done
done
