"""The energy landscape E(w) of one hidden node: derivatives, predicted and found maxima."""

from groupfeat.energy._statistics import starts_needed, unseen_probability, wilson_interval
from groupfeat.energy.ascent._irrep_ascent import ascend_in_irreps
from groupfeat.energy.ascent._kink_ascent import ascend_kinked
from groupfeat.energy.ascent._kinks import KinkCertificate, kink_certificate
from groupfeat.energy.ascent._local_model import symmetry_directions
from groupfeat.energy.ascent._search import Ascent, ascend, random_starts
from groupfeat.energy.exact._basins import basin_probabilities, find_basins
from groupfeat.energy.exact._blow_up import blow_up_times
from groupfeat.energy.exact._critical import CriticalLevel, critical_levels, sample_critical
from groupfeat.energy.exact._families import PredictedFamily, predicted_families
from groupfeat.energy.exact._landscape import (
    Barrier,
    barriers,
    disconnectivity_graph,
    pass_levels,
)
from groupfeat.energy.exact._operands import operand_energy_and_gradient, operand_levels
from groupfeat.energy.exact._units import (
    NearestPoints,
    flat_directions,
    nearest_in_family,
    sample_family,
)
from groupfeat.energy.maxima._maxima import FoundMaxima, MaximumClass, find_maxima
from groupfeat.energy.objective._activations import (
    ACTIVATIONS,
    Activation,
    custom_activation,
    get_activation,
    polynomial_activation,
)
from groupfeat.energy.objective._energy import energy, energy_and_gradient
from groupfeat.energy.objective._fourier_form import energy_fourier, energy_in_irreps
from groupfeat.energy.objective._hessian import energy_hessian, energy_hvp
from groupfeat.energy.objective._pairs import (
    PAIR_SAMPLINGS,
    PairSet,
    full_pairs,
    pairs_from_arrays,
    sample_pairs,
)
from groupfeat.energy.objective._shares import family_shares, rank_one_shares, target_shares
from groupfeat.energy.objective._sphere import (
    HessianSpectrum,
    riemannian_gradient,
    riemannian_hessian,
    riemannian_hvp,
    riemannian_spectrum,
)
from groupfeat.energy.objective._variants import (
    ENERGY_VARIANTS,
    Variant,
    get_variant,
    removed_variant,
    residual_variant,
)
from groupfeat.energy.saddles._landscape_graph import (
    LandscapeGraph,
    Merge,
    explore_landscape,
)
from groupfeat.energy.saddles._landscape_store import extend_store, load_store
from groupfeat.energy.saddles._merging import merge_graphs
from groupfeat.energy.saddles._saddles import (
    CriticalPoints,
    branches_of,
    declared_flat,
    find_saddles,
    follow_flow,
)
from groupfeat.energy.saddles._same_points import sign_symmetries
from groupfeat.energy.thresholds._equivalent import equivalent_families
from groupfeat.energy.thresholds._memorisation import (
    MAXIMUM_KINDS,
    Memorising,
    classify_phi,
    maximum_kinds,
    memorising_maximum,
    one_target_energy,
)
from groupfeat.energy.thresholds._prediction import fold_pairs, predict_thresholds
from groupfeat.energy.thresholds._survival import (
    SurvivalCurve,
    Threshold,
    survival_curve,
    survival_thresholds,
)

__all__ = [
    "ACTIVATIONS",
    "ENERGY_VARIANTS",
    "MAXIMUM_KINDS",
    "PAIR_SAMPLINGS",
    "Activation",
    "Ascent",
    "Barrier",
    "CriticalLevel",
    "CriticalPoints",
    "FoundMaxima",
    "HessianSpectrum",
    "KinkCertificate",
    "LandscapeGraph",
    "MaximumClass",
    "Memorising",
    "Merge",
    "NearestPoints",
    "PairSet",
    "PredictedFamily",
    "SurvivalCurve",
    "Threshold",
    "Variant",
    "ascend",
    "ascend_in_irreps",
    "ascend_kinked",
    "barriers",
    "basin_probabilities",
    "blow_up_times",
    "branches_of",
    "classify_phi",
    "critical_levels",
    "custom_activation",
    "declared_flat",
    "disconnectivity_graph",
    "energy",
    "energy_and_gradient",
    "energy_fourier",
    "energy_hessian",
    "energy_hvp",
    "energy_in_irreps",
    "equivalent_families",
    "explore_landscape",
    "extend_store",
    "family_shares",
    "find_basins",
    "find_maxima",
    "find_saddles",
    "flat_directions",
    "fold_pairs",
    "follow_flow",
    "full_pairs",
    "get_activation",
    "get_variant",
    "kink_certificate",
    "load_store",
    "maximum_kinds",
    "memorising_maximum",
    "merge_graphs",
    "nearest_in_family",
    "one_target_energy",
    "operand_energy_and_gradient",
    "operand_levels",
    "pairs_from_arrays",
    "pass_levels",
    "polynomial_activation",
    "predict_thresholds",
    "predicted_families",
    "random_starts",
    "rank_one_shares",
    "removed_variant",
    "residual_variant",
    "riemannian_gradient",
    "riemannian_hessian",
    "riemannian_hvp",
    "riemannian_spectrum",
    "sample_critical",
    "sample_family",
    "sample_pairs",
    "sign_symmetries",
    "starts_needed",
    "survival_curve",
    "survival_thresholds",
    "symmetry_directions",
    "target_shares",
    "unseen_probability",
    "wilson_interval",
]
