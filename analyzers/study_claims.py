"""The claims that a study of one group checks."""

from collections.abc import Sequence

from analyzers.claims import PAPER, Claim, decide
from groupfeat.energy import FoundMaxima
from groupfeat.groups import Irreps
from groupfeat.training import NodeMatch, TrainedRun

__all__ = ["claims_of_irreps", "claims_of_maxima", "claims_of_networks"]

ERROR_BAR = 1e-11
MATCHED_BAR = 0.95


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
        )
    ]


def claims_of_maxima(found: FoundMaxima, order: int) -> list[Claim]:
    """Check levels, flat directions, completeness of the match, and the paper's printed levels."""
    matched = [c for c in found.classes if c.matches is not None]
    seen = {c.matches for c in matched}
    worst = max(
        (abs(c.energy / found.predicted[c.matches or 0].energy - 1) for c in matched), default=0.0
    )
    starts = len(found.ascent.statuses)
    levels = ", ".join(
        f"{_level(order, f.energy)} ({_irreps(f.irreps)}, {f.flat_dim} flat)"
        for f in found.predicted
    )
    measured = ", ".join(
        f"{_level(order, c.energy)} ({_irreps(c.irreps)}, {c.flat_dim} flat, {c.count}×)"
        for c in matched
    )
    everything = not found.unmatched and len(seen) == len(found.predicted)
    printed = "M/(8d) for real, M/(16d) for complex irreps"
    return [
        Claim(
            "maxima",
            f"{PAPER} Theorem 2, corrected",
            f"levels {levels}" if levels else "no nontrivial irrep, no maximum",
            (measured or "none") + f"; largest relative difference {worst:.0e}",
            "undecided" if not found.predicted else decide(worst < 1e-9 and bool(matched)),
        ),
        Claim(
            "no other maximum",
            f"{PAPER} Theorem 2",
            "every start ends in a predicted family",
            f"{starts - found.unmatched} of {starts} starts matched, {len(seen)} of "
            f"{len(found.predicted)} families seen; chance of something unseen at most "
            f"{found.unseen_probability:.3f} a start",
            decide(everything) if found.unmatched or everything else "undecided",
        ),
        Claim(
            "printed levels",
            f"{PAPER} Theorem 2 as printed",
            printed,
            "four times higher: the proof drops the 2 of 2ab" if matched else "none",
            "corrected" if matched and worst < 1e-9 else "undecided",
        ),
    ]


def claims_of_networks(
    runs: Sequence[TrainedRun], chosen: TrainedRun, match: NodeMatch
) -> list[Claim]:
    """Check test accuracy, matched nodes and coverage of the irreps."""
    perfect = sum(run.last("test_accuracy") == 1.0 for run in runs)
    accuracy = chosen.last("test_accuracy")
    missing = ", ".join(_irreps(family) for family in match.missing)
    told = "no test set" if accuracy is None else f"test accuracy {accuracy:.4g}"
    return [
        Claim(
            "generalisation",
            f"{PAPER} Theorem 4",
            f"one of {len(runs)} networks trained on {chosen.config.train_fraction:.0%} of the "
            "products answers all others",
            f"run {chosen.seed}: {told} after {chosen.epochs} steps; "
            f"{perfect} of {len(runs)} runs reach 1.0",
            "undecided" if accuracy is None else decide(accuracy == 1.0),
        ),
        Claim(
            "nodes are maxima",
            f"{PAPER} Theorems 1 and 2",
            f"at least {MATCHED_BAR:.0%} of the live nodes lie on one irrep",
            f"{match.matched} of {match.alive} live nodes matched ({match.share:.1%})",
            decide(match.share >= MATCHED_BAR),
        ),
        Claim(
            "every irrep is learned",
            f"{PAPER} Theorem 7",
            f"all {len(match.by_irrep)} nontrivial families have a node",
            _coverage(match, missing, chosen),
            decide(not match.missing),
        ),
    ]


def _coverage(match: NodeMatch, missing: str, chosen: TrainedRun) -> str:
    counts = ", ".join(f"{_irreps(k)}: {n}" for k, n in match.by_irrep.items())
    if not missing:
        return counts
    reason = (
        "too few live nodes for all of them"
        if match.alive < 2 * len(match.by_irrep)
        else f"weight decay {chosen.config.weight_decay:.1e} outweighed their gain"
        if chosen.status == "generalised"
        else "the network did not generalise"
    )
    return f"{counts}; missing {missing} ({reason})"


def _level(order: int, energy: float) -> str:
    ratio = order / energy
    whole = round(ratio)
    return f"M/{whole}" if whole and abs(ratio - whole) < 1e-6 else f"{energy:.6g}"


def _irreps(family: tuple[int, ...]) -> str:
    return ",".join(f"ρ{k}" for k in family)
