"""One style for all figures: sizes, fonts, and marks that differ by more than their colour."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec

import matplotlib
from matplotlib import style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

P = ParamSpec("P")
LineStyle = str | tuple[float, tuple[float, ...]]

WIDTH = 8.0  # inches, as are all sizes here
LINE_HEIGHT = 0.165
DPI = 160
INK = "#222222"
GREY = "#767676"
PALE = "#E3E3E3"

# Okabe & Ito 2008, "Color Universal Design", without black and the yellow that white swallows.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
# As many as have no divisor in common with the colours: 30 systems, no two alike.
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
    # A label is a plugin's own: a dollar sign in it starts no formula.
    "text.parse_math": False,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "savefig.dpi": DPI,
    "svg.fonttype": "path",
    "svg.hashsalt": "qabench",
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the style of this module, whatever the user's matplotlibrc says."""
    with style.context("default"), matplotlib.rc_context(_SETTINGS):
        yield


def drawing(make: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in this style, and settle the layout so that every format has the same."""

    @wraps(make)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with styled():
            figure = make(*args, **kwargs)
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
        return figure

    return drawn


@dataclass(frozen=True, slots=True)
class Look:
    """What tells one system, or one seed, from the others."""

    colour: str
    line: LineStyle
    marker: str


def look(place: int) -> Look:
    """The look of the system, or seed, at that place among all."""
    return Look(
        COLOURS[place % len(COLOURS)], LINES[place % len(LINES)], MARKERS[place % len(MARKERS)]
    )


def wrapped(text: str, width: int) -> str:
    """The text in lines of at most ``width`` letters; nothing of it is left out."""
    lines = textwrap.wrap(text, width, break_on_hyphens=False) or [" "]
    # A legend leaves out labels that begin with an underscore.
    return "\n".join(lines) if not lines[0].startswith("_") else " " + "\n".join(lines)


def row_height(labels: Sequence[str], least: float) -> float:
    """Height of a row that holds the longest of these wrapped labels."""
    return max(least, 0.1 + LINE_HEIGHT * max(1 + label.count("\n") for label in labels))


def blank(title: str, data: str, height: float, key: Sequence[Artist] = ()) -> Figure:
    """A figure with a title, and a key under the panels.

    Args:
        title: what the figure shows.
        data: what it was measured on.
        height: of the panels with their axes, inches.
        key: artists whose labels make the key.
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
    """A line or marker for the key alone."""
    return Line2D([], [], label=label, **looks)


def label_rows(axes: Axes, labels: Sequence[str]) -> None:
    """Name the rows 0, 1, … from the top down."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")


def beside(axes: Axes, row: float, text: str, **looks: Any) -> None:
    """A text at the right of a row, outside the axes."""
    axes.text(
        1.02, row, text, transform=axes.get_yaxis_transform(), va="center", ha="left", **looks
    )
