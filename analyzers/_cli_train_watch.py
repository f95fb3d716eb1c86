"""What is kept and recorded while ``groupfeat train`` runs: its options, epochs, observers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from analyzers._cli_options import WATCH

if TYPE_CHECKING:
    from groupfeat.training import Observer, Snapshot, Task, TrainConfig

__all__ = ["NOT_WATCHED", "Watch", "epochs_of", "telemetry_options", "watch_at"]

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
        A checkpoint to train on from: its settings hold, epochs apart. In its own folder it goes
        on in its own files, and run-SEED-resumed.json tells what was done.
    telemetry
        What to record: all, or some of scores (accuracies, losses), gradient (G_F and its
        directions), structure (how diagonal F̃ᵀF̃ and F̃F̃ᵀ are), steps (of W and V), nodes (what
        they hold), each-node (every one's energy and shares; large), repulsion (signs of b_jl),
        with commas. Goes to run-SEED.jsonl in --out (run-SEED-arm-ARM.jsonl under --preset).
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


Watch = Annotated[_Watch, Parameter(name="*", group=WATCH)]
NOT_WATCHED = _Watch()


def epochs_of(
    text: str, option: str, last: int, first: int = -1, *, own: bool = False
) -> tuple[int, ...]:
    """Return the epochs after ``first``, up to ``last``, that an option's words stand for.

    With ``own`` also ``first`` itself.

    Raises
    ------
    ValueError
        If the words cannot be read, an epoch is told twice or lies outside, or there are more
        than 100,000.
    """
    from groupfeat.training import log_epochs

    least = max(0, first if own else first + 1)
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
        return tuple(epoch for epoch in spaced if epoch >= least)
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() for word in words):
        raise ValueError(
            f"{option} takes log, log:16, every:100 or epochs from 0 on such as 10,100,1000, "
            f"got {text!r}"
        )
    epochs = [int(word) for word in words]
    for epoch in epochs:
        if not least <= epoch <= last:
            since = f" (the checkpoint is at {first})" if first >= 0 else ""
            raise ValueError(
                f"{option} names epoch {epoch}, expected {least} to {last}{since}; change "
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


def telemetry_options(words: str | None, task: "Task", config: "TrainConfig") -> dict[str, Any]:
    """Return the options of `Telemetry` that record the named quantities; ``all``: those it has."""
    from groupfeat.groups import irreps

    named = [word.strip() for word in ("scores" if words is None else words).split(",")]
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
    return {
        **{name: name in asked for name in ("gradient", "structure", "steps", "repulsion")},
        "irreps": reps,
        "each_node": "each-node" in asked,
    }
