# Everything is installed into $(VENV), a folder in this one; another Python: make PYTHON=python3.12 test
PYTHON ?= python3
VENV ?= .venv

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check
LOCK := $(BIN)/uv pip compile --quiet --universal --no-emit-index-url --python-version 3.10 \
	--no-python-downloads --custom-compile-command "make lock"
EXAMPLES := payment payment_processor neoapp_banner

# Stamps: what they name was installed with the requirements as they are now.
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
# The peers that Blackcat is measured beside want other versions than ours: an environment of their own.
BENCH := .venv-bench

.PHONY: help demo demo-rabbitmq demo-lambda test unit matrix chaos check bench bench-api deployment-proof format lock upgrade reference docs audit release-check build clean
.NOTPARALLEL:

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(if $(filter rabbitmq,$(QUEUE_BACKEND)),$(DEV),$(RUNTIME)) ## Run the payment example end to end on an embedded AWS emulator
	@$(BIN)/python examples/demo.py

demo-rabbitmq: $(DEV) ## Run it with its queues and topics on a RabbitMQ that it starts (rabbitmq-server is installed)
	@$(BIN)/python tests/rabbitmq_server.py $(BIN)/python examples/demo.py

demo-lambda: $(DEV) ## Run the Lambda example: a real process, HTTP, Postgres, secrets, all on this machine
	@$(BIN)/python examples/demo_lambda.py

test: $(DEV) ## Run all tests, the framework's and the example's
	@$(BIN)/python -m pytest tests -n 3
	@root="$$PWD"; cd examples/payment && "$$root/$(BIN)/python" -m pytest tests
	@root="$$PWD"; cd examples/neoapp_banner && "$$root/$(BIN)/python" -m pytest

unit: $(DEV) ## Run the tests that need no emulator
	@$(BIN)/python -m pytest tests/unit -n 3

matrix: $(DEV) ## Write docs/en/contracts.md from a run of the contract suites
	@$(BIN)/python -m pytest tests/contracts -n 2 --matrix docs/en/contracts.md

deployment-proof: $(DEV) ## Run the payment example on its CloudFormation templates, policies enforced, and without each action
	@$(BIN)/python examples/deployed.py > docs/deployment-proof.txt.new || { cat docs/deployment-proof.txt.new; exit 1; }
	@mv docs/deployment-proof.txt.new docs/deployment-proof.txt
	@cat docs/deployment-proof.txt
	@$(BIN)/python -m pytest tests/integration/test_deployment.py -m long -n 2 -q

chaos: $(DEV) ## Disturb consumers for ten minutes: CHAOS_RUNS drawn runs, 20 unless set, from CHAOS_SEED on
	@$(BIN)/python -m pytest tests/chaos -m long -n 2

check: $(DEV) ## Check style, formatting, types and the layers' contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@for name in $(EXAMPLES); do $(call mypy-of,examples/$$name) || exit 1; done
	@$(BIN)/lint-imports --no-logo
	@PYTHONPATH=examples/payment $(BIN)/lint-imports --no-logo --config lint/payment.toml

bench-api: $(DEV) ## Measure REST APIs beside bare Flask (needs wrk, which Debian has)
	@$(BIN)/python benchmarks/rest_api.py $(OPTIONS)

bench: $(BENCH)/.ready ## Measure Blackcat beside its peers on a fake SQS (a short run: OPTIONS=--quick)
	@$(BENCH)/bin/python benchmarks/run.py $(OPTIONS)

format: $(DEV) ## Format the code and mend what can be mended without a decision
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

lock: $(VENV)/pyvenv.cfg ## Pin the requirements of pyproject.toml and requirements/*.in
	@$(INSTALL) uv
	@$(LOCK) $(UPGRADE) pyproject.toml -o requirements/runtime.txt
	@$(LOCK) $(UPGRADE) pyproject.toml requirements/dev.in -c requirements/runtime.txt -o requirements/dev.txt
	@$(LOCK) $(UPGRADE) pyproject.toml requirements/bench.in -o requirements/bench.txt
	@echo "pinned requirements/runtime.txt, requirements/dev.txt and requirements/bench.txt"

upgrade: ## Pin them anew, at their newest versions
	@$(MAKE) --no-print-directory lock UPGRADE=--upgrade

reference: $(DEV) ## Write the pages that are generated: commands and settings, in both languages
	@$(BIN)/python docs/reference/generate.py

docs: $(DEV) ## Build the documentation in both languages into site, without a warning
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --clean -f mkdocs.yml
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --clean -f mkdocs.pt-BR.yml
	@cp docs/index.html site/index.html
	@echo "open site/index.html"

audit: $(DEV) ## Compare the pinned requirements with the known vulnerabilities (asks a public database)
	@$(BIN)/python -m pip_audit --strict --disable-pip --no-deps -r requirements/runtime.txt -r requirements/dev.txt

release-check: $(DEV) ## Install the wheel on each Python found, 3.10 to 3.14, and follow the tutorial there
	@$(BIN)/python .ci/release_check.py

build: $(DEV) ## Build the wheel and the source distribution into dist
	@$(BIN)/python -m build

clean: ## Remove all that the other targets made here
	@rm -rf .venv .venv-* $(VENV) dist site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find src tests examples -type d -name __pycache__ -prune -exec rm -rf {} +

# Both examples have a package `services`: each is checked from its own folder, with its own cache.
mypy-of = (root="$$PWD"; cd $(1) && \
	"$$root/$(BIN)/mypy" --config-file "$$root/pyproject.toml" --cache-dir "$$root/.mypy_cache/$(1)" \
	--explicit-package-bases .)

$(RUNTIME): pyproject.toml requirements/runtime.txt | $(VENV)/pyvenv.cfg
	@echo "installing the requirements into $(VENV) …"
	@$(INSTALL) -r requirements/runtime.txt -e .
	@touch $@

$(DEV): pyproject.toml requirements/dev.txt | $(VENV)/pyvenv.cfg
	@echo "installing the requirements and the tools of development into $(VENV) …"
	@$(INSTALL) -r requirements/dev.txt -e .
	@touch $(RUNTIME) $@

$(BENCH)/.ready: pyproject.toml requirements/bench.txt | $(VENV)/pyvenv.cfg
	@echo "installing the peers into $(BENCH) …"
	@$(BIN)/python -m venv --clear $(BENCH)
	@$(BENCH)/bin/python -m pip install -qq --disable-pip-version-check -r requirements/bench.txt -e .
	@touch $@

$(VENV)/pyvenv.cfg:
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "there is no $(PYTHON) here: install Python 3.10 or newer, or name it: make PYTHON=/path/to/python" >&2; \
		exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
		echo "Blackcat needs Python 3.10 or newer, and $(PYTHON) is $$("$(PYTHON)" -V 2>&1):" \
			"name a newer one: make PYTHON=/path/to/python" >&2; \
		exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: install its venv module" \
			"(on Debian and Ubuntu: apt install python3-venv), or name another: make PYTHON=/path/to/python" >&2; \
		exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
