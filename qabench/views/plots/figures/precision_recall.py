"""Precision against recall of answering, by exact match."""

from __future__ import annotations

from matplotlib.figure import Figure

from qabench.base.arrays import Doubles
from qabench.comparison.contests import Contest
from qabench.scoring.outcomes import Outcomes
from qabench.scoring.thresholds import precision_recall
from qabench.views.plots.curves import first_runs, one_panel


def draw(contest: Contest, title: str) -> Figure | None:
    """A curve for each system; ``None`` without null odds or without an answerable question."""
    runs = {
        label: record
        for label, record in first_runs(contest).items()
        if record.outcomes.has_answer.any()
    }
    return one_panel(title, contest, runs, _curve, ("recall, %", "precision, %"))


def _curve(found: Outcomes) -> tuple[Doubles, Doubles]:
    assert found.null_odds is not None
    points = precision_recall(found.null_odds, found.exact, found.has_answer)
    return 100 * points.recall, 100 * points.precision
