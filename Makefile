# Everything starts from Python 3.11 or newer with its venv module, and this checkout. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
CANDIDATES := python3 python3.13 python3.12 python3.11
PYTHON ?= $(shell for p in $(CANDIDATES); do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
INSTALL = $(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python
# Tests have settings and an embedded database of their own.
TESTING := DJANGO_SETTINGS_MODULE=config.settings.test
MANAGE := $(BIN)/python manage.py
SCENARIOS := $(wildcard fixtures/scenarios/*.yaml)
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup run test lint types migrations replay pytest storm brokers bench requirements sbom clean

help: ## Show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /|/' | column -t -s '|'

setup: $(VENV)/runtime.stamp ## Make the environment and the database; then `.venv/bin/python manage.py COMMAND` works
	@$(MANAGE) migrate --no-input --verbosity 0
	@$(MANAGE) load_pathways

run: $(VENV)/runtime.stamp ## Serve everything in this terminal until Ctrl-C
	@PATHWAY_END_WITH_PARENT=1 exec $(MANAGE) serve

# The tests come last, so that their summary is the end of the output.
test: $(VENV)/dev.stamp ## Check and test everything
	@$(MAKE) lint
	@$(MAKE) types
	@$(MAKE) migrations
	@$(MAKE) replay
	@$(MAKE) pytest

lint: $(VENV)/dev.stamp ## ruff, and who may import whom
	$(BIN)/python -m ruff check .
	$(BIN)/lint-imports --cache-dir .cache/import-linter | grep -v '^$$'

types: $(VENV)/dev.stamp ## mypy
	$(BIN)/python -m mypy

migrations: $(VENV)/dev.stamp ## No model without its migration
	$(TESTING) $(MANAGE) makemigrations --check --dry-run

replay: $(VENV)/dev.stamp ## The scenarios that came with the checkout
	$(TESTING) $(MANAGE) migrate --no-input --verbosity 0
	$(TESTING) $(MANAGE) replay --fixtures $(SCENARIOS)

pytest: $(VENV)/dev.stamp ## The tests alone
	$(BIN)/python -m pytest -q $(PYTEST)

storm: $(VENV)/dev.stamp ## The fault storm in its long form, for half an hour; SEED=… repeats one
	$(BIN)/python -m tests.storm $(SEED)

brokers: ## Install Redis and RabbitMQ for the tests, where that is possible
	@scripts/brokers.sh

bench: $(VENV)/dev.stamp ## Benchmarks beside their floor in plain PostgreSQL
	$(BIN)/python -m bench

requirements: $(VENV)/dev.stamp ## Resolve the dependencies anew (hashes, no addresses)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header -o requirements.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --extra dev -o requirements-dev.txt pyproject.toml

sbom: $(VENV)/dev.stamp ## Write the list of what is inside, as CycloneDX, to dist/sbom.cdx.json
	@mkdir -p dist
	$(BIN)/python -W ignore::UserWarning -m cyclonedx_py requirements requirements.txt --pyproject pyproject.toml \
		--output-reproducible --validate -o dist/sbom.cdx.json

clean: ## Remove what can be made again; the data folder stays
	rm -rf $(VENV) .cache .hypothesis .ruff_cache .import_linter_cache staticfiles dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/uv: requirements-uv.txt
	@test -n "$(PYTHON)" || { echo "Pathway needs Python 3.11 or newer (tried: $(CANDIDATES)); set PYTHON." >&2; exit 1; }
	@echo "Making the virtual environment in $(VENV) with $$($(PYTHON) --version)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@touch $@

# An environment that has the tools for tests keeps them.
$(VENV)/runtime.stamp: requirements.txt $(BIN)/uv
	@$(INSTALL) $$(test -e $(VENV)/dev.stamp && echo requirements-dev.txt || echo requirements.txt)
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(BIN)/uv
	@$(INSTALL) requirements-dev.txt
	@touch $(VENV)/runtime.stamp $@
