"""EM and F1 at every null threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qabench.comparison.contests import Contest
from qabench.scoring.records import Record
from qabench.scoring.scores import Score
from qabench.scoring.thresholds import sweep
from qabench.views.plots.curves import first_runs
from qabench.views.plots.style import GREY, blank, key_line, look, panels, wrapped


def draw(contest: Contest, title: str) -> Figure | None:
    """A panel for each system, since each head has its own unit; ``None`` without abstention."""
    runs = first_runs(contest)
    if all(record.outcomes.has_answer.all() for record in runs.values()):
        return None
    key = [
        *(_key_of(place, score) for place, score in enumerate(Score)),
        key_line("threshold in use", color=GREY, linestyle="--"),
        key_line("tuned on half of the articles", color=GREY, linestyle=":"),
    ]
    columns = min(2, len(runs))
    rows = -(-len(runs) // columns)
    figure = blank(title, contest.title, 2.6 * rows, key)
    axes = [one for row in panels(figure, rows, columns, sharey=True) for one in row]
    for one in axes[len(runs) :]:
        one.set_visible(False)
    for one, (label, record) in zip(axes, runs.items(), strict=False):
        _sweeps(one, record)
        one.set_title(wrapped(label, 44), loc="left")
        one.set_xlabel("null threshold, the head's own unit")
    for one in axes[::columns]:
        one.set_ylabel("score, %")
    return figure


def _key_of(place: int, score: Score) -> Any:
    return key_line(score.label, color=look(place).colour, linestyle=look(place).line)


def _sweeps(axes: Axes, record: Record) -> None:
    found = record.outcomes
    assert found.null_odds is not None
    for place, score in enumerate(Score):
        curve = sweep(found.null_odds, found.raw(score), found.has_answer)
        one = look(place)
        shape: dict[str, Any] = {"color": one.colour, "linestyle": one.line, "linewidth": 1.5}
        axes.step(curve.edges[1:], 100 * curve.scores[1:], where="post", **shape)
    axes.axvline(record.null_threshold, color=GREY, linewidth=1, linestyle="--")
    if tuned := record.report.scores.tuned:
        axes.axvline(tuned["null_threshold"], color=GREY, linewidth=1.2, linestyle=":")
    low, high = np.quantile(found.null_odds, (0.005, 0.995))
    # All null odds may be equal.
    if low < high:
        axes.set_xlim(low, high)
