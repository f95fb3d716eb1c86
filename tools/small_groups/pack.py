"""Pack GAP's answers (codes.g, names.g, reference.g) into the data files that ship.

Usage: python tools/small_groups/pack.py CODES NAMES REFERENCE GAP-VERSION SMALLGRP-VERSION

Codes of one order are written as little-endian numbers of one width, one LZMA2 stream an
order, so that any order is read without the others.
"""

import json
import lzma
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "groupfeat" / "groups" / "data"
TEST_DATA = ROOT / "tests" / "groups" / "data"
sys.path.insert(0, str(ROOT))

from groupfeat.groups.construct._small_groups import FILTERS  # noqa: E402


def read(path: str) -> dict[int, list[str]]:
    """Return the answers of every order by id; ids must have no gap."""
    found: dict[int, dict[int, str]] = defaultdict(dict)
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        order, index, answer = line.split(" ", 2)
        found[int(order)][int(index)] = answer
    for order, answers in found.items():
        if sorted(answers) != list(range(1, len(answers) + 1)):
            raise SystemExit(f"order {order}: ids have gaps")
    return {n: [found[n][i] for i in sorted(found[n])] for n in sorted(found)}


def pack_codes(codes: dict[int, list[str]], versions: dict[str, str]) -> None:
    """Write small_groups.lzma and its index small_groups.json."""
    blob, orders, permutations = bytearray(), {}, {}
    for order, answers in codes.items():
        numbers = [0 if answer.startswith("[") else int(answer) for answer in answers]
        width = max(1, (max(numbers).bit_length() + 7) // 8)
        raw = b"".join(number.to_bytes(width, "little") for number in numbers)
        packed = lzma.compress(raw, format=lzma.FORMAT_RAW, filters=FILTERS)
        orders[order] = [len(answers), width, len(blob), len(packed)]
        blob += packed
        for i, answer in enumerate(answers, start=1):
            if answer.startswith("["):
                images = json.loads(answer)
                permutations[f"{order},{i}"] = [[p - 1 for p in row] for row in images]
    index = {**versions, "orders": orders, "permutations": permutations}
    (DATA / "small_groups.lzma").write_bytes(blob)
    (DATA / "small_groups.json").write_text(json.dumps(index, separators=(",", ":")) + "\n")


def main(codes: str, names: str, reference: str, gap: str, smallgrp: str) -> None:
    """Write all data files."""
    DATA.mkdir(exist_ok=True)
    TEST_DATA.mkdir(exist_ok=True)
    versions = {"gap": gap, "smallgrp": smallgrp}
    pack_codes(read(codes), versions)
    lines = [f"{n} {i} {name}" for n, all_ in read(names).items() for i, name in enumerate(all_, 1)]
    (DATA / "small_group_names.txt").write_text("\n".join(lines) + "\n")
    known = {n: [json.loads(a) for a in answers] for n, answers in read(reference).items()}
    text = json.dumps({**versions, "orders": known}, separators=(",", ":"))
    (TEST_DATA / "small_group_irreps.json.xz").write_bytes(lzma.compress(text.encode(), preset=9))


if __name__ == "__main__":
    main(*sys.argv[1:])
