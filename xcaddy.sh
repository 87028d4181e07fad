#!/bin/sh
# Builds bin/caddy (Caddy with the mirrorbrain module) and bin/mbctl, both
# static. Needs Go alone; uses xcaddy when it is on PATH.
#
#   ./xcaddy.sh                                     this module only
#   ./xcaddy.sh --with github.com/example/module    and another one (repeatable)
#   CADDY_VERSION=v2.11.9 ./xcaddy.sh               with that Caddy
set -eu
cd "$(dirname "$0")"
module=github.com/caddy-mirrorbrain/caddy-mirrorbrain
tags=nobadger,nomysql,nopgx # as xcaddy sets them: databases of Caddy's own ACME server, not ours
CGO_ENABLED=0
export CGO_ENABLED

usage() {
	echo "usage: [CADDY_VERSION=v2.x.y] ./xcaddy.sh [--with MODULE[@VERSION][=PATH]]..." >&2
	exit 2
}

with=
while [ $# -gt 0 ]; do
	case $1 in
	--with)
		[ $# -ge 2 ] || usage
		case $2 in *[!A-Za-z0-9._~/@=+-]*) echo "xcaddy.sh: odd module name: $2" >&2; exit 2 ;; esac
		with="$with $2"
		shift 2
		;;
	*) usage ;;
	esac
done

command -v go >/dev/null || { echo "xcaddy.sh: Go is needed (1.26 or newer): https://go.dev/doc/install" >&2; exit 1; }
mkdir -p bin
version=$(git describe --tags --always --dirty 2>/dev/null || echo unknown)
ldflags="-s -w"

echo "building bin/mbctl ($version)"
go build -trimpath -tags "$tags" -ldflags "$ldflags -X main.version=$version" -o bin/mbctl ./cmd/mbctl

if [ -z "$with" ] && [ -z "${CADDY_VERSION:-}" ]; then
	echo "building bin/caddy"
	go build -trimpath -tags "$tags" -ldflags "$ldflags" -o bin/caddy ./cmd/caddy
elif command -v xcaddy >/dev/null; then
	set --
	for m in $with; do set -- "$@" --with "$m"; done
	XCADDY_GO_BUILD_FLAGS="-trimpath -ldflags '$ldflags' -tags $tags" \
		xcaddy build ${CADDY_VERSION:+"$CADDY_VERSION"} --with "$module=." "$@" --output bin/caddy
else
	# What xcaddy does: a module of its own whose main imports everything.
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT INT TERM
	here=$(pwd)
	{
		echo "package main"
		echo "import ("
		echo "	caddycmd \"github.com/caddyserver/caddy/v2/cmd\""
		echo "	_ \"github.com/caddyserver/caddy/v2/modules/standard\""
		echo "	_ \"$module\""
		for m in $with; do m=${m%%=*}; echo "	_ \"${m%%@*}\""; done
		echo ")"
		echo "func main() { caddycmd.Main() }"
	} >"$dir/main.go"
	(
		cd "$dir"
		go mod init caddy 2>/dev/null
		go mod edit -require "$module@v0.0.0" -replace "$module=$here"
		for m in $with; do
			case $m in
			*=*) go mod edit -replace "${m%%=*}=$(cd "$here" && cd "${m#*=}" && pwd)" ;;
			*@*) go mod edit -require "$m" ;;
			esac
		done
		[ -z "${CADDY_VERSION:-}" ] || go get "github.com/caddyserver/caddy/v2@$CADDY_VERSION"
		go mod tidy -e >/dev/null 2>&1 || true
		go build -mod=mod -trimpath -tags "$tags" -ldflags "$ldflags" -o "$here/bin/caddy" .
	)
fi
bin/caddy list-modules --versions | grep mirrorbrain || {
	echo "xcaddy.sh: the new bin/caddy does not list the module" >&2
	exit 1
}
bin/caddy version
