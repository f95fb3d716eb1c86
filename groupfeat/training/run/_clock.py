"""How long the steps of a run take."""

__all__ = ["StepClock"]


class StepClock:
    """Seconds that steps took, the first of them apart: it loads or compiles kernels."""

    def __init__(self) -> None:
        self._steps, self._seconds = 0, 0.0

    def add(self, seconds: float) -> None:
        """Count one step."""
        if self._steps:
            self._seconds += seconds
        self._steps += 1

    def mean(self) -> float | None:
        """Return the mean time of the steps after the first; None without any."""
        return self._seconds / (self._steps - 1) if self._steps > 1 else None
