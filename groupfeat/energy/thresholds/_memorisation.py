"""Memorising maxima: the two closed forms of Theorem 5, and how found maxima are told apart."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from groupfeat.energy.objective._activations import Activation, get_activation
from groupfeat.energy.objective._checks import check_reals, check_weights
from groupfeat.energy.objective._pairs import PairSet, pairs_from_arrays
from groupfeat.energy.objective._shares import family_shares, rank_one_shares
from groupfeat.energy.objective._variants import Variant, residual_variant
from groupfeat.groups import FiniteGroup, Irreps, check_irreps, real_families

__all__ = [
    "MAXIMUM_KINDS",
    "Memorising",
    "classify_phi",
    "maximum_kinds",
    "memorising_maximum",
    "one_target_energy",
]

Floats = NDArray[np.float64]

MAXIMUM_KINDS = ("fourier", "focused", "spreading", "mixed")
"""What `maximum_kinds` answers."""

_REACH = math.sqrt(2.0)
_TIE = 1e-12
_FOURIER, _MEMORISING = 0.9, 0.8


@dataclass(frozen=True, eq=False)
class Memorising:
    """The largest maximum of the energy of one target, with Σ p_g σ(s_g) > 0 and s ≥ 0.

    Parameters
    ----------
    kind
        ``"focused"`` or ``"spreading"``.
    phi
        What `classify_phi` says of φ.
    weights
        A maximum w = [u; v], unit, shape (2M,).
    sums
        Its s_g = u_g + v_{g⁻¹h}, shape (M,): Σ s² = 2 and u_g = v_{g⁻¹h} = s_g/2.
    energy
        ½(Σ p_g σ(s_g))².
    winners
        Focused: the elements g of largest p_g (several where it ties). Spreading: those with
        s_g > 0.
    partners
        g⁻¹h of each winner.
    parity
        Of σ: ``"even"`` (the sign of each s_g is free), ``"odd"`` (−w is a maximum too) or
        ``"none"``.
    """

    kind: str
    phi: str
    weights: Floats = field(repr=False)
    sums: Floats = field(repr=False)
    energy: float
    winners: tuple[int, ...]
    partners: tuple[int, ...]
    parity: str

    def distance(self, weights: ArrayLike) -> float:
        """Return ‖w − w*‖ for the maximum w* nearest to ``weights``, ties and signs included.

        Focused and φ increasing: each tied winner alone is a maximum. φ constant:
        every unit combination of tied winners is.

        Raises
        ------
        ValueError
            If ``weights`` is not one finite vector (2M,).
        """
        w = check_reals(weights)
        winners, order = list(self.winners), len(self.sums)
        if w.shape != (2 * order,):
            raise ValueError(f"weights must be {2 * order} numbers, got shape {w.shape}")
        seen = (w[winners] + w[order + np.array(self.partners)]) / 2
        overlaps = seen * (_REACH if self.kind == "focused" else self.sums[winners])
        if self.parity == "even":
            overlaps = np.abs(overlaps)
        if self.phi == "constant":
            best = float(np.linalg.norm(overlaps))
        else:
            best = float(overlaps.max() if self.kind == "focused" else overlaps.sum())
            if self.parity == "odd":
                lowest = -overlaps.min() if self.kind == "focused" else -overlaps.sum()
                best = max(best, float(lowest))
        return math.sqrt(max(0.0, 1 + float(w @ w) - 2 * best))


def classify_phi(activation: str | Activation, *, reach: float = _REACH) -> str:
    """Classify φ(x) = σ'(x)/x on (0, reach]: increasing, constant, decreasing or neither.

    Seen at 4,000 points, as ``"increasing"`` (non-decreasing, not constant),
    ``"constant"`` (within 1e-9), ``"decreasing"`` (strictly) or ``"neither"``. φ is the
    slope of f(y) = σ(√y) up to a factor 2, so these are f convex, linear, strictly
    concave, or none of them. ``reach`` is √2, the largest s on the unit sphere.

    References
    ----------
    arXiv:2509.21519, Theorem 5.

    Raises
    ------
    ValueError
        If ``reach`` is not positive and finite.

    Examples
    --------
    >>> from groupfeat.energy import classify_phi
    >>> [classify_phi(name) for name in ("square", "cube", "relu", "tanh")]
    ['constant', 'increasing', 'decreasing', 'decreasing']
    """
    if not 0 < reach < math.inf:
        raise ValueError(f"reach must be positive and finite, got {reach}")
    sigma = get_activation(activation)
    x = np.linspace(0, reach, 4001)[1:]
    steps = np.diff(_phi(sigma, x))
    size = np.abs(_phi(sigma, x)).max() * 1e-9
    if (np.abs(steps) <= size).all():
        return "constant"
    if (steps >= -size).all():
        return "increasing"
    return "decreasing" if (steps < 0).all() else "neither"


def one_target_energy(
    group: FiniteGroup, target: int, probabilities: ArrayLike
) -> tuple[PairSet, Variant]:
    """Return pairs and variant for which E(w) = ½(Σ_g p_g σ(u_g + v_{g⁻¹h}))², h the target.

    Not centred: with one target the centred energy is 0.

    Raises
    ------
    ValueError
        If ``probabilities`` (M,) are negative or do not sum to 1, or ``target`` is no element.
    """
    p = _checked(group, target, probabilities)
    left = np.arange(group.order)
    right = group.cayley_table[group.inverse, target]
    return pairs_from_arrays(group, left, right), residual_variant(p[:, None])


def memorising_maximum(
    group: FiniteGroup,
    target: int,
    probabilities: ArrayLike,
    activation: str | Activation = "square",
) -> Memorising:
    """Return the largest maximum of the energy of one target, in closed form.

    Only s_g = u_g + v_{g⁻¹h} counts, and it costs least as two equal halves: E is
    largest where Σ p_g f(s_g²) is, Σ s_g² = 2, f(y) = σ(√y). φ non-decreasing (f
    convex): all on one g of largest p_g, *focused*. φ strictly decreasing (f
    strictly concave): p_g φ(s_g) = 2λ for every s_g > 0, *spreading*, with s_g = 0
    where p_g φ(0+) ≤ 2λ (φ(0+) is infinite for ReLU, tanh, SiLU, sigmoid: none).

    Parameters
    ----------
    group
        The group.
    target
        The element h.
    probabilities
        p_g, shape (M,), summing to 1.
    activation
        σ with σ' ≥ 0 and σ(x) ≥ |σ(−x)| on (0, √2].

    Raises
    ------
    ValueError
        If φ is neither, σ is not as above, or `one_target_energy` refuses the rest.

    Notes
    -----
    Focused: the largest maximum. A smaller one stands on every g with
    p_g φ(√2) > p_h φ(0+) for all h ≠ g; for |x|^q, q > 2, that is every g with p_g > 0.

    References
    ----------
    arXiv:2509.21519, Theorem 5.

    Examples
    --------
    >>> import numpy as np
    >>> from groupfeat.energy import memorising_maximum
    >>> from groupfeat.groups import cyclic
    >>> p = np.array([0.5, 0.3, 0.2])
    >>> memorising_maximum(cyclic(3), 0, p, "square").weights.round(3)
    array([0.707, 0.   , 0.   , 0.707, 0.   , 0.   ])
    >>> relu = memorising_maximum(cyclic(3), 0, p, "relu")
    >>> (relu.sums / relu.sums.sum()).round(3)
    array([0.5, 0.3, 0.2])
    """
    sigma, p = get_activation(activation), _checked(group, target, probabilities)
    phi = classify_phi(sigma)
    if phi == "neither":
        raise ValueError(
            f"φ(x) = σ'(x)/x of {sigma.name} is neither monotone nor constant on (0, √2]; Theorem "
            "5 does not speak of it, climb instead (`ascend` with `one_target_energy`)"
        )
    if not _is_dominant(sigma):
        raise ValueError(
            f"{sigma.name} does not have σ' ≥ 0 and σ(x) ≥ |σ(−x)| on (0, √2], which the closed "
            "form rests on; climb instead (`ascend` with `one_target_energy`)"
        )
    sums = np.zeros(group.order)
    if phi == "decreasing":
        sums = _spreading(sigma, p)
        winners = np.flatnonzero(sums > 0)
    else:
        winners = np.flatnonzero(p >= p.max() * (1 - _TIE))
        sums[winners[0]] = _REACH
    partners = group.cayley_table[group.inverse, target]
    weights = np.zeros(2 * group.order)
    weights[: group.order] = sums / 2
    weights[group.order + partners] = sums / 2
    return Memorising(
        "spreading" if phi == "decreasing" else "focused",
        phi,
        weights,
        sums,
        0.5 * float(p @ sigma.value(sums)) ** 2,
        tuple(winners.tolist()),
        tuple(partners[winners].tolist()),
        _parity(sigma),
    )


def maximum_kinds(
    weights: ArrayLike,
    pairs: PairSet,
    irreps: Irreps,
    activation: str | Activation = "square",
) -> NDArray[np.str_]:
    """Tell for each weight what it is: one of ``MAXIMUM_KINDS``.

    ``"fourier"``: 0.9 of ‖w‖² in one real family, and its Fourier blocks of rank
    one to 0.9. Else ``"focused"``: 0.8 of ‖w‖² on one a[g] and one b[h]. Else
    ``"spreading"``: 0.8 of Σ_t (c_t − n_t c̄)² on one target. Else ``"mixed"``.

    Parameters
    ----------
    weights
        w, shape (B, 2M).
    pairs
        The pair set they were found on.
    irreps, activation
        Of the group; σ.

    Raises
    ------
    ValueError
        If ``weights`` are not finite nonzero rows of 2M numbers.
    """
    check_irreps(irreps)
    w = np.atleast_2d(check_weights(weights, pairs.group))
    sigma, order = get_activation(activation), pairs.order
    if w.ndim != 2 or not w.any(axis=1).all():
        raise ValueError(
            f"weights must be nonzero rows of {2 * order} numbers, got shape {w.shape}"
        )
    shares = family_shares(w, irreps)
    family = shares.argmax(axis=1)
    overlap = np.array(
        [
            rank_one_shares(row, irreps[real_families(irreps)[k][0]]) if k else 0.0
            for row, k in zip(w, family.tolist(), strict=True)
        ]
    )
    squares = (w**2 / np.sum(w**2, axis=1, keepdims=True)).reshape(-1, 2, order)
    values = sigma.value(w[:, pairs.left] + w[:, order + pairs.right])
    rows = np.arange(len(w))[:, None]
    sums = np.zeros((len(w), order))
    np.add.at(sums, (rows, pairs.target[None]), values)
    told = (sums - pairs.target_counts / len(pairs) * sums.sum(1, keepdims=True)) ** 2
    told[told <= _TIE * np.sum(values**2, axis=1, keepdims=True)] = 0.0
    alone = (told.max(1) > 0) & (told.max(1) >= _MEMORISING * told.sum(1))
    is_fourier = (shares.max(1) >= _FOURIER) & (overlap >= _FOURIER)
    is_focused = squares.max(2).sum(1) >= _MEMORISING
    return np.select([is_fourier, is_focused, alone], MAXIMUM_KINDS[:3], MAXIMUM_KINDS[3])


def _is_dominant(sigma: Activation) -> bool:
    """Tell whether no s < 0 and no shorter s does better: σ' ≥ 0, σ(x) ≥ |σ(−x)|."""
    x = np.linspace(0, _REACH, 401)[1:]
    here, slack = sigma.value(x), 1e-12 * float(np.abs(sigma.value(x)).max())
    rises = (sigma.derivative(x) >= -slack).all()
    return bool(rises and (here + slack >= np.abs(sigma.value(-x))).all())


def _phi(sigma: Activation, x: Floats) -> Floats:
    return np.asarray(sigma.derivative(x) / x, dtype=np.float64)


def _spreading(sigma: Activation, p: Floats) -> Floats:
    """Return s with p_g φ(s_g) = μ where s_g > 0, Σ s² = 2, by bisection on log μ."""

    def sums(log_level: float) -> Floats:
        level = np.divide(np.exp(log_level), p, out=np.full_like(p, np.inf), where=p > 0)
        low, high = np.zeros_like(p), np.full_like(p, _REACH)
        for _ in range(60):
            middle = 0.5 * (low + high)
            above = _phi(sigma, middle) > level
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        # The smallest of 60 halvings stands for φ(0+): no root above it.
        return np.where(high > _REACH * 1e-15, high, 0.0)

    top = np.log(p.max() * float(_phi(sigma, np.array([_REACH]))[0]))
    low, high = top - 1.0, top
    while np.sum(sums(high) ** 2) > 2:
        low, high = high, high + 1.0
    while np.sum(sums(low) ** 2) < 2:
        low -= 1.0
    found = sums(float(brentq(lambda x: np.sum(sums(x) ** 2) - 2, low, high, xtol=1e-15)))
    return found * _REACH / float(np.linalg.norm(found))


def _parity(sigma: Activation) -> str:
    x = np.linspace(0, _REACH, 64)
    plus, minus = sigma.value(x), sigma.value(-x)
    if np.allclose(minus, plus):
        return "even"
    return "odd" if np.allclose(minus, -plus) else "none"


def _checked(group: FiniteGroup, target: int, probabilities: ArrayLike) -> Floats:
    p = np.array(probabilities, dtype=np.float64)
    if p.shape != (group.order,) or not (p >= 0).all() or abs(p.sum() - 1) > 1e-9:
        raise ValueError(
            f"probabilities must be {group.order} numbers >= 0 that sum to 1, got shape {p.shape}, "
            f"sum {p.sum():.6g}; pass p / p.sum()"
        )
    if not isinstance(target, (int, np.integer)) or not 0 <= target < group.order:
        raise ValueError(f"target must be an element 0..{group.order - 1}, got {target}")
    return p
