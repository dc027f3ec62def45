# Everything starts here: `make demo` shows it, `make test` checks it. Both begin from nothing.

PYTHON ?= python3
# Another place to look for a torch build, for machines without a GPU (a smaller download):
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
# Torch alone comes from there; what it needs is at the versions of constraints.txt, which only the usual index has.
TORCH_INDEX ?=
# A folder of golden vectors, and where its tokenizer/ and images.py lie when they are not in it.
GOLDEN ?= tests/golden/vectors
GOLDEN_TOKENIZER ?=
# A folder with a model for `make bench`.
MODEL ?=

BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt
TORCH := $(PIP) $(if $(TORCH_INDEX),--no-deps --index-url $(TORCH_INDEX),) torch==2.13.0

.PHONY: demo test check fmt bench golden clean

demo: .venv/.run
	$(BIN)/python examples/demo.py

test: .venv/.dev check
	$(BIN)/pytest -n 2 --dist loadgroup

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.dev
	$(BIN)/python bench/queue.py
	$(if $(MODEL),$(BIN)/python bench/engine.py --model $(MODEL),@echo "The engine too: make bench MODEL=FOLDER (bench/make_checkpoint.py writes one)")

golden: .venv/.dev
	$(BIN)/python -m tests.golden.replay $(GOLDEN) $(if $(GOLDEN_TOKENIZER),--tokenizer $(GOLDEN_TOKENIZER),)

clean:
	rm -rf .venv

# A .venv that is there stays with its Python: made again by another one, it works with neither. So none is made by one
# that is too old.
.venv/.run: pyproject.toml constraints.txt
	@test -x $(BIN)/pip || $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed, and $(PYTHON) is none. Name one: make demo PYTHON=python3.11" >&2; exit 1; }
	@echo "Installing into .venv (once; a few minutes) ..."
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(TORCH)
	$(PIP) -e '.[bot,worker]'
	@touch $@

.venv/.dev: .venv/.run
	$(PIP) -e '.[bot,worker,training,dev]'
	@touch $@
