"""EM against training time, prediction time and memory."""

from __future__ import annotations

import statistics

from matplotlib.figure import Figure

from qabench.comparison.contests import Contest
from qabench.scoring.scores import Score
from qabench.views.plots.style import blank, look, markers, panels

# By field of the budget: the label of its axis, and how much of the field is one unit of it.
_KINDS = {
    "train_seconds": ("training, s", 1),
    "predict_seconds": ("predicting, s", 1),
    "peak_memory_bytes": ("peak memory, GiB", 2**30),
}


def draw(contest: Contest, title: str) -> Figure | None:
    """A panel for each cost, of the systems that were trained here; ``None`` without any."""
    trained = [system for system in contest.systems if system.first.budget is not None]
    if not trained:
        return None
    figure = blank(title, contest.title, 3.0, markers(trained))
    (row_of_panels,) = panels(figure, 1, len(_KINDS), sharey=True)
    for axes, (name, (label, unit)) in zip(row_of_panels, _KINDS.items(), strict=True):
        for place, system in enumerate(trained):
            spent = [getattr(one.report.budget, name) / unit for one in system.records]
            one = look(place)
            mean = statistics.fmean(spent), statistics.fmean(system.values(Score.EM))
            axes.plot(*mean, one.marker, color=one.colour, markersize=8)
        low, high = axes.get_xlim()
        axes.set(xlabel=label, xlim=(0, max(high, low + 1e-9) * 1.1))
    row_of_panels[0].set_ylabel(f"{Score.EM.label}, %")
    row_of_panels[0].margins(y=0.15)
    return figure
