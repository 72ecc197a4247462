"""Share of wrong answers against share of answered questions."""

from __future__ import annotations

from matplotlib.figure import Figure

from qabench.base.arrays import Doubles
from qabench.comparison.contests import Contest
from qabench.scoring.outcomes import Outcomes
from qabench.scoring.thresholds import risk_coverage
from qabench.views.plots.curves import first_runs, one_panel


def draw(contest: Contest, title: str) -> Figure | None:
    """A curve for each system; ``None`` without null odds."""
    labels = ("answered, % of all questions", "wrong, % of the answered")
    return one_panel(title, contest, first_runs(contest), _curve, labels)


def _curve(found: Outcomes) -> tuple[Doubles, Doubles]:
    assert found.null_odds is not None
    points = risk_coverage(found.null_odds, found.exact, found.has_answer)
    return 100 * points.coverage, 100 * points.risk
