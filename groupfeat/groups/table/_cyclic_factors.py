"""An abelian group as a product of cyclic ones, so that numpy's FFT serves it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CyclicFactors", "find_cyclic_factors"]

ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class CyclicFactors:
    """Generators s_1 … s_r with G = ⟨s_1⟩ × … × ⟨s_r⟩, each order dividing the one before.

    Parameters
    ----------
    generators
        Elements s_i, shape (r,).
    orders
        Their orders n_i: the invariant factors, largest first.
    elements
        ``elements[e_1, …, e_r]`` is s_1^e_1 … s_r^e_r, shape (n_1, …, n_r).
    """

    generators: NDArray[np.intp]
    orders: tuple[int, ...]
    elements: NDArray[np.intp]

    def transform(self, function: NDArray[Any]) -> ComplexArray:
        """Return Σ_g f(g) exp(2πi Σ k_j e_j(g)/n_j), frequencies k flattened, shape (..., M)."""
        axes = tuple(range(-len(self.orders), 0))
        grid = function[..., self.elements]
        # numpy's inverse FFT has the sign of χ(g), its forward one that of the conjugate.
        spectrum = np.fft.ifftn(grid, axes=axes, norm="forward")
        return np.asarray(spectrum.reshape(function.shape), dtype=np.complex128)

    def inverse_transform(self, spectrum: NDArray[Any]) -> ComplexArray:
        """Undo `transform`, shape (..., M)."""
        axes = tuple(range(-len(self.orders), 0))
        grid = spectrum.reshape(*spectrum.shape[:-1], *self.orders)
        values = np.fft.fftn(grid, axes=axes, norm="forward")
        found = np.empty(spectrum.shape, dtype=np.complex128)
        found[..., self.elements.ravel()] = values.reshape(spectrum.shape)
        return found

    def frequencies(self, characters: NDArray[Any]) -> NDArray[np.intp]:
        """Return where each row of linear characters (k, M) stands in a spectrum, shape (k,)."""
        turns = np.angle(characters[:, self.generators]) / (2 * np.pi)
        exponents = np.rint(turns * self.orders).astype(np.intp) % self.orders
        return np.ravel_multi_index(tuple(exponents.T), self.orders).astype(np.intp)


def find_cyclic_factors(table: NDArray[Any], element_orders: NDArray[np.intp]) -> CyclicFactors:
    """Split an abelian group, its Cayley table given (M, M).

    Greedily: an element of the largest order among those whose cyclic group
    meets the product so far in 1 alone. Such a product is a direct factor, so
    a further factor of the exponent of the quotient exists.
    """
    order = len(table)
    elements = np.zeros(1, dtype=np.intp)
    generators: list[int] = []
    orders: list[int] = []
    while len(elements) < order or not orders:
        free = element_orders == _orders_modulo(table, elements)
        s = int(np.argmax(np.where(free, element_orders, 0)))
        powers = [0]
        while (power := int(table[powers[-1], s])) != 0:
            powers.append(power)
        elements = table[elements[:, None], np.array(powers)].ravel().astype(np.intp)
        generators.append(s)
        orders.append(len(powers))
    return CyclicFactors(
        np.array(generators, dtype=np.intp), tuple(orders), elements.reshape(orders)
    )


def _orders_modulo(table: NDArray[Any], subgroup: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the least n ≥ 1 with gⁿ in the subgroup, for every g, shape (M,)."""
    inside = np.zeros(len(table), dtype=bool)
    inside[subgroup] = True
    orders = np.ones(len(table), dtype=np.intp)
    alive = np.flatnonzero(~inside)
    power = alive.copy()
    while len(alive):
        power = table[power, alive].astype(np.intp)
        orders[alive] += 1
        left = ~inside[power]
        alive, power = alive[left], power[left]
    return orders
