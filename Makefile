# make run · make demo · make test — each sets up what it needs first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
NEW    := -c 'import sys; sys.exit(sys.version_info < (3, 11))'

.PHONY: run demo test check peers lock clean

run: $(VENV)/.run
	@$(BIN)/softswitch serve

demo: $(VENV)/.run
	@$(BIN)/softswitch demo

test: $(VENV)/.dev peers check
	$(BIN)/python -m pytest -n auto

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

peers:
	@sh tools/peers.sh

# The environment, from the lock files alone (hashes checked); the project itself in place. One whose Python is too old
# is made anew, and with a Python that is too old none is made.
$(VENV)/.run: requirements/run.txt pyproject.toml
	@$(BIN)/python $(NEW) 2>/dev/null || $(PYTHON) $(NEW) 2>/dev/null || { echo >&2 \
	  "softswitch needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(BIN)/python $(NEW) 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing into $(VENV) ... (about 20 seconds, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

# Resolve again, for every platform and Python we support.
lock:
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 pyproject.toml --group dev -o requirements/dev.txt

# What can be made again; the database, records and recordings in data/ can't.
clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
