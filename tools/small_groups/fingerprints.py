"""Write the invariants by which `identify` finds a group's id (about two minutes on one core).

Usage: python tools/small_groups/fingerprints.py

For each order up to 255: 32 bits a group from the colours of its elements, then 32 bits from
the colours of pairs for each group whose first number occurs again.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from groupfeat.groups import number_of_small_groups, small_group  # noqa: E402
from groupfeat.groups.isomorphism._identify import (  # noqa: E402
    MAX_ORDER,
    element_fingerprint,
    pair_fingerprint,
    shared,
)


def fingerprints(order: int) -> list[int]:
    """Return the numbers of one order as they stand in the file; print what stays together."""
    count = number_of_small_groups(order)
    elements = [element_fingerprint(small_group(order, i)) for i in range(1, count + 1)]
    places = shared(np.array(elements, dtype=np.uint32)).tolist()
    pairs = [pair_fingerprint(small_group(order, place + 1)) for place in places]
    keys = np.array([elements[p] for p in places], dtype=np.uint64) << np.uint64(32)
    left = shared(keys | np.array(pairs, dtype=np.uint64))  # type: ignore[arg-type]
    print(f"order {order}: {count} groups, {len(places)} need pairs, {len(left)} stay together")
    return elements + pairs


def main() -> None:
    """Write the file."""
    found = np.array([x for n in range(1, MAX_ORDER + 1) for x in fingerprints(n)], np.uint32)
    np.save(ROOT / "groupfeat" / "groups" / "data" / "small_group_fingerprints.npy", found)


if __name__ == "__main__":
    main()
