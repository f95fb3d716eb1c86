"""Defaults that suit a task, where those of `TrainConfig` are made for two operands."""

from typing import Any

from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.tasks._tasks import Task

__all__ = ["suited_config"]

_OPERANDS = 3
_CUBE_DECAY = 0.01


def suited_config(task: Task, **settings: Any) -> TrainConfig:
    """Return the defaults that suit a task, ``settings`` standing before them.

    With one or two operands these are `TrainConfig`'s. With three they are its own but for the
    activation ``"cube"``, which is the least that takes three operands together, and a weight
    decay of 0.01/M² under it, M being the most symbols of an operand; with more the activation is
    ``"relu"`` (docs/decisions/0026). ``groupfeat train`` begins from here.

    Parameters
    ----------
    task
        What is to be learned.
    **settings
        Of `TrainConfig`.

    Raises
    ------
    ValueError
        As `TrainConfig`.

    Examples
    --------
    >>> from groupfeat.groups import cyclic
    >>> from groupfeat.training import suited_config, word_task
    >>> config = suited_config(word_task(cyclic(5), 3), n_hidden=128)
    >>> config.activation, config.n_hidden, config.weight_decay
    ('cube', 128, 0.0004)
    """
    operands = len(task.sizes)
    if operands < _OPERANDS:
        return TrainConfig.from_dict(settings)
    suited: dict[str, Any] = {"activation": "cube" if operands == _OPERANDS else "relu"}
    suited |= settings
    plain = {"loss", "optimizer"}.isdisjoint(settings)
    if suited["activation"] == "cube" and plain:
        suited.setdefault("weight_decay", _CUBE_DECAY / max(task.sizes) ** 2)
    return TrainConfig.from_dict(suited)
