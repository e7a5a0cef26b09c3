# Two commands do everything on a machine with python3.11+, git, make and a C compiler:
#   make demo    installs into .venv and shows the main job, with a green and a red verdict
#   make test    installs into .venv and runs linters, types and tests

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Tests run in parallel; 2 is what a hosted runner has at least.
JOBS ?= 2

.PHONY: help demo test lint types unit coverage accuracy clean

help:
	@sed -n 's/^#   //p' Makefile

# Every extra in one environment; pip does nothing where the stamp is newer than what it reads.
$(VENV)/.installed: pyproject.toml benchmarks/workload/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "perfkit needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo,dev]'
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/python benchmarks/demo.py $(DEMO)

test: lint types unit

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml
	$(BIN)/zizmor --offline --quiet .github

types: $(VENV)/.installed
	$(BIN)/mypy

unit: $(VENV)/.installed
	$(BIN)/python -m pytest -n $(JOBS) --cov --cov-report=term:skip-covered

clean:
	rm -rf $(VENV) .perfkit .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
