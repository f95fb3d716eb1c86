"""Verbs of the energy and their options."""

from analyzers import _cli_verbs_energy as verbs
from analyzers._cli_options import Json, Out, Seed, Whole
from analyzers._cli_output import Outcome

__all__ = ["landscape", "maxima", "threshold"]


def maxima(
    spec: str,
    /,
    *,
    activation: str = "square",
    starts: Whole = 200,
    train_fraction: float = 1.0,
    method: str = "fast",
    seed: Seed = 0,
    json: Json = False,
    out: Out = None,
) -> Outcome:
    """Find the maxima of the energy from random starts and match them to the predicted families.

    Parameters
    ----------
    spec
        The group.
    activation
        square, half_square, cube, power, relu, leaky_relu, silu, gelu, tanh, sigmoid, …
    starts
        Number of random starts.
    train_fraction
        Share of the pairs in the energy, in (0, 1].
    method
        fast, or flow: each start then ends where the gradient flow takes it.
    seed
        Of starts and pairs.
    json
        Print one JSON object.
    out
        Folder for result, config and versions.
    """
    found = verbs.search_maxima(spec, activation, starts, train_fraction, method, seed)
    return found.into(json, out)


def landscape(
    spec: str, /, *, samples: Whole = 8192, seed: Seed = 0, json: Json = False, out: Out = None
) -> Outcome:
    """Tell the exact landscape of x² on all pairs: families, basins, barriers.

    Parameters
    ----------
    spec
        The group.
    samples
        Directions drawn for each dimension and type of irrep that is not integrated.
    seed
        Of those.
    json
        Print one JSON object.
    out
        Folder for result, config and versions.
    """
    return verbs.describe_landscape(spec, samples, seed).into(json, out)


def threshold(
    spec: str,
    /,
    *,
    trials: Whole = 20,
    variant: str = "raw",
    kind: str = "existence",
    sampling: str = "without",
    seed: Seed = 0,
    json: Json = False,
    out: Out = None,
) -> Outcome:
    """Measure how many random pairs keep each family of maxima of x² in half of the trials.

    Parameters
    ----------
    spec
        The group.
    trials
        Random orders of the pairs.
    variant
        The energy: raw, cross (2ab alone, as paired nodes see it) or ht (unbiased).
    kind
        existence (a planted maximum stays) or reachability (a random start finds it).
    sampling
        How pairs are drawn: without or with replacement.
    seed
        Of pair orders and starts.
    json
        Print one JSON object.
    out
        Folder for result, config and versions.
    """
    return verbs.find_thresholds(spec, trials, variant, kind, sampling, seed).into(json, out)
