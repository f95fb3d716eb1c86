"""The same seed gives the same matrices in another process and with another number of threads."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

SCRIPT = """
import sys
import numpy as np
from groupfeat.groups import group_from_spec, irreps
target, *specs = sys.argv[1:]
found = {}
for spec in specs:
    reps = irreps(group_from_spec(spec), rng=5)
    found[f"{spec} characters"] = reps.table.values
    for k, (irrep, images) in enumerate(zip(reps, reps.generator_matrices())):
        found[f"{spec} orbit {k}"], found[f"{spec} images {k}"] = irrep.orbit, images
np.savez(target, **found)
"""
SPECS = ["S4", "GL(2,3)", "A6", "C2xSL(2,5)", "C60", "PSL(2,13)", "A7", "D64", "Heis(5)"]


def arrays(target: Path, threads: int) -> dict[str, Any]:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads))
    command = [sys.executable, "-c", SCRIPT, str(target), *SPECS]
    subprocess.run(command, env=environment, check=True)
    with np.load(target) as found:
        return dict(found)


def test_threads_do_not_change_the_matrices(tmp_path: Path) -> None:
    one, two = (arrays(tmp_path / f"{n}.npz", n) for n in (1, 2))
    assert one.keys() == two.keys()
    for name, array in one.items():
        assert np.array_equal(array, two[name]), name
