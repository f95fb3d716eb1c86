"""What the theory says about a network, measured: G_F, features, nodes, stages; and streams.

The measures take weights (W, V) and examples, arrays or torch tensors, and return frozen
values, in float64 on the CPU.
"""

from groupfeat.training.telemetry._features import (
    Features,
    LostRidgeError,
    given_features,
    layer_features,
)
from groupfeat.training.telemetry._gradient import (
    FeatureGradient,
    measure_gradient,
    ridge_limit,
    solve_ridge,
)
from groupfeat.training.telemetry._interactions import (
    Repulsion,
    conditional_overlaps,
    interaction_matrix,
    measure_repulsion,
)
from groupfeat.training.telemetry._nodes import NodeFeatures, measure_nodes
from groupfeat.training.telemetry._observer import Telemetry, theory_ridge
from groupfeat.training.telemetry._stage_one import (
    LazyFlow,
    Spectrum,
    early_gradient,
    gradient_norms,
    lazy_flow,
    measure_spectrum,
    printed_norm,
    strongest_ridge,
)
from groupfeat.training.telemetry._stages import (
    StageBoundaries,
    Step,
    measure_step,
    stage_boundaries,
)
from groupfeat.training.telemetry._streams import (
    JsonLines,
    TensorBoardSink,
    WandbSink,
    read_json_lines,
)
from groupfeat.training.telemetry._structure import (
    Diagonality,
    diagonality,
    measure_gram,
    measure_kernel,
)

__all__ = [
    "Diagonality",
    "FeatureGradient",
    "Features",
    "JsonLines",
    "LazyFlow",
    "LostRidgeError",
    "NodeFeatures",
    "Repulsion",
    "Spectrum",
    "StageBoundaries",
    "Step",
    "Telemetry",
    "TensorBoardSink",
    "WandbSink",
    "conditional_overlaps",
    "diagonality",
    "early_gradient",
    "given_features",
    "gradient_norms",
    "interaction_matrix",
    "layer_features",
    "lazy_flow",
    "measure_gradient",
    "measure_gram",
    "measure_kernel",
    "measure_nodes",
    "measure_repulsion",
    "measure_spectrum",
    "measure_step",
    "printed_norm",
    "read_json_lines",
    "ridge_limit",
    "solve_ridge",
    "stage_boundaries",
    "strongest_ridge",
    "theory_ridge",
]
