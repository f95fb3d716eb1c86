"""The same seed gives the same bits, in another process and with another number of threads."""

import os
import subprocess
import sys

SCRIPT = """
import hashlib, sys
import numpy as np
from groupfeat.groups import character_table, group_from_spec, irreps
for spec in sys.argv[1:]:
    group = group_from_spec(spec)
    found = hashlib.sha256(character_table(group, rng=5).values.tobytes())
    for irrep in irreps(group, rng=5):
        found.update(irrep.orbit.tobytes())
        found.update(irrep.matrices(list(group.generators)).tobytes())
    print(spec, found.hexdigest())
"""
SPECS = ["S4", "GL(2,3)", "A6", "C2xSL(2,5)", "C60", "PSL(2,13)"]


def digests(threads: int) -> str:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads))
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT, *SPECS],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout


def test_threads_do_not_change_the_matrices() -> None:
    first = digests(1)
    assert len(first.splitlines()) == len(SPECS)
    assert digests(2) == first
