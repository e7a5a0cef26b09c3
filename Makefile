# Two commands do everything on a machine with python3.11+, git, make and a C compiler:
#   make demo    installs into .venv and shows the main job, with a green and a red verdict
#   make test    installs into .venv and runs linters, types and tests
#   make test-services    real Prometheus and Alertmanager on loopback, where they are installed
#   make coverage         the tests once more, traced: at least 90 % of lines and branches
# And, outside of CI, because it takes minutes:
#   make mutants FOLDER=gate    changes perfkit/FOLDER line by line and asks whether a test notices

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Tests run in parallel; 2 is what a hosted runner has at least.
JOBS ?= 2
# The folder of perfkit that `make mutants` changes; TESTS names other tests than tests/FOLDER.
FOLDER ?= gate
TESTS ?=

.PHONY: help demo test lint types unit coverage test-services mutants pictures clean

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
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

# The same tests, each process of perfkit traced, which takes half as long again.
coverage: $(VENV)/.installed
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup --cov --cov-report=term:skip-covered

# Installs nothing: without the servers of Debian's prometheus and prometheus-alertmanager it says so.
test-services: $(VENV)/.installed
	$(BIN)/python benchmarks/monitoring/services.py

mutants: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[mutation]'
	$(BIN)/python benchmarks/mutants.py $(FOLDER) --jobs $(JOBS) $(if $(TESTS),--tests $(TESTS))

# What README and pages show; the page of a report needs a Chromium.
pictures: $(VENV)/.installed
	$(BIN)/python benchmarks/picture.py

clean:
	rm -rf $(VENV) .perfkit .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
