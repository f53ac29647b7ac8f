# Verbs of the pipeline. `make publish` and `make test` are the two a newcomer needs.
# Each installs what it needs into .venv from the lock on first use.

PYTHON ?= python3
PORT ?= 8001
export CONTACT
# Else every process compiles the libraries anew: a third of what make publish takes.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin
PIPELINE := $(BIN)/python -m pipeline
UV_VERSION := 0.13.9
LOCK_CHECKER := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

.DEFAULT_GOAL := help
.PHONY: help publish serve bake scrape check validate doctor test exam checkers bench lint format lock clean protect-demo

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

publish: .venv/run.stamp  ## visit the publishers and publish the ledger (CONTACT=mail or page, OFFLINE=1)
	@$(PIPELINE) publish $(if $(OFFLINE),--offline)

serve: .venv/run.stamp  ## serve the last release with Datasette (PORT=8001)
	@$(PIPELINE) serve --port $(PORT)

bake: .venv/run.stamp  ## write the whole site as files to build/bake (ADDRESS=https://…)
	@$(BIN)/python -m pipeline.serve.bake $(ADDRESS)

scrape: .venv/run.stamp  ## only visit the publishers and archive what they answer (CONTACT=mail or page)
	@$(PIPELINE) scrape

check: .venv/run.stamp  ## do all that publish does up to the gate, write nothing
	@$(PIPELINE) check

validate: .venv/run.stamp  ## judge the committed package with our own checks
	@$(PIPELINE) validate datapackage.json

doctor: .venv/run.stamp  ## look whether this server can publish, and say each cure
	@$(PIPELINE) doctor

test: .venv/dev.stamp  ## the tests, under 6 minutes on two cores
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

exam: .venv/dev.stamp checkers  ## the long exams: many random instances, many kills, foreign clients
	@$(BIN)/python -m pytest -m exam

checkers: .venv/checkers.stamp  ## the official checkers of every format, in environments of their own

bench: .venv/dev.stamp  ## ratios against named rivals, as BENCHMARKS.md prints them
	@$(BIN)/python -m bench

protect-demo: .venv/run.stamp  ## count an invented register, attack what was counted, show a table
	@mkdir -p build/demo && rm -rf build/demo/out
	@umask 077; head -c 32 /dev/urandom > $${TMPDIR:-/tmp}/protect-demo-key
	@$(BIN)/python tests/registers.py build/demo/register.csv
	@$(PIPELINE) protect build/demo/register.csv --out build/demo/out --key-file $${TMPDIR:-/tmp}/protect-demo-key
	@$(PIPELINE) attack build/demo/out --register build/demo/register.csv
	@cat build/demo/out/register_complaints_by_year_and_area.csv

lint: .venv/dev.stamp  ## ruff and mypy
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

format: .venv/dev.stamp  ## let ruff lay out the code
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

lock: .venv/uv.stamp  ## compile pyproject.toml to the two lock files, with hashes
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-annotate --no-header pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-annotate --no-header pyproject.toml --extra dev --extra cluster --extra pdf \
		-c requirements.txt -o requirements-dev.txt
	@for one in formats cff tau; do $(LOCK_CHECKER) tests/checkers/$$one.in -o tests/checkers/$$one.txt; done
	@$(LOCK_CHECKER) --no-deps tests/checkers/shapes.in -o tests/checkers/shapes.txt

clean:  ## remove what was derived; figures and archive stay
	@rm -rf build .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/uv.stamp:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is %s: make PYTHON=python3.11 …" % sys.version.split()[0])'
	@echo "Installing into .venv, once: a minute or two." >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/run.stamp: requirements.txt | .venv/uv.stamp
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt
	@touch $@

.venv/dev.stamp: requirements-dev.txt | .venv/uv.stamp
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt
	@touch $@ .venv/run.stamp

.venv/checkers.stamp: $(wildcard tests/checkers/*.txt) | .venv/uv.stamp
	@for one in formats cff tau; do \
		$(BIN)/uv venv -q --clear --python $(BIN)/python .venv/checkers/$$one && \
		$(BIN)/uv pip install -q --python .venv/checkers/$$one/bin/python --require-hashes -r tests/checkers/$$one.txt || exit 1; \
	done
	@$(BIN)/uv pip install -q --python .venv/checkers/formats/bin/python --no-deps --require-hashes -r tests/checkers/shapes.txt
	@touch $@
