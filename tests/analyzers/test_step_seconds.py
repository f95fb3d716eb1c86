"""``seconds_per_step``: steps alone, whatever loading, evaluating and watching takes."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from analyzers.networks import measure_runs, measure_training
from groupfeat.groups import cyclic
from groupfeat.training import TrainConfig, TrainedRun, train_many
from groupfeat.training.many import _stack
from groupfeat.training.many._stack import Stack
from groupfeat.training.run import _progress
from groupfeat.training.run._progress import Run

FIRST, LATER, EVALUATION, OBSERVER, FILE = 1000.0, 2.0, 50.0, 70.0, 300.0


def _with(epochs: int) -> TrainConfig:
    return TrainConfig(n_hidden=4, stop="never", epochs=epochs)


class Clock:
    """A clock that stands still but where it is told to go on."""

    def __init__(self) -> None:
        self.now = 0.0

    def spend(self, seconds: Callable[[Run], float], method: Any) -> Any:
        def slow(run: Run) -> Any:
            self.now += seconds(run)
            return method(run)

        return slow


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Steps take 2 s but for the first, of 1000 s; evaluations 50 s."""
    found = Clock()
    step = found.spend(lambda run: LATER if run.epoch else FIRST, Run._step)
    monkeypatch.setattr(Run, "_step", step)
    monkeypatch.setattr(Run, "_evaluate", found.spend(lambda _: EVALUATION, Run._evaluate))
    monkeypatch.setattr(_progress, "perf_counter", lambda: found.now)
    return found


@pytest.mark.parametrize("epochs", [2, 7, 40])
def test_steps_alone_are_timed(clock: Clock, epochs: int) -> None:
    def spend(seconds: float) -> None:
        clock.now += seconds

    runs, seconds = measure_training(
        cyclic(3),
        _with(epochs),
        seeds=[0, 1],
        observe=lambda _: spend(OBSERVER),
        observe_at=[1, 2, 5],
        finished=lambda *_: spend(FILE),
    )
    assert [run.seconds_per_step for run in runs] == [LATER, LATER]
    assert seconds == LATER


def test_a_mean_is_over_steps(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """3 steps of 2 s and 30 of 4 s, not one run of each."""
    of_seed = clock.spend(lambda run: LATER * run.seed, Run._step)
    monkeypatch.setattr(Run, "_step", of_seed)
    group = cyclic(3)
    _, seconds = measure_runs([(group, _with(4), 0), (group, _with(31), 1)])
    assert seconds == pytest.approx((3 * LATER + 30 * 2 * LATER) / 33)


def test_one_step_tells_nothing(call: Any) -> None:
    few = ("train", "S3", "--hidden", "4", "--epochs")
    assert json.loads(call(*few, "1", "--json")[1])["seconds_per_step"] is None
    assert "ms a step" not in call(*few, "1")[1]
    assert "ms a step" in call(*few, "2")[1]


def test_a_step_that_was_not_taken_is_none(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Run._step
    monkeypatch.setattr(Run, "_step", lambda run: run.epoch < 3 and step(run))
    (run,), seconds = measure_training(cyclic(3), _with(9), seeds=[0])
    assert (run.epochs, seconds) == (3, LATER)


def test_a_resumed_run_is_timed_from_where_it_goes_on(clock: Clock) -> None:
    stored: list[TrainedRun] = []
    measure_training(cyclic(3), _with(9), seeds=[0], finished=lambda _, run: stored.append(run))
    (run,), seconds = measure_training(cyclic(3), _with(19), seeds=[0], start=stored[0])
    assert (run.epochs, seconds) == (19, LATER)


def test_workers_tell_their_times() -> None:
    runs, seconds = measure_training(cyclic(3), _with(9), seeds=[0, 1], workers=2)
    assert all(run.seconds_per_step for run in runs)
    assert seconds


def test_runs_of_a_stack_share_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of three runs ends after five steps: 2 s a step are shared by three, then by two."""
    clock, take, measure = Clock(), Stack._step, Stack._measure

    def step(stack: Stack) -> None:
        clock.now += LATER if stack.epoch else FIRST
        take(stack)

    def measured(stack: Stack, *given: Any) -> Any:
        clock.now += EVALUATION
        return measure(stack, *given)

    monkeypatch.setattr(Stack, "_step", step)
    monkeypatch.setattr(Stack, "_measure", measured)
    monkeypatch.setattr(_stack, "perf_counter", lambda: clock.now)
    configs = [_with(epochs) for epochs in (5, 20, 20)]
    short, *long = train_many(cyclic(3), configs, seeds=[0, 1, 2], stacked=True)
    assert short.seconds_per_step == pytest.approx(LATER / 3)
    both = pytest.approx((4 * LATER / 3 + 15 * LATER / 2) / 19)
    assert [run.seconds_per_step for run in long] == [both, both]
    (one,) = train_many(cyclic(3), [_with(1)], stacked=True, engine="eager")
    assert one.seconds_per_step is None
