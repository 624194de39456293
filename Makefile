# Bandwing. `make` alone lists the targets; every variable below may be given on the command line or in the environment.

# Where everything that is downloaded, built and run on lives. Nothing outside is touched, but for Debian's redis-server.
LOCAL ?= .local
override LOCAL := $(abspath $(LOCAL))
export LOCAL

PYTHON   ?= python3
GO       ?= go
FUZZTIME ?= 10s
# How long all tests of one Go package may take together.
GOTEST_TIMEOUT ?= 25m

VENV    := $(LOCAL)/venv
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)

GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(LOCAL)/bin/golangci-lint-$(GOLANGCI_VERSION)

ACTIONLINT_VERSION := v1.7.12
ACTIONLINT := $(LOCAL)/bin/actionlint-$(ACTIONLINT_VERSION)

GOVULNCHECK_VERSION := v1.9.0

CYCLONEDX_VERSION := v1.10.0
CYCLONEDX := $(LOCAL)/bin/cyclonedx-gomod-$(CYCLONEDX_VERSION)

# What `make dist` builds for: GOOS/GOARCH.
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64
# The oldest and the newest Kubernetes that the manifests are held against.
KUBERNETES := 1.30 1.37

# `make up HOST=http://...` sets the host that is tested. Only from the command line: some shells export HOST themselves.
ifeq ($(origin HOST),command line)
export LOCUST_HOST := $(HOST)
endif

.DEFAULT_GOAL := help
.PHONY: help up run deps deps-up deps-dev build test test-go test-python test-scripts test-versions test-busy-master test-faults soak test-model test-compose dist lint vuln lint-go lint-python lint-ship fmt fuzz bench cover bench-api bench-arrivals bench-clients bench-faker bench-master bench-parity bench-redis bench-users conformance data clean
.NOTPARALLEL:

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "Variables of make up: $(PYTHON) scripts/up.py --help"

up: deps-up build ## start Redis, the API, the Locust master and Go workers, with MONITORING=1 Prometheus; Ctrl-C stops them
	@exec $(PYTHON) scripts/up.py --stop-with-parent

run: deps-up build ## start Redis and the API, run the load test without a master, write .local/report.html: ARGS="-u 50 -t 1m JSONGet"
	@exec $(PYTHON) scripts/up.py --stop-with-parent --run $(ARGS)

deps: ## install what is missing: Python packages, redis-server, RedisJSON
	@$(PYTHON) scripts/deps.py --local "$(LOCAL)"

deps-up:
	@$(PYTHON) scripts/deps.py --local "$(LOCAL)" $(if $(REDIS_HOST),--no-redis) $(if $(filter 1,$(MONITORING)),--monitoring)

deps-dev:
	@$(PYTHON) scripts/deps.py --local "$(LOCAL)" --dev

build: ## build bin/api and bin/locustworker
	@for name in api locustworker; do \
		echo "build: bin/$$name $(VERSION)"; \
		CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/$$name ./cmd/$$name || exit 1; \
	done

test-compose: ## run docker-compose.yml on this machine's Docker engine, and compare all counts (MONITORING=1: Prometheus too)
	@$(PYTHON) scripts/try_compose.py $(if $(filter 1,$(MONITORING)),--monitoring)

dist: $(CYCLONEDX) ## build archives of both programs for all PLATFORMS, with a list of their modules (SBOM) and checksums: bin/dist/
	@rm -rf bin/dist
	@mkdir -p bin/dist/host
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/dist/host/ ./cmd/locustworker # writes the shells' completion
	@set -e; for platform in $(PLATFORMS); do \
		os=$${platform%/*} arch=$${platform#*/}; name=bandwing-$(VERSION)-$$os-$$arch; exe=; [ $$os != windows ] || exe=.exe; \
		echo "dist: $$name.tar.gz"; \
		for program in api locustworker; do \
			CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/dist/$$name/$$program$$exe ./cmd/$$program; \
			$(CYCLONEDX) bin -json -std -version $(VERSION) -output bin/dist/$$name-$$program.cdx.json bin/dist/$$name/$$program$$exe; \
		done; \
		cp README.md CHANGELOG.md LICENSE bin/dist/$$name; \
		mkdir bin/dist/$$name/completion; \
		for shell in bash zsh fish; do bin/dist/host/locustworker completion $$shell > bin/dist/$$name/completion/locustworker.$$shell; done; \
		tar -C bin/dist --owner=0 --group=0 --sort=name -czf bin/dist/$$name.tar.gz $$name; rm -r bin/dist/$$name; \
	done; rm -r bin/dist/host
	@cd bin/dist && sha256sum -- *.tar.gz *.cdx.json > SHA256SUMS

$(CYCLONEDX):
	@echo "dist: building cyclonedx-gomod $(CYCLONEDX_VERSION), once"
	@rm -rf "$(LOCAL)/bin/cyclonedx.new"
	@GOBIN="$(LOCAL)/bin/cyclonedx.new" $(GO) install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)
	@mv "$(LOCAL)/bin/cyclonedx.new/cyclonedx-gomod" "$@" && rmdir "$(LOCAL)/bin/cyclonedx.new"

test: deps-dev build ## run all tests, end to end ones included, and fail when they leave a process behind
	@$(PYTHON) scripts/no_strays.py $(MAKE) -k --no-print-directory test-go test-python test-scripts

test-go:
	$(GO) vet ./...
	$(GO) test -race -shuffle=on -timeout $(GOTEST_TIMEOUT) ./...
	$(GO) test -run Alloc ./api/... ./locustworker/httpuser # the race detector allocates too
	$(GO) -C examples/protocols test -shuffle=on ./...

test-python:
	$(VENV)/bin/python -m pytest loadtest master

# In a process of their own: what imports Locust has gevent replace the standard library's sockets, threads and subprocesses.
test-scripts:
	$(VENV)/bin/python -m pytest scripts

test-busy-master: deps-dev ## hold runs against a stock master whose program stands still for up to 58 s: 54 cases
	BUSY_MASTER=all $(PYTHON) scripts/no_strays.py $(GO) test -count=1 -timeout 30m -run TestABusyMasterLosesNothing -parallel 6 ./e2e

# How often each case of the faults runs, and the seed of its moments (0: another each time).
FAULTS_ROUNDS ?= 1
FAULTS_SEED   ?= 0
test-faults: deps-dev ## break links, masters, workers and targets of running tests, and hold all counts against each other, in about 5 minutes
	$(PYTHON) scripts/no_strays.py $(GO) test -race -count=1 -timeout 3h -v -run TestFaults ./e2e/faults \
		-faults.all -faults.rounds $(FAULTS_ROUNDS) -faults.seed $(FAULTS_SEED)

# How long the soak runs: 10m, 1h.
T ?= 10m
soak: deps-dev ## break one run again and again for T (10m) under changing load: counts, and what a worker holds, must stay right
	$(PYTHON) scripts/no_strays.py $(GO) test -count=1 -timeout 24h -v -run TestSoak ./e2e/faults -faults.soak $(T) -faults.seed $(FAULTS_SEED)

# Steps of the random walks, and steps of each sequence that is tried.
MODEL_STEPS ?= 1000000
MODEL_DEPTH ?= 4
test-model: ## hold the worker's session and link against a simulated master and network: a million random steps, with their seed
	$(GO) test -count=1 -timeout 60m -v -run TestModel ./locustworker/internal/session -model.steps $(MODEL_STEPS) -model.depth $(MODEL_DEPTH)

test-versions: deps-dev ## run the conformance tests against the older Locust releases too (docs/internals/versions.md)
	@set -e; for file in requirements/locust-*.txt; do \
		series=$${file#requirements/locust-}; series=$${series%.txt}; \
		echo "test-versions: Locust $$series"; \
		$(PYTHON) scripts/no_strays.py $(GO) test -count=1 -timeout $(GOTEST_TIMEOUT) -run 'TestConformance|TestOlderLocust' ./e2e -locust "$$series"; \
	done

lint: deps-dev lint-go lint-python lint-ship ## run all linters

# Not part of lint: it asks https://vuln.go.dev, which a machine without the internet cannot reach.
vuln: ## look for known vulnerabilities in what the programs call
	$(GO) run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) ./...

lint-go: $(GOLANGCI)
	$(GOLANGCI) run ./...
	$(GO) mod tidy -diff
	@set -e; for module in bench/arrivals bench/clients bench/faker examples/protocols; do \
		$(GO) -C "$$module" mod tidy -diff; (cd "$$module" && $(GOLANGCI) run ./...); \
	done

lint-python:
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy scripts
	PATH="$(VENV)/bin:$$PATH" $(VENV)/bin/shellcheck .ci/run
	promtool check config local_conf/prometheus.yml

# The images, docker compose, Kubernetes and the workflows. tools/ is a module of its own for what only this needs.
lint-ship: $(GOLANGCI) $(ACTIONLINT)
	$(VENV)/bin/hadolint Dockerfile.* master/Dockerfile
	PATH="$(VENV)/bin:$$PATH" $(ACTIONLINT) .github/workflows/*.yml
	@mkdir -p "$(LOCAL)/rendered"
	@awk '/^```/ { on = 0 } /^# \.github\/workflows\// { on = 1 } on' docs/ci.md > "$(LOCAL)/rendered/load.yml" && test -s "$(LOCAL)/rendered/load.yml"
	PATH="$(VENV)/bin:$$PATH" $(ACTIONLINT) "$(LOCAL)/rendered/load.yml"
	$(GO) -C tools mod tidy -diff
	cd tools && $(GOLANGCI) run ./...
	$(GO) -C tools test -count=1 ./...
	@mkdir -p "$(LOCAL)/rendered"
	$(GO) -C tools run ./shipcheck -render "$(LOCAL)/rendered" ..
	@for version in $(KUBERNETES); do echo "kubernetes-validate: Kubernetes $$version"; \
		$(VENV)/bin/kubernetes-validate -k $$version --strict --quiet --no-warn "$(LOCAL)"/rendered/*.yaml || exit 1; done

$(ACTIONLINT):
	@echo "lint: building actionlint $(ACTIONLINT_VERSION), once"
	@rm -rf "$(LOCAL)/bin/actionlint.new"
	@GOBIN="$(LOCAL)/bin/actionlint.new" $(GO) install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)
	@mv "$(LOCAL)/bin/actionlint.new/actionlint" "$@" && rmdir "$(LOCAL)/bin/actionlint.new"

$(GOLANGCI):
	@echo "lint: building golangci-lint $(GOLANGCI_VERSION), once (about two minutes)"
	@rm -rf "$(LOCAL)/bin/golangci.new"
	@GOBIN="$(LOCAL)/bin/golangci.new" $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv "$(LOCAL)/bin/golangci.new/golangci-lint" "$@" && rmdir "$(LOCAL)/bin/golangci.new"

conformance: ## write docs/internals/conformance.md from internal/conformance/items.toml and the marks in the tests
	@$(GO) test -count=1 ./internal/conformance -update

fmt: deps-dev $(GOLANGCI) ## format Go (gofumpt) and Python (ruff)
	$(GOLANGCI) fmt ./...
	$(VENV)/bin/ruff check --select I --fix --quiet .
	$(VENV)/bin/ruff format .

bench: deps ## measure the CPU time a request costs a Go worker, beside wrk, a bare loop and Python workers (BENCH="-users 50 -rounds 3")
	@mkdir -p "$(LOCAL)/bin"
	@$(GO) build -o "$(LOCAL)/bin/bench-worker" ./bench/worker
	@"$(LOCAL)/bin/bench-worker" $(BENCH)

fuzz: ## run every fuzz target for FUZZTIME (10s)
	@grep -rHoE --include='*_test.go' --exclude-dir=.local '^func Fuzz[A-Za-z0-9_]+' . | sort | \
	while IFS=: read -r file target; do \
		name=$${target#func }; dir=$$(dirname "$$file"); \
		echo "fuzz: $$dir $$name for $(FUZZTIME)"; \
		$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$dir" || exit 1; \
	done

cover: deps-dev build ## measure how much of the Go code the tests reach: coverage.html
	$(GO) test -timeout $(GOTEST_TIMEOUT) -coverpkg ./... -coverprofile coverage.out ./...
	$(GO) tool cover -html coverage.out -o coverage.html
	$(GO) tool cover -func coverage.out | tail -n 1

bench-api: deps-dev ## measure what a request costs the API, beside a bare gin route (BENCH_API="-c 8,64 -rounds 5")
	@mkdir -p "$(LOCAL)/bin"
	@$(GO) build -o "$(LOCAL)/bin/bench-api" ./bench/api
	@REJSON_SO="$(LOCAL)/redis/rejson.so" "$(LOCAL)/bin/bench-api" $(BENCH_API)

bench-arrivals: ## measure the open model: spacing, rate and CPU time of arrivals, and a target that hangs, beside vegeta (BENCH_ARRIVALS="-only hang")
	$(GO) -C bench/arrivals test .
	$(GO) -C bench/arrivals run . $(BENCH_ARRIVALS)

bench-clients: ## measure the CPU time a request costs httpuser, fasthttp.HostClient and net/http, in one run (BENCH_CLIENTS="-users 50 -rounds 3")
	$(GO) -C bench/clients run . $(BENCH_CLIENTS)

bench-faker: ## measure memory and CPU time of 100,000 seeded fakers, gofakeit v6 against v7
	$(GO) -C bench/faker run . $(BENCH_FAKER)

bench-master: deps ## measure what many light workers cost the stock master (BENCH_MASTER="-workers 100,300 -rows 20")
	$(GO) run ./bench/master -locust "$(VENV)/bin/locust" $(BENCH_MASTER)

bench-redis: deps ## measure the CPU time a command costs redisuser, beside redis-benchmark and a bare loop of go-redis (BENCH_REDIS="-only GET -depth 1")
	@mkdir -p "$(LOCAL)/bin"
	@$(GO) build -o "$(LOCAL)/bin/bench-redis" ./bench/redis
	@REJSON_SO="$(LOCAL)/redis/rejson.so" "$(LOCAL)/bin/bench-redis" $(BENCH_REDIS)

bench-users: ## measure what up to a million users that mostly wait cost (BENCH_USERS="-only 1,3 -hold 60s")
	@mkdir -p "$(LOCAL)/bin"
	@$(GO) build -o "$(LOCAL)/bin/bench-users" ./bench/users
	@"$(LOCAL)/bin/bench-users" $(BENCH_USERS)

bench-parity: deps build ## run each class of the load test on a Python and on a Go worker, and compare their rows
	@REJSON_SO="$(LOCAL)/redis/rejson.so" $(GO) run ./bench/parity -locust "$(VENV)/bin/locust" $(BENCH_PARITY)

# Documents of each kind that `make data` writes, and where to.
N ?= 1000
data: build ## load N (1000) documents of every kind through the API (HOST=http://127.0.0.1:5000)
	@bin/locustworker data -n "$(N)" $(if $(LOCUST_HOST),-host "$(LOCUST_HOST)")

clean: ## delete what was built and written by runs (not .local/venv, .local/redis and other downloads)
	rm -rf bin coverage.out coverage.html "$(LOCAL)/data" "$(LOCAL)/log" "$(LOCAL)/prometheus"
	find loadtest master scripts e2e -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
