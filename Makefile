# Oxlin: everything that one does with the repository.

# An old Go would only speak of a parse error in go.mod.
ifneq ($(filter-out help clean,$(or $(MAKECMDGOALS),help)),)
GO_FAULT := $(shell .ci/go)
ifneq ($(GO_FAULT),)
$(error $(GO_FAULT))
endif
endif

COMMIT := $(shell git describe --always --dirty 2>/dev/null)
# The tools have a module of their own, so that the platform does not depend on them.
TOOL := go tool -modfile=tools/go.mod

.PHONY: help build quickstart test fuzz torture faults screenshots bench generate lint fmt clean

help: ## Say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/\1\t\2/' | expand -t 14

build: ## bin/oxlin, one static binary
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.commit=$(COMMIT)" -o bin/oxlin ./cmd/oxlin

quickstart: build ## Build, and play the whole journey; ARGS=--exit ends after it
	bin/oxlin quickstart $(ARGS)

test: ## Every test, on SQLite and on PostgreSQL; what they need is installed where that is possible, and what was left out is listed
	@.ci/test

fuzz: ## Give every parser foreign bytes, an hour each; TIME=1m is shorter
	.ci/fuzz $(or $(TIME),1h)

torture: ## How well rows are recognised at banks that do all that banks do; N=100000 takes hours, SEED=7 gives other histories
	go run ./e2e/torture $(if $(N),-n $(N)) $(if $(SEED),-seed $(SEED)) $(ARGS)

faults: ## Journeys while nodes, databases, the disk and the bank fail, and a judge; N=100 is shorter, SEED=7 plays the same again
	go run ./e2e/faults $(if $(N),-n $(N)) $(if $(SEED),-seed $(SEED)) $(ARGS)

screenshots: build ## Every page of the widget as a picture, into screenshots/: phone and desktop, light and dark, in both languages
	.ci/browser
	node e2e/browser/screenshots.mjs screenshots

bench: build ## What the binary does, beside what a program without duties does; ARGS="-database postgres", "-full", "-only tokens"
	go run ./e2e/bench -binary bin/oxlin $(ARGS)

scale: ## A day of a platform that is too large for one machine, simulated: what breaks first, and what it costs; ARGS="-connections 1e7"
	go run ./e2e/scale $(ARGS)

generate: ## Write the generated code again
	$(TOOL) sqlc generate -f internal/store/sqlc.yaml
	go generate ./...

lint: ## Formatting, vet, staticcheck
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; }
	go vet ./...
	go vet -tags fixtures ./cmd/oxlin
	go -C tools vet ./...
	$(TOOL) staticcheck ./...

fmt: ## Format the code
	gofmt -w .

clean: ## Remove what make built
	rm -rf bin
