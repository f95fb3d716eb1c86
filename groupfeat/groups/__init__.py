"""Finite groups: Cayley tables, conjugacy classes, characters, irreps, Fourier transform."""

from groupfeat.groups.characters._character_table import CharacterTable
from groupfeat.groups.characters._characters import character_table
from groupfeat.groups.characters._class_functions import (
    character_center,
    character_kernel,
    exterior_square,
    induced_character,
    multiplicities,
    power_map,
    restricted_character,
    symmetric_square,
)
from groupfeat.groups.characters._cyclotomic import exact_character_values
from groupfeat.groups.construct._central_products import central_product, extraspecial
from groupfeat.groups.construct._families import cyclic, dicyclic, dihedral, metacyclic
from groupfeat.groups.construct._files import load_cayley_table
from groupfeat.groups.construct._matrix_groups import (
    affine_line,
    from_matrices,
    general_linear,
    heisenberg,
    projective_special_linear,
    special_linear,
)
from groupfeat.groups.construct._permutations import alternating, from_permutations, symmetric
from groupfeat.groups.construct._presentations import from_presentation
from groupfeat.groups.construct._products import direct_product, semidirect_product, wreath_product
from groupfeat.groups.construct._small_groups import (
    number_of_small_groups,
    small_group,
    small_group_name,
)
from groupfeat.groups.construct._spec import group_from_spec
from groupfeat.groups.construct._sympy_groups import from_sympy
from groupfeat.groups.isomorphism._identify import identify
from groupfeat.groups.isomorphism._morphisms import (
    AutomorphismGroup,
    automorphism_group,
    automorphisms,
    check_homomorphism,
    isomorphism,
)
from groupfeat.groups.representations._certificate import Certificate
from groupfeat.groups.representations._complex_matrices import from_complex_matrices
from groupfeat.groups.representations._fourier import (
    convolve,
    fourier_transform,
    inverse_fourier_transform,
    isotypic_projector,
    isotypic_shares,
    real_families,
)
from groupfeat.groups.representations._irrep import Irrep
from groupfeat.groups.representations._irreps import Irreps, irreps
from groupfeat.groups.representations._kinds import check_irreps
from groupfeat.groups.representations._representations import (
    Decomposition,
    Summand,
    decompose,
    induced_representation,
    permutation_representation,
    regular_representation,
    representation_from_generators,
    tensor_product,
)
from groupfeat.groups.structure._graphs import cayley_graph, conjugation_graph, lattice_graph
from groupfeat.groups.structure._lattice import SubgroupLattice, subgroup_lattice
from groupfeat.groups.structure._subgroups import (
    center,
    centralizer,
    commutator_subgroup,
    derived_series,
    derived_subgroup,
    is_normal,
    is_solvable,
    normal_closure,
    normalizer,
    quotient,
    subgroup_group,
)
from groupfeat.groups.table._classes import ConjugacyClasses
from groupfeat.groups.table._cyclic_factors import CyclicFactors
from groupfeat.groups.table._display import format_value
from groupfeat.groups.table._errors import NotAGroupError
from groupfeat.groups.table._finite_group import FiniteGroup
from groupfeat.groups.table._kinds import check_group

__all__ = [
    "AutomorphismGroup",
    "Certificate",
    "CharacterTable",
    "ConjugacyClasses",
    "CyclicFactors",
    "Decomposition",
    "FiniteGroup",
    "Irrep",
    "Irreps",
    "NotAGroupError",
    "SubgroupLattice",
    "Summand",
    "affine_line",
    "alternating",
    "automorphism_group",
    "automorphisms",
    "cayley_graph",
    "center",
    "central_product",
    "centralizer",
    "character_center",
    "character_kernel",
    "character_table",
    "check_group",
    "check_homomorphism",
    "check_irreps",
    "commutator_subgroup",
    "conjugation_graph",
    "convolve",
    "cyclic",
    "decompose",
    "derived_series",
    "derived_subgroup",
    "dicyclic",
    "dihedral",
    "direct_product",
    "exact_character_values",
    "exterior_square",
    "extraspecial",
    "format_value",
    "fourier_transform",
    "from_complex_matrices",
    "from_matrices",
    "from_permutations",
    "from_presentation",
    "from_sympy",
    "general_linear",
    "group_from_spec",
    "heisenberg",
    "identify",
    "induced_character",
    "induced_representation",
    "inverse_fourier_transform",
    "irreps",
    "is_normal",
    "is_solvable",
    "isomorphism",
    "isotypic_projector",
    "isotypic_shares",
    "lattice_graph",
    "load_cayley_table",
    "metacyclic",
    "multiplicities",
    "normal_closure",
    "normalizer",
    "number_of_small_groups",
    "permutation_representation",
    "power_map",
    "projective_special_linear",
    "quotient",
    "real_families",
    "regular_representation",
    "representation_from_generators",
    "restricted_character",
    "semidirect_product",
    "small_group",
    "small_group_name",
    "special_linear",
    "subgroup_group",
    "subgroup_lattice",
    "symmetric",
    "symmetric_square",
    "tensor_product",
    "wreath_product",
]
