"""What is kept and recorded while ``groupfeat train`` runs: options, epochs, observers."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from groupfeat.training import Observer, Snapshot, Task, TrainConfig
    from groupfeat.training.telemetry import JsonLines, Telemetry

__all__ = ["NOT_WATCHED", "Streams", "Watch", "epochs_of", "make_telemetry", "watch_at"]

MOST_EPOCHS = 100_000
QUANTITIES = ("scores", "gradient", "structure", "steps", "nodes", "each-node", "repulsion")
_NODES = ("nodes", "each-node")


@dataclass(frozen=True)
class _Watch:
    """What is kept and recorded on the way.

    Parameters
    ----------
    checkpoint_at
        Epochs to write checkpoints at: log (log:16 for 16 a decade), every:100, or numbers such
        as 10,100,1000; needs --out.
    resume
        A checkpoint to train on from: its settings hold, epochs apart.
    telemetry
        What to record: all, or some of scores (accuracies, losses), gradient (G_F and its
        directions), structure (how diagonal F̃ᵀF̃ and F̃F̃ᵀ are), steps (of W and V), nodes (what
        they hold), each-node (every one's energy and shares; large), repulsion (signs of b_jl),
        with commas. Goes to run-SEED.jsonl in --out.
    telemetry_at
        Epochs to record at, as for checkpoint-at.
    tensorboard
        Folder to record for TensorBoard in (scores, unless --telemetry says more).
    wandb
        Project to record for Weights & Biases in, likewise.
    """

    checkpoint_at: str | None = None
    resume: str | None = None
    telemetry: str | None = None
    telemetry_at: Annotated[str | None, Parameter(show_default="log")] = None
    tensorboard: str | None = None
    wandb: str | None = None


Watch = Annotated[_Watch, Parameter(name="*")]
NOT_WATCHED = _Watch()


def epochs_of(text: str, option: str, last: int, first: int = -1) -> tuple[int, ...]:
    """Return the epochs after ``first``, up to ``last``, that an option's words stand for.

    Raises
    ------
    ValueError
        If the words cannot be read, an epoch is told twice or lies outside, or there are more
        than 100,000.
    """
    from groupfeat.training import log_epochs

    kind, _, number = text.partition(":")
    if kind in ("log", "every") and (not number or number.isdecimal()) and text != "every":
        size = int(number) if number else 8
        if not size or text.endswith(":"):
            raise ValueError(f"{option} takes a number of at least 1 after {kind}:, got {text!r}")
        if kind == "every":
            _check_number(1 + last // size, option)
            spaced: Sequence[int] = range(0, last + 1, size)
        else:
            spaced = log_epochs(last, per_decade=min(size, MOST_EPOCHS))
        return tuple(epoch for epoch in spaced if epoch > first)
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() for word in words):
        raise ValueError(
            f"{option} takes log, log:16, every:100 or epochs from 0 on such as 10,100,1000, "
            f"got {text!r}"
        )
    epochs = [int(word) for word in words]
    for epoch in epochs:
        if not first < epoch <= last:
            since = f" (the checkpoint is at {first})" if first >= 0 else ""
            raise ValueError(
                f"{option} names epoch {epoch}, expected {first + 1} to {last}{since}; change "
                "the list or --epochs"
            )
    if len(set(epochs)) < len(epochs):
        raise ValueError(f"{option} names an epoch twice: {text!r}")
    return tuple(epochs)


def _check_number(count: int, option: str) -> None:
    if count > MOST_EPOCHS:
        raise ValueError(
            f"{option} asks for {count} epochs, more than {MOST_EPOCHS}; take every:N with a "
            "larger N, or log"
        )


def watch_at(watchers: Sequence[tuple["Observer", tuple[int, ...]]]) -> dict[str, Any]:
    """Return the arguments ``observe`` and ``observe_at`` that serve all; each at its epochs."""
    named = [(observer, frozenset(epochs)) for observer, epochs in watchers]
    told = tuple(each for each in named if each[1] or _sees_last(each[0]))
    if not told:
        return {"observe": None, "observe_at": ()}
    every = frozenset[int]().union(*(at for _, at in told))
    return {"observe": _Together(told), "observe_at": every}


@dataclass(frozen=True)
class _Together:
    """Observers as one: each sees its epochs, and the last where it wants to."""

    told: Sequence[tuple["Observer", frozenset[int]]]

    @property
    def sees_last(self) -> bool:
        return any(_sees_last(observer) for observer, _ in self.told)

    def __call__(self, snapshot: "Snapshot") -> None:
        for observer, epochs in self.told:
            if snapshot.epoch in epochs or (snapshot.is_last and _sees_last(observer)):
                observer(snapshot)


def _sees_last(observer: "Observer") -> bool:
    return bool(getattr(observer, "sees_last", False))


def make_telemetry(
    words: str | None, task: "Task", config: "TrainConfig", sinks: Sequence[Any]
) -> "Telemetry":
    """Return what records the named quantities of ``task``; ``all`` means those it has."""
    from groupfeat.groups import irreps
    from groupfeat.training.telemetry import Telemetry

    named = [word.strip() for word in (words or "scores").split(",")]
    for word in named:
        if word not in (*QUANTITIES, "all"):
            raise ValueError(
                f"--telemetry knows no {word!r}; known: all, {', '.join(QUANTITIES)}, with commas"
            )
    every, product = "all" in named, task.group if len(task.sizes) == 2 else None
    asked = set(QUANTITIES) if every else set(named)
    lacks = "" if product is not None else f"products gh of a group, got {task.name}"
    if config.complex_weights:
        lacks = "real weights, got complex_weights=True"
    if lacks and not every and (strange := [word for word in _NODES if word in asked]):
        raise ValueError(f"--telemetry {strange[0]} needs {lacks}; leave it out")
    reps = irreps(product) if asked & set(_NODES) and product and not lacks else None
    return Telemetry(
        gradient="gradient" in asked,
        structure="structure" in asked,
        steps="steps" in asked,
        repulsion="repulsion" in asked,
        irreps=reps,
        each_node="each-node" in asked,
        sinks=sinks,
    )


class Streams:
    """Sinks of records: ``run-SEED.jsonl`` in a folder, TensorBoard, Weights & Biases.

    Parameters
    ----------
    folder
        Of the JSON lines; None writes none.
    configs
        What each file's first line tells, by seed. Files of another config are refused.
    """

    def __init__(self, folder: Path | None, configs: Mapping[int, "TrainConfig"]) -> None:
        self.folder, self.configs = folder, configs
        self.paths = [] if folder is None else [self.path(seed) for seed in configs]
        self.sinks: list[Any] = [] if folder is None else [self]
        self._open: dict[int, JsonLines] = {}
        self._stack = ExitStack()
        for seed in configs if folder is not None else ():
            self._lines(seed).close()

    def add(self, sink: Any) -> None:
        """Add a sink that is closed at the end."""
        self._stack.callback(sink.close)
        self.sinks.append(sink)

    def path(self, seed: int) -> Path:
        """Return the file of a run."""
        return (self.folder or Path()) / f"run-{seed}.jsonl"

    def __call__(self, record: Mapping[str, Any]) -> None:
        """Write one record to its run's file."""
        seed = int(record["seed"])
        if seed not in self._open:
            self._open[seed] = self._lines(seed)
        self._open[seed](record)

    def finish(self, seed: int) -> None:
        """Close a run's file."""
        if seed in self._open:
            self._open.pop(seed).close()

    def __enter__(self) -> "Streams":
        return self

    def __exit__(self, *_: object) -> None:
        for seed in list(self._open):
            self.finish(seed)
        self._stack.close()

    def _lines(self, seed: int) -> "JsonLines":
        from groupfeat.training.telemetry import JsonLines

        return JsonLines(self.path(seed), self.configs[seed].to_dict())

    def stages(self) -> list[dict[str, Any]]:
        """Return the boundaries of the stages that each file shows."""
        from groupfeat.training.telemetry import read_json_lines, stage_boundaries

        found = []
        for seed, path in zip(self.configs, self.paths, strict=False):
            records = sorted(read_json_lines(path)[1], key=lambda record: record["epoch"])
            found.append({"seed": seed, **asdict(stage_boundaries(records))})
        return found
