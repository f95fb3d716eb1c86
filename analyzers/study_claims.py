"""The claims that a study of one group checks."""

from collections.abc import Sequence

from analyzers.claims import PAPER, Claim, decide
from groupfeat.energy import FoundMaxima
from groupfeat.groups import FiniteGroup, Irreps
from groupfeat.training import NodeMatch, TrainedRun

__all__ = ["claims_of_irreps", "claims_of_maxima", "claims_of_networks"]

ERROR_BAR = 1e-11
MATCHED_BAR = 0.95
NOTHING = "no run generalised, nothing to judge"

Matched = Sequence[tuple[TrainedRun, NodeMatch]]


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
    covered = [c for c in matched if found.predicted[c.matches or 0].type != "quaternionic"]
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
            _printed(found) + "; the proof drops the 2 of 2ab" if covered else "no such irrep",
            "corrected" if covered and worst < 1e-9 else "undecided",
        ),
    ]


def claims_of_networks(
    group: FiniteGroup, runs: Sequence[TrainedRun], matches: Sequence[NodeMatch]
) -> list[Claim]:
    """Judge test accuracy, and the nodes of every run that generalised."""
    good = [
        (run, match)
        for run, match in zip(runs, matches, strict=True)
        if run.last("test_accuracy") == 1.0
    ]
    return [_generalisation(group, runs, good), _purity(good), _coverage(matches[0], good)]


def _generalisation(group: FiniteGroup, runs: Sequence[TrainedRun], good: Matched) -> Claim:
    fraction, total = runs[0].config.train_fraction, group.order**2
    unseen = total - max(1, round(fraction * total))
    seeds = ", ".join(str(run.seed) for run, _ in good)
    if not unseen:
        measured = "every product was trained on: no test set"
    elif good:
        measured = f"{len(good)} of {len(runs)} runs answer all {unseen} (seeds {seeds})"
    else:
        best = max(run.last("test_accuracy") or 0.0 for run in runs)
        steps = max(run.epochs for run in runs)
        measured = (
            f"none of {len(runs)} runs answers all {unseen} within {steps} steps, the best "
            f"{best:.1%}; more pairs, steps or runs may"
        )
    return Claim(
        "generalisation",
        f"{PAPER} Theorem 4",
        f"a network trained on {fraction:.0%} of the products answers the {unseen} others",
        measured,
        "confirmed" if good else "undecided",
    )


def _purity(good: Matched) -> Claim:
    alive, matched = (sum(getattr(m, name) for _, m in good) for name in ("alive", "matched"))
    return Claim(
        "nodes are maxima",
        f"{PAPER} Theorems 1 and 2",
        f"where networks generalise, at least {MATCHED_BAR:.0%} of live nodes lie on one irrep",
        f"{matched} of {alive} live nodes matched ({matched / max(alive, 1):.1%}), "
        f"{len(good)} networks"
        if good
        else NOTHING,
        decide(matched >= MATCHED_BAR * alive) if good else "undecided",
    )


def _coverage(any_match: NodeMatch, good: Matched) -> Claim:
    lost = [(run, match) for run, match in good if match.missing]
    counts = ", ".join(f"{_irreps(k)}: {n}" for k, n in good[0][1].by_irrep.items()) if good else ""
    told = "; ".join(
        f"run {run.seed} lacks {', '.join(map(_irreps, match.missing))} ({_reason(run, match)})"
        for run, match in lost
    )
    return Claim(
        "every irrep is learned",
        f"{PAPER} Theorem 7",
        f"all {len(any_match.by_irrep)} nontrivial families have a node in each such network",
        (told or f"none missing; run {good[0][0].seed}: {counts}") if good else NOTHING,
        decide(not lost) if good else "undecided",
    )


def _reason(run: TrainedRun, match: NodeMatch) -> str:
    if match.alive < 2 * len(match.by_irrep):
        return "too few live nodes for all of them"
    return f"weight decay {run.config.weight_decay:.1e} outweighed their gain"


def _printed(found: FoundMaxima) -> str:
    """Set the printed level of each family it covers beside the found one."""
    told = {}
    for c in found.classes:
        if c.matches is not None and found.predicted[c.matches].type != "quaternionic":
            family = found.predicted[c.matches]
            told[family.dim, family.type] = f"printed {family.energy / 4:.4g}, found {c.energy:.4g}"
    return ", ".join(f"d={d} {kind}: {text}" for (d, kind), text in sorted(told.items()))


def _level(order: int, energy: float) -> str:
    ratio = order / energy
    whole = round(ratio)
    return f"M/{whole}" if whole and abs(ratio - whole) < 1e-6 else f"{energy:.6g}"


def _irreps(family: tuple[int, ...]) -> str:
    return ",".join(f"ρ{k}" for k in family)
