"""What a reader must know before believing a report: its warnings, made from what it says."""

from __future__ import annotations

from qabench.data.examples import ExampleSet
from qabench.reports.report import ReportScores
from qabench.scoring.scorecard import doubts


def caveats(
    scores: ReportScores, data: ExampleSet, skipped: int = 0, outside_windows: int = 0
) -> list[str]:
    """The warnings of a report, a phrase each, without those about plugins.

    Args:
        scores: of the report.
        data: the scored questions.
        skipped: records of training and dev data that the audit left out.
        outside_windows: questions whose first gold lies whole in no window.
    """
    found = doubts(scores, data)
    if skipped:
        found.append("records that failed the audit were left out of the data")
    if outside_windows:
        found.append(f"{outside_windows} golds to score lie whole in no window")
    return found
