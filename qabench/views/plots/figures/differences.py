"""Paired differences of every two systems of equal budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qabench.base.numbers import MINUS
from qabench.comparison.contests import Contest
from qabench.comparison.differences import Differences
from qabench.comparison.measures import FINAL
from qabench.comparison.paired import Comparison
from qabench.scoring.scores import Score
from qabench.views.plots.style import (
    GREY,
    INK,
    blank,
    key_line,
    label_rows,
    look,
    panels,
    rows_height,
    system_label,
    wrapped,
)

# More rows than this are not read; those of the best system come first.
_MOST_ROWS = 20


def draw(contest: Contest, title: str, differences: Differences) -> Figure | None:
    """A panel for each score, a row for each pair; ``None`` where nothing was compared."""
    pairs = {score: differences.on(FINAL[score])[:_MOST_ROWS] for score in Score}
    if not pairs[Score.EM]:
        return None
    names = {system.label: system_label(system) for system in contest.systems}
    labels = [wrapped(_label(one, names), 34) for one in pairs[Score.EM]]
    key = [
        key_line("one is better", color=look(1).colour, marker="s"),
        key_line("equal, or undecided", color=GREY, marker="o", markerfacecolor="white"),
    ]
    figure = blank(title, contest.title, rows_height(labels), key)
    (row_of_panels,) = panels(figure, 1, len(Score), sharey=True)
    for axes, score in zip(row_of_panels, Score, strict=True):
        _intervals(axes, pairs[score])
        axes.set_xlabel(f"difference in {score.label}, points")
        label_rows(axes, labels)
    return figure


def _label(pair: Comparison, names: Mapping[str, str]) -> str:
    about = " (these runs)" if pair.about == "runs" else ""
    return f"{names[pair.a]} {MINUS} {names[pair.b]}{about}"


def _intervals(axes: Axes, pairs: Sequence[Comparison]) -> None:
    axes.axvline(0, color=INK, linewidth=1)
    for row, pair in enumerate(pairs):
        colour = look(1).colour if pair.decided else GREY
        ends = [100 * end for end in pair.interval]
        axes.plot(ends, [row, row], color=colour, linewidth=2)
        face = colour if pair.decided else "white"
        marker = "s" if pair.decided else "o"
        axes.plot(100 * pair.difference, row, marker, color=colour, markerfacecolor=face)
