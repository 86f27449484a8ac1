# The commands of the house. "make demo" and "make test" need a Python from 3.11 to 3.13 and nothing else.

PYTHON ?= $(shell for python in python3.12 python3.13 python3.11 python3 python; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
PORT ?= 8000
WORKERS ?= auto
ARGS ?=

# Tests run on SQLite whatever .env says; .ci/run repeats them on PostgreSQL and Redis.
ON_SQLITE := DATABASE_URL=sqlite:///var/test.sqlite3 REDIS_URL= CELERY_BROKER_URL= SECRET_KEY=for-tests-only DEBUG=

.PHONY: help demo serve test lint format types contracts messages openapi requirements bench ci clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/installed staticfiles/staticfiles.json ## Install, fill a demo programme, and start it all on this machine.
	$(MANAGE) migrate --verbosity 0
	$(MANAGE) demo
	$(MANAGE) serve --port $(PORT)

serve: $(VENV)/installed staticfiles/staticfiles.json ## Start site, worker and schedule on the data that is there.
	$(MANAGE) migrate --verbosity 0
	$(MANAGE) serve --port $(PORT)

test: $(VENV)/installed-dev ## Run the whole suite on SQLite (ARGS="-k expiry" picks some).
	$(ON_SQLITE) $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 8 --dist worksteal $(ARGS)

lint: $(VENV)/installed-dev ## Check style and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/installed-dev ## Put the code into the common format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/installed-dev ## Check types.
	$(ON_SQLITE) $(BIN)/mypy

contracts: $(VENV)/installed-dev ## Check who may import whom (.importlinter).
	$(BIN)/lint-imports

messages: $(VENV)/installed-dev ## Gather texts for translation, the admin theme's too, and compile the catalogue (needs gettext).
	ln -sfn "$$($(BIN)/python -c 'import pathlib, unfold; print(pathlib.Path(unfold.__file__).parent)')" unfold-texts
	$(MANAGE) makemessages --locale zh_Hans --symlinks --no-location --no-obsolete --no-wrap \
		--ignore $(VENV) --ignore var --ignore staticfiles --ignore "*/tests/*"; status=$$?; rm unfold-texts; exit $$status
	sed -i.old '/^"POT-Creation-Date/d' locale/zh_Hans/LC_MESSAGES/django.po && rm locale/zh_Hans/LC_MESSAGES/django.po.old
	$(MANAGE) compilemessages --locale zh_Hans --ignore $(VENV) --verbosity 0

openapi: $(VENV)/installed-dev ## Write docs/openapi.yaml from the code.
	$(ON_SQLITE) $(MANAGE) spectacular --validate --fail-on-warn --file docs/openapi.yaml

requirements: ## Pin and hash what requirements*.in ask for (needs uv).
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
		--custom-compile-command "make requirements" requirements.in --output-file requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
		--custom-compile-command "make requirements" requirements-dev.in --output-file requirements-dev.txt

bench: $(VENV)/installed-dev ## Measure the write and read paths against hand-written SQL (needs PostgreSQL in DATABASE_URL).
	$(BIN)/python -m benchmarks $(ARGS)

ci: ## Do what the build machine does.
	.ci/run

clean: ## Remove what was installed and built; data stays.
	rm -rf $(VENV) staticfiles .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 with venv is needed (Debian: apt install python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@ $(VENV)/installed

staticfiles/staticfiles.json: $(VENV)/installed $(shell find static -type f)
	$(MANAGE) collectstatic --noinput --verbosity 0
	@touch $@
