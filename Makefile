# `make demo` and `make test` are the two commands to know. Everything lives below this folder.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := .demo
# Where make up says that it runs.
KEEPER := $(DEMO)/data/airflow/gardien.json
REGION ?= 32
DEPOT ?= depot
DATA ?= data

.PHONY: help setup demo test lint run questions up down env clean lock

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.installed  ## create .venv with the pinned, hashed requirements

$(VENV)/.installed: requirements.txt requirements-uv.txt pyproject.toml
	@# A link would have its target emptied.
	@test ! -L $(VENV) || { echo "$(VENV) is a link: remove it first"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-uv.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode requirements.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## run the real DAGs on a fictional region, through a private Airflow
	@test ! -e $(KEEPER) || { echo "make up runs in $(DEMO): make down first"; exit 1; }
	@rm -rf $(DEMO)
	@$(BIN)/qpv fictif --court $(DEMO)/depot
	@QPV_DATA_DIR=$(DEMO)/data QPV_DEPOT=$(DEMO)/depot QPV_REGION=99 $(BIN)/python -m qpv_emploi.airflow.demo

test: setup  ## linters, types and all tests
	$(BIN)/python -m pytest

lint: setup  ## linters and types only
	$(BIN)/python -m pytest -m lint

run: setup  ## the whole chain without Airflow: make run DEPOT=… REGION=32
	$(BIN)/qpv run --depot $(DEPOT) --region $(REGION)

questions: setup  ## write the tables of docs/questions.md again, from the current release: make questions DATA=data
	$(BIN)/python -m tests.questions $(DATA)

up: setup  ## leave a private Airflow running on this machine, on the fictional region
	@test -d $(DEMO)/depot || $(BIN)/qpv fictif --court $(DEMO)/depot
	@QPV_DATA_DIR=$(DEMO)/data QPV_DEPOT=$(DEMO)/depot QPV_REGION=99 $(BIN)/python -m qpv_emploi.airflow.local up

down:  ## stop the Airflow of make up
	@test ! -x $(BIN)/python || QPV_DATA_DIR=$(DEMO)/data $(BIN)/python -m qpv_emploi.airflow.local down

env: setup  ## draw the secrets of docker-compose.yml into .env, once
	$(BIN)/python -m qpv_emploi.airflow.secrets_env

lock:  ## compile the pinned requirements again from pyproject.toml
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip compile --quiet --generate-hashes --all-extras --universal \
		--no-emit-index-url --no-header --upgrade pyproject.toml -o requirements.txt
	grep -oE '^uv==[0-9.]+' requirements.txt | VIRTUAL_ENV=$(VENV) $(BIN)/uv pip compile --quiet --generate-hashes \
		--universal --no-header --no-annotate - -o requirements-uv.txt

clean: down  ## remove the environment, the demonstration and the caches (never ./data)
	rm -rf $(VENV) $(DEMO) build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf dbt_project/target dbt_project/logs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
