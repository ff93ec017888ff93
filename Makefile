# Two commands on a fresh machine: `make drill` and `make test`. `make help` lists the others.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The first Python that is recent enough; set-up itself needs nothing else.
PYTHON ?= $(firstword $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$python"; done))
# Whose drill: odoo, or another that ships (openprod builds its images on demand).
PROFILE ?= odoo
EXAMPLE := .pra/repository$(if $(filter odoo,$(PROFILE)),,-$(PROFILE))
REPOSITORY ?= $(EXAMPLE)
PRODUCTION = fixtures.$(if $(filter odoo,$(PROFILE)),production,$(PROFILE))
GENERATION ?= latest
# The account of the example production's reports server.
ifeq ($(REPOSITORY),$(EXAMPLE))
drill: export PRA_REPORTS_PASSWORD ?= jasperadmin
endif
# Further arguments: make drill DRILL_ARGS="--profile mine", make test PYTEST_ARGS="-k plan -x", make doctor DOCTOR_ARGS=--json
DRILL_ARGS ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
DOCTOR_ARGS ?=
DEMO_ARGS ?=
IN_ENVIRONMENT := . .pra/activate;

.PHONY: help setup setup-all drill staging-demo upgrade-demo test-fast test test-all lint format lock bench bench-cli doctor clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: ## put in place whatever is missing (Docker, Pulumi, virtual environment, images)
	@[[ -n "$(PYTHON)" ]] || { echo "set-up needs Python 3.11 or newer on PATH (or: make PYTHON=/path/to/python3)" >&2; exit 1; }
	@$(PYTHON) -m offline.setup $(PROFILE) $(IMAGES)

setup-all: setup ## the same, and the images of ERPs that only test-all drills (Odoo 19: some minutes)
	@$(PYTHON) -m offline.setup all

drill: setup ## restore the latest backup into a fresh environment and check it
	@# Never into a repository of yours: a disk that isn't mounted must not pass with example data.
	@$(IN_ENVIRONMENT) [[ "$(REPOSITORY)" != "$(EXAMPLE)" || -n "$$(ls -A $(REPOSITORY)/generations 2>/dev/null)" ]] \
		|| python -m $(PRODUCTION) --repository $(REPOSITORY)
	@$(IN_ENVIRONMENT) pra drill --stack drill --repository $(REPOSITORY) --generation $(GENERATION) --profile $(PROFILE) $(DRILL_ARGS)

staging-demo: IMAGES := browser
staging-demo: setup ## show two staging copies side by side, and that nothing leaves them
	@$(IN_ENVIRONMENT) [[ -n "$$(ls -A .pra/repository/generations 2>/dev/null)" ]] \
		|| python -m fixtures.production --repository .pra/repository
	@$(IN_ENVIRONMENT) python -m fixtures.staging_demo --repository .pra/repository $(DEMO_ARGS)

# The same production twice: to the addon's version 1.1, which is good, and to 1.2, which is not.
UPGRADE := .pra/repository-upgrade
REHEARSE = pra upgrade rehearse --repository $(UPGRADE) --scenario fixtures/scenarios/bikes.yaml
upgrade-demo: IMAGES := upgrade browser
upgrade-demo: export PRA_CHECK_PASSWORD := admin
upgrade-demo: setup ## rehearse two upgrades of an example production: one passes, one fails and says why
	@$(IN_ENVIRONMENT) [[ -n "$$(ls -A $(UPGRADE)/generations 2>/dev/null)" ]] \
		|| python -m fixtures.upgrade --repository $(UPGRADE)
	@$(IN_ENVIRONMENT) $(REHEARSE) --to 1.1 --road-book fixtures/road-book.yaml
	@$(IN_ENVIRONMENT) code=0; $(REHEARSE) --to 1.2 || code=$$?; \
		[[ $$code == 3 ]] || { echo "the planted defect was not found (exit code $$code)" >&2; exit 1; }

lint: setup ## check style, types, the import rules, the documentation and the reports' languages
	@$(IN_ENVIRONMENT) ruff check . && ruff format --check . && mypy && lint-imports && python -m docs.check && \
		python -m tests.lint.messages

# One worker a file, whose tests share fixtures; whole drills are collected first, and stay first.
# With more than two of them at a time, two cores miss the times that pages may take.
WORKERS ?= 2
PYTEST := pytest --dist loadfile --no-loadscope-reorder

test-fast: lint ## lint, then the tests that need no server
	@$(IN_ENVIRONMENT) $(PYTEST) -n auto tests/unit tests/stacks $(PYTEST_ARGS)

# Tests need the images that other set-ups build on demand.
test: IMAGES := openprod pgbackrest browser upgrade toyerp
test: lint ## lint, then every test, with coverage: what CI runs
	@$(IN_ENVIRONMENT) $(PYTEST) -n $(WORKERS) --cov --cov-report=term $(PYTEST_ARGS)

test-all: test setup-all ## test, then the heavier drills (Odoo 19 on PostgreSQL 18)
	@$(IN_ENVIRONMENT) pytest -m heavy

format: setup ## rewrite the code in the project's style
	@$(IN_ENVIRONMENT) ruff check --fix . && ruff format .

lock: ## make requirements.lock anew from pyproject.toml (needs uv)
	@uv pip compile pyproject.toml <(echo setuptools) --all-extras --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --no-emit-index-url --quiet --output-file requirements.lock.new
	@{ head -n 1 requirements.lock; grep -v '^#' requirements.lock.new; } > requirements.lock.tmp
	@mv requirements.lock.tmp requirements.lock && rm requirements.lock.new

bench: setup ## restore large backups in several ways and write docs/benchmarks.md (half an hour; gigabytes of disk)
	@$(IN_ENVIRONMENT) python -m benchmarks $(BENCH_ARGS)

bench-cli: setup ## measure the commands that need no server: processor and wall seconds of each
	@$(IN_ENVIRONMENT) python -m benchmarks.cli $(BENCH_ARGS)

doctor: ## show what is in place, which version, and where from
	@$(PYTHON) -m offline.doctor $(DOCTOR_ARGS)

clean: ## remove what drills left and kept in Docker, the virtual environment and .pra (with its backups, and Pulumi's state of stacks that stay)
	@if [[ -x .venv/bin/pra ]]; then $(IN_ENVIRONMENT) pra gc && pra cache remove --all; fi
	@rm -rf .venv .pra
