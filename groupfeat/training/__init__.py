"""Two-layer networks on group products: training, checkpoints, node matching.

Needs the extra ``training``: ``pip install "groupfeat[training]"``.
"""

from groupfeat.training.baselines._paired import PairedRun, train_paired
from groupfeat.training.baselines._transformer import resume_transformer, train_transformer
from groupfeat.training.baselines._transformer_config import TransformerConfig
from groupfeat.training.baselines._transformer_files import load_transformer, save_transformer
from groupfeat.training.baselines._transformer_run import TransformerRun
from groupfeat.training.exact._abelian_solutions import FrequencySolution, abelian_solutions
from groupfeat.training.exact._exact import (
    EXACT_METHODS,
    ExactSize,
    conjugate_network,
    exact_network,
    exact_sizes,
    paper_bound,
)
from groupfeat.training.exact._null import NullModel, null_model
from groupfeat.training.exact._relabel import (
    answered_order,
    find_element_order,
    load_element_order,
    relabel_network,
)
from groupfeat.training.many._execute import check_device
from groupfeat.training.many._train import (
    check_resume,
    resume,
    train,
    train_many,
    training_pairs,
)
from groupfeat.training.match._geometry import NodeGeometry, node_geometry
from groupfeat.training.match._match import MatchThresholds, NodeMatch, NodeReport, match_nodes
from groupfeat.training.match._prune import (
    NodePairs,
    PrunedNetwork,
    merge_parallel,
    pair_nodes,
    prune_network,
)
from groupfeat.training.match._stage_three import (
    Modulation,
    Repulsion,
    hidden_features,
    modulated_maxima,
    network_residual,
    repulsion,
    residual_shares,
)
from groupfeat.training.network._autograd import pair_loss
from groupfeat.training.network._layouts import Layout
from groupfeat.training.network._logits import (
    Ablation,
    LogitSimilarity,
    ablate_irreps,
    logit_blocks,
    logit_similarity,
    network_logits,
)
from groupfeat.training.network._network import PairTensors, evaluate, loss_and_gradients
from groupfeat.training.run._checkpoint import checkpoint_writer, load_checkpoint, save_checkpoint
from groupfeat.training.run._load import (
    Network,
    checkpoint_group,
    load_network,
    network_accuracy,
    network_table,
)
from groupfeat.training.run._runs import Observer, Snapshot, TrainedRun, log_epochs
from groupfeat.training.run._save import save_layers
from groupfeat.training.setup._config import (
    INITS,
    LOSSES,
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
    TrainConfig,
)
from groupfeat.training.setup._memory import check_memory
from groupfeat.training.setup._presets import PRESETS, Preset, preset
from groupfeat.training.setup._reach import captured_share, check_reach, interaction_order
from groupfeat.training.setup._suited import suited_config
from groupfeat.training.tasks._interactions import interaction_shares
from groupfeat.training.tasks._task_sources import expression_task, load_table_task, word_task
from groupfeat.training.tasks._tasks import Task, product_task, table_task

__all__ = [
    "EXACT_METHODS",
    "INITS",
    "LOSSES",
    "OPTIMIZERS",
    "PRECISIONS",
    "PRESETS",
    "SCHEDULES",
    "Ablation",
    "ExactSize",
    "FrequencySolution",
    "Layout",
    "LogitSimilarity",
    "MatchThresholds",
    "Modulation",
    "Network",
    "NodeGeometry",
    "NodeMatch",
    "NodePairs",
    "NodeReport",
    "NullModel",
    "Observer",
    "PairTensors",
    "PairedRun",
    "Preset",
    "PrunedNetwork",
    "Repulsion",
    "Snapshot",
    "Task",
    "TrainConfig",
    "TrainedRun",
    "TransformerConfig",
    "TransformerRun",
    "abelian_solutions",
    "ablate_irreps",
    "answered_order",
    "captured_share",
    "check_device",
    "check_memory",
    "check_reach",
    "check_resume",
    "checkpoint_group",
    "checkpoint_writer",
    "conjugate_network",
    "evaluate",
    "exact_network",
    "exact_sizes",
    "expression_task",
    "find_element_order",
    "hidden_features",
    "interaction_order",
    "interaction_shares",
    "load_checkpoint",
    "load_element_order",
    "load_network",
    "load_table_task",
    "load_transformer",
    "log_epochs",
    "logit_blocks",
    "logit_similarity",
    "loss_and_gradients",
    "match_nodes",
    "merge_parallel",
    "modulated_maxima",
    "network_accuracy",
    "network_logits",
    "network_residual",
    "network_table",
    "node_geometry",
    "null_model",
    "pair_loss",
    "pair_nodes",
    "paper_bound",
    "preset",
    "product_task",
    "prune_network",
    "relabel_network",
    "repulsion",
    "residual_shares",
    "resume",
    "resume_transformer",
    "save_checkpoint",
    "save_layers",
    "save_transformer",
    "suited_config",
    "table_task",
    "train",
    "train_many",
    "train_paired",
    "train_transformer",
    "training_pairs",
    "word_task",
]
