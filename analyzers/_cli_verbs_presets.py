"""From a preset's name to an `Outcome`. Heavy libraries load with the verb that needs them."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from analyzers._cli_output import Bar, Outcome, table
from analyzers._cli_train_request import Request
from analyzers.storage import prepare_folder

if TYPE_CHECKING:
    from groupfeat.training import TrainedRun

__all__ = ["train_preset"]


def train_preset(name: str, request: Request, out: str | None) -> Outcome:
    """Answer ``groupfeat train --preset``; of the request only group, runs and seed may be told."""
    from analyzers.presets import arms_of, measure_configs, rows_of
    from groupfeat.groups import group_from_spec
    from groupfeat.training import preset, save_checkpoint

    spec, seeds, first = request.spec, *request.seeds()
    changed = [*request.settings, *request.told("task", "task_file", "operands")]
    if changed:
        raise ValueError(
            f"preset {name!r} sets {changed[0]} itself; with --preset give only the group, --runs, "
            "--seed, --json and --out"
        )
    configs = preset(name, seeds=range(first, first + seeds), task=spec)
    folder = None if out is None else prepare_folder(out)
    checkpoints: list[str] = []

    def finish(i: int, run: "TrainedRun") -> None:
        if folder is not None:
            path, group = folder / f"run-{i}.safetensors", group_from_spec(configs[i].task)
            checkpoints.append(str(save_checkpoint(path, run, group)))

    with Bar() as bar:
        runs, seconds = measure_configs(
            configs,
            progress=bar.follow,
            finished=finish,
        )
    told = rows_of(configs, runs)
    arms = arms_of(told)
    payload = {
        "preset": name,
        "arms": [asdict(arm) for arm in arms],
        "runs": told,
        "checkpoints": checkpoints,
        "seconds_per_step": seconds,
    }
    columns = (
        *arms[0].settings,
        "runs",
        "generalised",
        "train",
        "test ½",
        "test",
        "accuracy",
        "test loss",
    )
    rows = [
        [
            *arm.settings.values(),
            *(arm.runs, arm.generalized, arm.memorized_at, arm.half_at, arm.generalized_at),
            *(arm.test_accuracy, arm.test_loss),
        ]
        for arm in arms
    ]
    lines = (
        table(f"preset {name}: median epochs from which accuracies last", columns, rows),
        f"{seconds * 1e3:.2f} ms a step",
    )
    story = {"preset": name, "spec": spec, "runs": seeds, "seed": first}
    return Outcome("train", story, payload, lines)
