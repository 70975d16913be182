# The few verbs of this workshop; each works from a bare clone.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow check format bench docs clean

help: ## list the verbs
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r verb what; do printf '  make %-10s %s\n' "$$verb" "$$what"; done

# installed anew only when what is to be installed has changed
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("restorae needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

demo: $(READY) ## damage digits, train a network before your eyes, restore digits it never saw
	$(BIN)/restorae demo

test: $(READY) ## run the tests (under 8 minutes on two cores)
	$(BIN)/pytest -m "not slow" -n auto --dist loadfile

test-slow: $(READY) ## run the tests that are marked slow (under 30 minutes)
	$(BIN)/pytest -m slow

check: $(READY) ## format, lint, types and import floors, changing nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## put the code into shape
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .

bench: $(READY) ## measure against Keras and write docs/benchmarks.md (five hours or so)
	$(BIN)/python benchmarks/run.py

docs: $(READY) ## build the documentation into site/
	$(BIN)/mkdocs build --strict

clean: ## remove what was built (.venv stays)
	rm -rf build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
