"""All figures of a contest: one table of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from matplotlib.figure import Figure

from qabench.comparison.contests import Contest
from qabench.comparison.differences import Differences
from qabench.views.plots.figures import (
    cost,
    differences,
    learning,
    losses,
    precision_recall,
    risk_coverage,
    scores,
    slices,
    threshold,
)
from qabench.views.plots.pictures import Picture
from qabench.views.plots.style import settle, styled


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure that qabench can draw.

    Attributes:
        name: of its files, without ending.
        title: what it shows.
        caption: how to read it.
        draw: makes it from a contest and the title; ``None`` where these runs have nothing to show
            in it. Called within the style of all figures.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Contest, str], Figure | None]


def plots(found: Differences) -> tuple[Plot, ...]:
    """All figures, of a contest whose differences are known."""
    return (
        Plot(
            "scores",
            "EM and F1",
            "Mean over seeds with its 95 % interval over articles and seeds; a dot is one seed.",
            scores.draw,
        ),
        Plot(
            "differences",
            "Differences between systems",
            "95 % intervals, which hold together; one that leaves 0 out says which is better.",
            partial(differences.draw, differences=found),
        ),
        Plot(
            "learning",
            "Losses and validation scores in training",
            "A line is one run; loss above, EM on dev after each epoch below.",
            learning.draw,
        ),
        Plot(
            "losses",
            "Who lost the points of EM",
            "Mean over seeds; together with the EM they add up to 100.",
            losses.draw,
        ),
        Plot(
            "threshold",
            "EM and F1 against the null threshold",
            "One seed of each system, the lowest; the threshold in use is marked.",
            threshold.draw,
        ),
        Plot(
            "precision_recall",
            "Precision and recall of answering",
            "One seed of each system, the lowest; by exact match.",
            precision_recall.draw,
        ),
        Plot(
            "risk_coverage",
            "Risk and coverage",
            "One seed of each system, the lowest: how wrong the answered questions are, by how "
            "many are answered; lower is better.",
            risk_coverage.draw,
        ),
        Plot(
            "slices",
            "EM by kind of question",
            "Mean over seeds with Wilson's 95 % interval.",
            slices.draw,
        ),
        Plot("cost", "Quality and cost", "Mean over seeds; cheaper is left.", cost.draw),
    )


def draw(contest: Contest, found: Differences) -> tuple[Picture, ...]:
    """Every figure that these runs have something to show in.

    Args:
        contest: what to draw.
        found: the differences of its systems.

    Raises:
        ReportError: results by question are missing.
    """
    drawn = (_picture(plot, contest) for plot in plots(found))
    return tuple(one for one in drawn if one is not None)


def _picture(plot: Plot, contest: Contest) -> Picture | None:
    with styled():
        figure = plot.draw(contest, plot.title)
        if figure is None:
            return None
        settle(figure)
    return Picture(plot.name, plot.title, plot.caption, figure)
