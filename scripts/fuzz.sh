#!/usr/bin/env bash
# Runs every fuzz target of the project for the given time each, two at a time.
# With a second argument N/M those of every M-th folder alone, from the N-th on (0
# is the first): CI takes another third each day, since building a program for each
# folder takes longer than fuzzing briefly. The seeds of all targets run as tests.
# With a third argument, unguided, the programs are those of ordinary tests, without
# counters of coverage: within a second these find nothing more, and Caddy and SQLite
# need not be compiled once more for them.
set -euo pipefail
cd "$(dirname "$0")/.."
export FUZZTIME=${1:-30s}
part=${2:-0/1}
guide=-fuzz=.
[ "${3:-}" != unguided ] || guide=-vet=off
FUZZBIN=$(mktemp -d)
FUZZCACHE=$(go env GOCACHE)/fuzz
export FUZZBIN FUZZCACHE
trap 'rm -rf "$FUZZBIN"' EXIT

# Runs one target: its folder, its name, the program of its folder's tests.
run() {
	local dir=$1 f=$2 out
	out=$(cd "$dir" && "$3" -test.run='^$' -test.fuzz="^$f\$" -test.fuzztime="$FUZZTIME" -test.fuzzminimizetime=20x \
		-test.fuzzcachedir="$FUZZCACHE/${dir#./}" -test.parallel=1 </dev/null 2>&1) || {
		# The fuzzing engine now and then takes the end of its own time for a
		# failure, and says no more then. A real one names the failing input.
		if grep -q 'context deadline exceeded' <<<"$out" && ! grep -qE 'Failing input|panic|_test.go:' <<<"$out"; then
			echo "$dir $f: stopped at its time"
			return 0
		fi
		echo "$out"
		return 255 # ends xargs
	}
	echo "$dir $f: $(grep -o 'execs: [0-9]*' <<<"$out" | tail -n 1)"
}
export -f run

grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | awk -v n="${part%/*}" -v m="${part#*/}" '(NR - 1) % m == n' | while read -r dir; do
	bin="$FUZZBIN/${dir//\//_}.test"
	go test -c "$guide" -tags nobadger,nomysql,nopgx -o "$bin" "$dir" >&2
	for f in $(grep -h '^func Fuzz' "$dir"/*_test.go | sed 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/'); do
		echo "$dir $f $bin"
	done
done | xargs -P 2 -L 1 bash -c 'run "$@"' run
