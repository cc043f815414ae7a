# Everything a developer does here. `make` alone lists it. On a bare machine with python3 and make,
# each target first builds its own environment in .venv from the hashed locks.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
RUN := .venv/.installed-run
DEV := .venv/.installed-dev
WORKERS ?= auto
ARGS ?=

.PHONY: help demo test bench bench-search bench-stats bench-drift check static lint types imports sqllint current format snapshots schema readme wheel lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

$(RUN): requirements.lock
	@PYTHON="$(PYTHON)" bash .ci/environment run

$(DEV): requirements-dev.lock requirements-legacy-client.lock
	@PYTHON="$(PYTHON)" bash .ci/environment dev

demo: $(RUN)  ## walk through the main job on a demo company (no key, no questions)
	@$(BIN)/qms-mcp demo $(ARGS)

test: $(DEV)  ## run the tests (ARGS="-k guard" for some of them)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

bench: $(DEV)  ## measure speed, as ratios against a bare server
	$(BIN)/python -m pytest -m bench $(ARGS)

bench-search: $(DEV)  ## measure the search among 100,000 pieces (ARGS="--peers PYTHON", --full) and write its report
	$(BIN)/python -m tests.benchmarks.search_growth $(ARGS)

bench-stats: $(DEV)  ## simulate every detector of the statistics (ARGS="--only trends") and write its report
	$(BIN)/python -m tests.benchmarks.stats $(ARGS)

bench-drift: $(DEV)  ## simulate the detectors of drift and write their report
	$(BIN)/python -m tests.benchmarks.drift $(ARGS)

check: static test  ## all that must be green before a change lands

static: lint types imports sqllint current  ## all of that but the tests; parts may run at once (-j2)

lint: $(DEV)  ## ruff: format and rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(DEV)  ## pyright, strict
	$(BIN)/python -m pyright --threads 2

imports: $(DEV)  ## the layers of the house
	$(BIN)/lint-imports --no-cache --no-logo

sqllint: $(DEV)  ## squawk on the migrations, sqlfluff on the queries
	$(BIN)/squawk sql/migrations/*.sql
	$(BIN)/sqlfluff lint --disable-progress-bar sql/queries

current: $(DEV)  ## generated files are what their generators write
	@bash .ci/current

format: $(DEV)  ## format, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/sqlfluff fix --disable-progress-bar sql/queries

snapshots: $(DEV)  ## write tests/snapshots: one file per tool
	$(BIN)/python -m tests.support.snapshots

schema: $(DEV)  ## write sql/schema.sql: the migrated database, dumped
	$(BIN)/python -m tests.support.schema_dump

readme: $(DEV)  ## write the tool table in README.md
	$(BIN)/python -m tests.support.readme

wheel: $(DEV)  ## build the wheel and the source archive in dist/
	$(BIN)/python -m hatchling build -d dist

lock: $(DEV)  ## renew both locks from pyproject.toml (ARGS=--upgrade for newer versions)
	@bash .ci/lock $(ARGS)

clean:  ## remove the environment, caches and built files
	rm -rf .venv dist .pytest_cache .ruff_cache .hypothesis .benchmarks .import_linter_cache
