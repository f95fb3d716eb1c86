"""The claims that a study of one group checks of its irreps and maxima."""

from collections.abc import Sequence

from analyzers._words import irreps_name
from analyzers.claims import PAPER, Claim, decide
from groupfeat.energy import FoundMaxima, MaximumClass
from groupfeat.groups import Irreps

__all__ = ["claims_of_irreps", "claims_of_maxima"]

ERROR_BAR = 1e-11
LEVEL_BAR = 1e-9


def claims_of_irreps(irreps: Irreps) -> list[Claim]:
    """Check the certificate and Σ d² = M."""
    error = irreps.certificate.homomorphism_error
    total = sum(irrep.dim**2 for irrep in irreps)
    return [
        Claim(
            "irreps",
            "representation theory",
            f"unitary homomorphisms within {ERROR_BAR:.0e}, squares of dimensions add up to "
            f"{irreps.group.order}",
            f"homomorphism error {error:.1e}, sum of squares {total}",
            decide(error <= ERROR_BAR and total == irreps.group.order),
            f"the error is at most {ERROR_BAR:.0e} and the sum is the order",
        )
    ]


def claims_of_maxima(found: FoundMaxima, order: int) -> list[Claim]:
    """Check levels, flat directions, completeness of the match, and the paper's printed levels."""
    matched = [c for c in found.classes if c.matches is not None]
    worst = max(
        (abs(c.energy / found.predicted[c.matches or 0].energy - 1) for c in matched), default=0.0
    )
    return [
        _levels(found, order, matched, worst),
        _completeness(found, matched),
        _printed_levels(found, matched, worst),
    ]


def _levels(found: FoundMaxima, order: int, matched: Sequence[MaximumClass], worst: float) -> Claim:
    levels = ", ".join(
        f"{_level(order, f.energy)} ({irreps_name(f.irreps)}, {f.flat_dim} flat)"
        for f in found.predicted
    )
    measured = ", ".join(
        f"{_level(order, c.energy)} ({irreps_name(c.irreps)}, {c.flat_dim} flat, {c.count}×)"
        for c in matched
    )
    seen, families = len({c.matches for c in matched}), len(found.predicted)
    told = f"; {seen} of {families} families seen" if seen < families else ""
    if worst >= LEVEL_BAR:
        verdict = "refuted"
    else:
        verdict = "confirmed" if families and seen == families else "undecided"
    return Claim(
        "maxima",
        f"{PAPER} Theorem 2, corrected",
        f"levels {levels}" if levels else "no nontrivial irrep, no maximum",
        f"{measured or 'none'}{told}; largest relative difference {worst:.0e}",
        verdict,
        f"every family is seen, each within {LEVEL_BAR:.0e} of its level; one off refutes",
    )


def _completeness(found: FoundMaxima, matched: Sequence[MaximumClass]) -> Claim:
    starts, seen = len(found.ascent.statuses), {c.matches for c in matched}
    everything = not found.unmatched and len(seen) == len(found.predicted)
    return Claim(
        "no other maximum",
        f"{PAPER} Theorem 2",
        "every start ends in a predicted family",
        f"{starts - found.unmatched} of {starts} starts matched, {len(seen)} of "
        f"{len(found.predicted)} families seen; chance of something unseen at most "
        f"{found.unseen_probability:.3f} a start",
        decide(everything) if found.unmatched or everything else "undecided",
        "every start is matched and every family seen; one start outside refutes",
    )


def _printed_levels(found: FoundMaxima, matched: Sequence[MaximumClass], worst: float) -> Claim:
    covered = [c for c in matched if found.predicted[c.matches or 0].type != "quaternionic"]
    spoken_of = [f for f in found.predicted if f.type != "quaternionic"]
    if covered:
        measured = f"{_printed(found, covered)}; the proof drops the 2 of 2ab"
    elif spoken_of:
        measured = f"none of the {len(spoken_of)} families it speaks of was seen; more starts may"
    else:
        measured = "no nontrivial irrep of real or complex type"
    return Claim(
        "printed levels",
        f"{PAPER} Theorem 2 as printed",
        "M/(8d) for real, M/(16d) for complex irreps",
        measured,
        "corrected" if covered and worst < LEVEL_BAR else "undecided",
        f"corrected where a family is seen, at four times the printed level within {LEVEL_BAR:.0e}",
    )


def _printed(found: FoundMaxima, covered: Sequence[MaximumClass]) -> str:
    """Set the printed level of each family it covers beside the found one."""
    told = {}
    for c in covered:
        family = found.predicted[c.matches or 0]
        told[family.dim, family.type] = f"printed {family.energy / 4:.4g}, found {c.energy:.4g}"
    return ", ".join(f"d={d} {kind}: {text}" for (d, kind), text in sorted(told.items()))


def _level(order: int, energy: float) -> str:
    ratio = order / energy
    whole = round(ratio)
    return f"M/{whole}" if whole and abs(ratio - whole) < 1e-6 else f"{energy:.6g}"
