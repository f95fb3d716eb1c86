"""Two-layer networks on group products: training, checkpoints, node matching.

Needs the extra ``training``: ``pip install "groupfeat[training]"``.
"""

from groupfeat.training._checkpoint import load_checkpoint, save_checkpoint
from groupfeat.training._config import INITS, LOSSES, OPTIMIZERS, PRECISIONS, TrainConfig
from groupfeat.training._exact import exact_network, paper_bound, save_layers
from groupfeat.training._load import Network, load_network, network_accuracy
from groupfeat.training._match import MatchThresholds, NodeMatch, NodeReport, match_nodes
from groupfeat.training._network import PairTensors, evaluate, loss_and_gradients
from groupfeat.training._runs import TrainedRun
from groupfeat.training._train import train, training_pairs

__all__ = [
    "INITS",
    "LOSSES",
    "OPTIMIZERS",
    "PRECISIONS",
    "MatchThresholds",
    "Network",
    "NodeMatch",
    "NodeReport",
    "PairTensors",
    "TrainConfig",
    "TrainedRun",
    "evaluate",
    "exact_network",
    "load_checkpoint",
    "load_network",
    "loss_and_gradients",
    "match_nodes",
    "network_accuracy",
    "paper_bound",
    "save_checkpoint",
    "save_layers",
    "train",
    "training_pairs",
]
