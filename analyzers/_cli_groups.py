"""Verbs of groups and their options."""

from analyzers import _cli_verbs_groups as verbs
from analyzers._cli_options import Json, Out, Seed
from analyzers._cli_output import Outcome

__all__ = ["characters", "group"]


def group(spec: str, /, *, seed: Seed = 0, json: Json = False, out: Out = None) -> Outcome:
    """Describe a group: classes, irreps, certificate.

    Parameters
    ----------
    spec
        C23, D5, S4, A5, Q8, Dic5, F21, C2xC3, perm:(1,2,3);(1,2), table:FILE.
    seed
        Of the random numbers behind the irreps.
    json
        Print one JSON object.
    out
        Folder for result, config and versions.
    """
    return verbs.describe_group(spec, seed).into(json, out)


def characters(
    spec: str, /, *, exact: bool = False, seed: Seed = 0, json: Json = False, out: Out = None
) -> Outcome:
    """Print the character table: rows irreps, columns conjugacy classes.

    Parameters
    ----------
    spec
        The group.
    exact
        Show values as square roots and roots of unity instead of decimals.
    seed
        Of the random numbers behind the table.
    json
        Print one JSON object.
    out
        Folder for result, config and versions.
    """
    return verbs.describe_characters(spec, seed, exact=exact).into(json, out)
