#!/usr/bin/env bash
# Runs golangci-lint at the version that .golangci.yml was written for,
# installing it with Go alone when it is not there.
set -euo pipefail
cd "$(dirname "$0")/.."
version=v2.15.0
lint=$(go env GOPATH)/bin/golangci-lint
if ! "$lint" version 2>/dev/null | grep -q "${version#v}"; then
	go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version
fi
exec "$lint" run --allow-parallel-runners ./...
