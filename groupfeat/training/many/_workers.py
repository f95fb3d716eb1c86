"""Runs spread over worker processes; whoever watches stays in the caller's process.

A worker takes runs one after the other, on one thread, and sends what it sees through a pipe.
"""

import multiprocessing
import signal
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import torch

from groupfeat.training.many._execute import Jobs, Watch
from groupfeat.training.run._runs import Snapshot, TrainedRun

__all__ = ["finish_in_workers"]

Members = Sequence[int]
_STOP_SECONDS = 5.0


def finish_in_workers(
    jobs: Jobs, plan: Sequence[Members], watch: Watch, workers: int
) -> Iterator[tuple[Members, list[TrainedRun]]]:
    """Yield the members of the plan with their runs, as they end.

    Raises
    ------
    ChildProcessError, RuntimeError
        If a worker dies, or fails: names the runs it had; the others are stopped.
    ValueError
        If a run refuses its settings, likewise.
    """
    waiting, hands = iter(plan), list[_Hand]()
    try:
        for _ in range(min(workers, len(plan))):
            hands.append(_Hand.hired(jobs, watch))
            hands[-1].take(next(waiting))
        while busy := {hand.pipe: hand for hand in hands if hand.members}:
            for pipe in wait(list(busy)):
                hand = busy[pipe]  # type: ignore[index]  # wait answers with what it was given
                runs = hand.heard(jobs, watch)
                if runs is not None:
                    members = hand.members
                    hand.take(next(waiting, None))
                    yield members, runs
    finally:
        for hand in hands:
            hand.dismiss()


@dataclass
class _Hand:
    """A worker, seen from the caller, and what it works on."""

    process: BaseProcess
    pipe: Connection
    members: Members = field(default=())

    @classmethod
    def hired(cls, jobs: Jobs, watch: Watch) -> "_Hand":
        context = _context()
        ours, theirs = context.Pipe()
        wanted = watch.observe is not None, watch.at, watch.progress is not None, watch.last
        process = context.Process(target=_work, args=(theirs, jobs, wanted), daemon=True)
        with _interrupts_blocked():
            process.start()
        theirs.close()  # so that its death is an end of file here
        return cls(process, ours)

    def take(self, members: Members | None) -> None:
        """Hand over the next runs; without any, tell the worker to go."""
        self.members = () if members is None else members
        with suppress(OSError):  # it died: told when it is heard
            self.pipe.send(members)

    def heard(self, jobs: Jobs, watch: Watch) -> list[TrainedRun] | None:
        """Pass on one message; return the runs when it is the last of them."""
        try:
            kind, *told = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            raise ChildProcessError(
                f"the worker of {self._named(jobs)} died with exit code {self.process.exitcode}; "
                "see its standard error (a script that trains with workers needs "
                "if __name__ == '__main__'), or train with workers=1"
            ) from None
        if kind == "refused":
            raise ValueError(f"{self._named(jobs)}: {told[0]}")
        if kind == "failed":
            raise RuntimeError(f"{self._named(jobs)} failed in a worker:\n{told[0]}")
        if kind == "observed" and watch.observe is not None:
            position, run, codes, last = told
            pairs = jobs.task.pairs(codes)
            watch.observe(Snapshot(position, replace(run), jobs.task, codes, pairs, last))
        if kind == "progress" and watch.progress is not None:
            watch.progress(*told)
        return [replace(run) for run in told[0]] if kind == "ended" else None

    def _named(self, jobs: Jobs) -> str:
        return ", ".join(f"run {p} (seed {jobs.seeds[p]})" for p in self.members) or "no run"

    def dismiss(self) -> None:
        """Stop the worker, whatever it does."""
        self.pipe.close()
        if self.members:
            self.process.terminate()
        self.process.join(_STOP_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _context() -> Any:
    """Return a way to start fresh processes: forks of a server that imports us once, if any."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Hold SIGINT back; processes started meanwhile never get it: the caller stops them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection, jobs: Jobs, wanted: tuple[bool, Any, bool, bool]) -> None:
    """Train what comes through the pipe until None does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it could not be blocked
    torch.set_num_threads(1)
    observed, at, progressed, last = wanted

    def observe(seen: Snapshot) -> None:
        pipe.send(("observed", seen.position, seen.run, seen.codes, seen.is_last))

    def progress(*told: int) -> None:
        pipe.send(("progress", *told))

    watch = Watch(observe if observed else None, at, progress if progressed else None, last)
    with suppress(EOFError, BrokenPipeError):
        while (members := pipe.recv()) is not None:
            try:
                answer: tuple[str, Any] = "ended", jobs.finish(members, watch)
            except ValueError as error:
                answer = "refused", str(error)
            except BrokenPipeError:
                raise
            except Exception:
                answer = "failed", traceback.format_exc()
            pipe.send(answer)
