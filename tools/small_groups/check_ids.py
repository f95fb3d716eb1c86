"""Ask GAP for the ids of the tables that we ship: a spread of every order up to 511.

Usage: python tools/small_groups/check_ids.py GAP-VERSION SMALLGRP-VERSION

Each group goes to GAP as permutations, the left multiplications by its generators, and GAP's
IdGroup answers. A digest of every table that got its own id is kept for the tests.
"""

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "tests" / "groups" / "data" / "small_group_digests.txt"
sys.path.insert(0, str(ROOT))

from groupfeat.groups import FiniteGroup, number_of_small_groups, small_group  # noqa: E402


def chosen() -> Iterator[tuple[int, int]]:
    """Yield the first, the last and up to four further ids of every order."""
    for order in range(2, 512):
        count = number_of_small_groups(order)
        yield from ((order, i) for i in sorted({1 + (count - 1) * t // 5 for t in range(6)}))


def digest(group: FiniteGroup) -> str:
    """Return a short digest of the Cayley table."""
    return hashlib.sha256(group.cayley_table.astype("<i2").tobytes()).hexdigest()[:16]


def as_permutations(group: FiniteGroup) -> str:
    """Return the left multiplications by the generators in GAP's words."""
    rows = group.cayley_table[list(group.generators)] + 1
    return "[" + ",".join(f"PermList({row})" for row in rows.tolist()) + "]"


def main(gap: str, smallgrp: str) -> None:
    """Write the digests, or stop at an id that GAP denies."""
    ids = list(chosen())
    script = (
        'LoadPackage("smallgrp");;\nask := function(l) Print(IdGroup(Group(l)), "\\n"); end;;\n'
    )
    script += "".join(f"ask({as_permutations(small_group(n, i))});\n" for n, i in ids)
    with tempfile.NamedTemporaryFile("w", suffix=".g") as file:
        file.write(script + "QUIT;\n")
        file.flush()
        told = subprocess.run(["gap", "-q", file.name], capture_output=True, text=True, check=True)
    answers = [line for line in told.stdout.splitlines() if line.startswith("[")]
    wrong = [(a, f"[ {n}, {i} ]") for a, (n, i) in zip(answers, ids, strict=True)]
    wrong = [(a, b) for a, b in wrong if a != b]
    if wrong:
        raise SystemExit(f"GAP disagrees: {wrong[:5]}")
    lines = [f"# IdGroup of GAP {gap}, SmallGrp {smallgrp}: order, id, digest of our table"]
    lines += [f"{n} {i} {digest(small_group(n, i))}" for n, i in ids]
    TARGET.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
