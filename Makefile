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

.PHONY: env demo test lint format check-slow check-plain check-gpu bench bench-gpu wheel smoke clean

env: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[all]" --group dev
	@touch $@

demo: $(READY)
	$(BIN)/groupfeat study S3 --out runs/demo

test: $(READY)
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check-slow: $(READY)
	$(BIN)/python -m pytest -m slow

# Stacks on a GPU against the CPU, and how fast: both need a CUDA device and a torch built for it.
define NEEDS_GPU
import sys, torch
torch.cuda.is_available() or sys.exit(f"no CUDA device is seen by torch {torch.__version__}: install a build of torch for your driver into $(VENV) (pytorch.org), and run this on a machine with an NVIDIA GPU")
print(torch.cuda.get_device_name(), torch.__version__)
endef
export NEEDS_GPU

check-gpu: $(READY)
	@$(BIN)/python -c "$$NEEDS_GPU"
	$(BIN)/python -m pytest tests/training -m "gpu and not benchmark"

bench-gpu: $(READY)
	@$(BIN)/python -c "$$NEEDS_GPU"
	$(BIN)/python -m pytest tests/benchmarks -m "gpu and benchmark" -s

# The kernels as plain Python: every activation with every variant, nothing compiled.
check-plain: $(READY)
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest tests/energy/test_energy.py tests/energy/test_variants.py tests/energy/test_search.py tests/energy/test_lanes.py

bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group bench
	$(BIN)/python -m pytest tests/benchmarks -m "benchmark and not gpu" -s

wheel: $(READY)
	rm -rf dist
	$(BIN)/python -m build --wheel --outdir dist .

smoke: wheel
	sh .ci/smoke $(SMOKE) dist

clean:
	rm -rf $(VENV) build dist runs
