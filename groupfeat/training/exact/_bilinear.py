"""Bilinear algorithms: products of matrices and of quaternions with few multiplications.

An algorithm of rank R writes (xy)_o = Σ_r out[r, o] (left[r]·x)(right[r]·y).
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["BilinearAlgorithm", "matrix_product", "quaternion_product", "schoolbook_product"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BilinearAlgorithm:
    """(xy)_o = Σ_r out[r, o] (left[r]·x)(right[r]·y); factors of shape (R, size, size) or (R, 4).

    Parameters
    ----------
    left, right, out
        Coefficients on the entries of x, of y and of xy.
    """

    left: Floats = field(repr=False)
    right: Floats = field(repr=False)
    out: Floats = field(repr=False)

    @property
    def rank(self) -> int:
        """Number of multiplications R."""
        return len(self.left)

    def nested(self, inner: "BilinearAlgorithm") -> "BilinearAlgorithm":
        """Return the algorithm for matrices of blocks, ``inner`` on the blocks."""
        factors = zip(
            (self.left, self.right, self.out), (inner.left, inner.right, inner.out), strict=True
        )
        left, right, out = (
            np.einsum("rij,skl->rsikjl", a, b).reshape(
                len(a) * len(b), a.shape[1] * b.shape[1], a.shape[2] * b.shape[2]
            )
            for a, b in factors
        )
        return BilinearAlgorithm(left, right, out)


def schoolbook_product(size: int) -> BilinearAlgorithm:
    """Return the d³ products x_pr y_rq of d × d matrices."""
    p, r, q = (axis.ravel() for axis in np.indices((size,) * 3))
    rows = np.arange(size**3)
    left, right, out = np.zeros((3, size**3, size, size))
    left[rows, p, r] = right[rows, r, q] = out[rows, p, q] = 1
    return BilinearAlgorithm(left, right, out)


@lru_cache(maxsize=32)
def matrix_product(size: int) -> BilinearAlgorithm:
    """Return an algorithm for size × size matrices: 7, 23, 49 products for 2, 3, 4.

    Even sizes through Strassen's, multiples of three through Laderman's algorithm on blocks, the
    rest by the schoolbook. Fewer products are known for some sizes from 4 on; they are not used.

    References
    ----------
    V. Strassen, Gaussian elimination is not optimal, Numer. Math. 13 (1969). J. D. Laderman, A
    noncommutative algorithm for multiplying 3 × 3 matrices using 23 multiplications, Bull. AMS
    82 (1976).
    """
    for factor, rows in ((2, _STRASSEN), (3, _LADERMAN)):
        if size % factor == 0:
            known = _parsed(rows, factor)
            return known if size == factor else known.nested(matrix_product(size // factor))
    return schoolbook_product(size)


def quaternion_product() -> BilinearAlgorithm:
    """Return the product of quaternions with 8 real multiplications, factors of shape (8, 4).

    The product in the group algebra of C2 × C2 takes four (Hadamard transform); it differs from
    the quaternions' in the signs of a₀b₀, a₃b₂, a₁b₃, a₂b₁ and of the real part.

    References
    ----------
    T. D. Howell, J.-C. Lafon, The complexity of the quaternion product, Cornell TR 75-245 (1975).
    """
    hadamard = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]])
    eye, sign = np.eye(4), np.diag([-1.0, 1, 1, 1])
    left = np.concatenate([hadamard, eye[[0, 3, 1, 2]]])
    right = np.concatenate([hadamard, eye[[0, 2, 3, 1]]])
    out = np.concatenate([hadamard @ sign / 4, 2 * np.diag([1.0, -1, -1, -1])])
    return BilinearAlgorithm(left, right, out)


# One product a line: entries of x, of y, of xy, as sign, row and column.
_STRASSEN = """
+11+22 +11+22 +11+22
+21+22 +11 +21-22
+11 +12-22 +12+22
+22 +21-11 +11+21
+11+12 +22 +12-11
+21-11 +11+12 +22
+12-22 +21+22 +11
"""
_LADERMAN = """
+11+12+13-21-22-32-33 +22 +12
+11-21 -12+22 +21+22
+22 -11+12+21-22-23-31+33 +21
-11+21+22 +11-12+22 +12+21+22
+21+22 -11+12 +12+22
+11 +11 +11+12+13+21+22+31+33
-11+31+32 +11-13+23 +13+31+33
-11+31 +13-23 +31+33
+31+32 -11+13 +13+33
+11+12+13-22-23-31-32 +23 +13
+32 -11+13+21-22-23-31+32 +31
-13+32+33 +22+31-32 +12+31+32
+13-33 +22-32 +31+32
+13 +31 +11+12+13+21+23+31+32
+32+33 -31+32 +12+32
-13+22+23 +23+31-33 +13+21+23
+13-23 +23-33 +21+23
+22+23 -31+33 +13+23
+12 +21 +11
+23 +32 +22
+21 +13 +23
+31 +12 +32
+33 +33 +33
"""


def _parsed(text: str, size: int) -> BilinearAlgorithm:
    rows = [line.split() for line in text.split("\n") if line]
    factors = np.zeros((3, len(rows), size, size))
    for r, row in enumerate(rows):
        for factor, word in enumerate(row):
            for start in range(0, len(word), 3):
                sign, i, j = tuple(word[start : start + 3])
                factors[factor, r, int(i) - 1, int(j) - 1] = 1 if sign == "+" else -1
    return BilinearAlgorithm(*factors)
