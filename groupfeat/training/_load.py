"""Two-layer networks from files: ours, the author's trainer's, plain arrays."""

import json
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from groupfeat.groups import FiniteGroup
from groupfeat.training._checkpoint import FORMATS, table_digest

__all__ = ["Network", "load_network", "network_accuracy"]

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Network:
    """Weights of Ŷ = σ(XW)V as read from a file.

    Parameters
    ----------
    first_layer, second_layer
        W of shape (2M, K) and V of shape (K, M).
    activation
        Name of σ where the file tells, else None.
    source
        Which layout was read.
    """

    first_layer: NDArray[np.float64] = field(repr=False)
    second_layer: NDArray[np.float64] = field(repr=False)
    activation: str | None
    source: str


def load_network(
    path: str | Path, group: FiniteGroup, *, arrays: tuple[str, str] | None = None
) -> Network:
    """Read a two-layer network for ``group``; nothing in the file is executed.

    Parameters
    ----------
    path
        ``.safetensors`` or ``.npz`` (arrays ``W`` and ``V`` unless named), or a torch file
        (``.pt``, ``.pth``; the author's ``W.weight``, ``V.weight``), read with
        ``weights_only=True``.
    group
        The group whose products the network answers.
    arrays
        Names of the first and the second layer in the file.

    Returns
    -------
    Network
        Layers stored as (K, 2M) and (M, K) (``nn.Linear``'s layout) are transposed.

    Raises
    ------
    ValueError
        If the file cannot be read safely, lacks the arrays, fits another group, or holds weights
        that are not finite.
    """
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"no file {str(file)!r}; expected a checkpoint")
    found, header = _read(file)
    _check_group(header, group, file.name)
    names = arrays or _layer_names(found, file.name)
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(
            f"{file.name!r} has no array {missing[0]!r}; it holds {', '.join(sorted(found))}"
        )
    first, second = _oriented(found[names[0]], found[names[1]], group, file.name)
    settings = header.get("config", {})
    return Network(first, second, settings.get("activation"), f"{names[0]}, {names[1]}")


def network_accuracy(network: Network, group: FiniteGroup, activation: str) -> float:
    """Return the share of all M² products that the network answers rightly."""
    from groupfeat.energy import full_pairs
    from groupfeat.training._network import PairTensors, evaluate

    pairs = PairTensors.of(full_pairs(group), torch.float64)
    first, second = (
        torch.from_numpy(layer.copy()) for layer in (network.first_layer, network.second_layer)
    )
    return evaluate(first, second, pairs, activation=activation, loss="cross_entropy")[0]


def _read(file: Path) -> tuple[Arrays, dict[str, Any]]:
    readers = {".safetensors": _read_safetensors, ".npz": _read_npz}
    try:
        return readers.get(file.suffix.lower(), _read_torch)(file)
    except Exception as error:  # on junk, the readers raise whatever they stumble over
        first = "" if isinstance(error, pickle.UnpicklingError) else str(error).partition("\n")[0]
        reason = f"{type(error).__name__}: {first[:120]}".removesuffix(": ")
        raise ValueError(
            f"cannot read {file.name!r} safely ({reason}); expected .safetensors, .npz or a "
            "torch file of plain tensors"
        ) from error


def _read_safetensors(file: Path) -> tuple[Arrays, dict[str, Any]]:
    with safe_open(file, framework="numpy") as content:
        header = content.metadata() or {}
        found = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
    return found, json.loads(header["run"]) if header.get("format") in FORMATS else {}


def _read_npz(file: Path) -> tuple[Arrays, dict[str, Any]]:
    with np.load(file, allow_pickle=False) as content:
        if not isinstance(content, np.lib.npyio.NpzFile):
            raise ValueError("expected an archive of named arrays")
        return {name: content[name] for name in content.files}, {}


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
    return {name: tensor.detach().numpy() for name, tensor in tensors.items()}, {}


def _layer_names(found: Arrays, name: str) -> tuple[str, str]:
    for pair in (("W", "V"), ("W.weight", "V.weight")):
        if all(layer in found for layer in pair):
            return pair
    raise ValueError(
        f"{name!r} holds {', '.join(sorted(found)) or 'no array'}; expected W and V or W.weight "
        "and V.weight, or name the two layers"
    )


def _check_group(header: dict[str, Any], group: FiniteGroup, name: str) -> None:
    digest = header.get("table_sha256")
    if digest is not None and digest != table_digest(group):
        raise ValueError(
            f"{name!r} was trained on {header.get('group')}, whose Cayley table is not "
            f"{group.name}'s; name that group"
        )


def _finite(layer: NDArray[Any], name: str) -> NDArray[np.float64]:
    copy = np.array(layer, dtype=np.float64)
    if not np.isfinite(copy).all():
        raise ValueError(f"{name!r} holds NaN or infinite weights; its run may have diverged")
    return copy


def _oriented(
    first: NDArray[Any], second: NDArray[Any], group: FiniteGroup, name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return W (2M, K) and V (K, M), each transposed where only that fits."""
    width, order = 2 * group.order, group.order
    if first.ndim == second.ndim == 2 and not (np.iscomplexobj(first) or np.iscomplexobj(second)):
        linear = first.shape[1] == width and second.shape == (order, first.shape[0])
        plain = first.shape[0] == width and second.shape == (first.shape[1], order)
        if plain or linear:
            w, v = (first, second) if plain else (first.T, second.T)
            return _finite(w, name), _finite(v, name)
    raise ValueError(
        f"{name!r} does not fit {group.name} of order {order}: expected real W ({width}, K) and V "
        f"(K, {order}) or their transposes, got {first.shape} and {second.shape}"
    )
