# Every target works as the first command on a fresh machine with Go.
.PHONY: build demo test bench lint fuzz cover docs man clean help
.DEFAULT_GOAL := help

# xcaddy's tags; tests use them too, so that what is tested is what is built.
TAGS := nobadger,nomysql,nopgx

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## bin/caddy and bin/mbctl
	./xcaddy.sh

demo: ## the main job on a real tree with three mirrors on loopback (DIR=, ARGS=--once)
	@scripts/need.sh rsync
	./xcaddy.sh
	@CGO_ENABLED=0 go build -o bin/demo ./examples/demo
	@bin/demo $(if $(DIR),--dir '$(DIR)') $(ARGS)

test: ## everything CI runs
	scripts/test.sh

bench: ## against plain Caddy, in one run
	@scripts/need.sh rsync vsftpd wrk
	./xcaddy.sh
	@CGO_ENABLED=0 go build -o bin/bench ./bench
	@bin/bench $(ARGS)

lint: ## golangci-lint with .golangci.yml
	scripts/lint.sh

fuzz: ## every fuzz target for FUZZTIME each (30s)
	scripts/fuzz.sh $(or $(FUZZTIME),30s)

cover: ## test coverage by package, and bin/cover.html
	@mkdir -p bin
	go test -tags $(TAGS) -coverpkg=./... -coverprofile=bin/cover.out ./...
	go tool cover -html=bin/cover.out -o bin/cover.html
	@go tool cover -func=bin/cover.out | tail -n 1

docs: ## docs/mbctl.md from the commands
	go run ./cmd/mbctl docs --markdown docs/mbctl.md

man: ## bin/man/mbctl*.1, for packages (usr/share/man/man1)
	@SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} go run ./cmd/mbctl docs --man bin/man

clean: ## remove bin/
	rm -rf bin
