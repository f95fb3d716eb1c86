"""Slow, dense twins of the telemetry: n × n and n × K matrices, inverses, autograd."""

import numpy as np
import torch
from numpy.typing import NDArray

from groupfeat.energy import PairSet, get_activation

Floats = NDArray[np.float64]


def dense(first: Floats, pairs: PairSet, activation: str, centre: str) -> tuple[Floats, Floats]:
    """Return Φ (n, K) and T (n, M) by one-hot matrices and explicit projectors."""
    order, n = pairs.order, len(pairs)
    eye = np.eye(order)
    x = np.hstack([eye[pairs.left], eye[pairs.right]])
    features = get_activation(activation).value(x @ first)
    targets = eye[pairs.target]
    if centre == "samples":
        projector = np.eye(n) - np.ones((n, n)) / n
        return projector @ features, projector @ targets
    return features, targets @ (eye - np.ones((order, order)) / order)


def closed_form(phi: Floats, targets: Floats, ridge: float, beta: float) -> Floats:
    """Return G_F(∞), the first inverse n × n and the second K × K, as printed (corrected)."""
    n, width = phi.shape
    outer = np.linalg.inv(beta**2 * phi @ phi.T + ridge * np.eye(n))
    inner = np.linalg.inv(beta**2 * phi.T @ phi + ridge * np.eye(width))
    return ridge * beta**2 * outer @ targets @ targets.T @ phi @ inner


def autograd_gradient(features: Floats, targets: Floats, v: Floats, beta: float, n: int) -> Floats:
    """Return −∂J/∂F of J = ½‖P⊥(Y − βFV)‖² by autograd; ``targets`` are Y, not centred."""
    f = torch.from_numpy(features).requires_grad_()
    gap = torch.from_numpy(targets) - beta * f @ torch.from_numpy(v)
    gap = gap - gap.mean(0) if n else gap - gap.mean(1, keepdim=True)
    (0.5 * gap.square().sum()).backward()
    assert f.grad is not None
    return -f.grad.numpy()


def cosine(a: Floats, b: Floats) -> float:
    """Return the cosine of two arrays."""
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def conditional_overlap(phi: Floats, j: int, l_: int, ridge: float) -> float:
    """Return f̃_jᵀ P_{η,−jl} f̃_l with the n × n matrix of all other columns."""
    rest = np.delete(phi, [j, l_], axis=1)
    projector = ridge * np.linalg.inv(rest @ rest.T + ridge * np.eye(len(phi)))
    return float(phi[:, j] @ projector @ phi[:, l_])


def integrate(phi: Floats, targets: Floats, v: Floats, ridge: float, beta: float, time: float):  # type: ignore[no-untyped-def]
    """Return V(time) of the gradient flow by 4th-order Runge–Kutta."""
    steps = 1000
    h = time / steps

    def slope(x: Floats) -> Floats:
        return beta * phi.T @ (targets - beta * phi @ x) - ridge * x

    for _ in range(steps):
        k1 = slope(v)
        k2 = slope(v + h / 2 * k1)
        k3 = slope(v + h / 2 * k2)
        k4 = slope(v + h * k3)
        v = v + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return v
