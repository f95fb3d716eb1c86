"""Alternating maximisation of E for σ = x² on full data, in irrep coordinates.

E = 2 Σ_k c_k ‖α_k β_k‖²_F with isometric coordinates α, β of the two halves of w. For fixed β
it is a convex quadratic form of α, so α ← c α β β* (scaled to length) never lowers it, and
likewise β ← c α* α β. Rows are entries of blocks, lanes are starts.
"""

from typing import NamedTuple

from numba import njit

from groupfeat.energy.kernels._vectors import extract, fma, largest, load, root, store

__all__ = ["Blocks", "alternate"]

_TINY = 1e-300


class Blocks(NamedTuple):
    """Families: first row, dimension d, 1 (real) or 2 (complex) parts of d² rows, weight c."""

    first: object
    dim: object
    parts: object
    weight: object


@njit(cache=True, error_model="numpy")
def _multiply(x, x_first, x_star, y, y_first, y_star, out, first, dim, parts, scale, tag):
    """Write scale · X Y (starred: conjugate transposes) of blocks that start at the given rows."""
    size = dim * dim
    for i in range(dim):
        for j in range(dim):
            real = load(x, x_first, tag) * 0.0
            imaginary = real
            for k in range(dim):
                p = x_first + (k * dim + i if x_star else i * dim + k)
                q = y_first + (j * dim + k if y_star else k * dim + j)
                xr, yr = load(x, p, tag), load(y, q, tag)
                real = fma(xr, yr, real)
                if parts == 2:
                    xi = load(x, p + size, tag) * (-1.0 if x_star else 1.0)
                    yi = load(y, q + size, tag) * (-1.0 if y_star else 1.0)
                    real = real - xi * yi
                    imaginary = fma(xr, yi, fma(xi, yr, imaginary))
            store(out, first + i * dim + j, real * scale)
            if parts == 2:
                store(out, first + size + i * dim + j, imaginary * scale)


@njit(cache=True, error_model="numpy")
def _normalise(x, tag):
    """Scale rows so that ‖x‖² = ½; return the old norm."""
    total = load(x, 0, tag) * 0.0
    for i in range(x.shape[0]):
        row = load(x, i, tag)
        total = fma(row, row, total)
    norm = root(largest(total, _TINY))
    scale = 0.7071067811865476 / norm
    for i in range(x.shape[0]):
        store(x, i, load(x, i, tag) * scale)
    return norm


@njit(cache=True, error_model="numpy", nogil=True)
def alternate(first_half, second_half, blocks, product, spare, state, most, tag):
    """Climb the starts of blocks (B, R, L), in place; return the largest number of rounds.

    ``product`` and ``spare`` are (R, L), ``state`` (2, L). A block of lanes ends when
    all have stopped to gain: the last round has then cubed what was left of other blocks.
    """
    longest = 0
    for block in range(first_half.shape[0]):
        a, b = first_half[block], second_half[block]
        _normalise(a, tag)
        _normalise(b, tag)
        state[:] = 0.0
        settled, rounds = False, 0
        while not settled and rounds < most:
            rounds += 1
            for k in range(blocks.first.shape[0]):
                at, dim, parts = blocks.first[k], blocks.dim[k], blocks.parts[k]
                weight = blocks.weight[k]
                _multiply(a, at, False, b, at, False, product, 0, dim, parts, weight, tag)
                _multiply(product, 0, False, b, at, True, spare, at, dim, parts, 1.0, tag)
                for i in range(at, at + parts * dim * dim):
                    store(a, i, load(spare, i, tag))
            _normalise(a, tag)
            for k in range(blocks.first.shape[0]):
                at, dim, parts = blocks.first[k], blocks.dim[k], blocks.parts[k]
                weight = blocks.weight[k]
                _multiply(a, at, False, b, at, False, product, 0, dim, parts, weight, tag)
                _multiply(a, at, True, product, 0, False, spare, at, dim, parts, 1.0, tag)
                for i in range(at, at + parts * dim * dim):
                    store(b, i, load(spare, i, tag))
            # The length of c α*αβ at unit lengths is a bound of E that grows with it.
            gain = _normalise(b, tag)
            store(state, 1, gain)
            settled = True
            for lane in range(state.shape[1]):
                now = extract(gain, lane)
                settled = settled and now - state[0, lane] <= 1e-15 * now
            store(state, 0, gain)
        longest = max(longest, rounds)
    return longest
