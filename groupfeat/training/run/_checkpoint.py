"""Our checkpoints: safetensors with the whole story in the header, written atomically."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups import FiniteGroup
from groupfeat.training.run._run_files import FORMAT, FORMATS, Arrays, read_run, write_run
from groupfeat.training.run._runs import Observer, Snapshot, TrainedRun
from groupfeat.training.run._stored import check_layers, check_shift, check_task
from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.tasks._tasks import Task, as_task

__all__ = ["checkpoint_writer", "load_checkpoint", "save_checkpoint", "table_digest"]

_LAYER, _PARAMETER, _STATE, _SHIFT = "layer.", "parameter.", "optimizer.", "answer_shift"


def save_checkpoint(path: str | Path, run: TrainedRun, group: FiniteGroup | Task) -> Path:
    """Write ``run`` to ``path`` (``.safetensors``): weights, optimiser, config, history, versions.

    The file appears whole or not at all. Arrays ``W`` (2M, K) and ``V`` (K, M) stand in it where
    they are the whole network, real and two layers deep. Folders are made. Returns the path.

    Raises
    ------
    ValueError
        If ``group`` is not what the run was trained on, or the name does not end in
        ``.safetensors`` (readers tell files apart by it).
    TypeError
        If ``run`` is of another kind; `save_transformer` is for transformers.
    OSError
        If the file cannot be written.
    """
    if not isinstance(run, TrainedRun):
        raise TypeError(
            f"expected a TrainedRun, got {type(run).__name__}; save_transformer is for transformers"
        )
    task = as_task(group)
    check_task(run, task)
    return write_run(path, FORMAT, _arrays(run), run, task)


def load_checkpoint(path: str | Path, group: FiniteGroup | Task | None = None) -> TrainedRun:
    """Read a run that `save_checkpoint` wrote, of this or an older format.

    Parameters
    ----------
    path
        The file.
    group
        What it was trained on, to be held against the file; None trusts the file.

    Raises
    ------
    ValueError
        If the file is absent, damaged, of a later version, no checkpoint of ours, or was trained
        on other labels than those of ``group``.
    """
    return read_run(path, FORMATS, _run, group)


def checkpoint_writer(folder: str | Path, written: list[Path] | None = None) -> Observer:
    """Return an observer that writes ``run-SEED-at-EPOCH.safetensors`` into ``folder``.

    ``written`` collects the paths. Several runs of one seed would share a name: the second is
    refused by a ValueError at its first epoch; give each a seed or a folder.

    Examples
    --------
    >>> import tempfile
    >>> from groupfeat.groups import cyclic
    >>> from groupfeat.training import TrainConfig, checkpoint_writer, log_epochs, train
    >>> folder = tempfile.mkdtemp()
    >>> config = TrainConfig(n_hidden=8, epochs=10)
    >>> saved = []
    >>> write = checkpoint_writer(folder, saved)
    >>> runs = list(train(cyclic(3), config, observe=write, observe_at=log_epochs(10)))
    >>> saved[-1].name
    'run-0-at-10.safetensors'
    """
    owners: dict[int, int] = {}

    def write(seen: Snapshot) -> None:
        owner = owners.setdefault(seen.seed, seen.position)
        if owner != seen.position:
            raise ValueError(
                f"runs {owner} and {seen.position} both have the seed {seen.seed}, and so one name "
                "for their checkpoints; pass seeds= to train_many, or a folder for each"
            )
        path = Path(folder) / f"run-{seen.seed}-at-{seen.epoch}.safetensors"
        save_checkpoint(path, seen.run, seen.task)
        if written is not None:
            written.append(path)

    return write


def table_digest(group: FiniteGroup) -> str:
    """Return the SHA-256 of the Cayley table as little-endian int32, row by row."""
    return as_task(group).digest


def _arrays(run: TrainedRun) -> Arrays:
    config, names = run.config, set(run.parameters)
    deeper = config.other_layers or "output_bias" in names
    layers = {"W": run.first_layer, "V": run.second_layer}
    if deeper or config.complex_weights:  # W and V would pass for the whole network
        layers = {f"{_LAYER}{name}": part for name, part in layers.items()}
    found = {name: part.real for name, part in layers.items()}
    if config.complex_weights:
        found |= {f"{name}_imag": part.imag for name, part in layers.items()}
    if names != {"W", "V"} or config.embedding:
        found |= {f"{_PARAMETER}{name}": part for name, part in run.parameters.items()}
    found |= {f"{_STATE}{name}": part for name, part in run.optimizer_state.items()}
    if run.answer_shift is not None:
        found[_SHIFT] = run.answer_shift
    return {name: np.ascontiguousarray(part) for name, part in found.items()}


def _run(arrays: Arrays, story: dict[str, Any]) -> TrainedRun:
    settings = dict(story["config"])
    if settings.get("optimizer") != "sgd":
        settings["momentum"] = 0.0  # format 1 let it stand, unused
    config = TrainConfig.from_dict(settings)
    first, second = _layers(arrays)
    check_layers(first, second, config)
    parameters = _named(arrays, _PARAMETER)
    if "arrays_sha256" in story and not parameters:
        parameters = {"W": first, "V": np.ascontiguousarray(second.T)}
    return TrainedRun(
        story["group"],
        config,
        story["seed"],
        story["status"],
        story["epochs"],
        first,
        second,
        story["history"],
        story["memorized_at"],
        story["generalized_at"],
        parameters,
        _named(arrays, _STATE),
        story.get("table_sha256", ""),
        answer_shift=check_shift(arrays.get(_SHIFT), second),
    )


def _layers(arrays: Arrays) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return W and V as they act on one-hot operands."""
    found = arrays if "W" in arrays else _named(arrays, _LAYER)
    wanted = ("W", "V", "W_imag", "V_imag") if "W_imag" in found else ("W", "V")
    for name in wanted:
        if name not in found:
            raise ValueError(f"it lacks the array {name!r}")
        if found[name].shape != found[name.removesuffix("_imag")].shape:
            raise ValueError(f"its {name!r} does not have the shape of its real part")
    if "W_imag" in found:
        return found["W"] + 1j * found["W_imag"], found["V"] + 1j * found["V_imag"]
    return found["W"], found["V"]


def _named(arrays: Arrays, prefix: str) -> Arrays:
    return {k.removeprefix(prefix): part for k, part in arrays.items() if k.startswith(prefix)}
