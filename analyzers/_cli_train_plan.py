"""A request of ``groupfeat train`` made definite: which runs, on what, in which files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzers._cli_train_request import MOST_RUNS, Request
from analyzers._cli_train_resume import arm_of, going_on, still_ahead, stored_run
from analyzers._cli_train_watch import epochs_of
from analyzers.storage import prepare_folder

if TYPE_CHECKING:
    from groupfeat.training import Task, TrainConfig, TrainedRun

__all__ = ["Plan", "PlannedRun", "plan_preset", "plan_runs"]


@dataclass(frozen=True)
class PlannedRun:
    """One run: what is trained, the arm of its preset, and the stem of its files' names."""

    task: "Task"
    config: "TrainConfig"
    seed: int
    arm: int | None = None

    @property
    def name(self) -> str:
        """Return ``run-SEED``, or ``run-SEED-arm-ARM`` where arms share seeds."""
        return f"run-{self.seed}" + ("" if self.arm is None else f"-arm-{self.arm}")

    def told(self) -> "TrainConfig":
        """Return the config that the run will tell of itself."""
        settled = self.config.resolved(max(self.task.sizes)).seeded(self.seed)
        return replace(settled, task=self.task.name)


@dataclass(frozen=True)
class Plan:
    """All runs of a call, checked before any work is done.

    Parameters
    ----------
    request
        What was asked.
    runs
        By position.
    folder
        Where files go, or None.
    start
        A stored run to go on from, or None.
    """

    request: Request
    runs: tuple[PlannedRun, ...]
    folder: Path | None
    start: "TrainedRun | None" = None

    def epochs(self, words: str | None, option: str, *, own: bool = False) -> tuple[int, ...]:
        """Return the epochs that an option asks for, up to the most that a run may take.

        Of a run that goes on those after its checkpoint's, with ``own`` that one too.
        """
        first = -1 if self.start is None else self.start.epochs
        last = max(run.config.epochs for run in self.runs)
        return () if words is None else epochs_of(words, option, last, first, own=own)

    def resumed(self) -> list[dict[str, Any]]:
        """Return plain values for JSON: the run that goes on, if any, from where and how far."""
        if self.start is None:
            return []
        (run,) = self.runs
        told = {"seed": run.seed} if run.arm is None else {"seed": run.seed, "arm": run.arm}
        ways = {"checkpoint": self.request.resume, "from_epoch": self.start.epochs}
        epochs = {"epochs_before": self.start.config.epochs, "epochs_now": run.config.epochs}
        return [{**told, **ways, **epochs}]


def plan_runs(request: Request, out: str | None, workers: int) -> Plan:
    """Return the plan of one config with several seeds, or of a run that goes on."""
    from groupfeat.training import check_reach

    runs, seed = request.seeds()
    task = request.learned()
    start = stored_run(request, task, runs)
    if start is None:
        config = request.config(task).resolved(max(task.sizes))
        check_reach(task, [config])
        planned = tuple(PlannedRun(task, config, each) for each in range(seed, seed + runs))
    else:
        config, arm = going_on(request, start, task), arm_of(start, str(request.resume))
        planned = (PlannedRun(task, config, start.seed, arm),)
        request = still_ahead(request, start.epochs, config.epochs)
    _check_means(request, planned, workers)
    return Plan(request, planned, None if out is None else prepare_folder(out), start)


def plan_preset(request: Request, out: str | None, workers: int) -> Plan:
    """Return the plan of a preset: every arm with every seed, settings that were told in it.

    Raises
    ------
    ValueError
        If a task of its own, a checkpoint to go on from, or a setting that the arms are compared
        by was told; if there are more runs than one call takes.
    """
    from analyzers.presets import override
    from groupfeat.groups import group_from_spec
    from groupfeat.training import preset, product_task

    name, (seeds, first) = str(request.preset), request.seeds()
    for word in request.told("task", "task_file", "operands", "resume"):
        option = f"--{word.replace('_', '-')}"
        way = "; one of its runs goes on by 'train GROUP --resume FILE', without the preset"
        raise ValueError(
            f"preset {name!r} trains on products of a group, anew: leave {option} out"
            + (way if word == "resume" else "")
        )
    arms = len(preset(name, seeds=1, task=request.spec))
    if arms * seeds > MOST_RUNS:
        raise ValueError(
            f"preset {name!r} makes {arms * seeds} runs, more than {MOST_RUNS}; lower --runs "
            f"({seeds}), or name one group"
        )
    listed = range(first, first + seeds)
    configs = override(name, preset(name, seeds=listed, task=request.spec), request.settings)
    tasks = {spec: product_task(group_from_spec(spec)) for spec in {c.task: 0 for c in configs}}
    planned = tuple(
        PlannedRun(tasks[config.task], config, first + i % seeds, arm=i // seeds)
        for i, config in enumerate(configs)
    )
    _check_means(request, planned, workers)
    return Plan(request, planned, None if out is None else prepare_folder(out))


def _check_means(request: Request, planned: Sequence[PlannedRun], workers: int) -> None:
    """Raise ValueError where there is no such device, or too little memory beside a CPU."""
    from groupfeat.training import check_device, check_memory

    if not check_device(request.place).startswith("cpu"):
        return
    tasks, configs = [run.task for run in planned], [run.config for run in planned]
    check_memory(tasks, configs, runs=len(configs), workers=workers)
