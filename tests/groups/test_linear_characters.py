"""Linear characters take vectorised roads; the slow ones must agree."""

from dataclasses import replace

import numpy as np
import pytest

from groupfeat.groups import character_table, group_from_spec, irreps


@pytest.mark.parametrize("spec", ["C1", "C12", "C7xC2xC4", "C31", "2x2x2"])
def test_spectra_of_abelian_groups_rebuild_the_values(spec: str) -> None:
    table = character_table(group_from_spec(spec))
    for j, spectrum in enumerate(table.spectra):
        roots = np.exp(2j * np.pi * np.arange(spectrum.shape[1]) / spectrum.shape[1])
        np.testing.assert_allclose(spectrum @ roots, table.values[:, j], atol=1e-12)


def test_certificate_bounds_the_true_error_of_a_broken_linear_irrep() -> None:
    found = irreps(group_from_spec("C6xS3"))
    irrep = found[1]
    orbit = np.array(irrep.orbit)
    orbit[7] += 1e-3
    broken = replace(irrep, orbit=orbit)
    certificate = type(found).from_members(found.table, (found[0], broken, *found[2:])).certificate
    matrices, table = broken.matrices(), irrep.group.cayley_table
    errors = [np.abs(matrices[s] @ matrices - matrices[table[s]]).max() for s in table[0]]
    errors = [errors[s] for s in irrep.group.generators]
    assert 1e-4 < max(errors) <= certificate.homomorphism_error * (1 + 1e-9)
