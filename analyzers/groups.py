"""What a group is made of: classes, irreps, certificate, characters."""

import time
from dataclasses import dataclass
from typing import Any

from groupfeat.groups import FiniteGroup, Irreps, character_table, exact_character_values, irreps

__all__ = ["GroupSummary", "describe_characters", "measure_group"]


_ROUNDING = 1e-12
"""Parts of a character up to this are taken for the rounding of a zero."""


@dataclass(frozen=True)
class GroupSummary:
    """A group, its irreps, and the seconds from the parsed group to the generators' matrices."""

    irreps: Irreps
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        group, certificate = self.irreps.group, self.irreps.certificate
        return {
            "name": group.name,
            "order": group.order,
            "abelian": group.is_abelian,
            "class_sizes": group.conjugacy_classes.sizes.tolist(),
            "irreps": [
                {"index": r.index, "dim": r.dim, "frobenius_schur": r.frobenius_schur}
                for r in self.irreps
            ],
            "certificate": {
                "homomorphism_error": certificate.homomorphism_error,
                "unitarity_error": certificate.unitarity_error,
                "orthogonality_error": certificate.orthogonality_error,
            },
            "seconds": self.seconds,
        }


def measure_group(group: FiniteGroup, *, rng: int = 0) -> GroupSummary:
    """Compute all irreps and their matrices on the generators, and time it."""
    start = time.perf_counter()
    found = irreps(group, rng=rng)
    found.generator_matrices()
    return GroupSummary(found, time.perf_counter() - start)


def describe_characters(group: FiniteGroup, *, exact: bool = False, rng: int = 0) -> dict[str, Any]:
    """Return the character table as plain values: rows irreps, columns classes.

    With ``exact`` also sympy's text of every value.
    """
    table = character_table(group, rng=rng)
    classes = group.conjugacy_classes
    found = {
        "name": group.name,
        "class_sizes": classes.sizes.tolist(),
        "class_representatives": classes.representatives.tolist(),
        "class_names": [group.element_names[g] for g in classes.representatives],
        "table": [[_parts(value) for value in row] for row in table.values.tolist()],
    }
    if exact:
        values = exact_character_values(table)
        found["exact"] = [[str(value) for value in row] for row in values.tolist()]
    return found


def _parts(value: complex) -> list[float]:
    """Return real and imaginary part, rounding of a zero taken off."""
    return [part if abs(part) > _ROUNDING else 0.0 for part in (value.real, value.imag)]
