"""What curves of abstention have in common: the runs that are drawn, and one panel for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from qabench.base.arrays import Doubles
from qabench.comparison.contests import Contest
from qabench.scoring.outcomes import Outcomes
from qabench.scoring.records import Record
from qabench.views.plots.style import blank, key_line, look, panels

# Two (K,) percentages of a run, across and up.
Curve = Callable[[Outcomes], tuple[Doubles, Doubles]]


def first_runs(contest: Contest) -> dict[str, Record]:
    """The run with the lowest seed of each system that has null odds, by system and seed."""
    first = ((system.label, system.records[0]) for system in contest.systems)
    return {
        f"{label}, seed {record.seed}": record
        for label, record in first
        if record.outcomes.null_odds is not None
    }


def one_panel(
    title: str, contest: Contest, runs: Mapping[str, Record], curve: Curve, labels: tuple[str, str]
) -> Figure | None:
    """A curve for each run; ``None`` without any.

    Args:
        title: what the figure shows.
        contest: what it was measured on.
        runs: by their label in the key.
        curve: the points of a run.
        labels: of the axis across and of the axis up.
    """
    if not runs:
        return None
    looks = {label: look(place) for place, label in enumerate(runs)}
    key = [key_line(label, color=one.colour, linestyle=one.line) for label, one in looks.items()]
    figure = blank(title, contest.title, 4.0, key)
    ((axes,),) = panels(figure, 1, 1)
    for label, record in runs.items():
        one = looks[label]
        axes.plot(*curve(record.outcomes), color=one.colour, linestyle=one.line, linewidth=1.6)
    axes.set(xlim=(0, 101), ylim=(0, 101), xlabel=labels[0], ylabel=labels[1])
    return figure
