"""Two-layer networks from files: ours, the author's trainer's, plain arrays."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from groupfeat.groups import FiniteGroup, group_from_spec
from groupfeat.training.network._layouts import (
    Arrays,
    Layout,
    compose_layers,
    known_layout,
    told_of_arrays,
)
from groupfeat.training.network._logits import logit_blocks
from groupfeat.training.network._our_layers import our_arrays
from groupfeat.training.run._checkpoint import table_digest
from groupfeat.training.run._run_files import FORMATS, check_format, check_sums
from groupfeat.training.run._save import LAYERS_FORMAT
from groupfeat.training.setup._config_checks import check_kind

__all__ = ["Network", "checkpoint_group", "load_network", "network_accuracy", "network_table"]

_TOLD = (*FORMATS, LAYERS_FORMAT)


@dataclass(frozen=True, eq=False)
class Network:
    """Weights of Ŷ = σ(XW)V (+ bias) as read from a file.

    Parameters
    ----------
    first_layer, second_layer
        W of shape (2M, K) and V of shape (K, M), an embedding multiplied in.
    activation
        Name of σ where the file tells, else None.
    source
        Which arrays were read.
    output_bias
        Added to every answer, shape (M,), or None.
    """

    first_layer: NDArray[np.float64] = field(repr=False)
    second_layer: NDArray[np.float64] = field(repr=False)
    activation: str | None
    source: str
    output_bias: NDArray[np.float64] | None = field(default=None, repr=False)


def load_network(
    path: str | Path,
    group: FiniteGroup,
    *,
    arrays: tuple[str, str] | None = None,
    layout: Layout | None = None,
    orientation: str = "auto",
) -> Network:
    """Read a two-layer network for ``group``; nothing in the file is executed.

    Parameters
    ----------
    path
        ``.safetensors`` or ``.npz`` (arrays ``W`` and ``V`` unless named), or a torch file
        (``.pt``, ``.pth``; the author's ``W.weight`` and ``V.weight``, or ``layera.weight``,
        ``layerb.weight`` and ``layerc.weight``), read with ``weights_only=True``.
    group
        The group whose products the network answers.
    arrays
        Names of the first and the second layer in the file.
    layout
        All names, embedding and orientation; in place of ``arrays``.
    orientation
        That of layers whose names are known or given by ``arrays``, as in `Layout`.

    Returns
    -------
    Network
        Layers stored as (K, 2M) and (M, K) (``nn.Linear``'s layout) are transposed.

    Raises
    ------
    ValueError
        If the file cannot be read safely, lacks the arrays, fits another group, holds weights
        that are not finite, or fits in both orientations.
    """
    file = Path(path)
    found, header = _read(file)
    _check_group(header, group, file.name)
    settings = header.get("config", {})
    if header and arrays is None and layout is None:
        found = our_arrays(found, settings, file.name)
    if layout is None:
        named = None if arrays is None else Layout((arrays[0],), arrays[1])
        known = named or known_layout(found, file.name, group)
        layout = replace(known, orientation=orientation)
    first, second, bias = compose_layers(found, layout, group, file.name)
    return Network(first, second, settings.get("activation"), ", ".join(layout.names), bias)


def checkpoint_group(path: str | Path) -> FiniteGroup:
    """Return the group that one of our checkpoints names, its Cayley table checked.

    Raises
    ------
    ValueError
        If there is no such file, it does not name its group, or a group of that name has another
        table.
    """
    file = Path(path)
    found, header = _read(file)
    name = header.get("group")
    if not isinstance(name, str):
        held = "" if header else told_of_arrays(found)
        raise ValueError(f"{file.name!r} does not name its group; pass --group SPEC{held}")
    try:
        group = group_from_spec(name)
    except ValueError as error:
        raise ValueError(
            f"{file.name!r} was trained on {name!r}, not on products gh of a group that can be "
            "named: its nodes have no irreps to match; if it was, pass --group SPEC"
        ) from error
    _check_group(header, group, file.name)
    return group


def network_accuracy(network: Network, group: FiniteGroup, activation: str) -> float:
    """Return the share of all M² products that the network answers rightly."""
    table = network_table(network, activation)
    return float(np.mean(table == group.cayley_table))


def network_table(network: Network, activation: str) -> NDArray[np.intp]:
    """Return the network's own answers, argmax over t for every (g, h), shape (M, M)."""
    order = len(network.first_layer) // 2
    bias = 0.0 if network.output_bias is None else network.output_bias
    layers = network.first_layer, network.second_layer
    rows = [(block + bias).argmax(-1) for block in logit_blocks(*layers, activation)]
    return np.concatenate(rows).reshape(order, order)


def _read(file: Path) -> tuple[Arrays, dict[str, Any]]:
    if not file.is_file():
        if file.is_dir():
            raise ValueError(f"{str(file)!r} is a folder; name a checkpoint in it")
        raise ValueError(f"no file {str(file)!r}; expected a checkpoint")
    readers = {".safetensors": _read_safetensors, ".npz": _read_npz}
    try:
        return readers.get(file.suffix.lower(), _read_torch)(file)
    except Exception as error:  # on junk, the readers raise whatever they stumble over
        is_clear = isinstance(error, ValueError | OSError | SafetensorError)
        reason = f" ({str(error).partition(chr(10))[0][:200]})" if is_clear and str(error) else ""
        raise ValueError(
            f"cannot read {file.name!r} safely{reason}; expected .safetensors, .npz or a "
            "torch file of plain tensors, as torch.save(model.state_dict(), path) writes it"
        ) from error


def _read_safetensors(file: Path) -> tuple[Arrays, dict[str, Any]]:
    with safe_open(file, framework="pt") as content:  # numpy has no bfloat16
        header = content.metadata() or {}
        found = {name: _array(content.get_tensor(name)) for name in content.keys()}  # noqa: SIM118
    told = header.get("format", "")
    check_format(told, file.name)
    story = _story(header["run"]) if told in _TOLD else {}
    if told in FORMATS:
        check_sums(header, found)
    return found, story


def _story(text: str) -> dict[str, Any]:
    """Return the header of one of our runs, what is read of it checked."""
    story = json.loads(text)
    config = story.get("config", {}) if isinstance(story, dict) else None
    if not isinstance(config, dict):
        raise ValueError("its header is not a run's")
    if not isinstance(config.get("activation", ""), str):
        raise ValueError(f"its header names the activation {config['activation']!r}")
    check_kind("beta", config.get("beta", 1.0))
    return story


def _array(tensor: torch.Tensor) -> NDArray[Any]:
    plain = tensor.detach()
    return (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()


def _read_npz(file: Path) -> tuple[Arrays, dict[str, Any]]:
    with np.load(file, allow_pickle=False) as content:
        if not isinstance(content, np.lib.npyio.NpzFile):
            raise ValueError("expected an archive of named arrays")
        found = {name: content[name] for name in content.files}
    text = found.get("groupfeat")
    if text is None or text.dtype.kind != "U" or text.ndim:
        return found, {}
    return {k: array for k, array in found.items() if k != "groupfeat"}, _story(str(text))


def _read_torch(file: Path) -> tuple[Arrays, dict[str, Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of what it then refuses
        content = torch.load(file, map_location="cpu", weights_only=True)
    if isinstance(content, Mapping):
        for key in ("model", "model_state_dict", "state_dict"):
            if isinstance(content.get(key), Mapping):
                content = content[key]
                break
    if not isinstance(content, Mapping):
        raise ValueError(f"expected named tensors, got {type(content).__name__}")
    tensors = {str(k): v for k, v in content.items() if isinstance(v, torch.Tensor)}
    return {name: _array(tensor) for name, tensor in tensors.items()}, {}


def _check_group(header: dict[str, Any], group: FiniteGroup, name: str) -> None:
    digest = header.get("table_sha256")
    if digest is not None and digest != table_digest(group):
        raise ValueError(
            f"{name!r} is of {header.get('group')}, whose Cayley table is not "
            f"{group.name}'s; name that group"
        )
