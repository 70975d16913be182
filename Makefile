# The project's few commands; each works from a bare clone.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
READY_PLAIN := .venv/.ready-plain
TYPESCRIPT := 5.9.3
ESLINT := 9.39.1
UV := 0.13.9
LOWEST := .venv/lowest/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow lowest check format bench sbom audit docs clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r verb what; do printf '  make %-10s %s\n' "$$verb" "$$what"; done

# What is installed is installed anew only when pyproject.toml or constraints.txt has changed.
# A full installation serves the demo too: the demo's own stamp is only made where there is none.
$(READY): pyproject.toml constraints.txt
	$(call install,.[dev])
	touch $(READY) $(READY_PLAIN)

$(READY_PLAIN): pyproject.toml constraints.txt
	$(call install,.)
	touch $(READY_PLAIN)

define install
$(PYTHON) -c 'import sys; sys.exit("restorae needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '$(1)'
endef

demo: $(READY_PLAIN) ## degrade digits, train a network, restore digits that it has not seen
	$(BIN)/restorae demo

test: $(READY) ## run the tests (under 8 minutes on two cores)
	$(BIN)/pytest -m "not slow" -n auto --dist worksteal

test-slow: $(READY) ## run the tests that are marked slow (under 30 minutes)
	$(BIN)/pytest -m slow -n 2 --dist worksteal --ignore tests/cluster
	$(BIN)/pytest -m slow tests/cluster/test_stores.py # Ray joins one cluster per process
	$(BIN)/pytest -m slow tests/cluster/test_workers.py -k "not client"
	$(BIN)/pytest -m slow tests/cluster/test_workers.py -k client
	$(BIN)/pytest -m slow tests/cluster/test_films.py

# Old releases warn of what newer ones have changed, so that warnings are no errors here. The extra `onnx` is left out: it needs a
# newer PyTorch than the rest.
lowest: $(READY) ## test with the lowest supported version of each dependency (5 GB, a network, half an hour)
	$(BIN)/python -m venv .venv/uv
	.venv/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV)
	.venv/uv/bin/uv venv --quiet --clear --python $(BIN)/python .venv/lowest
	.venv/uv/bin/uv pip install --quiet --python $(LOWEST) --resolution lowest-direct \
	'.[film,heic,hub,web]' 'pytest>=8.3' 'hypothesis>=6.112' 'httpx2>=2.10' 'scikit-learn>=1.5'
	$(LOWEST) -m pytest -o filterwarnings=default -m "not slow" \
	tests/test_front_door.py tests/test_layout.py tests/formats tests/networks tests/restoring tests/film \
	-k "not runtime"

check: $(READY) ## check format, lint, types and import layers; change nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if command -v npx > /dev/null; \
	then npx --yes --package typescript@$(TYPESCRIPT) -- tsc --project jsconfig.json && \
	npx --yes --package eslint@$(ESLINT) -- eslint src/restorae/web/static; \
	else echo "The page's scripts were not checked: Node.js is not installed."; fi

format: $(READY) ## format the code
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .

bench: $(READY) ## measure against Keras and others, write docs/benchmarks.md (about five hours)
	$(BIN)/python benchmarks/run.py

sbom: $(READY) ## write a software bill of materials into dist/sbom.json
	$(BIN)/python .ci/sbom.py dist/sbom.json

audit: $(READY) ## ask the advisory database about known weaknesses of the installed packages (needs a network)
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	.venv/audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --progress-spinner off

docs: $(READY) ## build the documentation into site/
	$(BIN)/mkdocs build --strict

clean: ## remove what was built, except .venv
	rm -rf build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
