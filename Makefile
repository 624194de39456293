# Bandwing. `make` alone lists the targets; every variable below may be given on the command line or in the environment.

# Where everything that is downloaded, built and run on lives. Nothing outside is touched, but for Debian's redis-server.
LOCAL ?= .local
override LOCAL := $(abspath $(LOCAL))
export LOCAL

PYTHON   ?= python3
GO       ?= go
FUZZTIME ?= 10s
# How long all tests of one Go package may take together.
GOTEST_TIMEOUT ?= 10m

VENV    := $(LOCAL)/venv
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)

GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(LOCAL)/bin/golangci-lint-$(GOLANGCI_VERSION)

# `make up HOST=http://...` sets the host that is tested. Only from the command line: some shells export HOST themselves.
ifeq ($(origin HOST),command line)
export LOCUST_HOST := $(HOST)
endif

.DEFAULT_GOAL := help
.PHONY: help up deps deps-up deps-dev build test test-go test-python strays lint lint-go lint-python fmt fuzz cover clean
.NOTPARALLEL:

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "Variables of make up: $(PYTHON) scripts/up.py --help"

up: deps-up build ## start Redis, the API, the Locust master and Go workers; Ctrl-C stops them
	@exec $(PYTHON) scripts/up.py --stop-with-parent

deps: ## install what is missing: Python packages, redis-server, RedisJSON
	@$(PYTHON) scripts/deps.py --local "$(LOCAL)"

deps-up:
	@$(PYTHON) scripts/deps.py --local "$(LOCAL)" $(if $(REDIS_HOST),--no-redis)

deps-dev:
	@$(PYTHON) scripts/deps.py --local "$(LOCAL)" --dev

build: ## build bin/api and bin/locustworker
	@for name in api locustworker; do \
		echo "build: bin/$$name $(VERSION)"; \
		CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/$$name ./cmd/$$name || exit 1; \
	done

clean: ## delete what was built and written by runs (not .local/venv, .local/redis and other downloads)
	rm -rf bin coverage.out coverage.html "$(LOCAL)/data" "$(LOCAL)/log"
	find scripts e2e -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
