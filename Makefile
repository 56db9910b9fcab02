# Every target works from a clean clone, repeats at no cost, and may follow any other.
# pip obeys its own environment variables here, for those who have a package index or a CPU build of torch of their own.

PYTHON ?= python3
RUNS   ?= runs
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

# What is there of the three: each is linted and typed as it comes into being.
TYPED  := $(wildcard mm_env agents scripts)

.DEFAULT_GOAL := help
.PHONY: help baseline test check format benchmark validate train tensorboard dashboard clean
.DELETE_ON_ERROR:

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "PYTHON=python3.12 picks the interpreter (3.11 or newer) when $(VENV) is first made."

baseline: $(VENV)/.core  ## run the default policy on the default market (installs no torch)
	$(BIN)/mm-env baseline

test: $(VENV)/.dev  ## run the tests
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: $(VENV)/.dev  ## formatting, lint, types, layers of imports and tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist worksteal

format: $(VENV)/.dev  ## rewrite the sources in the house format and fix what lint can fix
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

benchmark: $(VENV)/.core  ## measure speed, start-up and memory
	$(BIN)/mm-env benchmark

validate: $(VENV)/.core  ## reproduce published figures and closed forms; fails on a miss
	$(BIN)/mm-env validate

train: $(VENV)/.dev  ## train PPO in minutes, and compare it with the tuned baseline on held-out episodes
	$(BIN)/mm-env train --algo ppo --out $(RUNS)/ppo_$$(date +%Y%m%d_%H%M%S)

tensorboard: PORT ?= 6006
tensorboard: $(VENV)/.dev  ## show every training below runs/ in TensorBoard (PORT=6006, RUNS=runs)
	$(BIN)/tensorboard --logdir $(RUNS) --port $(PORT)

dashboard: PORT ?= 8501
dashboard: $(VENV)/.dashboard  ## play the market live in a browser; open runs, comparisons, trainings (PORT=8501, RUNS=runs)
	$(BIN)/mm-env dashboard --port $(PORT) --runs $(RUNS)

clean:  ## remove the virtual environment, caches and built files; results in runs/ stay
	rm -rf $(VENV) build dist .coverage htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp newer than the two files that say what to install means that the installation is up to date.
# The extra report is for the run folder's tables and pictures; the core alone plays and prints as well.
$(VENV)/.core: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing mm_env into $(VENV): minutes the first time."
	$(PIP) install --quiet -e ".[report]" -c constraints.txt
	@touch $@

# Trained agents need the extra rl beside it, which whoever trained one has; without it the dashboard says so.
$(VENV)/.dashboard: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing mm_env and Streamlit into $(VENV): minutes the first time."
	$(PIP) install --quiet -e ".[dashboard]" -c constraints.txt
	@touch $(VENV)/.core $@

# Holds all that the others need, so it stamps all three: a baseline after a test installs nothing.
$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing mm_env, its tools and torch into $(VENV): minutes the first time."
	$(PIP) install --quiet -e ".[dev]" -c constraints.txt
	@touch $(VENV)/.core $(VENV)/.dashboard $@

# A half-made environment would be taken for a whole one the next time.
$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found: give one with PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "mm_env needs Python 3.11 or newer, but $(PYTHON) is" \
	    "$$($(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])'): give another with PYTHON=/path/to/python" >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
