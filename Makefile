# The commands of this project; `make help` lists them. Everything installs itself into .venv.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)
# What is set in many images: every process would compile all that it imports again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup lock lint format test demo up down status clean mutants faults screenshots bench-freshness bench-raw bench-values bench-verify bench-exactly-once bench-tables docs

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

setup: $(READY) ## Make the virtual environment with the pinned, hashed dependencies

$(READY): requirements.lock infra/bootstrap.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'error: Python 3.11 or newer is needed; next: make $(MAKECMDGOALS) PYTHON=python3.11'; exit 1; }
	@echo 'installing dependencies into .venv (about a minute the first time)'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r infra/bootstrap.lock
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock \
	  || $(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $(READY)

lock: $(READY) ## Compile requirements.lock and infra/bootstrap.lock again from pyproject.toml
	$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --extra dev pyproject.toml -o requirements.lock
	echo 'uv' | $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header - -o infra/bootstrap.lock

lint: $(READY) ## Check style, types of the pure rooms, and the import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --level error
	$(BIN)/lint-imports

format: $(READY) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: $(READY) lint ## Lint, then every test: the shared real stack's in one process, the others beside them
	$(BIN)/pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder

demo: $(READY) ## The main job: start everything, change the source, prove that the lake is equal
	$(BIN)/lakehouse demo

up: $(READY) ## Start the local stack
	$(BIN)/lakehouse up

down: $(READY) ## Stop the local stack
	$(BIN)/lakehouse down

status: $(READY) ## Show services, lag and the sensor
	$(BIN)/lakehouse status

clean: $(READY) ## Stop the stack and remove its state and the lake's layers
	$(BIN)/lakehouse clean --yes

docs: $(READY) ## Write the generated pages of docs/, and all of docs/ as a site into build/site
	$(BIN)/lakehouse docs
	$(BIN)/zensical build --strict

mutants: $(READY) ## Break each rule of the fold on purpose and see a test fail
	$(BIN)/python -m lakehouse_assets_tests.mutants

BUDGET ?= 1800
SEED ?= 1
faults: $(READY) ## Harm a real stack at random for BUDGET seconds, and write docs/evidence.md
	$(BIN)/python -m lakehouse_assets_tests.faults --budget $(BUDGET) --seed $(SEED)

screenshots: $(READY) ## Write a picture of every page at both widths into .screenshots/
	$(BIN)/python -m lakehouse_assets_tests.dashboard.screenshots .screenshots

bench-freshness: $(READY) ## Measure commit-to-transformed and commit-to-refined at 100 changes/s
	$(BIN)/python -m benchmarks.freshness

bench-raw: $(READY) ## Measure Kafka to raw beside a bare Parquet sink
	$(BIN)/python -m benchmarks.raw

bench-values: $(READY) ## Measure the rules of values beside coalesces of try_ casts and a Python UDF
	$(BIN)/python -m benchmarks.values

bench-verify: $(READY) ## Measure a verification of 1,000,000 rows at 100 changes/s, and the writers' latency
	$(BIN)/python -m benchmarks.verify

bench-tables: $(READY) ## Measure a database of 200 tables of every type beside one of 5
	$(BIN)/python -m benchmarks.tables

bench-exactly-once: $(READY) ## Measure duplicates, latency and throughput with and without exactly-once source support
	$(BIN)/python -m benchmarks.exactly_once
