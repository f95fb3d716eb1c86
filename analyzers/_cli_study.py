"""Verbs of the whole study and their options."""

from analyzers import _cli_verbs_study as verbs
from analyzers._cli_options import Json, Seed, Whole
from analyzers._cli_output import Outcome

__all__ = ["study"]


def study(
    spec: str,
    /,
    *,
    out: str,
    starts: Whole = 200,
    runs: Whole = 6,
    epochs: Whole = 4000,
    seed: Seed = 0,
    json: Json = False,
) -> Outcome:
    """Study one group from table to verdict and write a report.

    Parameters
    ----------
    spec
        The group.
    out
        Folder for report, figures, results, checkpoints, config and versions.
    starts
        Random starts of the ascent.
    runs
        Networks to train.
    epochs
        Most steps of a network.
    seed
        Of starts, pairs and initial weights.
    json
        Print one JSON object.
    """
    return verbs.study_group(spec, out, starts, runs, epochs, seed).into(json, None)
