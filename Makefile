# Two commands matter: `make up` starts everything on this machine, `make test` proves it.
# All they need is Python 3.11 or newer with venv; the rest comes from the lock files, checked by hash.

SHELL := /bin/sh
.SHELLFLAGS := -ec
.DEFAULT_GOAL := up
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python
LOCK := pip-compile -q --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host --no-header

# A home or a cache folder that cannot be written must not stop an install, nor a tool complain about it.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUNBUFFERED := 1

.PHONY: up test lint format lock bench clean install install-test browser

up: install
	@exec $(PYTHON) manage.py up

# Fastest first; the first that fails ends the run. pytest comes last, so that its closing line does too.
# Two workers, each with servers of its own, since most tests wait for processes. A file stays with one worker.
test: lint browser
	@exec $(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: install-test
	@echo "ruff check"; $(BIN)/ruff check
	@echo "ruff format"; $(BIN)/ruff format --check
	@echo "import-linter"; $(BIN)/lint-imports
	@echo "mypy"; SECRET_KEY=types-only $(BIN)/mypy

format: install-test
	@$(BIN)/ruff check --fix --exit-zero
	@$(BIN)/ruff format

# Benchmarks print ratios against named references: `make bench NAME=footprint` runs one of them.
bench: install-test
	@exec $(PYTHON) -m tests.benchmarks $(NAME)

lock: install-test
	@$(BIN)/$(LOCK) -o requirements.lock pyproject.toml
	@$(BIN)/$(LOCK) --extra test -c requirements.lock -o tests/requirements.lock pyproject.toml

clean:
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis tests/browser/failures
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

install:
	@.ci/install requirements.lock

install-test:
	@.ci/install tests/requirements.lock

browser: install-test
	@.ci/browser
