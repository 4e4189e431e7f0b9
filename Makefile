# Each target does all of its own set-up in .venv; nothing needs root, Docker or Java.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
LOCK   := deploy/requirements/dev.txt

.DEFAULT_GOAL := help
.PHONY: help setup demo test unit check bench faults replay-proof clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## Install everything into .venv, from the lock file

$(STAMP): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; \
	  sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Tallywire needs Python 3.11 to 3.13, this is {v[0]}.{v[1]}: run make PYTHON=python3.12")'
	@echo "Setting up .venv (about two minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## One election night on this machine: broker, model, workers, live dashboard
	$(BIN)/tallywire demo

test: check  ## Lint, types and every test, on real servers
	# By file: servers of a file start once. (pytest 9.2 ignores xdist 3.8's loadgroup.)
	$(BIN)/python -m pytest -n 2 --dist loadfile

unit: setup  ## Only the quick tests, no servers
	$(BIN)/python -m pytest -n 2 tests/unit

check: setup  ## Lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup  ## Ceiling, pipeline and their ratio, in one run
	$(BIN)/tallywire bench

faults: setup  ## Break everything during election nights on Apache Kafka (Java); nothing may be lost
	$(BIN)/tallywire faults --broker kafka

replay-proof: setup  ## Replay 2,000 scans while 2,000 arrive on Apache Kafka (Java), viewers looking on
	TALLYWIRE_PROOF_SCANS=2000 TALLYWIRE_PROOF_BROKER=kafka $(BIN)/python -m pytest -s -q tests/flow/test_replay_night.py

clean:  ## Remove what set-up and runs leave
	rm -rf $(VENV) run out .mypy_cache .ruff_cache .pytest_cache .hypothesis
