# One word, one thing. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
SOURCES := tivo streams tests hatch_build.py
# What must be there for the tests that need it: none here, all in CI.
REQUIRE ?=
REQUIRED := $(if $(REQUIRE),--require=$(REQUIRE))
# How often the random and the violent tests try; `make faults` and `make handoff` go the whole way.
KILLS ?= 3
CUTOVERS ?= 1000
MACHINE ?= 400
# Files of tests that run at a time, in random order; what is held to fractions of a second runs alone.
JOBS ?= 2
SIDE_BY_SIDE = -n $(JOBS) --dist loadfile --no-loadscope-reorder
FUZZ_SECONDS ?= 60

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(INSTALLED): pyproject.toml hatch_build.py $(shell find tivo/console/app tivo/console/lib -name node_modules -prune -o -type f -print 2>/dev/null)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "tivo needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 1; }
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' \
		&& command -v npm >/dev/null || { echo "tivo's console is built with npm: install Node 20.19 or newer"; exit 1; }
	@echo "installing into .venv: Python packages, then the console (npm)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev --editable .
	@touch $@

.PHONY: install
install: $(INSTALLED) ## make .venv and build the console; nothing to do the second time

.PHONY: up
up: $(INSTALLED) ## start tivo with something to look at; Ctrl-C stops it
	@exec $(BIN)/tivo up --demo

.PHONY: test
test: $(INSTALLED) ## all that Python and Node alone can run; REQUIRE=all wants every service
	@trap 'exit 130' INT; failed=; try() { echo "$$*"; "$$@" || failed=1; }; \
	try $(BIN)/pytest $(REQUIRED) --kills $(KILLS) --cutovers $(CUTOVERS) --machine $(MACHINE) $(SIDE_BY_SIDE) -m 'not alone' tests; \
	try $(BIN)/pytest $(REQUIRED) -m alone tests/acceptance; \
	test -z "$$failed"

.PHONY: check
check: $(INSTALLED) ## format, lint, types, import rules, and that tests run all of the pure rooms
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd tivo/console/app && npm run --silent check
	$(BIN)/python -m tests.pure

.PHONY: compat
compat: $(INSTALLED) ## common Kafka clients, and foreign test suites whole, against the embedded broker
	$(BIN)/pytest $(REQUIRED) --foreign whole tests/compat

.PHONY: acceptance
acceptance: $(INSTALLED) ## real processes in real time, from the producer to the browser; a whole minute at every speed
	$(BIN)/pytest $(REQUIRED) --kills $(KILLS) --window 60 tests/acceptance

# Every step runs, whether or not one before it failed.
.PHONY: faults
faults: $(INSTALLED) ## kills of every process, torn writes, full disks, cut-overs meanwhile: the full counts
	@trap 'exit 130' INT; failed=; try() { echo "$$*"; "$$@" || failed=1; }; \
	try $(BIN)/pytest $(REQUIRED) --kills 200 --crash-states 10000 --mutations 50000 tests/faults; \
	try $(BIN)/pytest $(REQUIRED) --kills 50 --timeout 900 tests/conformance/store/test_crash.py tests/conformance/store/test_image_crash.py; \
	try $(BIN)/pytest $(REQUIRED) --kills 20 --timeout 900 tests/integration; \
	try $(BIN)/pytest $(REQUIRED) --kills 10 tests/acceptance/test_handoff.py; \
	test -z "$$failed"

.PHONY: fuzz
fuzz: $(INSTALLED) ## bytes that nobody wrote, against all that reads them; FUZZ_SECONDS=600 for each target
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group fuzz || echo "without atheris, inputs are only mutated"
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

.PHONY: handoff
handoff: $(INSTALLED) ## 20 000 random cut-overs from the past to live, in simulation, and 3 000 histories of a session
	$(BIN)/pytest --cutovers 20000 --machine 3000 tests/conformance/playback

.PHONY: bench
bench: $(INSTALLED) ## speed and memory, each beside a peer or a bar
	$(BIN)/python -m tests.benchmarks

.PHONY: bench-broker
bench-broker: $(INSTALLED) ## the broker beside Apache Kafka on this machine; needs Java and Maven
	$(BIN)/python -m tests.benchmarks.beside_kafka

.PHONY: soak
soak: $(INSTALLED) ## ten minutes of even load with consumers that come and go: nothing grows
	$(BIN)/python -m tests.benchmarks.soak_broker

.PHONY: docs
docs: $(INSTALLED) ## write the reference pages that follow from the code
	$(BIN)/python -m tests.docs.reference

.PHONY: clean
clean: ## remove what was built; keeps tivo-data
	rm -rf .venv build dist tivo/console/static tivo/console/app/node_modules
