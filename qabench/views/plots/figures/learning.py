"""Training and validation loss, and EM after each epoch, of every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qabench.comparison.contests import Contest
from qabench.scoring.records import Record
from qabench.scoring.scores import Score
from qabench.views.plots.style import GREY, Look, blank, key_line, look, panels, system_label


def draw(contest: Contest, title: str) -> Figure | None:
    """Losses above, EM below; ``None`` where no run has a log."""
    if not any(one.report.training_log for system in contest.systems for one in system.records):
        return None
    key = [
        key_line(system_label(system), color=look(place).colour, linestyle=look(place).line)
        for place, system in enumerate(contest.systems)
    ]
    kinds = [
        key_line("training loss", color=GREY, linewidth=1, alpha=0.7),
        key_line("validation loss and EM", color=GREY, linewidth=1, marker="o"),
    ]
    figure = blank(title, contest.title, 5.2, [*key, *kinds])
    ((loss,), (exact,)) = panels(figure, 2, 1, sharex=True)
    for place, system in enumerate(contest.systems):
        for record in system.records:
            _run(loss, exact, record, look(place))
    _always_null(exact, contest.first.scores.always_null[Score.EM])
    loss.set_ylabel("loss, each head's own unit")
    exact.set_ylabel(f"{Score.EM.label} on dev, %")
    exact.set_xlabel("epoch")
    return figure


def _run(loss: Axes, exact: Axes, record: Record, one: Look) -> None:
    shape: dict[str, Any] = {"color": one.colour, "linestyle": one.line, "linewidth": 1.4}
    log = record.report.training_log
    loss.plot(*_points(log, "train_loss"), **shape, alpha=0.55)
    loss.plot(*_points(log, "validation_loss"), **shape, marker=one.marker)
    exact.plot(*_points(log, Score.EM), **shape, marker=one.marker)


def _points(log: Sequence[Mapping[str, Any]], name: str) -> tuple[list[float], list[float]]:
    lines = [line for line in log if line.get(name) is not None]
    return [line["epoch"] for line in lines], [line[name] for line in lines]


def _always_null(axes: Axes, value: float) -> None:
    axes.axhline(value, color=GREY, linewidth=1, linestyle=":")
    side = axes.get_yaxis_transform()
    axes.text(0.995, value, "always null", transform=side, ha="right", va="bottom")
