"""Two-layer networks on group products: training, checkpoints, node matching.

Needs the extra ``training``: ``pip install "groupfeat[training]"``.
"""

from groupfeat.training._checkpoint import checkpoint_writer, load_checkpoint, save_checkpoint
from groupfeat.training._config import INITS, LOSSES, OPTIMIZERS, PRECISIONS, SCHEDULES, TrainConfig
from groupfeat.training._exact import (
    EXACT_METHODS,
    ExactSize,
    conjugate_network,
    exact_network,
    exact_sizes,
    paper_bound,
)
from groupfeat.training._load import Network, load_network, network_accuracy
from groupfeat.training._match import MatchThresholds, NodeMatch, NodeReport, match_nodes
from groupfeat.training._network import PairTensors, evaluate, loss_and_gradients
from groupfeat.training._paired import PairedRun, train_paired
from groupfeat.training._runs import Snapshot, TrainedRun, log_epochs
from groupfeat.training._save import save_layers
from groupfeat.training._task_sources import expression_task, load_table_task, word_task
from groupfeat.training._tasks import Task, product_task, table_task
from groupfeat.training._train import resume, train, train_many, training_pairs
from groupfeat.training._transformer import TransformerConfig, TransformerRun, train_transformer

__all__ = [
    "EXACT_METHODS",
    "INITS",
    "LOSSES",
    "OPTIMIZERS",
    "PRECISIONS",
    "SCHEDULES",
    "ExactSize",
    "MatchThresholds",
    "Network",
    "NodeMatch",
    "NodeReport",
    "PairTensors",
    "PairedRun",
    "Snapshot",
    "Task",
    "TrainConfig",
    "TrainedRun",
    "TransformerConfig",
    "TransformerRun",
    "checkpoint_writer",
    "conjugate_network",
    "evaluate",
    "exact_network",
    "exact_sizes",
    "expression_task",
    "load_checkpoint",
    "load_network",
    "load_table_task",
    "log_epochs",
    "loss_and_gradients",
    "match_nodes",
    "network_accuracy",
    "paper_bound",
    "product_task",
    "resume",
    "save_checkpoint",
    "save_layers",
    "table_task",
    "train",
    "train_many",
    "train_paired",
    "train_transformer",
    "training_pairs",
    "word_task",
]
