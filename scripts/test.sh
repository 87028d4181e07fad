#!/usr/bin/env bash
# Everything that CI runs. Installs what is missing, or says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."
tags=nobadger,nomysql,nopgx
step() { printf '\n== %s\n' "$*"; }

step "programs that the tests run against"
scripts/need.sh gcc rsync initdb pgbouncer nginx apache2 lighttpd vsftpd wrk \
	aria2c zsync wget2 dnf createrepo_c rpmbuild zypper dpkg-deb apt-ftparchive gpg gpg-agent \
	bgpdump transmission-cli transmission-show python3-libtorrent xmllint \
	ngx_http_js_module perl redis-server sshd ssh ssh-keygen curl openssl bash mandoc \
	sqlite3 psql python3-pyftpdlib chromium java wget lftp mirmon
scripts/browser-tools.sh

# A test that lacks what it needs fails from here on; it does not skip.
export CI=true

step "go.mod is tidy, files are formatted"
go mod tidy -diff
test -z "$(gofmt -l . | tee /dev/stderr)"

# All that go vet looks for is in it, so the tests below are not vetted again.
step "linter"
scripts/lint.sh

step "static build"
./xcaddy.sh

step "tests, with the race detector, PostgreSQL and SQLite"
# SQLite is C made into Go, its memory is not Go's, and the race detector does
# not look at that; but watched, its code takes four times as long. The driver
# before it stays watched. The end-to-end tests run what was built above.
unwatched=(-gcflags=modernc.org/...=-race=false -gcflags=modernc.org/sqlite=)
MIRRORBRAIN_BIN=$PWD/bin go test -race -vet=off "${unwatched[@]}" -p 3 -tags "$tags" -timeout 20m ./...

step "what allocates nothing, and what takes its time with the race detector: 100,000 worlds"
go test -vet=off -tags "$tags" -run 'Alloc|TestModel|TestShares' ./geoip ./redirector ./catalog ./retry ./traffic

step "fuzz targets, briefly: of a third of the folders, another one each day"
scripts/fuzz.sh 1s "$((10#$(date +%j) % 3))/3" unguided

step "documents made from the program are current"
bin/mbctl docs --markdown - | diff -u docs/mbctl.md -

step "the demo, with its own requests"
make demo ARGS=--once

echo
echo "all passed"
