"""The claims that a study of one group checks of its trained networks."""

from collections.abc import Sequence

from analyzers._words import counted, irreps_name
from analyzers.claims import PAPER, Claim, decide
from groupfeat.groups import FiniteGroup
from groupfeat.training import NodeMatch, TrainedRun

__all__ = ["claims_of_networks", "has_settled"]

MATCHED_BAR = 0.95
NOTHING = "no run answered every product for long enough, nothing to judge"

Matched = Sequence[tuple[TrainedRun, NodeMatch]]


def has_settled(run: TrainedRun) -> bool:
    """Tell whether the run ends right on all pairs, and has generalised for long enough.

    Long enough is ``settle_epochs`` steps with a test accuracy of ``stop_accuracy`` at every
    evaluation: a small test set is hit by chance, and nodes settle on features only after the
    answers are right.
    """
    if not run.last("test_accuracy") == run.last("train_accuracy") == 1.0:
        return False
    epochs, accuracies = run.history["epoch"], run.history["test_accuracy"]
    bar = run.config.stop_accuracy
    wrong = max((e for e, a in zip(epochs, accuracies, strict=True) if a < bar), default=-1)
    since = next(e for e in epochs if e > wrong)
    return run.epochs - since >= run.config.settle_epochs


def claims_of_networks(
    group: FiniteGroup, runs: Sequence[TrainedRun], matches: Sequence[NodeMatch]
) -> list[Claim]:
    """Judge test accuracy, and the nodes of every run that generalised and settled."""
    good = [(run, match) for run, match in zip(runs, matches, strict=True) if has_settled(run)]
    return [_generalisation(group, runs, good), _purity(good), _coverage(matches[0], good)]


def _generalisation(group: FiniteGroup, runs: Sequence[TrainedRun], good: Matched) -> Claim:
    config, total = runs[0].config, group.order**2
    fraction = config.train_fraction
    unseen = total - max(1, round(fraction * total))
    return Claim(
        "generalisation",
        f"{PAPER} Theorem 4",
        f"a network trained on {fraction:.0%} of the products answers the {unseen} others",
        _answered(runs, good, unseen) if unseen else "every product was trained on: no test set",
        "confirmed" if good else "undecided",
        f"one run is enough: right on every pair at its end, and on {config.stop_accuracy:.1%} of "
        f"the unseen ones for {config.settle_epochs} steps before",
    )


def _answered(runs: Sequence[TrainedRun], good: Matched, unseen: int) -> str:
    touched = sum(run.last("test_accuracy") == 1.0 for run in runs) - len(good)
    hit = f"; {touched} did so at its end, for too short a time" if touched else ""
    if good:
        verb, which = ("answers", "seed") if len(good) == 1 else ("answer", "seeds")
        seeds = ", ".join(str(run.seed) for run, _ in good)
        return (
            f"{len(good)} of {counted(len(runs), 'run')} {verb} all of the {unseen} "
            f"({which} {seeds}){hit}"
        )
    best = max(run.last("test_accuracy") or 0.0 for run in runs)
    steps = max(run.epochs for run in runs)
    return (
        f"none of {counted(len(runs), 'run')} answers all of the {unseen} lastingly within {steps} "
        f"steps, the best {best:.1%} at its end{hit}; more pairs, steps or runs may"
    )


def _purity(good: Matched) -> Claim:
    alive, matched = (sum(getattr(m, name) for _, m in good) for name in ("alive", "matched"))
    return Claim(
        "nodes are maxima",
        f"{PAPER} Theorems 1 and 2",
        f"where networks generalise, at least {MATCHED_BAR:.0%} of live nodes lie on one irrep",
        f"{matched} of {counted(alive, 'live node')} matched ({matched / max(alive, 1):.1%}), "
        f"{counted(len(good), 'network')}"
        if good
        else NOTHING,
        decide(matched >= MATCHED_BAR * alive) if good else "undecided",
        f"at least {MATCHED_BAR:.0%} of the live nodes of those runs, taken together",
    )


def _coverage(any_match: NodeMatch, good: Matched) -> Claim:
    lost = [(run, match) for run, match in good if match.missing]
    counts = (
        ", ".join(f"{irreps_name(k)}: {n}" for k, n in good[0][1].by_irrep.items()) if good else ""
    )
    told = "; ".join(
        f"run {run.seed} lacks {', '.join(map(irreps_name, match.missing))} ({_reason(run, match)})"
        for run, match in lost
    )
    return Claim(
        "every irrep is learned",
        f"{PAPER} Theorem 7",
        f"all {len(any_match.by_irrep)} nontrivial families have a node in each such network",
        (told or f"none missing; run {good[0][0].seed}: {counts}") if good else NOTHING,
        decide(not lost) if good else "undecided",
        "none is missing in any of those runs",
    )


def _reason(run: TrainedRun, match: NodeMatch) -> str:
    if match.alive < 2 * len(match.by_irrep):
        return "too few live nodes for all of them"
    return f"weight decay {run.config.weight_decay:.1e} outweighed their gain"
