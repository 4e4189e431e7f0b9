# Each target does all of its own set-up in .venv; nothing needs root, Docker or Java.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
LOCKS  := deploy/requirements
DEV    := $(VENV)/.installed-dev
# What runs Tallywire. An environment that has what develops it keeps that.
RUN    := $(if $(wildcard $(DEV)),$(DEV),$(VENV)/.installed-demo)

.DEFAULT_GOAL := help
.PHONY: help setup setup-demo demo test unit check bench faults replay-proof docs clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(DEV)  ## Install everything into .venv, from the lock file

setup-demo: $(RUN)  ## Install only what runs Tallywire: every command, no tests, no linters

$(VENV)/.installed-%: $(LOCKS)/%.txt $(LOCKS)/uv.txt deploy/install.py pyproject.toml
	@$(PYTHON) deploy/install.py $(VENV) $*
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(RUN)  ## One election night on this machine: broker, model, workers, live dashboard
	$(BIN)/tallywire demo

test: check  ## Lint, types and every test, on real servers
	# By file, in the order of tests/support/running_order.py; each process starts its servers once.
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

unit: $(DEV)  ## Only the quick tests, no servers
	$(BIN)/python -m pytest -n 2 tests/unit

check: $(DEV)  ## Lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(RUN)  ## Ceiling, pipeline and their ratio, in one run
	$(BIN)/tallywire bench

faults: $(RUN)  ## Break everything during election nights on Apache Kafka (Java); nothing may be lost
	$(BIN)/tallywire faults --broker kafka

replay-proof: $(DEV)  ## Replay 2,000 scans while 2,000 arrive on Apache Kafka (Java), viewers looking on
	TALLYWIRE_PROOF_SCANS=2000 TALLYWIRE_PROOF_BROKER=kafka $(BIN)/python -m pytest -s -q tests/flow/test_replay_night.py

docs: $(DEV)  ## Build the pages of docs/ into out/docs; a dead link is an error
	$(BIN)/mkdocs build --strict --site-dir out/docs

clean:  ## Remove what set-up and runs leave
	rm -rf .venv .venv-* run out .mypy_cache .ruff_cache .pytest_cache .hypothesis
