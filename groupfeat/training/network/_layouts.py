"""From named arrays to W (2M, K) and V (K, M): layouts, embeddings, biases."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups import FiniteGroup

__all__ = ["ORIENTATIONS", "Layout", "compose_layers", "known_layout", "told_of_arrays"]

Arrays = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float64]

_MOST_LISTED = 20
ORIENTATIONS = ("auto", "plain", "linear")


@dataclass(frozen=True)
class Layout:
    """Names of the arrays of a network.

    Parameters
    ----------
    first
        The first layer: one array on both elements (2D inputs; D where one matrix serves both
        elements), or two, for g and for h. D is M without an embedding.
    second
        The second layer.
    embedding
        None, one embedding (M, D) for both elements, or two, for g and for h.
    orientation
        ``"plain"``: inputs × outputs. ``"linear"``: outputs × inputs, as ``torch.nn.Linear``
        stores them. ``"auto"``: whichever fits, an error where both do.
    """

    first: tuple[str, ...]
    second: str
    embedding: tuple[str, ...] = ()
    orientation: str = "auto"

    def __post_init__(self) -> None:
        for name, chosen, most in (
            ("first layer", self.first, 2),
            ("embedding", self.embedding, 2),
        ):
            if len(chosen) > most or (name == "first layer" and not chosen):
                raise ValueError(f"name one or two arrays of the {name}, got {len(chosen)}")
        if self.orientation not in ORIENTATIONS:
            raise ValueError(
                f"unknown orientation {self.orientation!r}; known: {', '.join(ORIENTATIONS)}"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """All names."""
        return (*self.first, self.second, *self.embedding)


_KNOWN = (
    Layout(("W",), "V"),
    Layout(("W.weight",), "V.weight"),
    Layout(("layera.weight", "layerb.weight"), "layerc.weight"),
)


def known_layout(found: Arrays, name: str, group: FiniteGroup) -> Layout:
    """Return the layout of ours or the author's files, told by the names of the arrays.

    Raises
    ------
    ValueError
        If none fits; the message lists what the file holds, and names the two arrays that can be
        the layers of a network on ``group`` where only two can.
    """
    layout = _layout_of_names(found)
    if layout is not None:
        return layout
    if not found:
        raise ValueError(
            f"{name!r} holds no array; save tensors by name, as "
            "torch.save(model.state_dict(), path) does"
        )
    likely = _likely_layers(found, group)
    way = (
        "name the layers by --first-layer and --second-layer, and an embedding before them by "
        "--embedding (in Python by layout)"
    )
    if len(likely) == 1:
        way = "those that fit are --first-layer {} --second-layer {}".format(*likely[0])
    raise ValueError(
        f"{name!r} holds {listed_arrays(found)}; expected W and V or W.weight and V.weight, or "
        f"layera.weight, layerb.weight and layerc.weight; {way}"
    )


def _layout_of_names(found: Arrays) -> Layout | None:
    for layout in _KNOWN:
        if all(layer in found for layer in layout.names):
            embedding = ("embedding.weight",) if "embedding.weight" in found else ()
            return Layout(layout.first, layout.second, embedding)
    return None


def _likely_layers(found: Arrays, group: FiniteGroup) -> list[tuple[str, str]]:
    """Return the pairs of arrays whose shapes make a network on ``group``."""
    kept = [key for key, array in found.items() if array.ndim == 2 and array.dtype.kind == "f"]
    if len(kept) > _MOST_LISTED:
        return []
    return [
        (first, second)
        for first, second in permutations(kept, 2)
        if _fits([found[first]], found[second], group.order, group.order, Layout((first,), second))
    ]


def listed_arrays(found: Arrays) -> str:
    """Return names and shapes of the arrays, the first twenty of them."""
    told = [f"{key} {array.shape}" for key, array in found.items()]
    more = len(told) - _MOST_LISTED
    return ", ".join(told[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


def told_of_arrays(found: Arrays) -> str:
    """Return ``; it holds …`` where names do not tell which arrays are the layers."""
    return "" if _layout_of_names(found) or not found else f"; it holds {listed_arrays(found)}"


def compose_layers(
    found: Arrays, layout: Layout, group: FiniteGroup, name: str
) -> tuple[Floats, Floats, Floats | None]:
    """Return W (2M, K), V (K, M) and the bias of the answer (M,) or None.

    An embedding E is multiplied into the first layer: W_a = E_a U_a, W_b = E_b U_b. A bias of
    the first layer is added to a; one of the second is returned.

    Raises
    ------
    ValueError
        If an array is absent, complex, not finite, or of a shape that does not fit; if both
        orientations fit; if the file holds a batch norm, which is no two-layer network.
    """
    order = group.order
    missing = [key for key in layout.names if key not in found]
    if missing:
        raise ValueError(
            f"{name!r} has no array {missing[0]!r}; it holds {listed_arrays(found) or 'none'}"
        )
    norms = [key for key in found if key.endswith("running_mean")]
    if norms:
        raise ValueError(
            f"{name!r} holds a batch norm ({norms[0]}); fold it into the layers before"
        )
    embeddings = [_real(found, key, name) for key in layout.embedding]
    embeddings = [_embedding(e, order, name) for e in embeddings * (2 // max(1, len(embeddings)))]
    width = embeddings[0].shape[1] if embeddings else order
    parts = [_real(found, key, name) for key in layout.first]
    second = _real(found, layout.second, name)
    fits = _fits(parts, second, width, order, layout)
    if len(fits) != 1:
        raise ValueError(_no_fit(fits, parts, second, width, group, name))
    is_linear = fits[0]
    parts = [part.T for part in parts] if is_linear[0] else parts
    halves = _halves(parts, width)
    if embeddings:
        halves = [e @ half for e, half in zip(embeddings, halves, strict=True)]
    biases = [_bias(found, key, name) for key in layout.first]
    shift = sum((b for b in biases if b is not None), np.zeros(halves[0].shape[1]))
    first = np.concatenate([halves[0] + shift, halves[1]])
    return first, second.T.copy() if is_linear[1] else second, _bias(found, layout.second, name)


def _fits(
    parts: list[Floats], second: Floats, width: int, order: int, layout: Layout
) -> list[tuple[bool, bool]]:
    """Return the orientations (first is linear, second is linear) that the shapes allow."""
    inputs = {width} if len(parts) == 2 else {width, 2 * width}
    if len(parts) == 1 and not layout.embedding:
        inputs = {2 * width}
    allowed = {"auto": (False, True), "plain": (False,), "linear": (True,)}[layout.orientation]
    found = []
    for first_linear in allowed:
        turned = [part.T if first_linear else part for part in parts]
        hidden = {part.shape[1] for part in turned}
        if not all(part.shape[0] in inputs for part in turned) or len(hidden) != 1:
            continue
        for second_linear in allowed:
            shape = second.shape[::-1] if second_linear else second.shape
            if shape == (*hidden, order):
                found.append((first_linear, second_linear))
    return _by_convention(found, layout)


def _by_convention(fits: list[tuple[bool, bool]], layout: Layout) -> list[tuple[bool, bool]]:
    """Where several orientations fit, let a layout that fixes its own decide."""
    if len(fits) > 1 and all(key.endswith(".weight") for key in (*layout.first, layout.second)):
        return [fit for fit in fits if fit == (True, True)] or fits
    if len(fits) > 1 and layout.names == ("W", "V"):
        return [fit for fit in fits if fit == (False, False)] or fits
    return fits


def _no_fit(
    fits: list[tuple[bool, bool]],
    parts: list[Floats],
    second: Floats,
    width: int,
    group: FiniteGroup,
    name: str,
) -> str:
    shapes = " and ".join(str(array.shape) for array in (*parts, second))
    if fits:
        return (
            f"{name!r}: shapes {shapes} fit in both orientations; say which by "
            "orientation (plain: inputs × outputs, linear: outputs × inputs)"
        )
    rows = width if len(parts) == 2 else 2 * width
    what = "" if width == group.order else f" behind an embedding of width {width}"
    return (
        f"{name!r} does not fit {group.name} of order {group.order}: expected real W ({rows}, K)"
        f"{what} and V (K, {group.order}) or their transposes, got {shapes}"
    )


def _halves(parts: list[Floats], width: int) -> list[Floats]:
    if len(parts) == 2:
        return parts
    whole = parts[0]
    return [whole, whole] if len(whole) == width else [whole[:width], whole[width:]]


def _embedding(array: Floats, order: int, name: str) -> Floats:
    if array.shape[0] == order:
        return array
    if array.shape[1] == order:
        return array.T
    raise ValueError(
        f"{name!r}: an embedding needs one row an element, shape ({order}, D), got {array.shape}; "
        "cut off rows of other tokens before"
    )


def _bias(found: Arrays, key: str, name: str) -> Floats | None:
    bias = found.get(f"{key.removesuffix('.weight')}.bias")
    return None if bias is None else _finite(bias, name)


def _real(found: Arrays, key: str, name: str) -> Floats:
    array = found[key]
    if array.ndim != 2 or np.iscomplexobj(array):
        raise ValueError(
            f"{name!r}: {key!r} must be a real matrix, got {array.dtype} of shape {array.shape}"
        )
    return _finite(array, name)


def _finite(layer: NDArray[Any], name: str) -> Floats:
    if layer.dtype.kind not in "fiub":
        raise ValueError(f"{name!r} holds {layer.dtype} where weights are expected")
    copy = np.array(layer, dtype=np.float64)
    if not np.isfinite(copy).all():
        raise ValueError(f"{name!r} holds NaN or infinite weights; its run may have diverged")
    return copy
