"""Curves of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from qabench.comparison.contests import Contest
from qabench.views.plots.style import GREY, blank, drawing, key_line, look, panels


def curves(contest: Contest) -> Figure | None:
    """Training and validation loss, and EM after each epoch, of every run."""
    if not any(one.report.training_log for system in contest.systems for one in system.records):
        return None
    return _curves(contest)


@drawing
def _curves(contest: Contest) -> Figure:
    key = [
        key_line(system.label, color=look(place).colour, linestyle=look(place).line)
        for place, system in enumerate(contest.systems)
    ]
    kinds = [
        key_line("training loss", color=GREY, linewidth=1, alpha=0.7),
        key_line("validation loss and EM", color=GREY, linewidth=1, marker="o"),
    ]
    figure = blank("Losses and validation scores in training", contest.title, 5.2, [*key, *kinds])
    ((loss,), (exact,)) = panels(figure, 2, 1, sharex=True)
    for place, system in enumerate(contest.systems):
        one = look(place)
        shape: dict[str, Any] = {"color": one.colour, "linestyle": one.line, "linewidth": 1.4}
        for record in system.records:
            log = record.report.training_log
            loss.plot(*_points(log, "train_loss"), **shape, alpha=0.55)
            loss.plot(*_points(log, "validation_loss"), **shape, marker=look(place).marker)
            exact.plot(*_points(log, "exact"), **shape, marker=look(place).marker)
    null = contest.first.scores.always_null["exact"]
    exact.axhline(null, color=GREY, linewidth=1, linestyle=":")
    side = exact.get_yaxis_transform()
    exact.text(0.995, null, "always null", transform=side, ha="right", va="bottom")
    loss.set_ylabel("loss, each head's own unit")
    exact.set_ylabel("EM on dev, %")
    exact.set_xlabel("epoch")
    return figure


def _points(log: Sequence[Mapping[str, Any]], name: str) -> tuple[list[float], list[float]]:
    lines = [line for line in log if line.get(name) is not None]
    return [line["epoch"] for line in lines], [line[name] for line in lines]
