"""EM on every kind of question, a panel for each group of kinds."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qabench.comparison.contests import Contest, System
from qabench.comparison.slices import GROUPS, Slice, slice_score
from qabench.scoring.scores import Score
from qabench.views.plots.style import blank, label_rows, look, markers, panels

# Those of plugins follow.
_GROUPS = ("question word", "answer length", "answer position", "windows")


def draw(contest: Contest, title: str) -> Figure | None:
    """A row for each kind; ``None`` where no group has several."""
    groups = _groups(contest)
    if not groups:
        return None
    rows = [0.8 + 0.26 * len(inside) for inside in groups.values()]
    figure = blank(title, contest.title, sum(rows), markers(contest.systems))
    grid = panels(figure, len(groups), 1, sharex=True, gridspec_kw={"height_ratios": rows})
    for (axes,), (group, inside) in zip(grid, groups.items(), strict=True):
        _panel(axes, inside, contest.systems)
        axes.set_title(group, loc="left")
    grid[-1][0].set_xlabel(f"{Score.EM.label}, %")
    return figure


def _groups(contest: Contest) -> dict[str, list[Slice]]:
    """The slices of each group that is drawn."""
    every = contest.slices
    of_plugins = dict.fromkeys(one.group for one in every if one.group not in GROUPS)
    groups = {
        group: [one for one in every if one.group == group] for group in (*_GROUPS, *of_plugins)
    }
    return {group: inside for group, inside in groups.items() if len(inside) > 1}


def _panel(axes: Axes, inside: Sequence[Slice], systems: Sequence[System]) -> None:
    step = 0.6 / len(systems)
    for place, system in enumerate(systems):
        exact = system.final(Score.EM)
        one = look(place)
        for row, kind in enumerate(inside):
            at = row + (place - (len(systems) - 1) / 2) * step
            score = slice_score(kind, exact)
            axes.plot([100 * end for end in score.interval], [at, at], color=one.colour)
            axes.plot(100 * score.mean, at, one.marker, color=one.colour, markersize=5)
    axes.set_xlim(-2, 102)
    label_rows(axes, [f"{kind.name} ({len(kind)})" for kind in inside])
