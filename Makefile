# Everything installs itself into .venv on first use; a second call does not reinstall.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help run ui test test-slow check format docs lock wheel-smoke clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

run: $(STAMP) ## Evaluate every agent version and write the reports
	$(BIN)/eaas run

ui: $(STAMP) ## Dagster UI with schedules and sensors running, on http://127.0.0.1:3000
	$(BIN)/eaas ui

test: $(STAMP) ## The test suite (under five minutes)
	$(BIN)/python -m pytest -m "not slow" --numprocesses auto

test-slow: $(STAMP) ## Simulations and fuzzing at full size
	$(BIN)/python -m pytest -m slow --numprocesses auto --timeout 1800

check: $(STAMP) ## Lint, types, import rules, docs in step with the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q --numprocesses 0 eaas_assets_tests/docs

format: $(STAMP) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMP) ## Renew docs/tables.md from the contracts
	$(BIN)/python -m eaas_assets.contracts.documentation > docs/tables.md

lock: $(STAMP) ## Renew requirements.lock from the ranges in pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --group dev --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --upgrade --output-file requirements.lock pyproject.toml

wheel-smoke: $(STAMP) ## Build a wheel, install it elsewhere, run it on the sample world
	$(PYTHON) .ci/wheel_smoke.py

clean: ## Remove outputs and the environment
	rm -rf output $(VENV)
