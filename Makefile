# Every target builds what it needs from nothing; a second call reuses the environment.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
SMOKE  := build/smoke

# Two busy libraries on few cores slow each other down: each gets one thread unless told otherwise.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1

.PHONY: help env demo test lint format check-slow check-plain check-gpu bench bench-gpu wheel smoke clean

env: $(READY) ## build the environment in .venv

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[all]" --group dev
	@touch $@

demo: $(READY) ## study S3 into runs/demo: the report, figures and results
	$(BIN)/groupfeat study S3 --out runs/demo

test: $(READY) ## every test, some minutes on two cores
	$(BIN)/python -m pytest

lint: $(READY) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## let ruff mend what it can, and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check-slow: $(READY) ## the checks that take minutes
	$(BIN)/python -m pytest -m slow

# Stacks on a GPU against the CPU, and how fast: both need a CUDA device and a torch built for it.
define NEEDS_GPU
import sys, torch
torch.cuda.is_available() or sys.exit(f"no CUDA device is seen by torch {torch.__version__}: install a build of torch for your driver into $(VENV) (pytorch.org), and run this on a machine with an NVIDIA GPU")
print(torch.cuda.get_device_name(), torch.__version__)
endef
export NEEDS_GPU

check-gpu: $(READY) ## stacks of runs on a CUDA device against the CPU
	@$(BIN)/python -c "$$NEEDS_GPU"
	$(BIN)/python -m pytest tests/training -m "gpu and not benchmark"

bench-gpu: $(READY) ## benchmarks on a CUDA device
	@$(BIN)/python -c "$$NEEDS_GPU"
	$(BIN)/python -m pytest tests/benchmarks -m "gpu and benchmark" -s

# The kernels as plain Python: every activation with every variant, nothing compiled.
check-plain: $(READY) ## the kernels of the energy as plain Python, nothing compiled
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest tests/energy/test_energy.py tests/energy/test_variants.py tests/energy/test_search.py tests/energy/test_lanes.py

bench: $(READY) ## benchmarks beside what people use today
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group bench
	$(BIN)/python -m pytest tests/benchmarks -m "benchmark and not gpu" -s

wheel: $(READY) ## build the wheel into dist
	rm -rf dist
	$(BIN)/python -m build --wheel --outdir dist .

smoke: wheel ## install the wheel into clean environments and use it
	sh .ci/smoke $(SMOKE) dist

clean: ## remove .venv, build, dist and runs
	rm -rf $(VENV) build dist runs
