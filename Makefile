# The two commands of the README are `make demo` and `make test`; each installs what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/bash

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
BUILD_PACKAGES := libcurl4-openssl-dev libsqlite3-dev
# strace lets the disk fail under the service.
TEST_PACKAGES := openssl python3-venv strace
BROWSER_PACKAGES := chromium
BENCH_PACKAGES := gcc time wrk
# libFuzzer links the C++ library.
FUZZ_PACKAGES := g++
VENV := .venv
RELEASE := .build/release/perch
SIMULATE := .build/release/simulate
# The runtime linked in: starts faster and needs less memory than with its shared libraries.
RELEASE_BUILD := swift build -c release --static-swift-stdlib --product perch

# All 1,200 tests at once would share two cores: each for itself would take longer than its deadline on a busy machine. What failed
# stands again at the end, where it is looked for first.
SWIFT_TEST = set -o pipefail; SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=16 swift test --skip-build $(1) 2>&1 | tee .build/test.log || { grep -a "✘" .build/test.log; exit 1; }

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: system ## Run the service beside a simulated Synthesize
	$(RELEASE_BUILD)
	$(RELEASE) demo

test: system system-test lint build test-fast test-simulation test-threads test-differential test-program test-browser ## Everything that CI runs

build: system ## Build the program and all tests
	swift build --build-tests

# Tests that meet real deadlines over sockets, and the scenarios, go by themselves: side by side with what keeps the processors busy
# they would starve.
DEADLINE_TESTS := HTTPClientTests|HTTPServerTests.(Deadline|EventStream|Exchange|Refusal|ServerThread|Stop)Tests
test-fast: ## Unit, conformance and scenario tests
	$(call SWIFT_TEST,--skip "ScenarioTests|$(DEADLINE_TESTS)")
	$(call SWIFT_TEST,--filter "$(DEADLINE_TESTS)")
	$(call SWIFT_TEST,--filter ScenarioTests)

# In release: the build takes as long as the histories would without it.
test-simulation: ## 2,000 short simulated histories
	$(MAKE) --no-print-directory simulate SEEDS=2000

test-threads: system ## The HTTP server's tests under the thread sanitizer
	swift test --sanitize=thread --package-path Tests/Threads --scratch-path .build-threads

test-differential: $(VENV)/ready ## The request parser beside llhttp, short form
	swift build --product RequestProbe
	$(VENV)/bin/python -m pytest -q Tests/Differential

test-program: $(VENV)/ready ## The built program: commands, exit codes, kill -9
	swift build --product perch
	$(VENV)/bin/python -m pytest -q -rs Tests/Program

test-browser: system-browser $(VENV)/ready ## Browser tests in real Chromium
	swift build --product perch
	$(VENV)/bin/python -m pytest -q Tests/Browser

lint: ## Import direction, unsafe constructs, file sizes
	python3 Tests/Lint/rooms.py
	python3 Tests/Lint/constructs.py
	python3 Tests/Security/guards.py --check

format: ## Format all Swift files in place
	swift format --in-place --recursive --parallel Sources Tests Package.swift

simulate: SEEDS ?= 20000
simulate: FIRST ?= 1
simulate: PLAN ?= short
simulate: STEP = $(if $(filter year,$(PLAN)),1,50)
simulate: simulate-program ## Simulated histories with crashes: SEEDS=n FIRST=seed, PLAN=year for 50 partners' years
	seq $(FIRST) $(STEP) $$(( $(FIRST) + $(SEEDS) - 1 )) | xargs -P 2 -I{} $(SIMULATE) --plan $(PLAN) --first {} --count $(STEP)

replay: PLAN ?= short
replay: simulate-program ## One simulated history again, told step by step: SEED=n PLAN=short|year
	$(SIMULATE) --plan $(PLAN) --first $(SEED) --verbose

simulate-program: system
	swift build -c release --product simulate

guards: SEEDS ?= 300
guards: system ## Each guard of the sync engine taken out in turn: the simulation must see it
	python3 Tests/Simulation/guards.py --seeds $(SEEDS)

mutate: ONLY ?=
mutate: system ## Each guard of access and secrets taken out in turn: its test must fail: ONLY=word
	python3 Tests/Security/guards.py --only "$(ONLY)"

siege: $(VENV)/ready ## The built service besieged in full: 10,000 event streams, 20,000 vanished peers, 200 stops
	$(RELEASE_BUILD)
	PERCH_PROGRAM=$(CURDIR)/$(RELEASE) SIEGE=long $(VENV)/bin/python -m pytest -q -s Tests/Program/siege $(if $(SIEGE_TEST),-k $(SIEGE_TEST))

crash: KILLS ?= 300
crash: $(VENV)/ready ## SIGKILL at random moments of runs of 2,000 lines until done: KILLS=300 SEED=n
	$(RELEASE_BUILD)
	PERCH_PROGRAM=$(CURDIR)/$(RELEASE) KILLS=$(KILLS) $(if $(SEED),SEED=$(SEED)) $(VENV)/bin/python -m pytest -q -s Tests/Program/crash/test_kills.py

disk-trouble: system-test $(VENV)/ready ## EIO and ENOSPC at the Nth write and sync of the database, N = 1 to 200, and a full disk: STEP=n
	$(RELEASE_BUILD)
	PERCH_PROGRAM=$(CURDIR)/$(RELEASE) DISK_TROUBLE=long $(if $(STEP),STEP=$(STEP)) $(VENV)/bin/python -m pytest -q -s Tests/Program/crash/test_disk_trouble.py

fuzz: SECONDS ?= 600
fuzz: system ## libFuzzer on what the HTTP server and the connectors read: SECONDS=600 for each target
	@$(MAKE) --no-print-directory packages NAMES="$(FUZZ_PACKAGES)"
	bash Tests/Fuzz/fuzz.sh run $(SECONDS)

differential: MUTATIONS ?= 100000
differential: system $(VENV)/ready ## The request parser beside llhttp: MUTATIONS=100000 SEED=n
	swift build --product RequestProbe
	$(VENV)/bin/python Tests/Differential/differential.py --mutations $(MUTATIONS) $(if $(SEED),--seed $(SEED))

bench: system ## Start-up, memory, counts a second beside libcurl, pages beside Hummingbird
	$(MAKE) --no-print-directory packages NAMES="$(BENCH_PACKAGES)"
	$(RELEASE_BUILD)
	python3 Tests/Benchmarks/bench.py $(RELEASE)
	swift build -c release --static-swift-stdlib --package-path Tests/Benchmarks/HummingbirdPage --scratch-path .build-bench
	python3 Tests/Benchmarks/http_bench.py $(RELEASE)

bench-ledger: LEDGER_LINES ?= 10000000
bench-ledger: system ## A ledger of 10 million lines: pages, bytes a line, how long writers wait while old lines are removed: LEDGER_LINES=n
	$(RELEASE_BUILD)
	python3 Tests/Benchmarks/ledger_bench.py $(RELEASE) $(LEDGER_LINES)

bench-scale: system ## 100,000 lines over 500 partners at 1,000 calls a second; memory of one run by its number of lines
	$(RELEASE_BUILD)
	python3 Tests/Benchmarks/scale_bench.py $(RELEASE)

system:
	@$(MAKE) --no-print-directory packages NAMES="$(BUILD_PACKAGES)"

system-test:
	@$(MAKE) --no-print-directory packages NAMES="$(TEST_PACKAGES)"

system-browser:
	@$(MAKE) --no-print-directory packages NAMES="$(BROWSER_PACKAGES)"

# Installs those of NAMES that are missing.
packages:
	@missing=""; for name in $(NAMES); do \
	  dpkg-query -W -f='$${Status}' $$name 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$name"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "Installing:$$missing"; \
	  $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi

$(VENV)/ready: Tests/Browser/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r Tests/Browser/requirements.txt
	touch $@

.PHONY: help demo test build test-fast test-threads test-differential test-simulation simulate replay simulate-program guards mutate siege crash disk-trouble fuzz differential test-program test-browser lint format bench bench-ledger bench-scale system system-test system-browser packages
