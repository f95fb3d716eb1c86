"""Print the irreps of S4 and check one product of matrices by hand."""

import numpy as np

from groupfeat.groups import group_from_spec, irreps


def main() -> None:
    """Print dimensions, types and the certificate; multiply two matrices."""
    group = group_from_spec("S4")
    reps = irreps(group)
    for irrep in reps:
        print(f"irrep {irrep.index}: dimension {irrep.dim}, indicator {irrep.frobenius_schur:+d}")
    print(f"homomorphism error at most {reps.certificate.homomorphism_error:.0e}")
    g, h = 7, 11
    rho = reps[3].matrices([g, h, int(group.cayley_table[g, h])])
    print("rho(g) rho(h) = rho(gh):", np.allclose(rho[0] @ rho[1], rho[2]))


if __name__ == "__main__":
    main()
