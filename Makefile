# Two commands: `make up` and `make test`. The rest are their parts.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two files of tests at a time; those that kill processes run alone.
PARALLEL := -n 2 --dist loadfile

.PHONY: limits clients proto site plugin plugin-test damage faults outages help install up demo docs dashboards test lint types quick servers chaos load lock clean

help: ## what there is to make
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/installed ## .venv with the seamark command in it

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Seamark needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Say PYTHON=... to choose another."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

up: install ## start the stack on this machine
	$(BIN)/seamark up

demo: install ## the same, with the demo shop sending
	$(BIN)/seamark up --demo

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: install
	$(BIN)/mypy

quick: lint types site ## lint, types, documentation and the tests that need no server
	$(BIN)/pytest -q $(PARALLEL) tests/unit tests/properties

servers: install ## the tests that start real servers, up to the whole stack
	$(BIN)/pytest -q $(PARALLEL) tests/contract tests/cases tests/hostile tests/damage tests/clients tests/integration tests/system

faults: install ## the tests that kill, stop, cut and fill, in their short form
	$(BIN)/pytest -q tests/chaos

chaos: install ## 1,000 faults under load, then every count compared (under an hour)
	$(BIN)/python -m tests.chaos.run --faults 1000

damage: install ## 300 kills with damage in between: each named, and mended to equal counts (hours)
	$(BIN)/python -m tests.damage.run --faults 300

outages: install ## the log, the store, the cache, the archive away for 3 minutes each (half an hour)
	$(BIN)/python -m tests.chaos.outages --seconds 180 --rate 5000

attack: install ## one of three tenants attacks a stack for ten minutes; the others must not notice
	$(BIN)/python -m tests.hostile.attack --seconds 600

limits: install ## two collectors and three tenants, one at 20 times its limit; Redis goes and comes (eight minutes)
	$(BIN)/python -m tests.hostile.limits --seconds 120

fuzz: install ## a million random requests of every kind (an hour or two); the seed is printed
	$(BIN)/python -m tests.hostile.fuzz --bodies 1000000

plugin: ## the Grafana datasource, frontend and backend, into grafana/datasource/dist
	PYTHON=$(PYTHON) grafana/datasource/build.sh all

plugin-test: ## the Grafana datasource's own checks and tests, Go and TypeScript
	PYTHON=$(PYTHON) grafana/datasource/build.sh test

web: ## the web SDK, built, into sdk-wrappers/web/dist
	sdk-wrappers/web/build.sh dist

.PHONY: web web-test web-behaviour web-overhead
web-test: ## the web SDK's own checks: types, lint, vectors, package
	sdk-wrappers/web/build.sh test

web-behaviour: install ## the web SDK in a real Chromium while things fail, each 20 times (ten minutes)
	PYTHONPATH=sdk-wrappers/spec $(BIN)/python -m tests.behaviour.run --runs 20

web-overhead: install ## what the web SDK costs a page, at full speed and slowed down 4 times
	PYTHONPATH=sdk-wrappers/spec $(BIN)/python -m tests.behaviour.overhead

test: quick plugin-test web-test servers faults ## everything CI runs

load: install ## measure: 20 s at 20,000 events/s (more in load/README.md)
	$(BIN)/python -m load.run load/scenarios/short-steady-20k.toml

site: install ## the documentation site, into build/site; a broken link fails
	$(BIN)/zensical build --strict >/dev/null

clients: install ## stock exporters in Python, Node, Go, Java and the Collector against a stack (ten minutes)
	$(BIN)/python -m tests.clients.run

proto: install ## write anew what is generated from api/grpc/query.proto
	mkdir -p build/proto
	$(BIN)/python -m grpc_tools.protoc --proto_path=seamark/query/v1=api/grpc --python_out=build/proto --pyi_out=build/proto seamark/query/v1/query.proto
	cp build/proto/seamark/query/v1/query_pb2.py build/proto/seamark/query/v1/query_pb2.pyi api/grpc/

docs: install ## write anew what is generated: docs/settings.md, docs/status.md, docs/send, the plugin's questions
	$(BIN)/seamark settings --markdown > docs/settings.md.partial
	@mv docs/settings.md.partial docs/settings.md
	$(BIN)/python -m tests.support.status_page
	$(BIN)/python -m tests.support.send_pages
	$(BIN)/python -m api.questions > grafana/datasource/src/questions.json.partial
	@mv grafana/datasource/src/questions.json.partial grafana/datasource/src/questions.json

dashboards: install ## write anew what Grafana is provisioned with: provisioning/grafana
	$(BIN)/python -m grafana.dashboards

.PHONY: recipes
recipes: install ## the Python SDK in FastAPI, Flask, Django, Celery, in an environment of their own (a minute)
	$(BIN)/pytest -q tests/recipes

lock: ## renew requirements.lock from pyproject.toml, and those of `seamark grafana push` and `make recipes`
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --group pyproject.toml:dev pyproject.toml --quiet --output-file requirements.lock --no-emit-index-url --no-emit-find-links --generate-hashes --custom-compile-command "make lock"
	$(BIN)/uv pip compile --universal --python-version 3.11 grafana/push/requirements.in --quiet --output-file grafana/push/requirements.lock --no-emit-index-url --no-emit-find-links --generate-hashes --custom-compile-command "make lock"
	$(BIN)/uv pip compile --universal --python-version 3.11 sdk-wrappers/python/recipes/requirements.in --quiet --output-file sdk-wrappers/python/recipes/requirements.lock --no-emit-index-url --no-emit-find-links --generate-hashes --custom-compile-command "make lock"

clean: ## remove what make install and the tests left
	rm -rf $(VENV) grafana/datasource/dist grafana/datasource/node_modules grafana/datasource/.tools
	rm -rf sdk-wrappers/web/dist sdk-wrappers/web/build sdk-wrappers/web/node_modules
	rm -rf tests/system/browser/node_modules tests/clients/node/node_modules tests/clients/*/build
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
