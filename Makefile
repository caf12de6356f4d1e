# The commands of a day: `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help run test test-long test-clocks fuzz months coverage mutate check fix lock release query-counts bench screenshots clean

BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
DJADE := git ls-files -z '*.html' | xargs -0 -r $(BIN)/djade --target-version 5.2
# The first Python that is new enough; `make PYTHON=/path/to/python3.12 run` names another.
PYTHON = $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: .venv/.for-run  ## the whole site on http://127.0.0.1:8095 until Ctrl-C
	@exec env END_WITH_PARENT=1 $(BIN)/python manage.py serve

# They start a hundred processes, and without bytecode each would compile the whole project.
test: .venv/.for-development  ## the tests, on PostgreSQL
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 3 --no-loadscope-reorder -m "not long"

test-long: .venv/.for-development  ## the long tests: killed processes, the browser, slow strangers, guides
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 3 --no-loadscope-reorder -m long

# The ends of a day, both changes of New York's summer time, two Saturdays, the ends of a year and of a February.
CLOCKS := 2026-03-07T23:57 2026-03-09T00:05 2026-10-31T09:31 2026-11-02T00:05 2027-12-31T23:57 2028-02-29T09:31 \
	2028-02-29T23:57

test-clocks: .venv/.for-development  ## all tests again at hours and days that are special (an hour)
	@for clock in $(CLOCKS); do echo "$$clock"; \
		JAX_TEST_CLOCK=$$clock PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 3 --no-loadscope-reorder || exit; done

fuzz: .venv/.for-development .venv-fuzz/.ready  ## requests made from /api/schema/, as every role, against a real site (ten minutes)
	@$(BIN)/python -m tests.fuzz $(ROLES)

MONTHS ?= 3
months: .venv/.for-development  ## months of random trading at a broker on loopback, against books of their own (five minutes each)
	@MONTHS=$(MONTHS) PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 2 tests/conformance/month

query-counts: .venv/.for-development  ## renew tests/query_counts.json, the pinned numbers of queries
	@$(BIN)/pytest -p no:xdist --renew-query-counts

coverage: .venv/.for-development  ## which lines and branches the tests run, in-process (report in var/coverage)
	@COVERAGE_FILE=var/coverage/data $(BIN)/pytest -n 3 --no-loadscope-reorder -m "not slow" --cov --cov-report=term:skip-covered \
		--cov-report=html:var/coverage/html

mutate: .venv/.for-development  ## change the code that decides and see whether a test notices (hours)
	@$(BIN)/python -m docs.tooling.mutate $(SUBJECTS)

check: .venv/.for-development  ## format, lint, types, layers, templates, deployment settings, migrations
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(DJADE) --check
	PRODUCTION=true SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') \
		$(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run

fix: .venv/.for-development  ## correct format, imports and templates as far as the tools can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(DJADE) || $(DJADE) --check

lock: .venv/bin/uv  ## requirements*.txt with hashes, from requirements*.in (UPGRADE=1: newer indirect packages)
	$(BIN)/uv pip compile --quiet $(if $(UPGRADE),--upgrade) requirements.in --output-file requirements.txt
	$(BIN)/uv pip compile --quiet $(if $(UPGRADE),--upgrade) requirements-dev.in --output-file requirements-dev.txt
	$(BIN)/uv pip compile --quiet $(if $(UPGRADE),--upgrade) requirements-fuzz.in --output-file requirements-fuzz.txt

release: check  ## is this a release? Checks version, changelog, migrations and lock; says what to tag
	@$(BIN)/python -m deploy.release

bench: .venv/.for-development  ## every speed we claim, beside its limit (FULL=1: the heavy ones too)
	@$(BIN)/python -m benchmarks

screenshots: .venv/.for-development  ## pictures of every page into docs/images
	@$(BIN)/python -m docs.tooling.screenshots

clean:  ## remove the virtual environment and caches; your data under var/ and .env stay
	rm -rf .venv .venv-fuzz .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.for-run: requirements.txt | .venv/bin/pip
	@$(INSTALL) --require-hashes -r requirements.txt
	@touch $@

.venv/.for-development: requirements-dev.txt requirements.txt | .venv/bin/pip
	@$(INSTALL) --require-hashes -r requirements-dev.txt
	@touch $@ .venv/.for-run

# Schemathesis wants other versions of what the tests use: an environment of its own, which only `make fuzz` needs.
.venv-fuzz/.ready: requirements-fuzz.txt
	@$(PYTHON) -m venv .venv-fuzz
	@.venv-fuzz/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-fuzz.txt
	@touch $@

# Also where the lock itself cannot be installed, as in the middle of a merge.
.venv/bin/uv: | .venv/bin/pip
	@$(INSTALL) $$(grep '^uv==' requirements-dev.in)

.venv/bin/pip:
	@test -n "$(PYTHON)" || { echo "Jax needs Python 3.11 or newer, and there is none on the PATH."; exit 1; }
	@echo "Making a virtual environment in .venv and installing the requirements (once)"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "This Python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
