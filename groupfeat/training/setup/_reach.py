"""Whether a network can hold what is to be learned: how many operands it takes together."""

from collections.abc import Iterable

from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.tasks._interactions import interaction_shares, is_independent
from groupfeat.training.tasks._tasks import Task

__all__ = ["captured_share", "check_reach", "interaction_order"]

_DEGREES = {"linear": 1, "square": 2, "half_square": 2, "cube": 3}


def interaction_order(config: TrainConfig) -> int | None:
    """Return the most operands of which a network's output holds an interaction; None: of all.

    d^(1 + L) for an activation of degree d and L other layers; no bound unless σ is a polynomial.

    Examples
    --------
    >>> from groupfeat.training import TrainConfig, interaction_order
    >>> interaction_order(TrainConfig()), interaction_order(TrainConfig(other_layers=1))
    (2, 4)
    >>> interaction_order(TrainConfig(activation="relu")) is None
    True
    """
    degree = _DEGREES.get(config.activation)
    return None if degree is None else degree ** (1 + min(config.other_layers, 64))


def check_reach(task: Task, configs: Iterable[TrainConfig]) -> None:
    """Raise ValueError where no network of a config's kind can learn anything of ``task``.

    That is where the answer is independent of as many operands as the network takes together
    (`interaction_order`): the right answer's score is then on average over all examples the mean
    of the scores, so that what is gained on some examples is lost on the others, and least
    squares and cross-entropy are best at equal scores (docs/decisions/0026). The activation
    ``"linear"``, which is there for comparison only, is let through.

    Raises
    ------
    ValueError
        Names the activation, and one that reaches further.
    """
    shapes = {(each.activation, each.other_layers): each for each in configs}
    for config in shapes.values():
        order, operands = interaction_order(config), len(task.sizes)
        if order is None or config.activation == "linear" or order >= operands:
            continue
        if is_independent(task, order):
            further = "cube, relu or gelu" if operands <= 3 else "relu or gelu"
            raise ValueError(
                f"activation {config.activation!r} takes at most {order} operands together, and "
                f"no {order} of the {operands} operands of {task.name} tell anything of its "
                "answer: the best such network gives every answer the same score; set activation "
                f"to {further}"
            )


def captured_share(task: Task, config: TrainConfig) -> float | None:
    """Return the share of ‖Ỹ‖² that a network of this kind can hold, where it is less than all.

    None where the network takes all operands together, or the share is not known (cells without
    an example, one answer, many operands). See `interaction_shares`.

    Examples
    --------
    >>> import numpy as np
    >>> from groupfeat.training import TrainConfig, captured_share, table_task
    >>> x, y, z = np.indices((3, 3, 3))
    >>> round(captured_share(table_task("xy + z", (x * y + z) % 3), TrainConfig()), 3)
    0.556
    """
    order = interaction_order(config)
    if order is None or order >= len(task.sizes):
        return None
    try:
        return float(interaction_shares(task)[:order].sum())
    except ValueError:
        return None
