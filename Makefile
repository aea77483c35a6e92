# actviz: `make explorer` and `make test` set up what they need and do what they say.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PORT   ?= 8501
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install explorer lab test check format clean

help:  ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(READY)  ## .venv with everything, the package editable

# opencv comes from two packages here (grad-cam's and MediaPipe's) that own the same module; the one
# unpacked last wins. We let it be the one that has optical flow and needs no libGL.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "actviz needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@echo "Setting up $(VENV) (about 6 GB with PyTorch; a few minutes the first time) …"
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "python venv is missing; on Debian and Ubuntu: apt install python3-venv"; exit 2; }
	@$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[all]"
	$(BIN)/python -m pip install --quiet --no-deps --force-reinstall -c constraints.txt opencv-contrib-python-headless
	@touch $(READY)

explorer: $(READY)  ## open the explorer on the bundled clips (PORT=8501)
	$(BIN)/actviz explorer --port $(PORT)

lab: $(READY)  ## JupyterLab on notebooks/
	$(BIN)/jupyter lab notebooks

test: $(READY)  ## every test (PYTEST_ARGS="-k memory" for some)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(READY)  ## lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)  ## let ruff put things in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
