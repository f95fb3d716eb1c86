"""Centred features Φ and targets T of a network on its examples, a chunk at a time."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import LinAlgError, cho_factor

from groupfeat.energy import Activation, PairSet, get_activation

__all__ = [
    "CENTRES",
    "Features",
    "LostRidgeError",
    "as_float64",
    "factored",
    "given_features",
    "layer_features",
]

CENTRES = ("samples", "classes")

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
_CHUNK_ENTRIES = 1 << 20
_LEAST_ROWS = 64
_RANK = 1e-10
_LEAST_PIVOT = 1e-12


class LostRidgeError(ValueError):
    """A ridge that float64 cannot tell from 0 beside the features."""


@dataclass(frozen=True, eq=False)
class Features:
    """Features F of n examples, never held whole, with their targets.

    With ``centre="samples"`` (the theory's J) Φ = F̃ = P⊥F and T = Ỹ = P⊥Y; with
    ``"classes"`` (the author's trainer) Φ = F and T = Y(I − 11ᵀ/M). Every formula of the theory
    holds for either, with these Φ and T in place of F̃ and Ỹ.

    Parameters
    ----------
    target
        Class of each example, shape (n,).
    n_classes
        Number of classes M.
    width
        Number of features K.
    centre
        ``"samples"`` or ``"classes"``.
    form
        Gives rows ``[start, stop)`` of F, shape (stop − start, K), float64.
    """

    target: Indices = field(repr=False)
    n_classes: int
    width: int
    centre: str
    form: Callable[[int, int], Floats] = field(repr=False)

    def __post_init__(self) -> None:
        if self.centre not in CENTRES:
            raise ValueError(f"unknown centre {self.centre!r}; known: {', '.join(CENTRES)}")

    def __len__(self) -> int:
        return len(self.target)

    @cached_property
    def counts(self) -> Floats:
        """Number n_t of examples of each class, shape (M,)."""
        return np.bincount(self.target, minlength=self.n_classes).astype(np.float64)

    @cached_property
    def mean(self) -> Floats:
        """What is subtracted from every row of F: its mean (``"samples"``) or 0; shape (K,)."""
        if self.centre == "classes":
            return np.zeros(self.width)
        return sum((rows.sum(0) for _, rows in self._raw()), np.zeros(self.width)) / len(self)

    def chunks(self) -> Iterator[tuple[slice, Floats]]:
        """Yield slices of the examples and their rows of Φ."""
        for part, rows in self._raw():
            yield part, rows - self.mean if self.centre == "samples" else rows

    def targets(self, part: slice = slice(None)) -> Floats:
        """Return rows of T, shape (c, M)."""
        chosen = self.target[part]
        shift = self.counts / len(self) if self.centre == "samples" else 1 / self.n_classes
        rows = np.zeros((len(chosen), self.n_classes)) - shift
        rows[np.arange(len(chosen)), chosen] += 1
        return rows

    def dense(self) -> Floats:
        """Return Φ whole, shape (n, K)."""
        return np.concatenate([rows for _, rows in self.chunks()])

    @cached_property
    def pulls(self) -> Floats:
        """TᵀΦ, shape (M, K)."""
        sums = np.zeros((self.n_classes, self.width))
        for part, rows in self.chunks():
            sums += self.targets(part).T @ rows
        return sums

    @cached_property
    def target_gram(self) -> Floats:
        """TᵀT, shape (M, M)."""
        if self.centre == "samples":
            return np.diag(self.counts) - np.outer(self.counts, self.counts / len(self))
        centring = np.eye(self.n_classes) - 1 / self.n_classes
        return (centring * self.counts) @ centring

    @cached_property
    def gram(self) -> Floats:
        """ΦᵀΦ, shape (K, K); O(nK²)."""
        total = np.zeros((self.width, self.width))
        for _, rows in self.chunks():
            total += rows.T @ rows
        return total

    @cached_property
    def kernel(self) -> Floats:
        """ΦΦᵀ, shape (n, n); O(n²K)."""
        whole = self.dense()
        return whole @ whole.T

    @cached_property
    def decomposition(self) -> tuple[Floats, Floats, Floats]:
        """U (n, r), S (r,), Q (K, r) with Φ = USQᵀ, r its rank; O(nK min(n, K)).

        Singular values below 1e-10 of the largest count as zero.

        Raises
        ------
        ValueError
            If Φ = 0.
        """
        left, values, right = np.linalg.svd(self.dense(), full_matrices=False)
        rank = int(np.sum(values > _RANK * values.max(initial=0)))
        if not rank:
            raise ValueError("no feature varies over the samples: Φ = 0; use other weights")
        return left[:, :rank], values[:rank], right[:rank].T

    def _raw(self) -> Iterator[tuple[slice, Floats]]:
        size = max(_LEAST_ROWS, _CHUNK_ENTRIES // self.width)
        for start in range(0, len(self), size):
            stop = min(start + size, len(self))
            yield slice(start, stop), self.form(start, stop)


def layer_features(
    first_layer: Any,
    pairs: PairSet,
    *,
    activation: str | Activation = "square",
    centre: str = "samples",
) -> Features:
    """Return the features F = σ(XW) of a first layer.

    Parameters
    ----------
    first_layer
        W, shape (2M, K); an array or a torch tensor.
    pairs
        The examples.
    activation
        Name or `groupfeat.energy.Activation`.
    centre
        ``"samples"`` or ``"classes"``; see `Features`.

    Raises
    ------
    ValueError
        If W does not fit the pairs or is not finite, or a name is unknown.

    Examples
    --------
    >>> from groupfeat.energy import full_pairs
    >>> from groupfeat.groups import cyclic
    >>> import numpy as np
    >>> features = layer_features(np.eye(6), full_pairs(cyclic(3)))
    >>> len(features), features.width, features.pulls.shape
    (9, 6, (3, 6))
    """
    weights, sigma = as_float64(first_layer, "W"), get_activation(activation)
    if weights.ndim != 2 or len(weights) != 2 * pairs.order or not weights.shape[1]:
        raise ValueError(f"W must have shape ({2 * pairs.order}, K), got {weights.shape}")
    left, right = pairs.left, pairs.right + pairs.order

    def form(start: int, stop: int) -> Floats:
        summed = weights[left[start:stop]] + weights[right[start:stop]]
        return np.asarray(sigma.value(summed), dtype=np.float64)

    return Features(pairs.target, pairs.order, weights.shape[1], centre, form)


def given_features(
    features: Any, target: ArrayLike, n_classes: int, *, centre: str = "samples"
) -> Features:
    """Return features F (n, K) that were formed elsewhere.

    Raises
    ------
    ValueError
        If F is no finite matrix with one row a target, or a target is no class.
    """
    rows, classes = as_float64(features, "F"), np.asarray(target)
    if rows.ndim != 2 or rows.shape[0] != len(classes) or not rows.size:
        raise ValueError(f"F must have shape ({len(classes)}, K), got {rows.shape}")
    if classes.dtype.kind not in "iu" or classes.min() < 0 or classes.max() >= n_classes:
        raise ValueError(f"targets must be classes 0..{n_classes - 1}")
    return Features(
        classes.astype(np.intp), n_classes, rows.shape[1], centre, lambda i, j: rows[i:j]
    )


def factored(system: Floats, ridge: float) -> tuple[Floats, bool]:
    """Return the Cholesky factor of A + ηI (``system``), as `scipy.linalg.cho_solve` takes it.

    Raises
    ------
    LostRidgeError
        If a pivot is below 1e-12 of the largest diagonal entry, so that rounding decides it.
    """
    largest = float(np.max(np.diag(system)))
    with suppress(LinAlgError):
        factor, lower = cho_factor(system)
        if np.min(np.diag(factor)) ** 2 >= _LEAST_PIVOT * largest:
            return factor, lower
    raise LostRidgeError(
        f"ridge {ridge:g} is lost in rounding beside features of norm² {largest:.3g}; choose a "
        "larger one"
    )


def as_float64(array: Any, name: str) -> Floats:
    """Return an array or torch tensor, on any device, as finite float64 numpy."""
    detached = array.detach().cpu() if hasattr(array, "detach") else array
    values = np.asarray(detached, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return values
