# Two commands matter: `make demo` and `make test`. Bare `make` lists all.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test fast docs image image-ahead lock lint format bench clean test-airflow test-deequ test-image

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
IMAGE ?= model-monitor-analyzer
# The base of `make image`; left out, the public one of the Dockerfile, or one made here where no registry is reached.
BASE_IMAGE ?=
# Cases and size of `make bench`: CASE=a case of docs/benchmarks.md, such as small or backtest, or all;
# SCALE=rows of the large table, IMAGE=image of the case containers.
CASE ?= all
SCALE ?=

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## a virtual environment in .venv with the package, its tests and the demo; Java when it may
	@.ci/java
	@.ci/browser
	@.ci/deequ
	@$(BIN)/analyzer prepare-spark

$(STAMP): pyproject.toml .ci/setup
	@.ci/setup $(VENV) test,demo
	@touch $@

demo: setup ## baseline, clean window and broken window on real data; ends with what was found
	@$(BIN)/python examples/demo.py

test: image-ahead setup lint ## everything: lint, types, architecture, all tests
	@.ci/tests $(BIN)/python

# Begins to build the image that the last tests run, while the others are set up and run; those wait for it.
image-ahead:
	@mkdir -p build && { .ci/image $(IMAGE) $(BASE_IMAGE) </dev/null >build/image.log 2>&1 & }

test-deequ: setup ## the tests against Deequ, on an older Spark where there is no Deequ for this one
	@.ci/deequ $(BIN)/python
	@$(BIN)/python -m pytest -v -rs tests/deequ

fast: $(STAMP) ## the tests that need neither Java nor containers
	@$(BIN)/python -m pytest -m "not spark and not container"

docs: $(STAMP) ## the documentation as a site in build/site, which needs neither network nor server
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "$(CURDIR)/build/site/index.html"

image: ## the container image model-monitor-analyzer, e.g. make image BASE_IMAGE=debian:bookworm-slim
	@.ci/image $(IMAGE) $(BASE_IMAGE)

test-image: $(STAMP) ## build the image and run jobs in real containers
	@TEST_CONTAINERS=required $(BIN)/python -m pytest -v -rs tests/container

test-airflow: $(STAMP) ## the example for Airflow, in a real one that is installed beside
	@[ -x build/airflow/bin/python ] || { python3 -m venv build/airflow && \
	    build/airflow/bin/pip install --quiet 'apache-airflow>=3,<4' apache-airflow-providers-docker; }
	@$(BIN)/python -m pytest -v -rs tests/test_scheduling.py -k airflow

lock: $(STAMP) ## resolve the image's dependencies anew into requirements.lock
	@.ci/lock $(BIN)/python

lint: $(STAMP) ## ruff, mypy and the import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## let ruff rewrite what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup ## side by side with other tools, e.g. make bench CASE=small, SCALE=200000
	@$(BIN)/python -m benchmarks $(CASE) $(if $(SCALE),--rows $(SCALE)) $(if $(IMAGE),--image $(IMAGE))

clean: ## remove what runs have left, but not the environments and the benchmarks' data
	rm -rf demo serve-and-monitor build dist *.egg-info spark-warehouse metastore_db derby.log
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.venv/*' -not -path './benchmarks/.venvs/*' -prune -exec rm -rf {} +
