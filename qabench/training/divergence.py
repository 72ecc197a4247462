"""Losses and scores that are NaN or infinite are errors that name the step and the questions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from qabench.errors import DivergedError
from qabench.training.batches import WindowDataset
from qabench.windows.answers import WindowSpans

_SHOWN = 8


@dataclass(slots=True)
class RecentLosses:
    """The batches since the last line of the log, so that a bad loss is traced to its batch.

    Losses stay on their device until then: reading each one at once would make a GPU wait.
    """

    _batches: list[tuple[int, Tensor, Tensor]] = field(default_factory=list)

    def add(self, step: int, window: Tensor, loss: Tensor) -> None:
        """Take a batch of optimizer step ``step``: (B,) window indices and their loss."""
        self._batches.append((step, window, loss.detach()))

    def check(self, data: WindowDataset, seed: int) -> None:
        """Forget the batches if all their losses are finite.

        Raises:
            DivergedError: a loss is NaN or infinite.
        """
        for step, window, loss in self._batches:
            if not torch.isfinite(loss):
                raise DivergedError(
                    f"The loss is {loss.item()} at step {step} on questions "
                    f"{_shown(data.question_ids(window.cpu()))} (seed {seed})"
                )
        self._batches.clear()


def check_mean(name: str, mean: float, step: int, seed: int) -> None:
    """Refuse a mean loss that is not finite.

    Raises:
        DivergedError: it is NaN or infinite.
    """
    if not math.isfinite(mean):
        raise DivergedError(f"{name} is {mean} after step {step} (seed {seed})")


def check_scores(spans: WindowSpans, data: WindowDataset, step: int, seed: int) -> None:
    """Refuse scores that cannot be ranked; ``-inf`` can.

    Args:
        spans: the prediction.
        data: the windows that it is of.
        step: optimizer steps so far.
        seed: of the run.

    Raises:
        DivergedError: a score is NaN or ``inf``.
    """
    found = np.column_stack([spans.score, spans.null_score])
    bad = (np.isnan(found) | np.isposinf(found)).any(axis=1)
    if bad.any():
        raise DivergedError(
            f"Span scores are NaN or infinite after step {step} on questions "
            f"{_shown(data.question_ids(spans.window[bad]))} (seed {seed})"
        )


def _shown(questions: Sequence[str]) -> str:
    different = list(dict.fromkeys(questions))
    more = len(different) - _SHOWN
    return ", ".join(map(repr, different[:_SHOWN])) + f" and {more} more" * (more > 0)
