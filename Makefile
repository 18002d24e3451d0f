# Perennial's tasks; `make help` lists them. Each sets up the environment first if needed.
.DEFAULT_GOAL := help
.PHONY: help setup demo compare demo-retrain serve tune rehearse test test-quick spark fault check docs image-check bench
.PHONY: load format clean
SHELL := /bin/bash

PYTHON := $(CURDIR)/.venv/bin/python
# The tfx command searches pip on the PATH, and Beam and TFX start further processes.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# TensorFlow Recommenders needs Keras 2, which must be chosen before TensorFlow is imported.
export TF_USE_LEGACY_KERAS := 1
# With this variable Python would compile all libraries anew in each process: 20 seconds for each of the tests' workers.
unexport PYTHONDONTWRITEBYTECODE

# A worker takes about 3 GiB. There is one more than cores, for tests wait now and then. The tests of a file share slow
# fixtures, so they stay in one worker. tests/conftest.py puts the files with whole pipelines first; xdist's own order,
# by the number of tests, would put them last.
WORKERS ?= 3
IN_WORKERS := --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Set up .venv from uv.lock (needs Python with venv)
	@./bootstrap.sh

demo: setup ## Train and serve a model of MovieLens 100K, and show recommendations by title
	@$(PYTHON) -m pipeline.commands.demo

compare: setup ## Compare all kinds of models on MovieLens 100K; judge and push the best
	@$(PYTHON) -m pipeline.commands.cli datasets fetch movielens-100k
	@$(PYTHON) -m pipeline.commands.cli compare --config configs/movielens-100k.yaml

demo-retrain: setup ## Retrain, judge and push in 4 rounds of MovieLens 100K; show a table and a chart of the rounds
	@$(PYTHON) -m pipeline.commands.cli datasets fetch movielens-100k
	@$(PYTHON) -m pipeline.commands.cli replay --config configs/movielens-100k.yaml --rounds 4

serve: setup ## Answer HTTP from the model that `make demo` has pushed
	@$(PYTHON) -m pipeline.commands.cli serve --config configs/movielens-100k.yaml

tune: setup ## Search better settings of the model on MovieLens 100K, for some ten minutes at most
	@$(PYTHON) -m pipeline.commands.cli datasets fetch movielens-100k
	@$(PYTHON) -m pipeline.commands.cli tune --config configs/movielens-100k.yaml

rehearse: setup ## Compile the Vertex job of MovieLens 100K and run it here, one process for each task
	@$(PYTHON) -m pipeline.commands.cli datasets fetch movielens-100k
	@$(PYTHON) -m pipeline.commands.cli vertex rehearse --config configs/movielens-100k.yaml --fresh

test: setup ## Run all tests, including whole pipelines; WORKERS=n at a time
	$(PYTHON) -m pytest -m "not bench" $(IN_WORKERS) $(PYTEST_OPTIONS)

test-quick: setup ## Run the tests without a pipeline, a training or a process of their own; WORKERS=n at a time
	$(PYTHON) -m pytest -m "not e2e and not fault and not browser and not bench" $(IN_WORKERS)

spark: setup ## Compare our DIMSUM with Spark's; installs Spark (600 MB) into .venv, and needs Java 17 or newer
	UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv .uv/bin/uv sync --frozen --inexact --group spark \
	  --python "$$(./bootstrap.sh --print-python)"
	$(PYTHON) -m pytest tests/trainer/models/item_item/test_spark.py $(PYTEST_OPTIONS)

fault: setup ## Kill runs in every component, fill disks, delete files in use; then check the result
	$(PYTHON) -m pytest -m fault $(IN_WORKERS) $(PYTEST_OPTIONS)

check: setup ## Check formatting, lint, types, import layers, Dockerfiles and shell scripts, as CI does
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	hadolint $(wildcard images/*/Dockerfile)
	shellcheck bootstrap.sh .ci/run $(wildcard images/*/*.sh)

docs: setup ## Write docs/config.md from the docstrings of configs/
	@$(PYTHON) -m configs.reference >docs/config.md.new && mv docs/config.md.new docs/config.md

image-check: ## Build and check the pipeline's image without Docker; needs root on a Debian 13 that may be thrown away
	@images/pipeline/check.sh configs/movielens-100k.yaml $(if $(PERENNIAL_DATA),--rehearse)

bench: setup ## Compare the speed of ingest and pipeline with TFX's stock components
	@$(PYTHON) -m tests.bench

load: setup ## Measure the service under load: CPU time of a request, throughput, latency while a version is replaced
	@$(PYTHON) -m tests.bench.load

format: setup ## Format the code and fix what lint can fix
	ruff format .
	ruff check --fix .

clean: ## Remove the environment, caches and local runs; fetched data sets stay
	rm -rf .venv .uv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache runs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
