"""Defaults that suit a task, where those of `TrainConfig` are made for two operands."""

from typing import Any

from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.tasks._tasks import Task

__all__ = ["suited_config"]

_WORDS = {"activation": "cube", "train_fraction": 0.9, "init_scale": 0.6}
_WORDS_DECAY = 0.02


def suited_config(task: Task, **settings: Any) -> TrainConfig:
    """Return the defaults that suit a task, ``settings`` standing before them.

    With one or two operands these are `TrainConfig`'s. With three they are its own but for the
    activation ``"cube"``, the least that takes three operands together, a train fraction of 0.9,
    ``init_scale`` 0.6 and a weight decay of 0.02/M², M being the most symbols of an operand (Adam
    and the loss ``"mse_classes"``; else what None stands for): words of three grok there on every
    group tried from order 4 on (docs/experiments.md). With more operands the activation is
    ``"relu"``. ``groupfeat train`` begins from here.

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
    ('cube', 128, 0.0008)
    """
    operands = len(task.sizes)
    suited: dict[str, Any] = {} if operands < 3 else {"activation": "relu"}
    if operands == 3 and settings.get("activation", "cube") == "cube":
        suited = dict(_WORDS)
        if {"loss", "optimizer", "batch_norm"}.isdisjoint(settings):
            suited["weight_decay"] = _WORDS_DECAY / max(task.sizes) ** 2
    return TrainConfig.from_dict({**suited, **settings})
