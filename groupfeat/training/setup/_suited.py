"""Defaults that suit a task, where those of `TrainConfig` are made for two operands."""

from typing import Any

from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.tasks._tasks import Task

__all__ = ["suited_config"]

_THREE: dict[str, Any] = {"activation": "cube", "train_fraction": 0.9, "init_scale": 0.6}
_MORE: dict[str, Any] = {"activation": "relu", "train_fraction": 0.9}
_DECAYS = {
    "cube": {"mse_classes": 0.02, "cross_entropy": 0.005, "stablemax": 0.005},
    "relu": {"mse_classes": 0.03},
}
"""Times 1/M²."""


def suited_config(task: Task, **settings: Any) -> TrainConfig:
    """Return the defaults that suit a task, ``settings`` standing before them.

    With one or two operands these are `TrainConfig`'s. With three they are its own but for the
    activation ``"cube"``, the least that takes three operands together, a train fraction of 0.9,
    ``init_scale`` 0.6 and, where no optimiser is told, a weight decay of 0.02/M² (under
    cross-entropy and the stable softmax 0.005/M²), M being the most symbols of an operand: words
    of three grok there, but for the last two losses, on every group tried from order 4 on. With
    more operands they are ``"relu"``, 0.9 and, under ``"mse_classes"``, 0.03/M².
    ``groupfeat train`` begins from here.

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
    if operands < 3:
        return TrainConfig.from_dict(settings)
    words = _THREE if operands == 3 else _MORE
    name = words["activation"]
    suited: dict[str, Any] = {"activation": name}
    if settings.get("activation", name) == name:
        suited |= words
        share = _DECAYS[name].get(settings.get("loss", "mse_classes"))
        if share is not None and {"optimizer", "batch_norm"}.isdisjoint(settings):
            suited["weight_decay"] = share / max(task.sizes) ** 2
    return TrainConfig.from_dict({**suited, **settings})
