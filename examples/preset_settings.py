"""The settings of the reference experiments, as docs/tutorials/training-recipes.md holds them.

``python examples/preset_settings.py`` prints a line a preset; where arms or groups differ, the
values stand beside each other, many of them as a range.
"""

from collections.abc import Iterator, Sequence

from groupfeat.training import PRESETS, TrainConfig, preset

SHOWN = {
    "n_hidden": "K",
    "train_fraction": "share of pairs",
    "optimizer": "optimiser",
    "learning_rate": "rate",
    "weight_decay": "decay",
    "epochs": "epochs",
}
HEAD = ("preset", "groups", "compared", *SHOWN.values(), "runs")


def rows() -> Iterator[tuple[str, ...]]:
    """Yield the cells of each preset."""
    for name, found in PRESETS.items():
        first = preset(name, seeds=1, task=found.tasks[0])
        every = preset(name, seeds=1)
        cells = (told([getattr(config, setting) for config in every]) for setting in SHOWN)
        groups = ", ".join(found.tasks) if len(found.tasks) < 5 else f"{len(found.tasks)} groups"
        size = f"{len(every)} × {found.seeds}"
        yield (f"`{name}`", groups, compared(first) or "–", *cells, size)


def compared(arms: Sequence[TrainConfig]) -> str:
    """Return the names of the settings by which arms of one group differ."""
    named = vars(arms[0])
    return ", ".join(f"`{name}`" for name in named if len({getattr(arm, name) for arm in arms}) > 1)


def told(values: Sequence[object]) -> str:
    """Return distinct values in words: up to three, or the range of numbers."""
    distinct = list(dict.fromkeys(values))
    words = ["0.3/M²" if value is None else short(value) for value in distinct]
    numbers = [value for value in distinct if isinstance(value, int | float)]
    if len(words) <= 3:
        return ", ".join(words)
    return f"{short(min(numbers))} to {short(max(numbers))}"


def short(value: object) -> str:
    """Return a number to three digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    print(f"| {' | '.join(HEAD)} |")
    print("|" + "---|" * len(HEAD))
    for row in rows():
        print(f"| {' | '.join(row)} |")
