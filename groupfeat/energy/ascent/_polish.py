"""Trust-region Newton steps on the sphere: the finish of starts that creep on soft directions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.objective._activations import Activation
from groupfeat.energy.objective._energy import energy_and_gradient
from groupfeat.energy.objective._hessian import energy_hessian
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.objective._sphere import (
    hessian_in_basis,
    relative_gradients,
    tangent_basis,
    tangent_products,
)
from groupfeat.energy.objective._variants import Variant

__all__ = ["DENSE_WIDTH", "Polisher"]

Floats = NDArray[np.float64]

DENSE_WIDTH = 600
"""Up to this 2M a step comes from all eigenvalues, beyond from conjugate gradients."""
_STEPS = 400
_FIRST_RADIUS, _LARGEST_RADIUS, _LEAST_RADIUS = 0.1, 0.5, 1e-12
_BISECTIONS = 60
_CG_STEPS = 500
_FLAT = 1e-9
# Sums over pairs cancel (ht, sigmoid): a relative change of E below this may be rounding.
_ROUNDING = 1e-10


@dataclass(frozen=True, eq=False)
class Polisher:
    """One energy and how closely its critical points are asked for.

    Parameters
    ----------
    pairs, sigma, variant
        The energy; σ is smooth.
    tolerance
        Relative Riemannian gradient to reach.
    dense_width
        Largest 2M at which the Hessian is formed.
    """

    pairs: PairSet
    sigma: Activation
    variant: Variant
    tolerance: float
    dense_width: int = DENSE_WIDTH

    def polish(self, start: Floats) -> tuple[Floats, float, float]:
        """Return the end of one unit weight (2M,), its E and its relative gradient.

        Each step maximises the quadratic model of E on geodesics within a radius and is taken
        if E rises by a tenth of what the model says. Where E cannot tell any more (its change
        is rounding), the gradient must shrink.

        References
        ----------
        P.-A. Absil, C. G. Baker, K. A. Gallivan, Trust-region methods on Riemannian manifolds,
        Found. Comput. Math. 7 (2007) 303–330.
        """
        w, radius = start, _FIRST_RADIUS
        e, gradient, error = self._at(w)
        for _ in range(_STEPS):
            if error <= self.tolerance or radius < _LEAST_RADIUS:
                break
            step, gain = self._step(w, gradient, radius)
            length = float(np.linalg.norm(step))
            if not length > 0:
                break
            trial = np.cos(length) * w + (np.sin(length) / length) * step
            trial /= np.linalg.norm(trial)
            trial_e, trial_gradient, trial_error = self._at(trial)
            rise = trial_e - e
            ratio = rise / max(gain, 1e-300)
            if abs(rise) <= _ROUNDING * abs(e) and trial_error < 0.9 * error:
                ratio = max(ratio, 0.5)
            if ratio < 0.25:
                radius = 0.25 * length
            elif ratio > 0.75 and length > 0.9 * radius:
                radius = min(2 * radius, _LARGEST_RADIUS)
            if ratio > 0.1:
                w, e, gradient, error = trial, trial_e, trial_gradient, trial_error
        return w, e, error

    def _at(self, w: Floats) -> tuple[float, Floats, float]:
        e, gradient = energy_and_gradient(w, self.pairs, self.sigma, variant=self.variant)
        return float(e), gradient, float(relative_gradients(w[None], gradient[None])[0])

    def _step(self, w: Floats, gradient: Floats, radius: float) -> tuple[Floats, float]:
        """Return a tangent step of length ≤ ``radius``, and what the model says it gains."""
        slope = gradient - (gradient @ w) * w
        if len(w) > self.dense_width:
            product = tangent_products(w, gradient, self.pairs, self.sigma, self.variant)
            return _step_by_products(slope, radius, product)
        basis = tangent_basis(w)
        hessian = energy_hessian(w, self.pairs, self.sigma, variant=self.variant)
        values, vectors = np.linalg.eigh(hessian_in_basis(w, gradient, hessian, basis))
        parts = vectors.T @ (basis.T @ slope)
        # Along flat directions what is left of the gradient may be rounding.
        small = 0.1 * self.tolerance * float(np.linalg.norm(gradient)) / np.sqrt(len(w))
        flat = np.abs(values) <= _FLAT * np.abs(values).max()
        parts[flat & (np.abs(parts) <= small)] = 0
        move = largest_in_ball(values, parts, radius)
        gain = float(parts @ move + 0.5 * move @ (values * move))
        return basis @ (vectors @ move), gain


def largest_in_ball(values: Floats, parts: Floats, radius: float) -> Floats:
    """Return the x of norm ≤ ``radius`` that maximises Σ p_i x_i + ½ Σ h_i x_i².

    x_i = p_i/(λ − h_i) with λ ≥ 0, λ ≥ max h; λ = 0 inside the ball.
    """

    def move(shift: float) -> Floats:
        return np.divide(parts, shift - values, out=np.zeros_like(parts), where=parts != 0)

    low = max(0.0, float(values.max()))
    if values.max() < 0 and np.linalg.norm(move(0.0)) <= radius:
        return move(0.0)
    high = low + float(np.linalg.norm(parts)) / radius
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if np.linalg.norm(move(middle)) > radius:
            low = middle
        else:
            high = middle
    return move(high)


def _step_by_products(
    slope: Floats, radius: float, product: Callable[[Floats], Floats]
) -> tuple[Floats, float]:
    """Conjugate gradients, stopped at the radius or where E curves upwards (Steihaug).

    ``product`` is that of the Riemannian Hessian with a tangent vector.
    """
    x, bent, rest = np.zeros_like(slope), np.zeros_like(slope), slope
    direction, left = slope, float(slope @ slope)
    goal = 1e-2 * float(np.sqrt(left))
    for _ in range(_CG_STEPS):
        curved = product(direction)
        bend = float(direction @ curved)
        step = left / -bend if bend < 0 else np.inf
        edge = _to_the_edge(x, direction, radius)
        x, bent = x + min(step, edge) * direction, bent + min(step, edge) * curved
        if step >= edge:
            break
        rest = rest + step * curved
        before, left = left, float(rest @ rest)
        if np.sqrt(left) <= goal:
            break
        direction = rest + (left / before) * direction
    return x, float(slope @ x + 0.5 * x @ bent)


def _to_the_edge(x: Floats, direction: Floats, radius: float) -> float:
    """Return the t ≥ 0 at which ‖x + t·direction‖ = radius."""
    square, along = float(direction @ direction), float(x @ direction)
    inside = radius**2 - float(x @ x)
    return (np.sqrt(max(along**2 + square * inside, 0.0)) - along) / square
