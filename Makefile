PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test test-all soak bench bench-peers lint format clean

help:
	@echo "make demo    play the main job: mention, button, kill -9, restart, click"
	@echo "make test    run the tests on SQLite, and on every server that answers"
	@echo "make test-all  and those that take longer: processes that are killed, a crash at every step"
	@echo "make soak    kill and stop workers, broker and database while events come in, and count what went wrong"
	@echo "make bench   time every store, beside the same statements sent by hand; then webhooks, workers, rendering, caches"
	@echo "make bench-peers  and beside other people's stores (needs Node and npm)"
	@echo "make lint    ruff, mypy, import-linter, Django's checks"
	@echo "make format  let ruff rewrite the code"

# Made again whenever the exact set of packages changes.
.venv/ready: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

demo: .venv/ready
	$(BIN)/python -m botproject.demo

test: .venv/ready
	$(BIN)/python -m tests

test-all: .venv/ready
	$(BIN)/python -m tests --all

# More of it: make soak ARGS="--seed 7 --combination postgresql+rabbitmq"; or --help.
soak: .venv/ready
	$(BIN)/python -m soak $(ARGS)

bench: .venv/ready
	$(BIN)/python -m bench
	$(BIN)/python -m bench --flat
	$(BIN)/python -m bench --runtime
	$(BIN)/python -m bench --rendering
	$(BIN)/python -m bench --caches

# No lock file: it would name the place that the packages came from.
bench-peers: .venv/ready
	cd bench/peers && npm install --no-package-lock --no-audit --no-fund
	$(BIN)/python -m bench --peers postgresql redis

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .demo .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
