"""From words to an `Outcome`: the whole study. Heavy libraries load when it runs."""

from analyzers._cli_output import Bar, Outcome, table
from groupfeat.groups import group_from_spec

__all__ = ["study_group"]


def study_group(spec: str, out: str, starts: int, runs: int, epochs: int, seed: int) -> Outcome:
    """Answer ``groupfeat study``."""
    from dataclasses import replace

    from analyzers.study import default_config, run_study

    group = group_from_spec(spec)
    config = replace(default_config(group), epochs=epochs)
    with Bar() as bar:
        result = run_study(
            group,
            out,
            config=config,
            starts=starts,
            runs=runs,
            seed=seed,
            progress=bar.update,
        )
    payload = {
        "report": str(result.report),
        "results": str(result.results),
        "verdicts": [claim.to_dict() for claim in result.claims],
    }
    rows = [(c.name, c.measured, c.rule, c.verdict) for c in result.claims]
    lines = (
        table(
            f"study of {group.name}", ("claim", "measured", "rule of the verdict", "verdict"), rows
        ),
        f"report: {result.report}",
    )
    return Outcome("study", {"spec": spec, "seed": seed}, payload, lines, passed=result.holds)
