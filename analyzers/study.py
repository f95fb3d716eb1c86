"""One group from its table to a verdict: the whole of groupfeat in one run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from analyzers.claims import Claim
from analyzers.group_figures import plot_cayley_table
from analyzers.groups import measure_group
from analyzers.maxima import describe_maxima, measure_maxima, plot_levels, plot_spectra
from analyzers.network_claims import claims_of_networks
from analyzers.networks import measure_training, plot_curves, plot_nodes
from analyzers.report import write_report
from analyzers.storage import prepare_folder, versions, write_json
from analyzers.study_claims import claims_of_irreps, claims_of_maxima
from analyzers.style import save_figure
from analyzers.validation import describe_match
from groupfeat.groups import FiniteGroup, Irreps
from groupfeat.training import TrainConfig, TrainedRun, match_nodes, save_checkpoint

__all__ = ["StudyResult", "default_config", "run_study"]

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class StudyResult:
    """Where the results lie, and the verdicts."""

    report: Path
    results: Path
    claims: tuple[Claim, ...]

    @property
    def holds(self) -> bool:
        """Whether no claim was refuted."""
        return all(claim.verdict != "refuted" for claim in self.claims)


def default_config(group: FiniteGroup) -> TrainConfig:
    """Return the training settings of a study: 90 % of the pairs below order 8, else 80 %."""
    return TrainConfig(train_fraction=0.9 if group.order < 8 else 0.8)


def run_study(
    group: FiniteGroup,
    out: str | Path,
    *,
    config: TrainConfig | None = None,
    starts: int = 200,
    runs: int = 6,
    seed: int = 0,
    progress: Progress | None = None,
) -> StudyResult:
    """Compute irreps, maxima and networks of ``group``, judge them and write a report.

    Every step writes ``results.json`` anew as it ends, so a crash later leaves
    what was finished readable.

    Parameters
    ----------
    group
        The group.
    out
        Folder for results, checkpoints, figures and the report.
    config
        Training settings, by default `default_config`.
    starts
        Random starts of the ascent.
    runs
        Networks, with seeds ``seed``, ``seed + 1``, …
    seed
        Of starts, pairs and initial weights.
    progress
        Called as ``progress(step, done, total)``.

    Raises
    ------
    ValueError
        If ``out`` cannot be written, or a number is out of range.
    """
    if runs < 1:
        raise ValueError(f"runs must be at least 1, got {runs}")
    if group.order == 1:
        raise ValueError("the trivial group has no nontrivial irrep to learn; take a larger group")
    folder = prepare_folder(out)
    settings = (config or default_config(group)).resolved(group.order)
    book = _Book(folder, group, settings, {"starts": starts, "runs": runs, "seed": seed})
    tell = progress or (lambda _step, _done, _total: None)
    irreps = _study_irreps(book, seed)
    _study_maxima(book, irreps, starts, seed, tell)
    _study_networks(book, irreps, range(seed, seed + runs), tell)
    book.results["finished"] = True
    book.save()
    report = write_report(folder / "report.html", book.results, book.figures)
    return StudyResult(report, folder / "results.json", tuple(book.claims))


class _Book:
    """The results so far, saved after every step."""

    def __init__(
        self, folder: Path, group: FiniteGroup, config: TrainConfig, choices: dict[str, int]
    ) -> None:
        self.folder, self.group, self.config = folder, group, config
        self.claims: list[Claim] = []
        self.figures: dict[str, Path] = {}
        self.results: dict[str, Any] = {"group": {"name": group.name}, "finished": False}
        story = {"group": group.name, **choices, "train": config.to_dict(), "versions": versions()}
        write_json(folder / "config.json", story)
        self.results["config"] = story

    def add(self, name: str, content: dict[str, Any], claims: list[Claim]) -> None:
        self.results[name] = content
        self.claims += claims
        self.results["verdicts"] = [claim.to_dict() for claim in self.claims]
        self.save()

    def draw(self, name: str, axes: Axes) -> None:
        self.figures[name] = save_figure(axes, self.folder, name)

    def save(self) -> None:
        write_json(self.folder / "results.json", self.results)


def _study_irreps(book: _Book, seed: int) -> Irreps:
    summary = measure_group(book.group, rng=seed)
    book.add("group", summary.to_dict(), claims_of_irreps(summary.irreps))
    book.draw("cayley_table", plot_cayley_table(book.group))
    return summary.irreps


def _study_maxima(book: _Book, irreps: Irreps, starts: int, seed: int, tell: Progress) -> None:
    found, seconds = measure_maxima(
        irreps,
        starts=starts,
        seed=seed,
        progress=lambda done, total: tell("ascent", done, total),
    )
    book.add("maxima", describe_maxima(found, seconds), claims_of_maxima(found, book.group.order))
    book.draw("levels", plot_levels(found))
    book.draw("spectra", plot_spectra(found, irreps))


def _study_networks(book: _Book, irreps: Irreps, seeds: range, tell: Progress) -> None:
    checkpoints: list[str] = []

    def keep(_: int, run: TrainedRun) -> None:
        path = book.folder / f"run-{run.seed}.safetensors"
        checkpoints.append(save_checkpoint(path, run, book.group).name)

    runs, seconds = measure_training(
        book.group,
        book.config,
        seeds=seeds,
        progress=lambda seed, epoch, end: tell(f"training, seed {seed}", epoch, end),
        finished=keep,
    )
    matches = [match_nodes(run.first_layer, run.second_layer, irreps) for run in runs]
    best = max(range(len(runs)), key=lambda i: (runs[i].last("test_accuracy") or 0.0, -i))
    match = matches[best]
    content = {
        "runs": [run.summary() for run in runs],
        "histories": [run.history for run in runs],
        "checkpoints": checkpoints,
        "seconds_per_step": seconds,
    }
    book.results["training"] = content
    book.add(
        "nodes",
        {
            "seed": runs[best].seed,
            **describe_match(match),
            "every_run": [
                {"seed": run.seed, "alive": m.alive, "matched": m.matched}
                for run, m in zip(runs, matches, strict=True)
            ],
        },
        claims_of_networks(book.group, runs, matches),
    )
    book.draw("curves", plot_curves(runs))
    book.draw("nodes", plot_nodes(match, irreps))
