"""Transformers in files: as our checkpoints, safetensors with the whole story in the header."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from groupfeat.groups import FiniteGroup
from groupfeat.training.baselines._transformer_config import TransformerConfig
from groupfeat.training.baselines._transformer_model import Transformer
from groupfeat.training.baselines._transformer_run import MOMENTS, TransformerRun
from groupfeat.training.run._run_files import TRANSFORMER_FORMAT, Arrays, read_run, write_run
from groupfeat.training.run._stored import check_labels, check_name
from groupfeat.training.tasks._tasks import Task, as_task

__all__ = ["load_transformer", "save_transformer"]

_MODEL, _STATE = "model.", "optimizer."


def save_transformer(path: str | Path, run: TransformerRun, task: FiniteGroup | Task) -> Path:
    """Write ``run`` to ``path`` (``.safetensors``), as `save_checkpoint` does two-layer runs.

    Raises
    ------
    ValueError
        If ``task`` is not what the run was trained on, or the name does not end in
        ``.safetensors``.
    TypeError
        If ``run`` is of another kind; `save_checkpoint` is for two-layer networks.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from groupfeat.groups import cyclic
    >>> from groupfeat.training import TransformerConfig, train_transformer
    >>> small = TransformerConfig(width=16, heads=2, feed_forward=32, epochs=5)
    >>> run = train_transformer(cyclic(3), small)
    >>> path = save_transformer(tempfile.mkdtemp() + "/run-0.safetensors", run, cyclic(3))
    >>> load_transformer(path).history == run.history
    True
    """
    if not isinstance(run, TransformerRun):
        raise TypeError(
            f"expected a TransformerRun, got {type(run).__name__}; save_checkpoint is for "
            "two-layer networks"
        )
    learned = as_task(task)
    check_name(run.task_name, learned)
    check_labels(run.task_digest, learned)
    arrays = _named(_MODEL, run.model.state_dict()) | _named(_STATE, run.optimizer_state)
    return write_run(path, TRANSFORMER_FORMAT, arrays, run, learned)


def load_transformer(path: str | Path, task: FiniteGroup | Task | None = None) -> TransformerRun:
    """Read a run that `save_transformer` wrote; nothing in the file is executed.

    Parameters
    ----------
    path
        The file.
    task
        What it was trained on, to be held against the file; None trusts the file.

    Raises
    ------
    ValueError
        If the file is absent, damaged, of a later version, no transformer of ours, or was trained
        on other labels than those of ``task``.
    """
    return read_run(path, (TRANSFORMER_FORMAT,), _run, task)


def _named(prefix: str, tensors: Mapping[str, Tensor]) -> Arrays:
    return {
        prefix + name: np.ascontiguousarray(part.detach().numpy()) for name, part in tensors.items()
    }


def _run(arrays: Arrays, story: dict[str, Any]) -> TransformerRun:
    config = TransformerConfig.from_dict(story["config"])
    tensors = {name: torch.from_numpy(np.array(part)) for name, part in arrays.items()}
    model = _model(config, tensors)
    state = {
        f"{moment}.{name}": _part(tensors, f"{_STATE}{moment}.{name}", part)
        for name, part in model.named_parameters()
        for moment in MOMENTS
    }
    if any((part < 0).any() for name, part in state.items() if name.startswith(MOMENTS[1])):
        raise ValueError("its optimiser state holds negative mean squares")
    return TransformerRun(
        story["group"],
        config,
        story["seed"],
        story["status"],
        story["epochs"],
        story["history"],
        model,
        state,
        story.get("table_sha256", ""),
    )


def _model(config: TransformerConfig, tensors: Mapping[str, Tensor]) -> nn.Module:
    """Return the module that the tensors are of; none is made before they are known to fit."""
    blocks = {name.split(".")[2] for name in tensors if name.startswith(f"{_MODEL}blocks.")}
    if len(blocks) != config.layers:
        raise ValueError(f"it has {len(blocks)} blocks, its config says {config.layers}")
    try:
        rows = [len(tensors[_MODEL + name]) for name in ("tokens.weight", "places", "answer.bias")]
        with torch.device("meta"):
            found = Transformer(config, symbols=rows[0] - 1, operands=rows[1] - 1, classes=rows[2])
    except (KeyError, TypeError, RuntimeError, OverflowError) as error:
        raise ValueError(f"no transformer has its arrays and config ({error})") from error
    parts = {name: _part(tensors, _MODEL + name, part) for name, part in found.state_dict().items()}
    found.load_state_dict(parts, assign=True)
    return found


def _part(tensors: Mapping[str, Tensor], name: str, like: Tensor) -> Tensor:
    """Return a stored tensor, held against the one it is to be."""
    part = tensors.get(name)
    if part is None:
        raise ValueError(f"it lacks the array {name!r}")
    if part.shape != like.shape or part.dtype != torch.float32:
        raise ValueError(
            f"its {name!r} is {part.dtype} of shape {tuple(part.shape)}, its config says "
            f"torch.float32 of shape {tuple(like.shape)}"
        )
    return part
