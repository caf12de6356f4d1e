# The commands of a day: `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help run test check bench screenshots clean

BIN := .venv/bin
# The first Python that is new enough; `make PYTHON=/path/to/python3.12 run` names another.
PYTHON = $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

run: .venv/.for-run  ## the whole site on http://127.0.0.1:8095 until Ctrl-C
	@exec env END_WITH_PARENT=1 $(BIN)/python manage.py serve

# They start a hundred processes, and without bytecode each would compile the whole project.
test: .venv/.for-development  ## the tests, on PostgreSQL
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 3 --no-loadscope-reorder

check: .venv/.for-development  ## format, lint, types, layers, templates, deployment settings, migrations
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy .
	$(BIN)/lint-imports
	git ls-files -z '*.html' | xargs -0 -r $(BIN)/djade --check --target-version 5.2
	PRODUCTION=true SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') \
		$(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run

bench: .venv/.for-development  ## every speed we claim, beside its limit (FULL=1: the heavy ones too)
	@$(BIN)/python -m benchmarks

screenshots: .venv/.for-development  ## pictures of every page into docs/images
	@$(BIN)/python -m screenshots

clean:  ## remove the virtual environment and caches; your data under var/ and .env stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.for-run: requirements.txt | .venv/bin/pip
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.for-development: requirements-dev.txt requirements.txt | .venv/bin/pip
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ .venv/.for-run

.venv/bin/pip:
	@test -n "$(PYTHON)" || { echo "Jax needs Python 3.11 or newer, and there is none on the PATH."; exit 1; }
	@echo "Making a virtual environment in .venv and installing the requirements (once)"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "This Python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
