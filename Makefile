PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OPTIMUM := .venv-optimum
OPTIMUM_READY := $(OPTIMUM)/.ready
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
DEMO_HUB := $(CURDIR)/demo/hub
DEMO_SAMPLES := demo/samples

.PHONY: help setup optimum demo test chaos check format clean-demo

help:            ## what there is
	@grep -E '^[a-z-]+: .*##|^[a-z-]+: +##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

setup: $(READY)  ## virtual environment with the pinned packages

$(READY): requirements.txt requirements-dev.txt
	$(PYTHON) $(NEW_ENOUGH)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt --requirement requirements.txt
	touch $(READY)

optimum: $(OPTIMUM_READY)  ## environment of optimum-benchmark, for --backend optimum

$(OPTIMUM_READY): requirements-optimum.txt
	$(PYTHON) $(NEW_ENOUGH)
	$(PYTHON) -m venv $(OPTIMUM)
	$(OPTIMUM)/bin/python -m pip install --quiet --requirement requirements-optimum.txt
	touch $(OPTIMUM_READY)

demo: $(READY)   ## all ten tasks on tiny models made on the spot, on the CPU
	$(BIN)/python -m demo.tiny_zoo $(DEMO_HUB)
	$(BIN)/python -m demo.own_samples $(DEMO_SAMPLES)
	HF_HUB_CACHE=$(DEMO_HUB) HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python batch_runner.py \
	    --csv demo/catalog.csv --dataset-dir $(DEMO_SAMPLES) --output-dir demo/results \
	    --engine process --device cpu --repetitions 2

clean-demo:      ## forget the demo's models and results
	rm -rf demo/hub demo/samples demo/results

test: $(READY)   ## every test; what this machine cannot do is skipped with the reason
	$(BIN)/python -m pytest

chaos: $(READY)  ## 200 random moments at which something happens to a sweep (as root, half an hour)
	$(BIN)/python -m tests.chaos --seeds 100

check: $(READY)  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## let ruff rewrite the files
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
