"""What a reader must know before believing a report: its warnings, made from what it says."""

from __future__ import annotations

from qabench.data.examples import ExampleSet
from qabench.data.overlap import Overlap
from qabench.reports.report import ReportScores
from qabench.scoring.scorecard import doubts


def caveats(
    scores: ReportScores,
    data: ExampleSet,
    skipped: int = 0,
    outside_windows: int = 0,
    shared: Overlap | None = None,
) -> list[str]:
    """The warnings of a report, a phrase each, without those about plugins.

    Args:
        scores: of the report.
        data: the scored questions.
        skipped: records of training and dev data that the audit left out.
        outside_windows: questions whose first gold lies whole in no window.
        shared: what training and dev questions share.
    """
    found = doubts(scores, data)
    if skipped:
        found.append("records that failed the audit were left out of the data")
    if outside_windows:
        found.append(f"{outside_windows} golds to score lie whole in no window")
    if shared is not None and shared.is_grave(len(data)):
        found.append(str(shared))
    return found
