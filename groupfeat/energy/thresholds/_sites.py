"""Predict thresholds without climbing: at a maximum, each weight obeys an equation of its own.

At a critical point of the sphere w_i (λ − D_i) = F_i for every weight i = a[g] or
b[h], λ = ⟨∇E, w⟩ = 4E: with ẽ the centred residual of a pair's target,
D_i = 2 Σ ẽ and F_i = 2 Σ ẽ·(the other weight) over the pairs of i. D_i holds what
w_i does to itself, κ_i w_i² with κ_i = 2 Σ_t (m_it − q_t m_i)², m_it the pairs of i
with target t. The rest, noise of the pair set, is as good as fixed while w_i alone
moves, so that w_i is a root of

    x (Δ_i − κ_i x²) = F_i,  Δ_i = λ − D_i + κ_i w_i².

Its small root, the Fourier one, meets another in a fold at |F_i| = ⅔ Δ_i √(Δ_i/3κ_i);
beyond it only the large root is left and the weight localises.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.thresholds._climber import Climber
from groupfeat.groups import FiniteGroup

__all__ = ["SitePredictor", "small_roots"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class _Draws:
    """One pair set as the site equations need it: shares q_t, κ_i, and the weight of σ²."""

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    target: NDArray[np.int32]
    share: Floats
    coupling: Floats
    diagonal: float
    cross: bool

    @classmethod
    def of(
        cls, left: NDArray[np.int32], right: NDArray[np.int32], group: FiniteGroup, *, variant: str,
        diagonal: float,
    ) -> "_Draws":  # fmt: skip
        order = group.order
        target = group.cayley_table[left, right].astype(np.int32)
        share = np.bincount(target, minlength=order) / len(left)
        if variant == "ht":
            share = np.full(order, 1 / order)
        coupling = np.zeros(2 * order)
        if variant != "cross":
            repeats = _repeats(left, right, order)
            squares, drawn, common = (
                _by_weight(left, right, order, values)
                for values in (repeats, np.ones(len(left)), share[target])
            )
            spread = squares - 2 * drawn * common + drawn**2 * float(share @ share)
            coupling = 2 * (spread - diagonal * drawn)
        return cls(left, right, target, share, coupling, diagonal, variant == "cross")

    def fields(self, w: Floats) -> tuple[float, Floats, Floats]:
        """Return λ, D and F at w, shapes (), (2M,), (2M,)."""
        from groupfeat.energy.kernels._sites import site_fields

        pull, force = np.empty(len(w)), np.empty(len(w))
        level = site_fields(
            w,
            self.left,
            self.right,
            self.target,
            self.share,
            self.diagonal,
            self.cross,
            np.empty(len(self.share)),
            pull,
            force,
        )
        return float(level), pull, force


def _repeats(left: NDArray[np.int32], right: NDArray[np.int32], order: int) -> Floats:
    """Return how often the pair of each draw is drawn, shape (n,)."""
    codes = left.astype(np.intp) * order + right
    return np.bincount(codes, minlength=order**2)[codes].astype(np.float64)


def _by_weight(
    left: NDArray[np.int32], right: NDArray[np.int32], order: int, values: Floats
) -> Floats:
    """Return the sums of ``values`` over the pairs of each weight, shape (2M,)."""
    return np.concatenate([np.bincount(left, values, order), np.bincount(right, values, order)])


def small_roots(slack: Floats, coupling: Floats, force: Floats) -> Floats | None:
    """Return the root of x(Δ − κx²) = F next to F/Δ for every weight, None if one has folded.

    Without self-coupling (κ ≤ 0) the equation is taken as linear; it has folded where Δ ≤ 0.
    """
    if (slack <= 0).any():
        return None
    linear = force / slack
    cubic = coupling > 0
    width = np.sqrt(slack[cubic] / (3 * coupling[cubic]))
    reach = np.abs(force[cubic]) / (2 / 3 * slack[cubic] * width)
    if (reach >= 1).any():
        return None
    linear[cubic] = np.sign(force[cubic]) * 2 * width * np.sin(np.arcsin(reach) / 3)
    return linear


class SitePredictor:
    """Judges the tasks of a `Climber` by at most ``passes`` rounds of the site equations."""

    def __init__(self, climber: Climber, passes: int) -> None:
        self.climber, self.passes = climber, passes
        self.group, self.shape, self.largest = climber.group, climber.shape, climber.largest

    def kept(self, counts: Indices, asked: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Predict the tasks asked for (default: all) on their numbers of pairs, (F, T)."""
        found = np.zeros(self.shape, dtype=bool)
        wanted = np.ones(self.shape, dtype=bool) if asked is None else asked
        for family, trial in np.argwhere(wanted).tolist():
            found[family, trial] = self._holds(family, trial, int(counts[family, trial]))
        return found

    def _holds(self, family: int, trial: int, count: int) -> bool:
        climber = self.climber
        draws = _Draws.of(
            climber.left[trial, :count],
            climber.right[trial, :count],
            self.group,
            variant=climber.variant,
            diagonal=float(climber.diagonal(np.array([count]))[0]),
        )
        w, basis = climber.starts[family, trial], climber.bases[family]
        for _ in range(self.passes):
            level, pull, force = draws.fields(w)
            moved = small_roots(level - pull + draws.coupling * w**2, draws.coupling, force)
            if moved is None:
                return False
            w = moved / np.linalg.norm(moved)
            if float(np.sum((w.reshape(2, -1) @ basis) ** 2)) < climber.keep:
                return False
        return True
