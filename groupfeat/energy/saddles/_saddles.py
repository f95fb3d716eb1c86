"""Saddles by eigenvector following, and the maxima that a saddle's two ascending branches reach."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.ascent._climb import is_quartic
from groupfeat.energy.ascent._local_model import (
    FlatDirections,
    LocalModel,
    Problem,
    local_model,
    make_problem,
    symmetry_directions,
)
from groupfeat.energy.ascent._search import CONVERGED, STALLED, VANISHED
from groupfeat.energy.objective._activations import Activation, get_activation
from groupfeat.energy.objective._checks import check_batch, check_search
from groupfeat.energy.objective._energy import energy
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.objective._sphere import VANISHING
from groupfeat.energy.objective._variants import Variant, get_variant

__all__ = ["CriticalPoints", "branches_of", "declared_flat", "find_saddles", "follow_flow"]

Floats = NDArray[np.float64]
Number = TypeVar("Number", np.float64, np.intp)
Step = Callable[[LocalModel], Floats]

_ZERO = 1e-6
_BLOCK = 1024
_FLOW_RADIUS = 0.1
_SADDLE_RADIUS = 0.2
_BRANCH = 1e-2
"""Distance from the saddle at which a branch starts: far above its error, well inside its bend."""


@dataclass(frozen=True)
class CriticalPoints:
    """Critical points of E on the unit sphere, each with its certificate.

    Parameters
    ----------
    weights
        Unit weights, shape (N, 2M).
    energies
        E, shape (N,).
    gradient_norms
        ‖Riemannian gradient‖/‖∇E‖, shape (N,).
    indices
        Ascending directions: eigenvalues of the Riemannian Hessian above 1e-6 of the
        largest modulus, shape (N,).
    declared
        Flat directions declared beforehand and set apart, shape (N,).
    nullities
        Flat directions found, the declared ones among them, shape (N,).
    statuses
        One text a point, its advice included.
    """

    weights: Floats
    energies: Floats
    gradient_norms: Floats
    indices: NDArray[np.intp]
    declared: NDArray[np.intp]
    nullities: NDArray[np.intp]
    statuses: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.energies)

    @property
    def is_converged(self) -> NDArray[np.bool_]:
        """Whether each point is critical, with E > 0, shape (N,)."""
        return np.array([status == CONVERGED for status in self.statuses], dtype=bool)

    def take(self, rows: NDArray[np.intp] | list[int]) -> "CriticalPoints":
        """Return the points of these rows."""
        at = np.asarray(rows, dtype=np.intp)
        return CriticalPoints(
            self.weights[at],
            self.energies[at],
            self.gradient_norms[at],
            self.indices[at],
            self.declared[at],
            self.nullities[at],
            tuple(self.statuses[i] for i in at.tolist()),
        )


def concatenate_points(*parts: CriticalPoints) -> CriticalPoints:
    """Return the points of all parts, in order."""
    return CriticalPoints(
        np.concatenate([p.weights for p in parts]),
        np.concatenate([p.energies for p in parts]),
        np.concatenate([p.gradient_norms for p in parts]),
        np.concatenate([p.indices for p in parts]),
        np.concatenate([p.declared for p in parts]),
        np.concatenate([p.nullities for p in parts]),
        tuple(status for p in parts for status in p.statuses),
    )


def declared_flat(
    pairs: PairSet, activation: str | Activation, *, variant: str | Variant = "raw"
) -> FlatDirections | None:
    """Return the flat directions that symmetry gives: for x² on all pairs; elsewhere None.

    On a subset, and for other σ, the symmetry of E is finite (translations, automorphisms),
    so that critical points are isolated unless they happen to be degenerate.
    """
    is_square = is_quartic(get_activation(activation))
    if pairs.is_full and is_square and get_variant(variant).name != "residual":
        return lambda w: symmetry_directions(w, pairs)
    return None


def find_saddles(
    starts: Floats,
    pairs: PairSet,
    activation: str | Activation = "square",
    *,
    variant: str | Variant = "raw",
    flat: FlatDirections | None = None,
    tolerance: float = 1e-8,
    max_iterations: int = 200,
) -> CriticalPoints:
    """Climb every mode but the softest ascending one, which is descended, to a saddle of index 1.

    Eigenvector following: along the mode of largest eigenvalue E is minimised, along all
    others maximised, with the step 2F/(|λ|(1 + √(1 + 4F²/λ²))) a mode, F the gradient's
    component; at most 0.2 in length. Near the saddle it is Newton's. Flat directions are
    left out of the step.

    Parameters
    ----------
    starts
        Unit weights, shape (B, 2M).
    pairs
        The pair set.
    activation
        Name or `Activation`, twice differentiable.
    variant
        Which energy, as for `energy`.
    flat
        Directions declared flat, as `declared_flat` gives them; None: none.
    tolerance
        Relative Riemannian gradient of a converged search.
    max_iterations
        Steps of each search.

    Returns
    -------
    CriticalPoints
        One a start. ``indices`` says what each is: a search may end at another index.

    Raises
    ------
    ValueError
        If σ has kinks, E having no Hessian there, the starts are no batch of unit weights, or
        the tolerance or number of iterations is out of range.

    References
    ----------
    C. J. Cerjan, W. H. Miller, J. Chem. Phys. 75 (1981) 2800; D. J. Wales, J. Chem. Phys.
    101 (1994) 3750.

    Examples
    --------
    >>> from groupfeat.energy import declared_flat, find_saddles, full_pairs, random_starts
    >>> from groupfeat.groups import symmetric
    >>> pairs = full_pairs(symmetric(3))
    >>> flat = declared_flat(pairs, "square")
    >>> found = find_saddles(random_starts(6, 20, rng=0), pairs, flat=flat)
    >>> {round(float(e), 9) for e in found.energies[found.indices == 1]}
    {1.0}
    """
    problem = make_problem(pairs, activation, variant, flat)
    return _walk(starts, problem, _saddle_step, tolerance, max_iterations)


def follow_flow(
    starts: Floats,
    pairs: PairSet,
    activation: str | Activation = "square",
    *,
    variant: str | Variant = "raw",
    flat: FlatDirections | None = None,
    tolerance: float = 1e-8,
    max_iterations: int = 500,
) -> CriticalPoints:
    """Follow ẇ = ∇E on the sphere from every start (B, 2M) to its maximum.

    Each step is the exact flow of the local quadratic model over a length of at most
    0.1: δ_i = F_i (e^{λ_i t} − 1)/λ_i. Near a maximum t grows and the step becomes Newton's,
    so that soft and steep modes converge alike.

    Parameters, returns and errors as for `find_saddles`.

    References
    ----------
    M. Page, J. W. McIver, J. Chem. Phys. 88 (1988) 922.
    """
    problem = make_problem(pairs, activation, variant, flat)
    return _walk(starts, problem, _flow_step, tolerance, max_iterations)


def branches_of(
    saddles: CriticalPoints,
    pairs: PairSet,
    activation: str | Activation = "square",
    *,
    variant: str | Variant = "raw",
    flat: FlatDirections | None = None,
    tolerance: float = 1e-8,
) -> tuple[CriticalPoints, CriticalPoints]:
    """Return the maxima reached from saddles of index 1 along ±(their ascending mode).

    Raises
    ------
    ValueError
        If a point is not of index 1, or is none of this energy: of another group, another pair
        set, activation or variant.
    """
    if len(saddles) and np.any(saddles.indices != 1):
        raise ValueError("branches start at saddles of index 1; take those with indices == 1")
    problem = make_problem(pairs, activation, variant, flat)
    check_batch(saddles.weights, pairs.group, name="saddles", least=0, unit=True)
    check_energies(saddles, problem)
    modes = [local_model(part, problem).vectors[:, :, -1] for part in _blocks(saddles.weights)]
    mode = np.concatenate(modes) if modes else saddles.weights
    first, second = (
        _walk(_unit(saddles.weights + side * mode), problem, _flow_step, tolerance, 500)
        for side in (_BRANCH, -_BRANCH)
    )
    return first, second


def check_energies(points: CriticalPoints, problem: Problem) -> None:
    """Raise ``ValueError`` unless the points have the energies that they are said to have."""
    sigma, kind = problem.activation, problem.variant
    level = energy(points.weights, problem.pairs, sigma, variant=kind)
    apart = np.abs(level - points.energies) > 1e-8 * np.abs(points.energies) + 1e-15
    if apart.any():
        i = int(np.argmax(apart))
        raise ValueError(
            f"a weight has not the energy stored beside it: {level[i]:.9g} here, "
            f"{points.energies[i]:.9g} there; pass the pairs, activation and variant it was found "
            "with"
        )


def _walk(
    starts: Floats,
    problem: Problem,
    step: Step,
    tolerance: float,
    max_iterations: int,
) -> CriticalPoints:
    if not problem.activation.is_smooth:
        raise ValueError(
            f"{problem.activation.name} has kinks, where E has no Hessian; "
            "ascend_kinked finds its maxima"
        )
    check_search(tolerance, max_iterations)
    w = check_batch(starts, problem.pairs.group, least=0, unit=True).copy()
    for rows in _blocks(np.arange(len(w))):
        active = rows
        for _ in range(max_iterations):
            model = local_model(w[active], problem)
            going = (model.relative_gradients > tolerance) & (model.energies > VANISHING)
            if not going.any():
                break
            moved = _unit(w[active] + step(model))
            w[active[going]] = moved[going]
            active = active[going]
    return certify(w, problem, tolerance)


def certify(weights: Floats, problem: Problem, tolerance: float) -> CriticalPoints:
    """Return unit ``weights`` with E, gradient, index and nullity, measured anew."""
    parts = []
    for part in _blocks(weights):
        model = local_model(part, problem)
        inside = np.isfinite(model.values)
        values = np.where(inside, model.values, 0.0)
        zero = _ZERO * np.abs(values).max(1, keepdims=True)
        declared = (~inside).sum(1) - 1
        nullity = declared + (inside & (np.abs(values) <= zero)).sum(1)
        columns = (model.energies, model.relative_gradients, (values > zero).sum(1))
        parts.append((*columns, declared, nullity))
    if not parts:
        none, empty = np.zeros(0, dtype=np.intp), np.zeros(0)
        return CriticalPoints(weights, empty, empty, none, none, none, ())
    energies, errors, indices, declared, nullities = map(np.concatenate, zip(*parts, strict=True))
    statuses = tuple(
        VANISHED if e <= VANISHING else CONVERGED if error <= tolerance else STALLED
        for e, error in zip(energies.tolist(), errors.tolist(), strict=True)
    )
    return CriticalPoints(weights, energies, errors, indices, declared, nullities, statuses)


def _saddle_step(model: LocalModel) -> Floats:
    slopes, values = model.slopes, np.where(np.isfinite(model.values), model.values, 0.0)
    size = np.abs(values)
    move = 2 * slopes / (size + np.sqrt(size**2 + 4 * slopes**2) + 1e-300)
    steep = size > 1e-9 * size.max(1, keepdims=True)
    move = np.where(steep, move, 0.0)
    move[:, -1] *= -1
    length = np.linalg.norm(move, axis=1, keepdims=True)
    move *= np.minimum(1.0, _SADDLE_RADIUS / np.maximum(length, 1e-300))
    return np.einsum("bij,bj->bi", model.vectors, move)


def _flow_step(model: LocalModel) -> Floats:
    slopes, values = model.slopes, np.where(np.isfinite(model.values), model.values, 0.0)
    scale = np.abs(values).max(1, keepdims=True) + 1e-300
    low, high = np.full((len(slopes), 1), -14.0), np.full((len(slopes), 1), 6.0)
    for _ in range(30):
        middle = (low + high) / 2
        length = np.linalg.norm(_flowed(slopes, values, 10**middle / scale), axis=1, keepdims=True)
        low, high = (
            np.where(length <= _FLOW_RADIUS, middle, low),
            np.where(length <= _FLOW_RADIUS, high, middle),
        )
    move = _flowed(slopes, values, 10**low / scale)
    return np.einsum("bij,bj->bi", model.vectors, move)


def _flowed(slopes: Floats, values: Floats, time: Floats) -> Floats:
    """Return F(e^{λt} − 1)/λ, or Ft where λt is small; bounded where it would overflow."""
    phase = np.minimum(values * time, 50.0)
    growth = np.divide(np.expm1(phase), phase, out=np.ones_like(phase), where=np.abs(phase) > 1e-12)
    moved: Floats = slopes * time * growth
    return moved


def _blocks(rows: NDArray[Number]) -> list[NDArray[Number]]:
    return [rows[i : i + _BLOCK] for i in range(0, len(rows), _BLOCK)]


def _unit(w: Floats) -> Floats:
    unit: Floats = w / np.linalg.norm(w, axis=-1, keepdims=True)
    return unit
