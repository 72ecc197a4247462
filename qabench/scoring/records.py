"""A finished run and its results by question."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from qabench.base.arrays import Doubles
from qabench.errors import ReportError
from qabench.reports.report import Report
from qabench.scoring import outcomes
from qabench.scoring.outcomes import Outcomes

Score = Literal["exact", "f1"]


@dataclass(frozen=True)
class Record:
    """A finished run and the folder that it lies in."""

    report: Report
    folder: Path

    @property
    def seed(self) -> int:
        """The run's seed; 0 for a foreign system."""
        return self.report.seed

    @cached_property
    def outcomes(self) -> Outcomes:
        """Its results by question.

        Raises:
            ReportError: they do not lie beside the report, or are not of its data.
        """
        found = outcomes.read(self.folder / outcomes.FILE_NAME)
        if len(found) != self.report.dev.questions:
            raise ReportError(
                f"{self.folder / outcomes.FILE_NAME} has {len(found)} questions, its report "
                f"{self.report.dev.questions}; run anew."
            )
        return found

    def final(self, score: Score) -> Doubles:
        """(N,) scores by question at the run's own null threshold, 0 to 1."""
        raw = getattr(self.outcomes, score)
        return self.outcomes.final(raw, self.report.scores.null_threshold)
