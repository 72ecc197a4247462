"""Figures about answering or not: thresholds, precision and recall, risk and coverage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qabench.comparison.contests import Contest
from qabench.scoring.records import Record, Score
from qabench.scoring.thresholds import precision_recall, risk_coverage, sweep
from qabench.views.plots.style import GREY, blank, drawing, key_line, look, panels

Named = tuple[str, Record]
_SCORES: dict[Score, str] = {"exact": "EM", "f1": "F1"}


def _with_odds(contest: Contest) -> list[Named]:
    """The first run of each system that has null odds."""
    first = ((system.label, system.records[0]) for system in contest.systems)
    return [(label, record) for label, record in first if record.outcomes.null_odds is not None]


def thresholds(contest: Contest) -> Figure | None:
    """EM and F1 at every null threshold, a panel for each system, since units are their own."""
    named = _with_odds(contest)
    answerable = all(record.outcomes.has_answer.all() for _, record in named)
    return None if not named or answerable else _thresholds(contest, named)


@drawing
def _thresholds(contest: Contest, named: Sequence[Named]) -> Figure:
    key = [
        key_line("EM", color=look(0).colour),
        key_line("F1", color=look(1).colour, linestyle=look(1).line),
        key_line("threshold in use", color=GREY, linestyle="--"),
        key_line("tuned on half of the articles", color=GREY, linestyle=":"),
    ]
    columns = min(2, len(named))
    rows = -(-len(named) // columns)
    figure = blank("EM and F1 against the null threshold", contest.title, 2.6 * rows, key)
    axes = [one for row in panels(figure, rows, columns, sharey=True) for one in row]
    for one in axes[len(named) :]:
        one.set_visible(False)
    for one, (label, record) in zip(axes, named, strict=False):
        _sweeps(one, record)
        one.set_title(label, loc="left")
        one.set_xlabel("null threshold, the head's own unit")
    for one in axes[::columns]:
        one.set_ylabel("score, %")
    return figure


def _sweeps(axes: Axes, record: Record) -> None:
    found = record.outcomes
    assert found.null_odds is not None
    for place, score in enumerate(_SCORES):
        curve = sweep(found.null_odds, getattr(found, score), found.has_answer)
        one = look(place)
        shape: dict[str, Any] = {"color": one.colour, "linestyle": one.line, "linewidth": 1.5}
        axes.step(curve.edges[1:], 100 * curve.scores[1:], where="post", **shape)
    scores = record.report.scores
    axes.axvline(scores.null_threshold, color=GREY, linewidth=1, linestyle="--")
    if scores.tuned is not None:
        axes.axvline(scores.tuned["null_threshold"], color=GREY, linewidth=1.2, linestyle=":")
    axes.set_xlim(*np.quantile(found.null_odds, (0.005, 0.995)))


def precision_and_recall(contest: Contest) -> Figure | None:
    """Precision against recall of answering, by exact match."""

    def curve(axes: Axes, record: Record, shape: dict[str, Any]) -> None:
        found = record.outcomes
        assert found.null_odds is not None
        points = precision_recall(found.null_odds, found.exact, found.has_answer)
        axes.plot(100 * points.recall, 100 * points.precision, **shape)

    named = [(label, one) for label, one in _with_odds(contest) if one.outcomes.has_answer.any()]
    if not named:
        return None
    labels = ("recall, %", "precision, %")
    return _one_panel("Precision and recall of answering", contest, named, curve, labels)


def risk_and_coverage(contest: Contest) -> Figure | None:
    """Share of wrong answers against share of answered questions."""

    def curve(axes: Axes, record: Record, shape: dict[str, Any]) -> None:
        found = record.outcomes
        assert found.null_odds is not None
        points = risk_coverage(found.null_odds, found.exact, found.has_answer)
        axes.plot(100 * points.coverage, 100 * points.risk, **shape)

    named = _with_odds(contest)
    if not named:
        return None
    labels = ("answered, % of all questions", "wrong, % of the answered")
    return _one_panel("Risk and coverage", contest, named, curve, labels)


@drawing
def _one_panel(
    title: str,
    contest: Contest,
    named: Sequence[Named],
    curve: Callable[[Axes, Record, dict[str, Any]], None],
    labels: tuple[str, str],
) -> Figure:
    looks = [look(place) for place in range(len(named))]
    key = [
        key_line(label, color=one.colour, linestyle=one.line)
        for (label, _), one in zip(named, looks, strict=True)
    ]
    figure = blank(title, contest.title, 4.0, key)
    ((axes,),) = panels(figure, 1, 1)
    for (_, record), one in zip(named, looks, strict=True):
        curve(axes, record, {"color": one.colour, "linestyle": one.line, "linewidth": 1.6})
    axes.set(xlim=(0, 101), ylim=(0, 101), xlabel=labels[0], ylabel=labels[1])
    return figure
