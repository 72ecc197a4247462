"""EM and F1: what files, tables and sentences call them."""

from __future__ import annotations

from enum import StrEnum


class Score(StrEnum):
    """A score of an answer; the value is its key in official scores and in ``report.json``."""

    EM = "exact"
    F1 = "f1"

    @property
    def label(self) -> str:
        """What people read: ``EM`` or ``F1``."""
        return self.name
