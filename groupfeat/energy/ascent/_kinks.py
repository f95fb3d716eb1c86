"""Maxima on kinks: the right condition where σ is piecewise linear (ReLU, leaky ReLU).

There E is a quadratic form ½wᵀKw on each cell of the arrangement {a[g] + b[h] = 0}, and K
changes from cell to cell (docs/kinks.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog, lsq_linear

from groupfeat.energy.objective._activations import Activation, get_activation
from groupfeat.energy.objective._checks import check_unit
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.objective._sphere import VANISHING, HessianSpectrum
from groupfeat.energy.objective._variants import Variant, get_variant, make_readout

__all__ = [
    "Cell",
    "KinkCertificate",
    "cell_of",
    "handles_kinks",
    "kink_certificate",
    "kink_spectrum",
    "make_cells",
    "subspace_of",
]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
KINKED = ("relu", "leaky_relu")
ON_KINK = 1e-9
"""A pair lies on its kink where |a[g] + b[h]| is below this share of the largest."""
_NO_FORCE = 1e-9
_ZERO = 1e-6
_MOST_UPWARD = 8
_LARGEST = 12
_UNBALANCED = 1e-3


@dataclass(frozen=True)
class KinkCertificate:
    """Whether a unit weight is a critical point, or a strict local maximum, of a piecewise E.

    Parameters
    ----------
    energy
        E.
    gradient_norm
        Norm of the shortest element of the superdifferential on the sphere, over ‖∇E‖;
        0 says that E rises nowhere to first order. With upward kinks the largest over the
        choices of their outer slopes.
    active
        Positions in the pair set of the pairs on their kink, shape (k,).
    slopes
        The slope in [σ'(0−), σ'(0+)] of each active pair in that element, shape (k,).
    n_upward
        Active pairs whose kink bends E upward; such a pair stays on its kink only where
        downward ones hold it.
    margin
        Largest m so that slopes between m and 1 − m (as shares of the interval) balance the
        gradient; positive: E falls at once off the active set. 1/2 without active pairs.
    codim
        Rank of the active sums: how many directions leave the kinks.
    index, nullity
        Ascending and flat directions of E within the active set.
    is_strict_maximum
        Whether all this proves a strict local maximum. Never where E = 0, nor where pairs on
        their kink with (Sc)_t = 0 leave it along directions that no downward pair stops.
    """

    energy: float
    gradient_norm: float
    active: Indices = field(repr=False)
    slopes: Floats = field(repr=False)
    n_upward: int
    margin: float
    codim: int
    index: int
    nullity: int
    is_strict_maximum: bool


@dataclass(frozen=True, eq=False)
class Cells:
    """What all cells of one problem share: one-hot rows X (n × 2M), S of E = ½cᵀSc, slopes."""

    rows: Floats
    target: Indices
    form: Floats
    low: float
    high: float

    def curvature(self, slopes: Floats) -> Floats:
        """Return K of E = ½wᵀKw in the cell with these slopes of σ, shape (2M, 2M)."""
        jacobian = np.zeros((len(self.form), self.rows.shape[1]))
        np.add.at(jacobian, self.target, slopes[:, None] * self.rows)
        found: Floats = jacobian.T @ self.form @ jacobian
        return found

    def slopes(self, x: Floats, active: NDArray[np.bool_]) -> Floats:
        """Return σ'(x), and the lower slope for active pairs."""
        return np.where((x > 0) & ~active, self.high, self.low)

    def forces(self, x: Floats) -> Floats:
        """Return (Sc)_t at each pair's target: the factor of σ(x) in E, shape (n,)."""
        pull: Floats = (self.form @ self._sums(x))[self.target]
        return pull

    def energy(self, x: Floats) -> float:
        """Return E = ½cᵀSc."""
        sums = self._sums(x)
        return 0.5 * float(sums @ self.form @ sums)

    def _sums(self, x: Floats) -> Floats:
        values = np.where(x > 0, self.high, self.low) * x
        sums: Floats = np.bincount(self.target, values, len(self.form)).astype(float)
        return sums


@dataclass(frozen=True)
class Cell:
    """The first-order picture at one unit weight with a given active set.

    Parameters
    ----------
    x, forces
        a[g] + b[h] and (Sc)_t of each pair, shape (n,).
    active
        Which pairs count as on their kink, shape (n,).
    shares
        Position of the slope of each pair in [low, high], 0 to 1, shape (n,).
    ascent
        Shortest element of the superdifferential on the sphere: the direction of steepest
        ascent if every active kink bends downward, shape (2M,).
    gradient_scale
        ‖∇E‖ with these slopes.
    n_upward
        Active pairs whose kink bends E upward.
    """

    x: Floats
    forces: Floats
    active: NDArray[np.bool_]
    shares: Floats
    ascent: Floats
    gradient_scale: float
    n_upward: int

    @property
    def relative_gradient(self) -> float:
        """‖ascent‖/‖∇E‖, 0 where ∇E vanishes."""
        size = float(np.linalg.norm(self.ascent))
        return size / self.gradient_scale if self.gradient_scale > VANISHING else 0.0


def make_cells(pairs: PairSet, activation: str | Activation) -> Cells:
    """Return the shared parts of the cells.

    Raises
    ------
    ValueError
        If σ is not piecewise linear with its kink at 0, or bends down there.
    """
    sigma = get_activation(activation)
    if sigma.name not in KINKED:
        raise ValueError(f"expected one of {', '.join(KINKED)}, got {sigma.name}: it has no kinks")
    low, high = (float(sigma.derivative(np.array([side]))[0]) for side in (-1.0, 1.0))
    if not low < high:
        raise ValueError(f"expected a slope below {high:g} for x < 0, got {low:g}: no upward bend")
    n, order = len(pairs), pairs.order
    rows = np.zeros((n, 2 * order))
    rows[np.arange(n), pairs.left] = 1
    rows[np.arange(n), order + pairs.right] = 1
    readout = make_readout(pairs, get_variant("raw"))
    form = readout.apply(np.eye(order))[1].astype(np.float64)
    return Cells(rows, pairs.target, form, low, high)


def kink_certificate(
    weight: ArrayLike, pairs: PairSet, activation: str | Activation = "relu"
) -> KinkCertificate:
    """Return the certificate of one unit weight, shape (2M,).

    With f = (Sc)_t, an active pair adds f·σ(d[g] + d[h]) to the slope of E along d: a downward
    kink if f < 0, which can hold a maximum, an upward one if f > 0. The slope is the
    largest over the upward pairs' outer slopes of the least over the downward pairs' slopes;
    it is ≤ 0 for every d exactly if each choice of the former can be balanced by the latter
    to a zero gradient on the sphere: 2^(upward) box-constrained least-squares problems,
    solved here by active sets. More than 8 upward pairs are left undecided.

    Parameters
    ----------
    weight
        Unit weight; on a kink to 1e-9, as `ascend_kinked` returns it.
    pairs
        The pair set.
    activation
        ``"relu"`` or ``"leaky_relu"`` (raw energy).

    Raises
    ------
    ValueError
        If the weight is not one unit weight or σ is smooth.

    References
    ----------
    F. H. Clarke, Optimization and Nonsmooth Analysis (1983), ch. 2; docs/kinks.md.

    Examples
    --------
    >>> from groupfeat.energy import ascend_kinked, full_pairs, kink_certificate, random_starts
    >>> from groupfeat.groups import cyclic
    >>> pairs = full_pairs(cyclic(5))
    >>> ended = ascend_kinked(random_starts(5, 1, rng=0), pairs, "relu")
    >>> proof = kink_certificate(ended.weights[0], pairs, "relu")
    >>> proof.is_strict_maximum, len(proof.active) > 0
    (True, True)
    """
    w = check_unit(weight, pairs.group)
    if w.shape != (2 * pairs.order,):
        raise ValueError(f"expected one weight of shape ({2 * pairs.order},), got {w.shape}")
    cells = make_cells(pairs, activation)
    x = cells.rows @ w
    active = np.abs(x) <= ON_KINK * np.abs(x).max()
    balances = list(_balances(w, cells, active))
    cell = max(balances, key=lambda choice: choice.relative_gradient)
    values, codim = _inside(w, cells, cell)
    index, nullity = _counts(values)
    margin = min(_margin(w, cells, choice) for choice in balances)
    decided = cell.n_upward <= _MOST_UPWARD and _is_held(cells, cell, codim)
    proved = decided and cell.relative_gradient <= 1e-8 and margin > 1e-6
    level = cells.energy(x)
    return KinkCertificate(
        energy=level,
        gradient_norm=cell.relative_gradient,
        active=np.flatnonzero(active),
        slopes=cells.low + (cells.high - cells.low) * cell.shares[active],
        n_upward=cell.n_upward,
        margin=margin,
        codim=codim,
        index=index,
        nullity=nullity,
        is_strict_maximum=proved and level > VANISHING and not (index or nullity),
    )


def handles_kinks(pairs: PairSet, sigma: Activation, variant: Variant) -> bool:
    """Return whether searches follow the kinks: convex kinked σ, raw energy, order ≤ 12.

    Beyond that the active sets are too large for one start in a second.
    """
    is_bent_up = sigma.name == "relu" or (sigma.name == "leaky_relu" and sigma.parameter < 1)
    return is_bent_up and variant.name == "raw" and pairs.order <= _LARGEST


def kink_spectrum(weight: Floats, pairs: PairSet, sigma: Activation) -> HessianSpectrum:
    """Return the spectrum within the active set at one unit weight.

    Directions that leave the kinks have no second derivative; they stand in it as copies of
    the lowest eigenvalue, so that its length is 2M − 1.
    """
    cells = make_cells(pairs, sigma)
    x = cells.rows @ weight
    active = np.abs(x) <= ON_KINK * np.abs(x).max()
    values, codim = _inside(weight, cells, cell_of(weight, cells, active))
    largest = float(np.abs(values).max(initial=0.0))
    index, nullity = _counts(values)
    filled = np.concatenate([np.full(codim, values.min(initial=0.0)), values])
    return HessianSpectrum(filled, index, nullity, _ZERO * largest)


def _counts(values: Floats) -> tuple[int, int]:
    """Return how many eigenvalues are above zero, and how many are zero."""
    zero = _ZERO * max(float(np.abs(values).max(initial=0.0)), 1e-300)
    return int(np.sum(values > zero)), int(np.sum(np.abs(values) <= zero))


def cell_of(w: Floats, cells: Cells, active: NDArray[np.bool_]) -> Cell:
    """Return forces, balancing slopes and a direction of ascent at ``w``.

    The first choice of slopes that is clearly unbalanced, or the worst of all.
    """
    found = []
    for cell in _balances(w, cells, active):
        if cell.relative_gradient > _UNBALANCED:
            return cell
        found.append(cell)
    return max(found, key=lambda cell: cell.relative_gradient)


def _balances(w: Floats, cells: Cells, active: NDArray[np.bool_]) -> Iterator[Cell]:
    """Balance each choice of outer slopes of the upward kinks by slopes of the downward ones."""
    x = cells.rows @ w
    forces = cells.forces(np.where(active, 0.0, x))
    noise = _noise(forces)
    upward, downward = np.flatnonzero(active & (forces > noise)), active & (forces < -noise)
    held = np.flatnonzero(downward)
    jump = (cells.high - cells.low) * forces[:, None] * cells.rows
    jump -= np.outer(jump @ w, w)
    rest = np.where((x > 0) & ~active, 1.0, np.where(active & ~downward, 0.5, 0.0))
    for choice in product((0.0, 1.0), repeat=min(len(upward), _MOST_UPWARD)):
        shares = rest.copy()
        shares[upward[: len(choice)]] = choice
        base = cells.rows.T @ (forces * (cells.low + (cells.high - cells.low) * shares))
        if len(held):
            shares[held] = _balance(jump[held].T, base - w * (w @ base))
            base = cells.rows.T @ (forces * (cells.low + (cells.high - cells.low) * shares))
        scale = float(np.linalg.norm(base))
        yield Cell(x, forces, active, shares, base - w * (w @ base), scale, len(upward))


def _noise(forces: Floats) -> float:
    return _NO_FORCE * float(np.abs(forces).max())


def _is_held(cells: Cells, cell: Cell, codim: int) -> bool:
    """Return whether whatever leaves an active kink leaves a downward one, where E falls."""
    downward = cell.active & (cell.forces < -_noise(cell.forces))
    return len(cells.form) * 2 - subspace_of(cells, downward).shape[1] == codim


def _balance(columns: Floats, pull: Floats) -> Floats:
    """Return s in [0, 1]^k that makes ‖pull + columns s‖ least."""
    with np.errstate(divide="ignore", invalid="ignore"):  # bvls divides by steps of length 0
        solved = lsq_linear(columns, -pull, (0, 1), method="bvls", tol=1e-15)
    found: Floats = np.clip(solved.x, 0, 1)
    return found


def subspace_of(cells: Cells, active: NDArray[np.bool_]) -> Floats:
    """Return an orthonormal basis of {w: a[g] + b[h] = 0 for active pairs}, (2M, 2M − rank)."""
    width = cells.rows.shape[1]
    if not active.any():
        return np.eye(width)
    _, values, right = np.linalg.svd(cells.rows[active])
    return right[int(np.sum(values > 1e-9)) :].T


def _inside(w: Floats, cells: Cells, cell: Cell) -> tuple[Floats, int]:
    """Return the eigenvalues of the Hessian within the active set, and the set's codimension."""
    basis = subspace_of(cells, cell.active)
    curvature = cells.curvature(cells.slopes(cell.x, cell.active))
    inner = basis.T @ curvature @ basis
    along = basis.T @ w
    projector = np.eye(len(inner)) - np.outer(along, along)
    hessian = projector @ inner @ projector - float(w @ curvature @ w) * projector
    values = np.linalg.eigvalsh(hessian + 0.0)
    # The normal direction w gives a zero that is none of the sphere's.
    tangent = np.delete(values, int(np.argmin(np.abs(values))))
    return tangent, len(w) - len(inner)


def _margin(w: Floats, cells: Cells, cell: Cell) -> float:
    held = np.flatnonzero(cell.active & (cell.forces < 0))
    if not len(held):
        return 0.5
    jump = cells.high - cells.low
    columns = jump * cell.forces[held] * cells.rows[held].T
    columns = columns - np.outer(w, w @ columns)
    # All balancing slopes: those found, plus what the columns cannot see.
    _, values, right = np.linalg.svd(columns)
    rank = int(np.sum(values > 1e-9 * max(float(values[0]), 1e-300)))
    free = right[rank:].T
    shares = cell.shares[held]
    one = np.ones((len(held), 1))
    solved = linprog(
        np.append(np.zeros(free.shape[1]), -1.0),
        A_ub=np.block([[-free, one], [free, one]]),
        b_ub=np.concatenate([shares, 1 - shares]),
        bounds=[(None, None)] * free.shape[1] + [(None, 0.5)],
    )
    if not solved.success or solved.fun is None:
        return float(np.minimum(shares, 1 - shares).min())
    return -float(solved.fun)
