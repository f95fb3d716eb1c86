"""The exact landscape of σ = x² on full data as plain values."""

from typing import Any

from groupfeat.energy import barriers, basin_probabilities, predicted_families
from groupfeat.groups import Irreps

__all__ = ["describe_landscape"]


def describe_landscape(irreps: Irreps, *, samples: int = 8192, seed: int = 0) -> dict[str, Any]:
    """Return families with basin probabilities, and the barriers between them.

    ``energy`` of a barrier is its saddle's, ``pass_energy`` the level that the best
    path between the two keeps to (docs/landscape.md, Theorem 3).

    Raises
    ------
    ValueError
        If fewer than 100 samples are asked for.
    """
    if samples < 100:
        raise ValueError(f"samples must be at least 100, got {samples}")
    probabilities, errors = basin_probabilities(irreps, samples=samples, rng=seed)
    families = zip(predicted_families(irreps), probabilities, errors, strict=True)
    return {
        "families": [
            {
                "irreps": list(f.irreps),
                "dim": f.dim,
                "type": f.type,
                "energy": f.energy,
                "flat_dim": f.flat_dim,
                "hessian_spectrum": [list(pair) for pair in f.hessian_spectrum],
                "basin_probability": float(p),
                "basin_error": float(e),
            }
            for f, p, e in families
        ],
        "barriers": [
            {
                "between": list(b.between),
                "energy": b.energy,
                "pass_energy": b.pass_energy,
                "index": b.index,
            }
            for b in barriers(irreps)
        ],
    }
