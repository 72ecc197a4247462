"""Wall time, added up over blocks of code and over the parts of an interrupted training."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall time of a training so far; steps that a resumed run repeats count once.

    Attributes:
        training: all of it.
        evaluation: of the validations.
        loader: that steps waited for their batches.
    """

    training: float = 0.0
    evaluation: float = 0.0
    loader: float = 0.0


class Stopwatch:
    """Measures the ``with`` blocks that it is used for, all together.

    Args:
        before: seconds to begin with.
    """

    def __init__(self, before: float = 0.0) -> None:
        self._before = before
        self._began: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds so far, those of a block that still runs included."""
        running = 0.0 if self._began is None else time.perf_counter() - self._began
        return self._before + running

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._before, self._began = self.seconds, None
