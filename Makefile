# Gridloop. `make demo` shows the whole thing, `make test` proves it, `make help` lists the rest.

VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

# The newest interpreter that the pins are tested on; another one: make setup PYTHON=/path/to/python3.12
PYTHON ?= $(shell for python in python3.12 python3.11 python3; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& command -v $$python && break; done)
NO_PYTHON := No python3 of version 3.11 or later with its venv module was found.\nWays out:\n
NO_PYTHON := $(NO_PYTHON)  - install one (Debian: python3 python3-venv)\n  - name one: make PYTHON=/path/to/python3.12\n

PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras pyproject.toml
COMPILE += --no-header --no-emit-index-url --no-emit-find-links
export UV_PYTHON_DOWNLOADS := never

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench docs catalogues vendor pins clean

help: ## list what make can do
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(BIN)/.developing ## make .venv with everything that tests, checks and benchmarks need

demo: $(BIN)/.running ## the whole loop on a synthetic county, offline, in the folder demo/ (ARGS="--customers 500")
	@$(BIN)/gridloop demo $(ARGS)

test: setup ## run every test (ARGS="tests/domain -n0")
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

lint: setup ## style, types and import direction
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: setup ## measure against DuckDB SQL, pandas and scikit-learn; writes docs/figures/bench.json
	@$(BIN)/python -m bench.run $(ARGS)

docs: setup ## regenerate the data dictionary and the reference from the code
	@set -e; for script in docs/build_*.py; do $(BIN)/python "$$script"; done

catalogues: setup ## add new messages of the console to its catalogues, and name what is not translated
	@$(BIN)/python docs/build_catalogues.py

vendor: ## fetch the pinned scripts of others anew (needs npm), and check them against vendor.toml
	@python3 docs/vendor.py

pins: setup ## recompute requirements/*.txt from pyproject.toml
	$(COMPILE) --group dev --output-file requirements/dev.txt $(ARGS)
	$(COMPILE) --constraint requirements/dev.txt --no-annotate --output-file requirements/run.txt

clean: ## remove what make made: the environment, the demo workspace, caches
	rm -rf $(VENV) demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests bench docs -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: an environment is made once and again when what it was made from changes.
$(BIN)/python:
	@test -n "$(PYTHON)" || { printf '$(NO_PYTHON)' >&2; exit 2; }
	@echo "Making $(VENV) with $(PYTHON)" >&2
	@"$(PYTHON)" -m venv --clear $(VENV)

$(BIN)/.running: $(BIN)/python requirements/run.txt pyproject.toml
	@echo "Installing Gridloop and what it needs into $(VENV)" >&2
	@$(PIP) install --requirement requirements/run.txt
	@$(PIP) install --no-deps --editable .
	@touch $@

$(BIN)/.developing: $(BIN)/.running requirements/dev.txt
	@echo "Installing what its tests, checks and benchmarks need" >&2
	@$(PIP) install --requirement requirements/dev.txt
	@touch $@
