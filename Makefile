# make help lists the targets. Everything runs from the locked environment in .venv.

SHELL := /bin/bash
BIN := .venv/bin
SCRIPTS := .ci/run $(wildcard scripts/*.sh)
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test check format lint types imports generated unit e2e \
	test-browser test-languages test-model chaos bench bench-voice eval-mind speech-set \
	generate samples docs clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## uv, the locked environment, the broker
	@scripts/setup.sh

setup-dev:
	@scripts/setup.sh --dev

demo: ## a house with virtual devices, spoken to; ARGS="--json" and others go to `alicia demo`
	@scripts/setup.sh 1>&2
	@$(BIN)/alicia demo $(ARGS)

check: setup-dev lint types imports generated ## what a commit needs: quickest first, under a minute
	$(BIN)/pytest -q $(wildcard tests/unit tests/contract)

test: setup-dev lint types imports generated ## everything but the benches
	@scripts/test.sh $(ARGS)

format: ## put the source into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: ## format, lint, spelling, secrets, shell
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/codespell
	@scripts/secrets.sh
	@if command -v shellcheck >/dev/null; then shellcheck $(SCRIPTS); fi

types: ## pyright, strict
	$(BIN)/pyright --warnings

imports: ## who may import whom
	$(BIN)/lint-imports --no-logo

generated: ## the generated files are what the contract says
	$(BIN)/python -m alicia.runtime.derive --check

unit: ## the quickest floor
	$(BIN)/pytest -q tests/unit $(ARGS)

e2e: ## recorded speech in, device state and speech out
	$(BIN)/pytest -q tests/e2e $(ARGS)

test-languages: ## all recordings of the eight languages besides English, through a real house
	$(BIN)/pytest -q -m languages tests/e2e/test_languages.py $(ARGS)

test-model: ## a real llama.cpp with a small model; or URL=http://localhost:8080/v1 [MODEL=... KEY=... SIGHT=1]
	@ALICIA_TEST_OPENAI_URL=$(URL) ALICIA_TEST_OPENAI_MODEL=$(or $(MODEL),local) \
	ALICIA_TEST_OPENAI_KEY=$(KEY) ALICIA_TEST_OPENAI_SIGHT=$(SIGHT) \
	scripts/test_model.sh $(ARGS)

test-browser: ## the page with a microphone in a real Chromium (apt-get install chromium)
	@command -v chromium >/dev/null || { echo "chromium is missing: apt-get install chromium" >&2; exit 1; }
	$(BIN)/pytest -q tests/e2e/test_browser.py $(ARGS)

chaos: ## rooms and broker killed, frozen, cut off
	$(BIN)/pytest -q tests/chaos $(ARGS)

bench: ## latency and load on this machine
	$(BIN)/python tests/bench/run.py $(ARGS)

bench-voice: ## how well and how soon the house hears; ARGS="--set DIR" takes your own recordings
	@scripts/setup.sh --dev 1>&2
	@$(BIN)/python -m tests.bench.voice $(ARGS)

eval-mind: ## how well sentences are understood, by language; ARGS="--sentences FILE.jsonl" takes yours
	@scripts/setup.sh --dev 1>&2
	@$(BIN)/python -m tests.eval.mind $(ARGS)

speech-set: ## speaks the full labelled set (nine languages) into .speech/; not committed
	@scripts/speech_set.sh $(ARGS)

generate: ## write what is derived from the contract
	$(BIN)/python -m alicia.runtime.derive

samples: ## a sample of each message that has none
	$(BIN)/python scripts/samples.py

docs: generate ## the same: the reference pages are generated, the others are written
	@ls docs docs/*/

clean: ## caches and reports; .venv stays
	rm -rf .pytest_cache .ruff_cache .hypothesis .import_linter_cache reports dist build
	find src tests examples scripts -name __pycache__ -type d -prune -exec rm -rf {} +
