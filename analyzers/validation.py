"""What a given network learned: nodes, coverage of irreps, logits, and how sure a match is."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from groupfeat.groups import FiniteGroup, Irreps, irreps
from groupfeat.training import (
    Ablation,
    Layout,
    LogitSimilarity,
    MatchThresholds,
    Network,
    NodeMatch,
    NullModel,
    ablate_irreps,
    answered_order,
    checkpoint_group,
    find_element_order,
    load_element_order,
    load_network,
    logit_similarity,
    match_nodes,
    network_accuracy,
    network_logits,
    network_table,
    null_model,
    pair_nodes,
    relabel_network,
)

__all__ = [
    "Validation",
    "describe_match",
    "describe_validation",
    "measure_network",
    "open_network",
    "validate_file",
]

# Above this many logits the M³ pass over all of them is left out unless asked for.
_MOST_LOGITS = 8_000_000


@dataclass(frozen=True)
class Validation:
    """A network: its nodes, its accuracy on all products, its answers by irrep.

    Parameters
    ----------
    match
        Nodes and what is missing.
    accuracy
        On all M² products; where logits are read, a tie is no answer.
    activation
        σ that was used.
    null
        What random weights reach.
    paired
        Live nodes [u; v] that have a partner [u; −v].
    source
        What was read, and whether its elements were renumbered.
    similarity, ablation
        Of the logits; None where the group is too large for them.
    """

    match: NodeMatch
    accuracy: float
    activation: str
    null: NullModel
    paired: int
    source: str
    similarity: LogitSimilarity | None
    ablation: Ablation | None


def open_network(
    path: str | Path,
    group: FiniteGroup | None = None,
    *,
    layout: Layout | None = None,
    orientation: str = "auto",
    element_order: str | None = None,
    activation: str = "square",
) -> tuple[Network, FiniteGroup]:
    """Read a network in the group's own order of elements.

    Parameters
    ----------
    path
        A file `load_network` reads.
    group
        The group; None asks our own checkpoints for theirs.
    layout
        Names, embedding, orientation; None for the known layouts.
    orientation
        Of the layers where ``layout`` is None.
    element_order
        None, to renumber only if nine tenths of the answers are the group's in another order
        (``source`` then says so); ``"answers"``, to find the numbering from fewer; or a file of
        `load_element_order`.
    activation
        σ of the answers where the file does not tell.

    Raises
    ------
    ValueError
        If the file cannot be read safely, does not fit, or plainly answers another group's
        products.
    """
    chosen = group or checkpoint_group(path)
    network = load_network(path, chosen, layout=layout, orientation=orientation)
    sigma = network.activation or activation
    if element_order is None:
        small = chosen.order**3 <= _MOST_LOGITS
        order = answered_order(network_table(network, sigma), chosen) if small else None
        if order is None:
            return network, chosen
        renumbered = replace(network, source=f"{network.source}, renumbered by its answers")
        return relabel_network(renumbered, order), chosen
    if element_order == "answers":
        table = network_table(network, sigma)
        return relabel_network(network, find_element_order(table, chosen)), chosen
    if not Path(element_order).is_file():
        raise ValueError(
            f"no file {element_order!r} of the element order; name one, or say the word answers"
        )
    return relabel_network(network, load_element_order(element_order, chosen)), chosen


def measure_network(
    network: Network,
    reps: Irreps,
    *,
    activation: str | None = None,
    thresholds: MatchThresholds | None = None,
    seed: int = 0,
) -> Validation:
    """Match a network's nodes and read its answers; σ from the file unless told (default x²)."""
    sigma = activation or network.activation or "square"
    layers = network.first_layer, network.second_layer
    match = match_nodes(*layers, reps, thresholds=thresholds)
    similarity = ablation = None
    if reps.group.order**3 <= _MOST_LOGITS:
        logits = network_logits(*layers, sigma)
        if network.output_bias is not None:
            logits = logits + network.output_bias
        similarity, ablation = logit_similarity(logits, reps), ablate_irreps(logits, reps)
    live = [node.index for node in match.nodes]
    return Validation(
        match,
        network_accuracy(network, reps.group, sigma) if ablation is None else ablation.accuracy,
        sigma,
        null_model(reps, thresholds=thresholds, rng=seed),
        pair_nodes(network.first_layer[:, live]).paired,
        network.source,
        similarity,
        ablation,
    )


def validate_file(
    path: str | Path,
    group: FiniteGroup | None = None,
    *,
    layout: Layout | None = None,
    orientation: str = "auto",
    element_order: str | None = None,
    activation: str | None = None,
    thresholds: dict[str, float] | None = None,
    seed: int = 0,
) -> Validation:
    """Read a file and validate what it holds; ``thresholds`` change the defaults by name.

    Raises
    ------
    ValueError
        As `open_network` does, or if the file tells another σ than ``activation``.
    """
    network, known = open_network(
        path,
        group,
        layout=layout,
        orientation=orientation,
        element_order=element_order,
        activation=activation or "square",
    )
    if activation is not None and network.activation not in (None, activation):
        raise ValueError(
            f"{Path(path).name!r} holds a network with σ = {network.activation}, got "
            f"{activation!r}; leave the activation out"
        )
    asked = replace(MatchThresholds(), **(thresholds or {}))
    return measure_network(
        network, irreps(known), activation=activation, thresholds=asked, seed=seed
    )


def describe_match(match: NodeMatch) -> dict[str, Any]:
    """Return a node match as plain values for JSON."""
    return {
        "alive": match.alive,
        "matched": match.matched,
        "matched_share": match.share,
        "by_irrep": [{"irreps": list(k), "nodes": n} for k, n in match.by_irrep.items()],
        "missing": [list(family) for family in match.missing],
        "dead": len(match.dead),
        "constant": list(match.constant),
        "impure": list(match.impure),
        "thresholds": asdict(match.thresholds),
        "nodes": [asdict(node) for node in match.nodes],
    }


def describe_validation(found: Validation) -> dict[str, Any]:
    """Return a validation as plain values for JSON."""
    payload = {
        **describe_match(found.match),
        "accuracy": found.accuracy,
        "activation": found.activation,
        "source": found.source,
        "random_match_probability": found.null.match_probability,
        "p_value": found.null.network_p_value(found.match),
        "paired": found.paired,
        "logits": None,
    }
    if found.similarity is not None and found.ablation is not None:
        cut, like = found.ablation, found.similarity
        payload["logits"] = {
            "product_share": like.product_share,
            "loss": cut.loss,
            "by_irrep": [
                {
                    "irreps": list(family),
                    "cosine": float(like.cosines[i]),
                    "explained": float(like.explained[i]),
                    "excluded_loss": float(cut.excluded_loss[i]),
                    "excluded_accuracy": float(cut.excluded_accuracy[i]),
                    "restricted_loss": float(cut.restricted_loss[i]),
                    "restricted_accuracy": float(cut.restricted_accuracy[i]),
                }
                for i, family in enumerate(like.families)
            ],
        }
    return payload
