"""All figures that a contest has the numbers for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from matplotlib.figure import Figure

from qabench.comparison.contests import Contest
from qabench.views.plots import abstaining, comparing, learning
from qabench.views.plots.pictures import Picture

# Returns None where these runs have nothing to show in it.
Maker = Callable[[Contest], Figure | None]


def draw(contest: Contest) -> tuple[Picture, ...]:
    """Draw a contest.

    Raises:
        ReportError: results by question are missing.
    """
    return tuple(_drawn(contest))


def _drawn(contest: Contest) -> Iterator[Picture]:
    for name, title, caption, make in _FIGURES:
        figure = make(contest)
        if figure is not None:
            yield Picture(name, title, caption, figure)


_FIGURES: tuple[tuple[str, str, str, Maker], ...] = (
    (
        "scores",
        "EM and F1",
        "Mean over seeds with its 95 % interval over articles and seeds; a dot is one seed.",
        comparing.scores,
    ),
    (
        "differences",
        "Differences between systems",
        "95 % intervals of paired differences; one that holds 0 is no evidence.",
        comparing.differences,
    ),
    (
        "learning",
        "Losses and validation scores in training",
        "A line is one run; loss above, EM on dev after each epoch below.",
        learning.curves,
    ),
    (
        "losses",
        "Who lost the points of EM",
        "With the EM they add up to 100.",
        comparing.losses,
    ),
    (
        "threshold",
        "EM and F1 against the null threshold",
        "First seed of each system; the threshold in use is marked.",
        abstaining.thresholds,
    ),
    (
        "precision_recall",
        "Precision and recall of answering",
        "First seed of each system, by exact match.",
        abstaining.precision_and_recall,
    ),
    (
        "risk_coverage",
        "Risk and coverage",
        "How wrong the answered questions are, by how many are answered; lower is better.",
        abstaining.risk_and_coverage,
    ),
    (
        "slices",
        "EM by kind of question",
        "Mean over seeds with Wilson's 95 % interval.",
        comparing.by_slice,
    ),
    (
        "cost",
        "Quality and cost",
        "Mean over seeds; cheaper is left.",
        comparing.cost,
    ),
)
