"""EM and F1: what files, tables and sentences call them."""

from __future__ import annotations

from enum import StrEnum

# Where null odds are greater a system abstains: the default of evaluate-v2.0.py, made for
# probabilities, so that none of them is abstained on. Benchmarks whose heads decide by themselves,
# at odds of 0, say so.
NULL_THRESHOLD = 1.0


class Score(StrEnum):
    """A score of an answer; the value is its key in official scores and in ``report.json``."""

    EM = "exact"
    F1 = "f1"

    @property
    def label(self) -> str:
        """What people read: ``EM`` or ``F1``."""
        return self.name
