"""How long the steps of a run take."""

__all__ = ["StepClock"]


class StepClock:
    """Seconds that steps took, what is counted first apart: it loads or compiles kernels."""

    def __init__(self) -> None:
        self._steps, self._seconds, self._warm = 0, 0.0, False

    def add(self, seconds: float, steps: int = 1) -> None:
        """Count steps that took so long together."""
        if self._warm:
            self._seconds += seconds
            self._steps += steps
        self._warm = True

    def mean(self) -> float | None:
        """Return the mean time of the steps after the first; None without any."""
        return self._seconds / self._steps if self._steps else None
