"""What a training config may say: kinds, ranges, and settings that exclude each other."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

__all__ = [
    "PLAIN",
    "POLYNOMIALS",
    "check_combinations",
    "check_kind",
    "check_names",
    "check_number",
    "check_ranges",
]

MOST_EPOCHS = 10**9
_BITS = 63
POLYNOMIALS = ("square", "half_square", "cube", "linear")
PLAIN = {
    "embedding": 0,
    "complex_weights": False,
    "bias": False,
    "batch_norm": False,
    "other_layers": 0,
    "weight_norm": "free",
    "ridge": None,
}
"""What two plain layers leave at its default."""
_SQUARES = ("square", "half_square")
_COUNTS = ("n_hidden", "epochs", "eval_every", "settle_epochs", "embedding", "other_layers")
_SIZES = ("width", "heads", "layers", "feed_forward")
_SEEDS = ("pair_seed", "init_seed")
_WHOLE = (*_COUNTS, *_SIZES, *_SEEDS, "warmup_epochs")
_FLAGS = ("complex_weights", "bias", "batch_norm", "residual")
_OPTIONAL = ("weight_decay", "ridge", "fallback_rate", *_SEEDS)
_ADAM = ("adam_beta1", "adam_beta2", "adam_epsilon")
_POSITIVE = ("learning_rate", "init_scale", "beta", "ridge", "fallback_rate", "adam_epsilon")
_NOT_NEGATIVE = ("alpha", "settle_epochs", "embedding", "other_layers", "warmup_epochs")
_BELOW_ONE = ("momentum", "muon_momentum", "adam_beta1", "adam_beta2")


def check_kind(name: str, value: object) -> None:
    """Raise ValueError unless ``value`` is of the kind that the setting takes."""
    if name in _OPTIONAL and value is None:
        return
    kinds: tuple[type, ...]
    if name == "task":
        kinds, words = (str,), "text"
    elif name in _FLAGS:
        kinds, words = (bool,), "true or false"
    else:
        kinds, words = ((int,), "an int") if name in _WHOLE else ((int, float), "a number")
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise ValueError(f"{name} must be {words}, got {value!r}")
    if isinstance(value, int) and value.bit_length() > _BITS:  # no float need hold it
        expected = "in [0, 2⁶³)" if name in _SEEDS else "below 2⁶³"
        raise ValueError(f"{name} must be {expected}, got a number of {value.bit_length()} bits")


def check_names(config: type[Any], names: Iterable[str]) -> None:
    """Raise ValueError for a name that is no setting of the dataclass ``config``."""
    known = {field.name for field in fields(config)}
    strange = sorted(set(names) - known)
    if strange:
        raise ValueError(f"unknown setting {strange[0]!r}; known: {', '.join(sorted(known))}")


def check_number(name: str, value: float | None, holds: bool, expected: str) -> None:
    """Raise ValueError unless what is ``expected`` of a number ``holds`` and it is finite."""
    if not holds or (value is not None and not math.isfinite(value)):
        raise ValueError(f"{name} must be {expected}, got {value}")


def check_ranges(settings: Mapping[str, Any]) -> None:
    """Raise ValueError for a number out of its range."""

    def check(name: str, holds: bool, expected: str) -> None:
        check_number(name, settings[name], holds, expected)

    for name in ("n_hidden", "epochs", "eval_every"):
        check(name, settings[name] >= 1, "at least 1")
    check("epochs", settings["epochs"] <= MOST_EPOCHS, "at most 10⁹, days of the least network")
    for name in _POSITIVE:
        check(name, settings[name] is None or settings[name] > 0, "positive")
    decay = settings["weight_decay"]
    check("weight_decay", decay is None or decay >= 0, "zero or more, or None")
    for name in _NOT_NEGATIVE:
        check(name, settings[name] >= 0, "zero or more")
    for name in ("train_fraction", "stop_accuracy"):
        check(name, 0 < settings[name] <= 1, "in (0, 1]")
    for name in _BELOW_ONE:
        check(name, 0 <= settings[name] < 1, "in [0, 1)")
    for name in _SEEDS:
        check(name, settings[name] is None or 0 <= settings[name] < 2**63, "in [0, 2⁶³), or None")


def check_combinations(settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Raise ValueError for settings that exclude each other or would be ignored."""
    for told, message in _exclusions(settings, defaults):
        if told:
            raise ValueError(message)


def _exclusions(s: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
    optimizer, sigma = s["optimizer"], s["activation"]
    changed = {name for name in s if s[name] != defaults[name]}
    yield (
        s["momentum"] > 0 and optimizer != "sgd",
        f"momentum is SGD's, got optimizer={optimizer!r}; "
        "Adam has adam_beta1 and Muon muon_momentum",
    )
    for name in ("fallback_rate", "muon_momentum"):
        yield (
            name in changed and optimizer != "muon",
            f"{name} is Muon's, got optimizer={optimizer!r}; leave it out or choose muon",
        )
    for name in _ADAM:
        yield (
            name in changed and optimizer in ("sgd", "gd"),
            f"{name} is Adam's, got optimizer={optimizer!r}; leave it out",
        )
    yield (
        s["warmup_epochs"] > s["epochs"],
        f"warmup_epochs must be at most epochs ({s['epochs']}), got {s['warmup_epochs']}",
    )
    yield from _layer_exclusions(s, sigma)
    yield from _solve_exclusions(s, sigma)
    if s["precision"] == "bfloat16":
        yield from _rounding_exclusions(s)


def _layer_exclusions(s: Mapping[str, Any], sigma: str) -> Iterator[tuple[bool, str]]:
    if s["complex_weights"]:
        yield (
            sigma not in POLYNOMIALS,
            f"complex weights need a polynomial activation ({', '.join(POLYNOMIALS)}), "
            f"got {sigma!r}",
        )
        for name in ("bias", "batch_norm", "other_layers"):
            yield bool(s[name]), f"{name} is not offered with complex weights; leave it out"
    yield (
        s["batch_norm"] and s["bias"],
        "batch_norm has its own shift and cancels a bias; set bias=False",
    )
    yield (
        not s["residual"] and not s["other_layers"],
        "residual=False says how other layers are joined, got other_layers=0; leave it out",
    )


def _solve_exclusions(s: Mapping[str, Any], sigma: str) -> Iterator[tuple[bool, str]]:
    if s["ridge"] is not None:
        yield (
            s["loss"] != "mse_samples",
            f"ridge solves for V under the loss mse_samples, got loss={s['loss']!r}; set it",
        )
        yield s["beta"] != 1, f"ridge needs beta=1, got {s['beta']}"
    if s["dead_nodes"] == "drop":
        yield (
            sigma not in _SQUARES,
            f"dropping dead nodes is exact for square and half_square only, got {sigma!r}",
        )
        for name, value in PLAIN.items():
            yield s[name] != value, f"dropping dead nodes needs {name}={value}, got {s[name]}"
        yield s["optimizer"] == "muon", "Muon's steps mix nodes: dead_nodes='drop' is not exact"


def _rounding_exclusions(s: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
    advice = "set precision='float32'"
    yield (
        not s["loss"].startswith("mse_"),
        f"precision='bfloat16' is offered for squared losses, got loss={s['loss']!r}; {advice}",
    )
    for name in ("complex_weights", "bias", "other_layers"):
        yield bool(s[name]), f"{name} is not offered with precision='bfloat16'; {advice}"
    yield s["ridge"] is not None, f"ridge solves and steps in float64: {advice}"
