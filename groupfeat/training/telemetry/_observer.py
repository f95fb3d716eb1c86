"""An observer of training that records the telemetry of the theory."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from groupfeat.groups import Irreps, real_families
from groupfeat.training.network._hidden import Layers, NetSpec, Workspace, hidden_layers
from groupfeat.training.network._losses import SQUARED, output_gradient
from groupfeat.training.network._model import Composer
from groupfeat.training.network._network import PairTensors, answer_shift, measure
from groupfeat.training.run._runs import Snapshot, TrainedRun
from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.telemetry._features import Features, LostRidgeError
from groupfeat.training.telemetry._gradient import FeatureGradient, measure_gradient
from groupfeat.training.telemetry._interactions import measure_repulsion
from groupfeat.training.telemetry._nodes import NodeFeatures, measure_nodes
from groupfeat.training.telemetry._stages import StageBoundaries, measure_step, stage_boundaries
from groupfeat.training.telemetry._structure import Diagonality, measure_gram, measure_kernel

__all__ = ["Telemetry", "theory_ridge"]

Floats = NDArray[np.float64]
Record = dict[str, Any]
Sink = Callable[[Mapping[str, Any]], None]
_LAYERS = ("first_layer", "second_layer")


def theory_ridge(config: TrainConfig, n_examples: int) -> float | None:
    """Return the η of the theory's J + (η/2)‖V‖² that a config amounts to, or None.

    ``ridge`` itself where V is solved for; else the weight decay λ, times n/2 for
    ``"mse_classes"``, whose loss is 2/n of J's. None without decay, with decay that is decoupled
    from the gradient (AdamW, Muon), which has no such J, and for losses that are not quadratic.
    """
    if config.ridge is not None:
        return config.ridge
    if not config.weight_decay or config.optimizer in ("adamw", "muon"):
        return None
    return {"mse_samples": 1.0, "mse_classes": n_examples / 2}.get(config.loss, 0.0) * (
        config.weight_decay
    ) or None


class Telemetry:
    """Pass it to `groupfeat.training.train` as ``observe``; it records at ``observe_at``.

    Whatever those epochs are, the last epoch of a run is recorded, once: a run that settles early
    ends between them. One that diverges has no such record; its status tells where.

    A record is a flat dict of plain values: ``position, seed, epoch``, accuracies and losses,
    and, as asked,

    - ``gradient``: ``gradient_norm`` ‖G_F‖, ``gradient_cosine_lazy``, ``gradient_cosine_ridge``,
      ``gradient_ridge_norm`` (see `FeatureGradient`), in the loss's own centring and up to its
      constant factor. O(nKM), and with a ridge O(nK min(n, K) + min(n, K)³).
    - ``structure``: ``gram_*`` and ``kernel_*`` for F̃ᵀF̃ and F̃F̃ᵀ, centred over samples under any
      loss (see `Diagonality`). O(nK² + n²K), the latter up to `LARGEST_KERNEL` examples.
    - ``steps``: ``first_layer_*`` and ``second_layer_*`` (see `Step`).
    - ``irreps``: the nodes' summary (see `NodeFeatures`), on products of the irreps' group and
      real weights. O(nK + KM²).
    - ``each_node``, with ``irreps``: lists over all nodes, ``each_irrep`` (the first irrep of the
      assigned family, −1 for none), ``each_energy``, ``each_strength`` and ``each_shares`` (one
      list a node, over `real_families`), to six digits.
    - ``repulsion``: ``repulsion_*`` (see `Repulsion`), with a ridge. O(nK² + K³).

    Deeper networks are measured at their last hidden layer. What cannot be told is absent, never
    NaN: quantities that overflow in float64, a closed form whose ridge rounding swallows, and all
    of them once a weight is not finite.

    Parameters
    ----------
    gradient, structure, steps, repulsion
        What to record.
    irreps
        Irreps of the group, to record nodes; None leaves them out.
    sinks
        Each gets every record, as `JsonLines`.
    keep_nodes
        Whether every node's energy, shares and strength are kept in ``nodes``.
    each_node
        Whether they are in the records.

    Attributes
    ----------
    records
        All records, in the order in which they came.
    nodes
        Position of a run to pairs (epoch, `NodeFeatures`).

    Examples
    --------
    >>> from groupfeat.groups import cyclic
    >>> from groupfeat.training import TrainConfig, train
    >>> telemetry = Telemetry()
    >>> config = TrainConfig(n_hidden=16, epochs=20)
    >>> runs = list(train(cyclic(5), config, observe=telemetry, observe_at=[0]))
    >>> [record["epoch"] for record in telemetry.records]
    [0, 20]
    >>> telemetry.records[1]["gradient_cosine_lazy"] > 0
    True
    """

    sees_last = True

    def __init__(
        self,
        *,
        gradient: bool = True,
        structure: bool = False,
        steps: bool = True,
        repulsion: bool = False,
        irreps: Irreps | None = None,
        sinks: Sequence[Sink] = (),
        keep_nodes: bool = False,
        each_node: bool = False,
    ) -> None:
        self.gradient, self.structure, self.steps = gradient, structure, steps
        self.repulsion, self.irreps, self.sinks = repulsion, irreps, tuple(sinks)
        self.keep_nodes, self.each_node = keep_nodes, each_node
        self.records: list[Record] = []
        self.nodes: dict[int, list[tuple[int, NodeFeatures]]] = defaultdict(list)
        self._seen: dict[int, tuple[_Weights, ...]] = defaultdict(tuple)
        self._told: dict[int, tuple[TrainConfig, dict[str, list[float]]]] = {}

    def __call__(self, snapshot: Snapshot) -> None:
        """Record one snapshot."""
        record: Record = {
            "position": snapshot.position,
            "seed": snapshot.seed,
            "epoch": snapshot.epoch,
        }
        if all(np.isfinite(part).all() for part in snapshot.run.parameters.values()):
            record |= self._measured(snapshot)
        self.records.append(record)
        self._told[snapshot.position] = snapshot.config, snapshot.run.history
        for sink in self.sinks:
            sink(record)

    def _measured(self, snapshot: Snapshot) -> Record:
        view = _View.of(snapshot)
        scores = _scores(snapshot, view)
        found = {name: value for name, value in scores.items() if np.isfinite(value)}
        ridge = theory_ridge(snapshot.config, len(snapshot.codes))
        if self.gradient:
            found |= _told(lambda: _gradient_record(view, snapshot.config, ridge))
        if self.structure:
            found |= _told(lambda: _structure_record(view))
        if self.steps:
            found |= _told(lambda: self._steps(snapshot))
        families: list[NDArray[np.intp]] = []
        if self.irreps is not None:
            found |= _told(lambda: self._node_record(snapshot, families))
        if self.repulsion and ridge is not None:
            found |= _told(lambda: _repulsion_record(view, ridge, families))
        return found

    def remember(self, run: TrainedRun, position: int = 0) -> None:
        """Take a stored run as seen at its epoch, without a record of it.

        `Step` and its turn need the weights of the last two records: before `resume`, pass what
        was stored at their epochs, the earlier first. Of what is not passed the first record
        after a resumption has no step, and the step after it no turn.
        """
        self._see(position, run)

    def run(self, position: int = 0) -> list[Record]:
        """Return the records of one run, in the order of their epochs."""
        found = [record for record in self.records if record["position"] == position]
        return sorted(found, key=lambda record: int(record["epoch"]))

    def stages(self, position: int = 0, **levels: Any) -> StageBoundaries:
        """Return `stage_boundaries` of one run, at its own ``stop_accuracy`` unless told otherwise.

        Accuracies are those of all its evaluations, also before it was resumed.
        """
        if position in self._told:
            config, history = self._told[position]
            own = {"accuracy": config.stop_accuracy, "settle_epochs": config.settle_epochs}
            levels = {**own, "history": history, **levels}
        return stage_boundaries(self.run(position), **levels)

    def _steps(self, snapshot: Snapshot) -> Record:
        before, now = self._seen[snapshot.position], snapshot.run
        self._see(snapshot.position, now)
        record: Record = {}
        for name in _LAYERS if before else ():
            *earlier, last, weights = (getattr(run, name) for run in (*before, now))
            step = measure_step(last, weights, last - earlier[0] if earlier else None)
            record |= {
                f"{name}_step": step.size,
                f"{name}_cosine": step.cosine,
                f"{name}_turn": step.turn,
            }
        return record

    def _see(self, position: int, run: TrainedRun) -> None:
        """Keep a run's weights, and those of the run seen before it."""
        weights = _Weights(run.first_layer, run.second_layer)
        self._seen[position] = (*self._seen[position], weights)[-2:]

    def _node_record(self, snapshot: Snapshot, families: list[NDArray[np.intp]]) -> Record:
        """Return what the nodes hold, and append every node's family to ``families``."""
        pairs, config = snapshot.pairs, snapshot.config
        if self.irreps is None or pairs is None or config.complex_weights:
            return {}
        first, second = snapshot.first_layer, snapshot.second_layer
        nodes = measure_nodes(first, second, self.irreps, pairs, activation=config.activation)
        families.append(nodes.family)
        if self.keep_nodes:
            self.nodes[snapshot.position].append((snapshot.epoch, nodes))
        return nodes.summary() | (_each(nodes, self.irreps) if self.each_node else {})


@dataclass(frozen=True, eq=False)
class _Weights:
    """W and V, without the optimiser's state that a run holds beside them."""

    first_layer: NDArray[Any]
    second_layer: NDArray[Any]


@dataclass(frozen=True, eq=False)
class _View:
    """A snapshot's network on its examples, in float64."""

    layers: Layers = field(repr=False)
    seen: PairTensors = field(repr=False)
    spec: NetSpec
    features: Features

    @classmethod
    def of(cls, snapshot: Snapshot) -> "_View":
        config, task = snapshot.config, snapshot.task
        seen = PairTensors.of_codes(task, snapshot.codes, torch.float64)
        parameters = {
            name: torch.from_numpy(np.array(part, dtype=np.float64))
            for name, part in snapshot.run.parameters.items()
        }
        layers = Composer(task, config, seen).layers(parameters)
        spec = NetSpec(
            config.activation, config.loss, config.beta, config.residual, config.complex_weights
        )

        def form(start: int, stop: int) -> Floats:
            hidden = hidden_layers(layers, seen.rows[:, start:stop], spec, Workspace())
            rows = np.asarray(hidden.last.numpy(), dtype=np.float64)
            if not np.isfinite(rows).all():
                raise FloatingPointError("features overflow")
            return rows

        centre = "samples" if config.loss == "mse_samples" else "classes"
        features = Features(
            task.targets(snapshot.codes), task.n_classes, layers.second.shape[1], centre, form
        )
        return cls(layers, seen, spec, features)


def _scores(snapshot: Snapshot, view: _View) -> Record:
    history = snapshot.run.history
    if history["epoch"][-1] == snapshot.epoch:
        return {name: column[-1] for name, column in history.items() if name != "epoch"}
    record: Record = {}
    unseen = snapshot.task.complement(snapshot.codes)
    sets = {"train": view.seen}
    if len(unseen):
        sets["test"] = PairTensors.of_codes(snapshot.task, unseen, torch.float64)
    shift = answer_shift(view.layers, view.seen, view.spec)
    for name, pairs in sets.items():
        accuracy, loss = measure(view.layers, pairs, view.spec, shift=shift)
        record |= {f"{name}_accuracy": accuracy, f"{name}_loss": loss}
    return record


def _gradient_record(view: _View, config: TrainConfig, ridge: float | None) -> Record:
    quadratic = config.loss in SQUARED
    plain = quadratic and view.layers.output_bias is None

    def measured(eta: float | None) -> FeatureGradient:
        second, own = view.layers.second.T, None if plain else _residual(view, config)
        return measure_gradient(view.features, second, ridge=eta, beta=config.beta, residual=own)

    try:
        found = measured(ridge if plain else None)
    except LostRidgeError:
        found = measured(None)
    return {
        "gradient_norm": found.norm,
        "gradient_cosine_lazy": found.cosine_lazy,
        "gradient_cosine_ridge": found.cosine_ridge,
        "gradient_ridge_norm": found.ridge_norm,
    }


def _residual(view: _View, config: TrainConfig) -> Callable[[slice, Floats], Floats]:
    """Return −∂loss/∂Ŷ of rows of Φ, in units in which the quadratic losses give T − βΦV."""
    count = len(view.seen)
    scale = {"mse_classes": count / 2, "mse_samples": 1.0}.get(config.loss, float(count))

    def rows(part: slice, features: Floats) -> Floats:
        logits = config.beta * (torch.from_numpy(features) @ view.layers.second.T)
        if view.layers.output_bias is not None:
            logits += view.layers.output_bias
        target, share = view.seen.target[part], view.seen.share
        pull = output_gradient(logits, target, share, config.loss, count)[1]
        return np.asarray(-scale * pull.numpy(), dtype=np.float64)

    return rows


def _each(nodes: NodeFeatures, irreps: Irreps) -> Record:
    first = np.array([*(family[0] for family in real_families(irreps)), -1])
    return {
        "each_irrep": first[nodes.family].tolist(),
        "each_energy": [float(f"{value:.6g}") for value in nodes.energy],
        "each_strength": [float(f"{value:.6g}") for value in nodes.strength],
        "each_shares": nodes.shares.round(6).tolist(),
    }


def _structure_record(view: _View) -> Record:
    centred = replace(view.features, centre="samples")
    return _named("gram", measure_gram(centred)) | _named("kernel", measure_kernel(centred))


def _repulsion_record(view: _View, ridge: float, families: list[NDArray[np.intp]]) -> Record:
    found = measure_repulsion(view.features, ridge, families=families[0] if families else None)
    return {
        "repulsion_similar": found.similar_repel,
        "repulsion_pairs": found.similar_pairs,
        "repulsion_within": found.within_family,
        "repulsion_across": found.across_families,
    }


def _told(measure_part: Callable[[], Record]) -> Record:
    """Return a part of a record; none of it where the arithmetic overflowed or a ridge is lost."""
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            found = measure_part()
    except (FloatingPointError, LostRidgeError):
        return {}
    numbers = [value for value in found.values() if isinstance(value, float)]
    return found if np.isfinite(numbers).all() else {}


def _named(name: str, found: Diagonality) -> Record:
    return {
        f"{name}_off_diagonal": found.frobenius,
        f"{name}_off_diagonal_mean": found.mean,
        f"{name}_off_diagonal_max": found.maximum,
    }
