# Quantum Router. `make` alone lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

JEST := node node_modules/jest/bin/jest.js
# A larger young generation: most of what a request allocates dies young, and is then collected less often.
NODE := node --max-semi-space-size=64
ROUTER := $(NODE) dist/bin/main.js
SOURCES := $(shell find lib services bin benchmarks schemas -name '*.ts' -o -name '*.avsc' 2>/dev/null)

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{printf "  %-18s %s\n", $$1, $$2}'

# --- set-up ---------------------------------------------------------------------------------------------------------

.cache/node-ok:
	@node -e 'if (Number(process.versions.node.split(".")[0]) < 20) { console.error("Node 20 or newer is needed, this is " + process.version); process.exit(1) }'
	@mkdir -p .cache && touch $@

node_modules/.installed: package.json package-lock.json | .cache/node-ok
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

dist/.built: node_modules/.installed tsconfig.json tsconfig.build.json $(SOURCES)
	@rm -rf dist
	node_modules/.bin/tsc -p tsconfig.build.json
	@touch $@

install: node_modules/.installed ## Install the pinned packages (nothing is compiled)
build: dist/.built ## Compile to dist/

# --- use ------------------------------------------------------------------------------------------------------------

# The main job: the whole engine in one process on the embedded store, a workload through it, then it stays up.
#   EXIT=1 ends after the table · WORLD=n another simulated world · DATA=file.jsonl.gz recorded data · REQUESTS=n · RATE=n per second · PORT=n
run: build ## Route a sample workload through the engine and show what it is worth (EXIT=1 WORLD=n DATA=file)
	@$(ROUTER) run $(if $(EXIT),--exit) $(if $(WORLD),--world $(WORLD)) $(if $(DATA),--data $(DATA)) $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(RATE),--rate $(RATE)) $(if $(PORT),--port $(PORT))

# --- develop --------------------------------------------------------------------------------------------------------

generate: install ## Write everything generated: message types, schema versions and ids, the topology in the docs
	@node_modules/.bin/tsx schemas/generate.ts
	@node_modules/.bin/tsx docs/generate.ts

generate-check: install ## Fail when anything generated is stale
	@node_modules/.bin/tsx schemas/generate.ts --check
	@node_modules/.bin/tsx docs/generate.ts --check

format: install ## Format and apply safe fixes
	node_modules/.bin/biome check --write .

lint: install ## Formatting and lint
	node_modules/.bin/biome ci .

types: install ## Type-check everything, tests included
	node_modules/.bin/tsc -p tsconfig.json --noEmit

verify: generate-check lint types build test ## Everything CI checks

test: build ## All tests with coverage (90 % of lines or it fails)
	@mkdir -p .cache
	@$(JEST) --coverage --maxWorkers=2 --json --outputFile=.cache/jest.json; status=$$?; node test/print-summary.js .cache/jest.json; exit $$status

test-unit: build ## Pure functions
	$(JEST) --selectProjects unit

test-services: build ## Each service alone, records in, records out
	$(JEST) --selectProjects services

test-contract: build ## One suite over each port, every adapter
	$(JEST) --selectProjects contract

test-integration: build ## Real processes and HTTP
	$(JEST) --selectProjects integration

simulate: build ## All services on a virtual clock with seeded faults (SEEDS=n, SEED=first)
	@node dist/benchmarks/simulate.js --seeds $(or $(SEEDS),5) --seed $(or $(SEED),1)

crash: build ## kill -9 the embedded engine under load and check that nothing is lost (SEED=n KILLS=50)
	@node dist/benchmarks/crash.js --seed $(or $(SEED),1) --kills $(or $(KILLS),50)

scan-prompts: build ## Look for prompt text anywhere past the request topic
	@node dist/benchmarks/scan-prompts.js

bench: build ## Speed on the embedded default, JSON lines
	@$(NODE) dist/benchmarks/bench.js
	@$(NODE) dist/benchmarks/learning-speed.js

bench-worlds: build ## Utility against the baselines in simulated worlds 1-5, JSON lines
	@node dist/benchmarks/worlds.js

bench-quality: build ## Learning on recorded data (DATA=folder), JSON lines
	@node dist/benchmarks/quality.js $(if $(DATA),--data $(DATA))

clean: ## Remove what was built and stored
	rm -rf dist coverage .cache data

.PHONY: help install build run generate generate-check format lint types verify test test-unit test-services test-contract test-integration simulate crash scan-prompts bench bench-worlds bench-quality clean
