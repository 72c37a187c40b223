# Two commands do everything: `make run` and `make test`. Nothing is installed outside .venv and .feedback.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

export DO_NOT_TRACK := 1
export DAGSTER_DISABLE_TELEMETRY := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false

.PHONY: install run ui test test-deep test-exhaustive lint bench bench-large clean lock

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@echo "Installing the pinned dependencies into $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11 to 3.13 is needed; say which with: make PYTHON=python3.12 run")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@echo "Parsing the models, compiling the patterns and putting the report's scripts together once ..."
	@$(BIN)/python -m orchestration.preparing
	@touch $(STAMP)

run: install  ## Simulate a company and run the whole flow over its files
	@$(BIN)/feedback simulate
	@$(BIN)/feedback run

ui: install  ## The Dagster UI on the same data
	@$(BIN)/feedback ui

test: install  ## Format, lint, types, import rules, SQL lint and tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/sqlfluff lint dbt_project/models dbt_project/macros dbt_project/tests
	@$(BIN)/pytest -m "not deep and not exhaustive" -n 2 --dist loadfile

test-deep: install  ## More seeds and kills, and kills in every stage: about 30 minutes on two cores
	@$(BIN)/pytest -m deep -n 2 --dist load

test-exhaustive: install  ## Twenty seeds, twenty kills and other scenarios, seed by seed: over an hour on two cores
	@$(BIN)/pytest -m exhaustive -n 2 --dist loadfile

bench: install  ## Speed, memory and quality against their goals
	@$(BIN)/python -m tests.bench

bench-large: install  ## Memory of 10 and of 30 million events
	@$(BIN)/python -m tests.bench.flow --memory 10000000 30000000

lock:  ## Pin what pyproject.toml asks for
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev pyproject.toml \
		--output-file requirements.lock --no-header --no-emit-index-url --no-annotate

clean:
	@rm -rf $(VENV) .feedback .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
