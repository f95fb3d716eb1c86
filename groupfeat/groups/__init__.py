"""Finite groups: Cayley tables, conjugacy classes, characters, irreps, Fourier transform."""

from groupfeat.groups._certificate import Certificate
from groupfeat.groups._characters import CharacterTable, character_table
from groupfeat.groups._class_functions import (
    character_center,
    character_kernel,
    exterior_square,
    induced_character,
    multiplicities,
    power_map,
    restricted_character,
    symmetric_square,
)
from groupfeat.groups._classes import ConjugacyClasses
from groupfeat.groups._errors import NotAGroupError
from groupfeat.groups._families import cyclic, dicyclic, dihedral, metacyclic
from groupfeat.groups._files import load_cayley_table
from groupfeat.groups._finite_group import FiniteGroup
from groupfeat.groups._fourier import (
    convolve,
    fourier_transform,
    inverse_fourier_transform,
    isotypic_projector,
    isotypic_shares,
    real_families,
)
from groupfeat.groups._irreps import Irrep, Irreps, irreps
from groupfeat.groups._permutations import alternating, from_permutations, symmetric
from groupfeat.groups._products import direct_product, semidirect_product
from groupfeat.groups._small_groups import (
    number_of_small_groups,
    small_group,
    small_group_name,
)
from groupfeat.groups._spec import group_from_spec

__all__ = [
    "Certificate",
    "CharacterTable",
    "ConjugacyClasses",
    "FiniteGroup",
    "Irrep",
    "Irreps",
    "NotAGroupError",
    "alternating",
    "character_center",
    "character_kernel",
    "character_table",
    "convolve",
    "cyclic",
    "dicyclic",
    "dihedral",
    "direct_product",
    "exterior_square",
    "fourier_transform",
    "from_permutations",
    "group_from_spec",
    "induced_character",
    "inverse_fourier_transform",
    "irreps",
    "isotypic_projector",
    "isotypic_shares",
    "load_cayley_table",
    "metacyclic",
    "multiplicities",
    "number_of_small_groups",
    "power_map",
    "real_families",
    "restricted_character",
    "semidirect_product",
    "small_group",
    "small_group_name",
    "symmetric",
    "symmetric_square",
]
