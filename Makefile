# Two commands: `make app` and `make test`. Each sets up everything it needs, and is quick the second time.

PYTHON ?= python3
PORT ?= 8501
ADDRESS ?= localhost
WORKERS ?= 3
BIN := .venv/bin

.PHONY: app test test-all demo screenshots lint lock clean

app: .venv/ready
	$(BIN)/zoo fetch
	$(BIN)/zoo app --port $(PORT) --address $(ADDRESS)

# Workers share the cores: one thread each. They keep compiled files even where the environment forbids that.
test: .venv/ready
	-@$(BIN)/python -m tests.browser.chromium --install
	$(BIN)/zoo fetch
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# Also the cases that repeat a quicker test on other networks and data.
test-all:
	$(MAKE) test ARGS="--exhaustive $(ARGS)"

demo: .venv/ready
	$(BIN)/zoo demo

screenshots: .venv/ready
	-@$(BIN)/python -m tests.browser.chromium --install
	$(BIN)/zoo fetch
	$(BIN)/python -m tests.browser.screenshots

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/basedpyright --level error

lock: .venv/ready
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	    --no-annotate --quiet --upgrade --custom-compile-command "make lock" --output-file requirements.lock

clean:
	rm -rf .venv

# Debian splits venv off its Python; root gets it from there, anyone else is told.
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || \
	    { echo "Zoo needs Python 3.11 to 3.13, not `$(PYTHON) --version 2>&1`; name one with make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	    { [ "`id -u`" = 0 ] && apt-get update -qq && apt-get install -y -qq python3-venv; } || \
	    { echo "This Python cannot make a virtual environment; install python3-venv." >&2; exit 1; }
	test -x $(BIN)/uv || { $(PYTHON) -m venv --clear .venv && $(BIN)/python -m pip install --quiet \
	    --disable-pip-version-check "`grep '^uv==' requirements.lock`"; }
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode -r requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps --editable .
	@touch $@
