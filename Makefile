# Quantum Router. `make` alone lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

JEST := node node_modules/jest/bin/jest.js
# A larger young generation: most of what a request allocates dies young, and is then collected less often.
NODE := node --max-semi-space-size=32
ROUTER := bin/quantum-router
SOURCES := $(shell find lib services bin lab checks bench infra schemas dashboard -name '*.ts' -o -name '*.avsc' -o -name '*.tsx' -o -name '*.css' -o -name '*.html' 2>/dev/null)

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | awk -F'\t' '{printf "  %-18s %s\n", $$1, $$2}'

# --- set-up ---------------------------------------------------------------------------------------------------------

.cache/node-ok:
	@node -e 'const [major, minor] = process.versions.node.split(".").map(Number); if (major < 20 || (major === 20 && minor < 15)) { console.error("Node 20.15 or newer is needed, this is " + process.version); process.exit(1) }'
	@mkdir -p .cache && touch $@

node_modules/.installed: package.json package-lock.json | .cache/node-ok
	@if [ -L node_modules ]; then echo "node_modules is a link, and npm ci would empty what it points to: install there, or remove the link" >&2; exit 1; fi
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

dist/.built: node_modules/.installed tsconfig.json tsconfig.build.json $(SOURCES)
	@rm -rf dist
	node_modules/.bin/tsc -p tsconfig.build.json
	@node_modules/.bin/tsx dashboard/build.ts
	@touch $@

install: node_modules/.installed ## Install the pinned packages (nothing is compiled)
build: dist/.built ## Compile to dist/

# --- use ------------------------------------------------------------------------------------------------------------

# The main job: the whole engine in one process on the embedded store, a workload through it, then it stays up.
#   EXIT=1 ends after the table · WORLD=n another simulated world · DATA=file.jsonl.gz recorded data · REQUESTS=n · RATE=n per second · PORT=n
#   KAFKA=host:port REDIS=url the same on Kafka and Redis (`make up` starts both)
ON := $(if $(KAFKA),--kafka $(KAFKA)) $(if $(REDIS),--redis $(REDIS)) $(if $(TOPIC_PREFIX),--topic-prefix $(TOPIC_PREFIX))
run: build ## Route a sample workload through the engine and show what it is worth (EXIT=1 WORLD=n DATA=file KAFKA=host:port REDIS=url)
	@$(ROUTER) run $(if $(EXIT),--exit) $(if $(WORLD),--world $(WORLD)) $(if $(DATA),--data $(DATA)) $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(RATE),--rate $(RATE)) $(if $(PORT),--port $(PORT)) $(ON)

# The servers are those of `make up` unless KAFKA and REDIS say otherwise.
run-services: build ## Every service as a process of its own on Kafka and Redis (KAFKA= REDIS= CONFIG=file INSTANCES=n PORT=n METRICS_PORT=first PLACEMENT=chained OWN_GROUP=strategies)
	@$(ROUTER) services --kafka $(or $(KAFKA),127.0.0.1:9092) --redis $(or $(REDIS),redis://127.0.0.1:6379) $(if $(TOPIC_PREFIX),--topic-prefix $(TOPIC_PREFIX)) $(if $(CONFIG),--config $(CONFIG)) $(if $(INSTANCES),--instances $(INSTANCES)) $(if $(PLACEMENT),--placement $(PLACEMENT)) $(if $(OWN_GROUP),--own-group '$(OWN_GROUP)') $(if $(PORT),--port $(PORT)) $(if $(METRICS_PORT),--metrics-port $(METRICS_PORT)) $(if $(LOG_LEVEL),--log-level $(LOG_LEVEL))

up: install ## Bring up Kafka and Redis, in Docker or without (KAFKA_PORT=9092 REDIS_PORT=6379)
	@node_modules/.bin/tsx infra/up.ts

monitoring: install ## Prometheus and Grafana in Docker, with rules and boards, on what listens at 127.0.0.1:8080 (PROMETHEUS_PORT=9090 GRAFANA_PORT=3000; `make monitoring DOWN=1` stops them)
	@docker compose -f infra/compose.yaml --profile monitoring $(if $(DOWN),rm --stop --force,up --detach) prometheus grafana

down: install ## Stop the Kafka and Redis that `make up` started here
	@node_modules/.bin/tsx infra/down.ts

# Builds it beside the project's packages, in .cache/tensorflow (600 MB); `learning.backend: auto` then uses it where it is faster.
tensorflow: install ## Build native TensorFlow for training large networks (optional; Linux x64)
	@node_modules/.bin/tsx infra/tensorflow/install.ts

# --- develop --------------------------------------------------------------------------------------------------------

# LiteLLM publishes what models can do with every release; `make generate` does not ask for it.
known-capabilities: install ## Write what models can do from a release of LiteLLM (VERSION=, e.g. 1.110.2)
	@[ -n "$(VERSION)" ] || { echo 'VERSION= says which release of LiteLLM' >&2; exit 1; }
	@mkdir -p .cache/litellm-list
	@python3 -m pip download --quiet --no-deps --only-binary :all: --dest .cache/litellm-list litellm==$(VERSION)
	@cd .cache/litellm-list && python3 -m zipfile --extract litellm-$(VERSION)-*.whl .
	@node_modules/.bin/tsx infra/known-capabilities.ts .cache/litellm-list/litellm/model_prices_and_context_window_backup.json $(VERSION)

generate: install ## Write everything generated: message types, schema versions and ids, parts of the docs, rules and boards
	@node_modules/.bin/tsx schemas/generate.ts
	@node_modules/.bin/tsx kernels/generate.ts
	@node_modules/.bin/tsx docs/generate.ts
	@node_modules/.bin/tsx infra/monitoring/generate.ts

generate-check: install ## Fail when anything generated is stale
	@node_modules/.bin/tsx schemas/generate.ts --check
	@node_modules/.bin/tsx kernels/generate.ts --check
	@node_modules/.bin/tsx docs/generate.ts --check
	@node_modules/.bin/tsx infra/monitoring/generate.ts --check

format: install ## Format and apply safe fixes
	node_modules/.bin/biome check --write .

lint: install ## Formatting, lint, import cycles, direction of dependencies, dead exports
	node_modules/.bin/biome ci .
	node_modules/.bin/knip --no-progress

types: install ## Type-check everything, tests included
	node_modules/.bin/tsc -p tsconfig.json --noEmit
	node_modules/.bin/tsc -p dashboard/tsconfig.json

verify: generate-check lint types build test ## Everything CI checks

screenshots: build ## Pictures of the dashboard for the docs, from a real engine (needs Chromium)
	@node_modules/.bin/tsx dashboard/take-screenshots.ts

# Java, redis-server and the like, where they are missing and this user may install them; Kafka's jars; Python packages.
servers-installed: install
	@node_modules/.bin/tsx infra/install.ts

test: build servers-installed ## All tests with coverage (90 % of lines or it fails); starts its own Kafka and Redis
	@mkdir -p .cache && rm -f .cache/jest.json
	@REQUIRE_SERVERS=1 $(JEST) --coverage --maxWorkers=2 --json --outputFile=.cache/jest.json; status=$$?; node test/print-summary.js .cache/jest.json || status=1; exit $$status

test-unit: build ## Pure functions
	$(JEST) --selectProjects unit

test-services: build ## Each service alone, records in, records out
	$(JEST) --selectProjects services

# The floor is Node 20; what runs there must run on the next long-term release too. Its runtime comes as an npm package.
NODE24 ?= .cache/node24/node_modules/node-linux-$(shell node -p process.arch)/bin/node
NODE24_VERSION := 24.21.0
.cache/node24/%/bin/node: Makefile
	@mkdir -p .cache/node24
	npm install --prefix .cache/node24 --no-save --loglevel=error $(notdir $*)@$(NODE24_VERSION)
	@touch $@

# Everything native (lmdb, snappy, lz4, crc32, the wasm backend), the services, and the ports on all that they run on.
# What trains takes minutes, and runs on what is in the contract of the tensor backends.
test-node24: install servers-installed $(NODE24) ## The quick suites on Node 24 (NODE24=path of another runtime)
	@$(NODE24) -e 'if (!process.version.startsWith("v24.")) throw new Error("this is " + process.version)'
	REQUIRE_SERVERS=1 $(NODE24) node_modules/jest/bin/jest.js --maxWorkers=2 --selectProjects unit services contract --testPathIgnorePatterns dqn-trainer reward-feedback/learned route-collapse/preference -- test/lib/adapters test/lib/avro test/lib/topics test/lib/stream test/services/ test/contract/memory test/contract/embedded test/contract/kafka.test test/contract/redis.test test/contract/tensor

test-contract: build servers-installed ## One suite over each port, every adapter
	REQUIRE_SERVERS=1 $(JEST) --selectProjects contract

test-integration: build servers-installed ## Real processes and HTTP
	REQUIRE_SERVERS=1 $(JEST) --selectProjects integration

simulate: build ## All services on a virtual clock with seeded faults (SEEDS=n, SEED=first)
	@node dist/checks/simulate.js --seeds $(or $(SEEDS),5) --seed $(or $(SEED),1)

crash: build ## kill -9 the embedded engine under load and check that nothing is lost (SEED=n KILLS=50)
	@node dist/checks/crash.js --seed $(or $(SEED),1) --kills $(or $(KILLS),50)

chaos: build servers-installed ## Kill, freeze and stop everything on real Kafka and Redis, and check that nothing is lost (SEED=n SCENARIO=name PLACEMENT=chained DELIVERY=exactly-once KILLS=n INSTANCES=n RATE=n OWN_GROUP=names)
	@node dist/checks/chaos.js --seed $(or $(SEED),1) $(if $(PLACEMENT),--placement $(PLACEMENT)) $(if $(DELIVERY),--delivery $(DELIVERY)) $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(RATE),--rate $(RATE)) $(if $(KILLS),--kills $(KILLS)) $(if $(INSTANCES),--instances $(INSTANCES)) $(if $(OWN_GROUP),--own-group '$(OWN_GROUP)')

scan-prompts: build ## Look for prompt text anywhere past the request topic
	@node dist/checks/scan-prompts.js

# FROM=n begins with case n, SURFACE= takes http, configuration or records alone, ON=kafka takes a Kafka instead of memory.
fuzz: build ## Hostile input of every kind, made from the schemas and the OpenAPI document (CASES=20000 SEED=1 SURFACE= FROM= ON=kafka KAFKA=host:port)
	@node dist/checks/fuzz.js --cases $(or $(CASES),20000) --seed $(or $(SEED),1) $(if $(SURFACE),--surface $(SURFACE)) $(if $(FROM),--from $(FROM)) $(if $(filter kafka,$(ON)),--kafka $(or $(KAFKA),127.0.0.1:9092))

inject: build ## Break the learner on purpose and see whether serving notices (FAULT=nan|scale|flip|flood|all REQUESTS=n SEEDS=n)
	@node dist/checks/inject.js --fault $(or $(FAULT),all) $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SEED),--seed $(SEED))

bench: build ## Speed on the embedded default, JSON lines
	@$(NODE) dist/bench/bench.js
	@$(NODE) dist/bench/learning-speed.js

bench-decision: build ## CPU time and heap of the pure part of a decision, phase by phase (MODELS=10,50,200 ROUNDS=40), JSON lines
	@$(NODE) dist/bench/decision.js $(if $(MODELS),--models $(MODELS)) $(if $(ROUNDS),--rounds $(ROUNDS))

bench-against: build ## Today's tree against a commit, in alternation, as ratios (REF=commit BENCH=bench|decision|learning-speed|replay PAIRS=3 OPTIONS='--only saturation'), JSON lines
	@node dist/bench/against.js --ref $(or $(REF),$(error say REF=commit)) --bench $(or $(BENCH),bench) --pairs $(or $(PAIRS),3) $(foreach bar,$(BARS),--bar '$(bar)') $(if $(OPTIONS),-- $(OPTIONS))

bench-long-log: build ## What a long log costs: throughput, memory, the time of a start (REQUESTS=100000 STARTS=3 REF=commit), JSON lines
	@node dist/bench/long-log.js $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(STARTS),--starts $(STARTS)) $(if $(REF),--ref $(REF))

# Peers are installed below .cache when they are first measured; what cannot be installed is left out and said.
bench-gateway: build ## What a call through this gateway takes longer, beside no gateway, LiteLLM's and Portkey's (ROUNDS=3 SECONDS_EACH=4 CONNECTIONS=1,16,64,256 ONLY=ours,plain,litellm,portkey PARTS=latency,saturation,streams STREAMS=1000), JSON lines
	@node dist/bench/gateway.js $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS_EACH),--seconds $(SECONDS_EACH)) $(if $(CONNECTIONS),--connections $(CONNECTIONS)) $(if $(ONLY),--only $(ONLY)) $(if $(PARTS),--parts $(PARTS)) $(if $(STREAMS),--streams $(STREAMS))

# PEER: a folder with a run.sh that runs the same topology in another program; then both are measured in alternation.
bench-kafka: build servers-installed ## Speed on Kafka and Redis, every service a process, JSON lines (PLACEMENT=chained DELIVERY=exactly-once PEER=folder PAIRS=3)
	@$(if $(PLACEMENT),PLACEMENT=$(PLACEMENT)) $(if $(DELIVERY),DELIVERY=$(DELIVERY)) node dist/bench/$(if $(PEER),kafka-peer.js --peer $(PEER) --pairs $(or $(PAIRS),3),kafka.js)

bench-transactions: build servers-installed ## What delivery exactly once costs on Kafka against at least once, in alternation, JSON lines
	@node dist/bench/transactions.js

bench-cache: build ## Hits, utility and wrong neighbours of the routing cache while learning goes on, and what a look-up takes (REQUESTS=2000 TEXTS=40 SEEDS=8 REDIS=url), JSON lines
	@node dist/bench/cache.js $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(TEXTS),--texts $(TEXTS)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(REDIS),--redis $(REDIS))

bench-replay: build ## Events verified per second, JSON lines
	@$(NODE) dist/bench/replay.js

bench-analytics: build ## Records a second that analytics folds, and how long questions about a month by hour take (REQUESTS=3000 REPEAT=10), JSON lines
	@node dist/bench/analytics.js $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(REPEAT),--repeat $(REPEAT))

bench-live: build ## What viewers of /v1/live cost those who wait for decisions, with and without them in alternation (VIEWERS=500 RATE=100 SECONDS_EACH=10 PAIRS=5; NEVER_READ=1: viewers that take nothing), JSON lines
	@$(NODE) dist/bench/live.js $(if $(NEVER_READ),--never-read) $(if $(VIEWERS),--viewers $(VIEWERS)) $(if $(RATE),--rate $(RATE)) $(if $(SECONDS_EACH),--seconds $(SECONDS_EACH)) $(if $(PAIRS),--pairs $(PAIRS))

bench-dashboard: build servers-installed ## First paint of the dashboard and its list with 10,000 decisions, in Chromium (LOADS=5), JSON lines
	@node dist/bench/dashboard.js $(if $(LOADS),--loads $(LOADS))

bench-ope: build ## Off-policy estimates against the truth on recorded data, JSON lines
	@node dist/lab/studies/ope.js $(if $(DATA),--data $(DATA))

bench-learning: build ## A gradient step on every tensor backend, and what the routing thread notices, JSON lines
	@node dist/bench/learning-backends.js $(if $(STEPS),--steps $(STEPS))

bench-rl: build ## The agent on CartPole, Acrobot and sessions of recorded requests (DATA=dir), JSON lines
	@node dist/lab/studies/rl.js $(if $(DATA),--data $(DATA))

bench-worlds: build ## Utility against the baselines in simulated worlds 1-5, JSON lines
	@node dist/lab/studies/worlds.js

bench-late-fold: build ## Utility on the virtual clock where folding takes the time it takes (WORLDS=1,2,3 SEEDS=1 RATE=1000 SLOWNESS=1), JSON lines
	@$(NODE) dist/lab/studies/late-fold.js $(if $(WORLDS),--worlds $(WORLDS)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(RATE),--rate $(RATE)) $(if $(SLOWNESS),--slowness $(SLOWNESS))

bench-no-harm: build ## Learning against static rules at every hundredth request, beliefs right and wrong (WORLDS=1,2 SEEDS=5 REQUESTS=3000), JSON lines
	@node dist/lab/studies/no-harm.js $(if $(WORLDS),--worlds $(WORLDS)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(BELIEFS),--beliefs $(BELIEFS))

bench-quality: build ## Learning on recorded data (DATA=folder ONLY=rows SEEDS=n RESUME=file), JSON lines
	@node dist/lab/studies/quality.js $(if $(DATA),--data $(DATA)) $(if $(ONLY),--only $(ONLY)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(RESUME),--resume $(RESUME))

# Writes docs/figures/*.jsonl; `make figures` draws from these. RESUME keeps the router's choices: delete it when the learner has changed.
bench-curves: build ## Learning curves of the router and every baseline (DATA=folder ONLY=names SEEDS=n RESUME=file), JSON lines
	@node dist/lab/studies/learning-curves.js $(if $(DATA),--data $(DATA)) $(if $(ONLY),--only $(ONLY)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(RESUME),--resume $(RESUME))

figures: install ## Draw docs/figures/*.svg and write the tables of docs/learning.md from docs/figures/*.jsonl
	@node_modules/.bin/tsx lab/studies/draw-curves.ts

scenarios: build ## What happens in life, against an oracle and against the engine without the part that deals with it (ONLY=outage,burst REQUESTS=480 RATE=50 SEED=1; KAFKA=host:port REDIS=url INSTANCES=3 PLACEMENT=chained on real servers), a table and JSON lines
	@node dist/checks/scenarios.js $(if $(ONLY),--only $(ONLY)) $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(RATE),--rate $(RATE)) $(if $(SEED),--seed $(SEED)) $(if $(KAFKA),--kafka $(KAFKA)) $(if $(REDIS),--redis $(REDIS)) $(if $(INSTANCES),--instances $(INSTANCES)) $(if $(PLACEMENT),--placement $(PLACEMENT))

bench-experiments: build ## Experiments that are looked at all the time: false positives, power, coverage, what covariates save (DATA=folder, RUNS=1000 for the full size; 200), JSON lines
	@node dist/lab/studies/experiments.js $(if $(RUNS),--runs $(RUNS)) $(if $(DATA),--data $(DATA))

bench-complexity: build ## Complexity of requests against what recorded models found difficult, beside length alone (DATA=folder RESAMPLES=400), JSON lines
	@node dist/lab/studies/complexity.js $(if $(DATA),--data $(DATA)) $(if $(RESAMPLES),--resamples $(RESAMPLES))

bench-calibration: build ## Whether decisions state as much as comes about, on recorded data (DATA=folder SEEDS=1 ROWS=n ONLY=names), JSON lines
	@node dist/lab/studies/calibration.js $(if $(DATA),--data $(DATA)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(ROWS),--rows $(ROWS)) $(if $(ONLY),--only $(ONLY))

bench-encoder: build ## What each group of features brings (DATA=folder SEEDS=n ONLY=frozen,online,idle,circumstances), JSON lines
	@node dist/lab/studies/encoder-ablation.js $(if $(DATA),--data $(DATA)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(ONLY),--only $(ONLY))

clean: ## Remove what was built and stored (stops the servers of `make up`)
	@[ ! -d data/servers ] || $(MAKE) --no-print-directory down
	rm -rf dist coverage .cache data
	@git worktree prune 2>/dev/null || true

.PHONY: help install build run run-services up down tensorflow generate generate-check known-capabilities format lint types verify servers-installed test test-unit test-services test-node24 test-contract test-integration simulate crash chaos scan-prompts fuzz inject bench bench-decision bench-against bench-kafka bench-long-log bench-transactions bench-cache bench-replay bench-analytics bench-ope bench-learning bench-rl bench-worlds bench-late-fold bench-no-harm bench-quality bench-curves figures bench-encoder bench-complexity bench-calibration bench-experiments scenarios clean bench-gateway
