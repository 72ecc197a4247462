"""EM and F1 of every system, seed by seed, with the lines that need no head."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qabench.comparison.contests import Contest, System
from qabench.comparison.measures import FINAL
from qabench.comparison.paired import interval_of_mean
from qabench.comparison.units import Units, units_of
from qabench.scoring.scores import Score
from qabench.views.plots.style import (
    GREY,
    INK,
    PALE,
    blank,
    key_line,
    label_rows,
    look,
    panels,
    row_labels,
    rows_height,
)


def draw(contest: Contest, title: str) -> Figure:
    """A panel for each score, a row for each system."""
    labels = row_labels(contest.systems)
    first = contest.first.scores
    units = units_of(contest.systems[0].records[0].outcomes.examples)
    key = [
        key_line("mean and 95 % interval", color=INK, marker="o"),
        key_line("one seed", color=GREY, marker=".", linestyle=""),
        key_line("always null", color=GREY, linestyle="--"),
        key_line("random span", color=GREY, linestyle=":"),
    ]
    figure = blank(title, contest.title, rows_height(labels), key)
    (row_of_panels,) = panels(figure, 1, len(Score), sharey=True)
    for axes, score in zip(row_of_panels, Score, strict=True):
        for row, system in enumerate(contest.systems):
            _mean_and_seeds(axes, row, system, score, units)
        axes.axvline(first.always_null[score], color=GREY, linestyle="--", linewidth=1.2)
        axes.axvline(first.random_span[score], color=GREY, linestyle=":", linewidth=1.2)
        axes.set(xlabel=f"{score.label}, %", xlim=(-2, 102))
        label_rows(axes, labels)
    return figure


def _mean_and_seeds(axes: Axes, row: int, system: System, score: Score, units: Units) -> None:
    scores = FINAL[score].of(system)
    low, high = interval_of_mean(scores, units)
    mean = float(scores.scores.mean())
    axes.barh(row, 100 * mean, height=0.6, color=PALE)
    axes.plot([100 * low, 100 * high], [row, row], color=look(0).colour, linewidth=2.2)
    axes.plot(100 * mean, row, marker="o", color=look(0).colour)
    values = system.values(score)
    axes.plot(values, [row + 0.22] * len(values), marker=".", linestyle="", color=GREY)
