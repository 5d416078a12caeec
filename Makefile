# Hubbub. `make` lists what there is; `make run` is all it takes to start.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# What to set up with; a name or a path. Empty: the first python3 that is new enough.
PYTHON ?=
# Test processes: one more than cores, since many tests wait for something; four at most.
JOBS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 4 ? n + 1 : 4)))
# Passed on to the command behind a target: make run ARGS="--port 9000", make test ARGS="-k receipt"
ARGS ?=

export PYTHON
# Where it is set, each process compiles all of its modules again: a second of every start.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
PACKAGES := pyproject.toml protocol/pyproject.toml clients/python/pyproject.toml clients/terminal/pyproject.toml
RUN := $(VENV)/.ready-run
CLUSTER := $(VENV)/.ready-cluster
CHAT := $(VENV)/.ready-chat
DEV := $(VENV)/.ready-dev
BENCH := $(VENV)/.ready-bench

# As many open files as allowed (connections are files), within reason.
FILES := files=$$(ulimit -Hn); [[ $$files != unlimited && $$files -le 65536 ]] || files=65536; \
	ulimit -Sn $$files || true;
PYTEST := $(FILES) $(VENV)/bin/pytest
# Folders with tests, by when they run.
SUITES := $(filter-out tests/support tests/faults tests/mutants,\
	$(patsubst %/,%,$(filter-out %__pycache__/,$(wildcard tests/*/))))
FAULTS := $(wildcard tests/faults)
MUTANTS := $(wildcard tests/mutants)

.PHONY: help run chat cluster test test-all faults check format docs wheels bench lock clean

help: ## this list
	@echo 'make …'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN) ## set up what is needed and serve (ARGS="--port 9000 --data DIR")
	@$(FILES) exec $(VENV)/bin/hubbub serve $(ARGS)

chat: $(CHAT) ## set up what is needed and chat in the terminal (ARGS="--url http://…")
	@exec $(VENV)/bin/hubbub chat $(ARGS)

cluster: $(DEV) ## a whole cluster on this machine, to kill parts of with a key (ARGS=--plain)
	@tools/debian haproxy
	@$(FILES) exec $(VENV)/bin/python -m tools.cluster $(ARGS)

test: export HUBBUB_SEEDS ?= 200
test: $(DEV) ## all tests but the long ones, 200 simulation seeds (ARGS="-k word")
	@tools/debian chromium haproxy caddy ip:iproute2 systemd-analyze:systemd
	@tools/provider
	@$(PYTEST) -n $(JOBS) -m 'not slow' $(FAULTS) $(SUITES) $(ARGS)

test-all: export HUBBUB_SEEDS ?= 1000
test-all: export HUBBUB_FUZZ_EXAMPLES ?= 100
test-all: $(DEV) ## every test: 1,000 seeds, faults, mutants
	@tools/debian chromium haproxy caddy ip:iproute2 systemd-analyze:systemd redis-server
	@tools/provider
	@failed=0; \
	( $(PYTEST) -n $(JOBS) --durations=10 $(SUITES) $(ARGS) ) || failed=1; \
	$(if $(FAULTS),( $(PYTEST) -n 0 --durations=5 $(FAULTS) $(ARGS) ) || failed=1;) \
	$(if $(MUTANTS),( $(PYTEST) -n $(JOBS) --durations=5 $(MUTANTS) $(ARGS) ) || failed=1;) \
	exit $$failed

faults: $(DEV) ## servers, engines and links fail under load; for how long sends were interrupted
	@$(PYTEST) -n 0 $(FAULTS) $(ARGS)

check: $(DEV) ## format, lint, types, import contracts, documents
	@tools/check

format: $(DEV) ## format the code and mend what lint can mend
	@$(VENV)/bin/ruff format --quiet
	@$(VENV)/bin/ruff check --fix

docs: $(DEV) ## build the documentation site into dist/docs
	@$(VENV)/bin/python -m tools.docs

wheels: $(RUN) ## build our packages into dist
	@rm -f dist/*.whl
	@for package in protocol clients/python clients/terminal .; do \
	  $(VENV)/bin/uv build --quiet --wheel --no-build-isolation --python $(VENV)/bin/python \
	    --out-dir dist $$package; done
	@ls dist/*.whl

bench: $(BENCH) ## measure what the README states
	@$(FILES) exec $(VENV)/bin/python -m bench $(ARGS)

lock: $(RUN) ## write requirements/*.txt from requirements/*.in (ARGS=--upgrade)
	@tools/lock $(ARGS)

clean: ## remove everything that make made
	@rm -rf $(VENV) tests/e2e/provider/node_modules dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN): requirements/setup.txt requirements/run.txt $(PACKAGES)
	@tools/setup run

$(CLUSTER): $(RUN) requirements/cluster.txt
	@tools/setup cluster

$(CHAT): $(RUN) requirements/chat.txt
	@tools/setup chat

$(DEV): $(CHAT) $(CLUSTER) requirements/dev.txt
	@tools/setup dev

$(BENCH): $(DEV) requirements/bench.txt
	@tools/setup bench
