"""One style for all figures: sizes, fonts, and marks that differ by more than their colour."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib import style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qabench.comparison.contests import System

LineStyle = str | tuple[float, tuple[float, ...]]

WIDTH = 8.0  # inches, as are all sizes here
LINE_HEIGHT = 0.165
DPI = 160
INK = "#222222"
GREY = "#767676"
PALE = "#E3E3E3"

# Okabe & Ito 2008, "Color Universal Design", without black, and without yellow: it fades on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
# Their number has no divisor in common with that of the colours: 30 systems all look different.
LINES: tuple[LineStyle, ...] = (
    "-",
    (0, (6, 2)),
    (0, (1.5, 1.2)),
    (0, (7, 1.5, 1.5, 1.5)),
    (0, (3, 1.2)),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "*", "h")
HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "----", "++++")

_SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.labelsize": 9.5,
    "figure.titlesize": 11,
    "legend.fontsize": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": PALE,
    "grid.linewidth": 0.8,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    # Labels come from plugins: a dollar sign in one must not start a formula.
    "text.parse_math": False,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "savefig.dpi": DPI,
    "svg.fonttype": "path",
    "svg.hashsalt": "qabench",
}


@contextmanager
def styled() -> Iterator[None]:
    """Use the style of this module, whatever the user's matplotlibrc says."""
    with style.context("default"), matplotlib.rc_context(_SETTINGS):
        yield


def settle(figure: Figure) -> None:
    """Lay a figure out once, so that it is the same in every format."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


@dataclass(frozen=True, slots=True)
class Look:
    """How a system, or a score, differs from the others in a figure."""

    colour: str
    line: LineStyle
    marker: str


def look(place: int) -> Look:
    """The look of the system, or score, at that place among all."""
    return Look(
        COLOURS[place % len(COLOURS)], LINES[place % len(LINES)], MARKERS[place % len(MARKERS)]
    )


def wrapped(text: str, width: int) -> str:
    """The text in lines of at most ``width`` letters, complete."""
    lines = textwrap.wrap(text, width, break_on_hyphens=False) or [" "]
    # A legend leaves out labels that begin with an underscore.
    return "\n".join(lines) if not lines[0].startswith("_") else " " + "\n".join(lines)


def system_label(system: System) -> str:
    """The system's label; where it has a single seed, with that seed."""
    return f"{system.label}, seed {system.seeds[0]}" if len(system.seeds) == 1 else system.label


def row_labels(systems: Sequence[System]) -> list[str]:
    """A wrapped label for the row of each system."""
    return [wrapped(system_label(system), 28) for system in systems]


def rows_height(labels: Sequence[str]) -> float:
    """Height of a panel with a row for each of these wrapped labels."""
    deepest = max(1 + label.count("\n") for label in labels)
    return 0.6 + len(labels) * max(0.5, 0.1 + LINE_HEIGHT * deepest)


def blank(title: str, data: str, height: float, key: Sequence[Artist] = ()) -> Figure:
    """A figure with a title, and a key under the panels.

    Args:
        title: what the figure shows.
        data: what it was measured on.
        height: of the panels with their axes, inches.
        key: the artists of the key, with their labels.
    """
    labels = [wrapped(str(one.get_label()), 60) for one in key]
    columns = _key_columns(labels)
    head = f"{title}\n{wrapped(data, 100)}"
    rows = math.ceil(len(labels) / columns)
    deepest = max((1 + label.count("\n") for label in labels), default=0)
    heading = 0.2 + LINE_HEIGHT * (1 + head.count("\n"))
    key_height = rows * (deepest * LINE_HEIGHT + 0.06) + 0.15
    figure = Figure((WIDTH, height + heading + key_height), layout="constrained")
    figure.suptitle(head, x=0.015, ha="left", linespacing=1.35)
    if labels:
        figure.legend(list(key), labels, loc="outside lower center", ncols=columns)
    return figure


def _key_columns(labels: Sequence[str]) -> int:
    """As many columns as fit, evenly filled."""
    letters = max((len(line) for label in labels for line in label.split("\n")), default=1)
    fitting = max(1, int((WIDTH - 0.3) / (0.085 * letters + 0.65)))
    rows = math.ceil(len(labels) / fitting) or 1
    return math.ceil(len(labels) / rows) or 1


def panels(figure: Figure, rows: int, columns: int, **shared: Any) -> list[list[Axes]]:
    """A grid of axes, by row."""
    grid = figure.subplots(rows, columns, squeeze=False, **shared)
    return [list(row) for row in grid]


def key_line(label: str, **looks: Any) -> Line2D:
    """A line or marker that is only in the key."""
    return Line2D([], [], label=label, **looks)


def markers(systems: Sequence[System]) -> list[Line2D]:
    """The key of figures with a marker for each system."""
    looks = [look(place) for place in range(len(systems))]
    return [
        key_line(system_label(system), color=one.colour, marker=one.marker, linestyle="")
        for system, one in zip(systems, looks, strict=True)
    ]


def label_rows(axes: Axes, labels: Sequence[str]) -> None:
    """Name the rows 0, 1, … from top to bottom."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")


def beside(axes: Axes, row: float, text: str, **looks: Any) -> None:
    """A text to the right of a row, outside the axes."""
    axes.text(
        1.02, row, text, transform=axes.get_yaxis_transform(), va="center", ha="left", **looks
    )
