"""Our checkpoints: safetensors with the whole story in the header, written atomically."""

import hashlib
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from groupfeat import __version__
from groupfeat._files import replacing
from groupfeat.groups import FiniteGroup
from groupfeat.training.run._runs import Observer, Snapshot, TrainedRun
from groupfeat.training.run._stored import check_layers, check_story, check_task
from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.tasks._tasks import Task, as_task

__all__ = [
    "check_format",
    "check_sums",
    "checkpoint_writer",
    "load_checkpoint",
    "save_checkpoint",
    "table_digest",
]

FORMAT = "groupfeat-run-2"
FORMATS = ("groupfeat-run-1", FORMAT)
_LAYER, _PARAMETER, _STATE = "layer.", "parameter.", "optimizer."
Arrays = dict[str, NDArray[Any]]


def save_checkpoint(path: str | Path, run: TrainedRun, group: FiniteGroup | Task) -> Path:
    """Write ``run`` to ``path`` (``.safetensors``): weights, optimiser, config, history, versions.

    The file appears whole or not at all. Arrays ``W`` (2M, K) and ``V`` (K, M) stand in it where
    they are the whole network, real and two layers deep. Folders are made. Returns the path.

    Raises
    ------
    ValueError
        If ``group`` is not what the run was trained on, or the name does not end in
        ``.safetensors`` (readers tell files apart by it).
    OSError
        If the file cannot be written.
    """
    file, task = Path(path), as_task(group)
    if file.suffix != ".safetensors":
        raise ValueError(f"expected a name in .safetensors, got {file.name!r}")
    check_task(run, task)
    arrays = _arrays(run)
    story = {
        "group": task.name,
        "table_sha256": task.digest,
        "arrays_sha256": _digest(arrays),
        "config": run.config.to_dict(),
        "seed": run.seed,
        "status": run.status,
        "epochs": run.epochs,
        "memorized_at": run.memorized_at,
        "generalized_at": run.generalized_at,
        "history": run.history,
        "versions": {
            "groupfeat": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
    }
    told = json.dumps(story)
    header = {"format": FORMAT, "run": told, "run_sha256": _text_digest(told)}
    try:
        with replacing(file) as part:
            save_file(arrays, part, metadata=header)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OSError(f"cannot write {str(file)!r} ({reason}); an older file is kept") from error
    return file


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
    name = Path(path).name
    if Path(path).is_dir():
        raise ValueError(f"{str(path)!r} is a folder; name a checkpoint in it")
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            check_format(header.get("format", ""), name)
            if header.get("format") not in FORMATS:
                raise ValueError(f"{name!r} is no groupfeat run: its header lacks {FORMAT!r}")
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, TypeError, AttributeError) as error:
        raise ValueError(f"cannot read {name!r} ({error}); expected a groupfeat run") from error
    try:
        story = check_story(json.loads(header.get("run", "null")))
        check_sums(header, arrays)
        run = _run(arrays, story)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"cannot read {name!r} ({error}); expected a groupfeat run, copy it again"
        ) from error
    if group is not None and story.get("table_sha256") != as_task(group).digest:
        raise ValueError(
            f"{name!r} was trained on {run.group_name}, whose labels are not those of "
            f"{as_task(group).name} now; pass what it was trained on"
        )
    return run


def check_sums(header: Mapping[str, str], arrays: Arrays) -> None:
    """Raise ValueError unless a run's header and arrays are as they were written.

    Files of the first format have no checksums, early ones of the second none of the header.
    """
    text = header.get("run", "null")
    if header.get("run_sha256", _text_digest(text)) != _text_digest(text):
        raise ValueError("its header does not match its checksum")
    story = json.loads(text)
    told = story.get("arrays_sha256") if isinstance(story, dict) else None
    if header.get("format") == FORMAT and told != _digest(arrays):
        raise ValueError("its arrays do not match their checksum")


def _text_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def check_format(told: str, name: str) -> None:
    """Raise ValueError for a run of a later format."""
    family = FORMAT.rstrip("0123456789")
    if told not in FORMATS and told.startswith(family) and told.removeprefix(family).isdecimal():
        raise ValueError(
            f"{name!r} is a {told}, written by a later groupfeat; this one reads {FORMATS[0]} to "
            f"{FORMAT}: upgrade groupfeat"
        )


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


def _digest(arrays: Arrays) -> str:
    found = hashlib.sha256()
    for name in sorted(arrays):
        found.update(name.encode())
        found.update(np.ascontiguousarray(arrays[name]).tobytes())
    return found.hexdigest()
