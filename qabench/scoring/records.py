"""A finished run and its results by question."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from qabench.base.arrays import Doubles
from qabench.errors import ReportError
from qabench.reports.report import Report
from qabench.scoring import outcomes
from qabench.scoring.outcomes import Outcomes
from qabench.scoring.scores import Score


@dataclass(frozen=True)
class Record:
    """A finished run and the folder that holds its files.

    Attributes:
        report: its report.
        folder: where the report is.
        like: another run on the same questions, whose order is this run's too; ``None``: the order
            of its own file.
    """

    report: Report
    folder: Path
    like: Record | None = field(default=None, compare=False, repr=False)

    @property
    def seed(self) -> int:
        """The run's seed; 0 for a foreign system."""
        return self.report.seed

    @property
    def null_threshold(self) -> float:
        """Where null odds are greater the run abstains."""
        return self.report.scores.null_threshold

    @cached_property
    def outcomes(self) -> Outcomes:
        """Its results by question.

        Raises:
            ReportError: they are not beside the report, or are of other questions.
        """
        found = outcomes.read(self.folder / outcomes.FILE_NAME)
        if len(found) != self.report.dev.questions:
            raise ReportError(
                f"{self.folder / outcomes.FILE_NAME} has {len(found)} questions, but its report "
                f"{self.report.dev.questions}; run again."
            )
        return found if self.like is None else self._aligned(found, self.like.outcomes)

    def _aligned(self, found: Outcomes, other: Outcomes) -> Outcomes:
        if found.examples is other.examples:
            return found
        places = {one.id: place for place, one in enumerate(found.examples)}
        order = [places.get(one.id, -1) for one in other.examples]
        if min(order) < 0:
            raise ReportError(
                f"{self.folder / outcomes.FILE_NAME} does not have the questions that its report "
                f"names; run again."
            )
        return found.in_order(order)

    def final(self, score: Score) -> Doubles:
        """(N,) scores by question at the run's own null threshold, 0 to 1."""
        return self.outcomes.final(score, self.null_threshold)

    @property
    def final_answers(self) -> tuple[str, ...]:
        """(N,) answers at the run's own null threshold, "" for none."""
        return self.outcomes.final_answers(self.null_threshold)
