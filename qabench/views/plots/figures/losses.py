"""Points of EM lost, by owner, mean over seeds."""

from __future__ import annotations

import statistics

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from qabench.base.numbers import percent
from qabench.comparison.contests import Contest, System
from qabench.scoring.losses import Owner
from qabench.scoring.scores import Score
from qabench.views.plots.style import (
    COLOURS,
    GREY,
    HATCHES,
    beside,
    blank,
    label_rows,
    panels,
    row_labels,
    rows_height,
)

_LOOKS = tuple(zip(Owner, (*COLOURS, GREY), HATCHES, strict=True))


def draw(contest: Contest, title: str) -> Figure:
    """A bar for each system, its EM beside it."""
    labels = row_labels(contest.systems)
    key = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=str(owner))
        for owner, colour, hatch in _LOOKS
    ]
    figure = blank(title, contest.title, rows_height(labels), key)
    ((axes,),) = panels(figure, 1, 1)
    for row, system in enumerate(contest.systems):
        _bar(axes, row, system)
        mean = statistics.fmean(system.values(Score.EM))
        beside(axes, row, f"{Score.EM.label} {percent(mean)}")
    axes.set_xlabel("points of EM")
    label_rows(axes, labels)
    return figure


def _bar(axes: Axes, row: int, system: System) -> None:
    left = 0.0
    for owner, colour, hatch in _LOOKS:
        lost = statistics.fmean(one.report.scores.losses[owner] for one in system.records)
        axes.barh(row, lost, left=left, height=0.6, color=colour, hatch=hatch, edgecolor="white")
        left += lost
