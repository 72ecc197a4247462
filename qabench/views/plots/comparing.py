"""Figures that set systems side by side: scores, differences, slices, lost points, cost."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from qabench.comparison.contests import Contest, System
from qabench.comparison.plugin_slices import every_slice
from qabench.comparison.side_by_side import all_pairs, mean_interval
from qabench.comparison.slices import GROUPS, Slice, slice_score
from qabench.comparison.statistics import Comparison
from qabench.scoring.losses import Owner
from qabench.scoring.records import Score
from qabench.views.plots.style import (
    COLOURS,
    GREY,
    HATCHES,
    INK,
    PALE,
    beside,
    blank,
    drawing,
    key_line,
    label_rows,
    look,
    panels,
    row_height,
    wrapped,
)

_SCORES: dict[Score, str] = {"exact": "EM", "f1": "F1"}
_SLICE_GROUPS = ("question word", "answer length", "answer position", "windows")


@drawing
def scores(contest: Contest) -> Figure:
    """EM and F1 of every system, seed by seed, with the lines that need no head."""
    labels = [wrapped(system.label, 28) for system in contest.systems]
    first = contest.first.scores
    key = [
        key_line("mean and 95 % interval", color=INK, marker="o"),
        key_line("one seed", color=GREY, marker=".", linestyle=""),
        key_line("always null", color=GREY, linestyle="--"),
        key_line("random span", color=GREY, linestyle=":"),
    ]
    height = 0.6 + len(labels) * row_height(labels, 0.5)
    figure = blank("EM and F1", contest.title, height, key)
    ((left, right),) = panels(figure, 1, 2, sharey=True)
    for axes, (score, name) in zip((left, right), _SCORES.items(), strict=True):
        for row, system in enumerate(contest.systems):
            _mean_and_seeds(axes, row, system, score)
        axes.axvline(first.always_null[score], color=GREY, linestyle="--", linewidth=1.2)
        axes.axvline(first.random_span[score], color=GREY, linestyle=":", linewidth=1.2)
        axes.set(xlabel=f"{name}, %", xlim=(-2, 102))
    label_rows(left, labels)
    label_rows(right, labels)
    return figure


def _mean_and_seeds(axes: Axes, row: int, system: System, score: Score) -> None:
    low, high = mean_interval(system, score)
    mean = float(system.final(score).mean())
    axes.barh(row, 100 * mean, height=0.6, color=PALE)
    axes.plot([100 * low, 100 * high], [row, row], color=look(0).colour, linewidth=2.2)
    axes.plot(100 * mean, row, marker="o", color=look(0).colour)
    values = system.values(score)
    axes.plot(values, [row + 0.22] * len(values), marker=".", linestyle="", color=GREY)


def differences(contest: Contest) -> Figure | None:
    """Paired differences of every two systems of equal budget."""
    rivals = [systems for systems in contest.budgets if len(systems) > 1]
    if not rivals:
        return None
    return _differences(
        contest,
        {
            name: [pair for systems in rivals for pair in all_pairs(systems, score)]
            for score, name in _SCORES.items()
        },
    )


@drawing
def _differences(contest: Contest, pairs: dict[str, list[Comparison]]) -> Figure:
    labels = [wrapped(f"{one.a} − {one.b}", 34) for one in pairs["EM"]]
    key = [
        key_line("evidence of a difference", color=look(1).colour, marker="s"),
        key_line("no evidence", color=GREY, marker="o", markerfacecolor="white"),
    ]
    height = 0.6 + len(labels) * row_height(labels, 0.45)
    figure = blank("Differences between systems", contest.title, height, key)
    row_of_panels = panels(figure, 1, 2, sharey=True)[0]
    for axes, (name, of_metric) in zip(row_of_panels, pairs.items(), strict=True):
        axes.axvline(0, color=INK, linewidth=1)
        for row, pair in enumerate(of_metric):
            colour = look(1).colour if pair.significant else GREY
            ends = [100 * end for end in pair.interval]
            axes.plot(ends, [row, row], color=colour, linewidth=2)
            face = colour if pair.significant else "white"
            marker = "s" if pair.significant else "o"
            axes.plot(100 * pair.difference, row, marker, color=colour, markerfacecolor=face)
        axes.set_xlabel(f"difference in {name}, points")
        label_rows(axes, labels)
    return figure


def losses(contest: Contest) -> Figure | None:
    """Points of EM lost, by owner, mean over seeds."""
    return _losses(contest)


@drawing
def _losses(contest: Contest) -> Figure:
    labels = [wrapped(system.label, 28) for system in contest.systems]
    looks = list(zip(Owner, (*COLOURS, "#999999"), HATCHES, strict=True))
    key = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=str(owner))
        for owner, colour, hatch in looks
    ]
    height = 0.6 + len(labels) * row_height(labels, 0.5)
    figure = blank("Who lost the points of EM", contest.title, height, key)
    ((axes,),) = panels(figure, 1, 1)
    for row, system in enumerate(contest.systems):
        left = 0.0
        for owner, colour, hatch in looks:
            lost = statistics.fmean(one.report.scores.losses[owner] for one in system.records)
            axes.barh(
                row, lost, left=left, height=0.6, color=colour, hatch=hatch, edgecolor="white"
            )
            left += lost
        beside(axes, row, f"EM {statistics.fmean(system.values('exact')):.1f}")
    axes.set_xlabel("points of EM")
    label_rows(axes, labels)
    return figure


@drawing
def by_slice(contest: Contest) -> Figure:
    """EM on every kind of question, a panel for each group of kinds."""
    found = contest.systems[0].records[0].outcomes
    every = every_slice(found.examples, found.windows)
    of_plugins = dict.fromkeys(one.group for one in every if one.group not in GROUPS)
    groups = {
        group: inside
        for group in (*_SLICE_GROUPS, *of_plugins)
        if len(inside := sorted(_of(group, every), key=_RANK.get(group, _as_it_is))) > 1
    }
    key = [
        key_line(system.label, color=look(place).colour, marker=look(place).marker, linestyle="")
        for place, system in enumerate(contest.systems)
    ]
    rows = [0.8 + 0.26 * len(inside) for inside in groups.values()]
    figure = blank("EM by kind of question", contest.title, sum(rows) or 1.0, key)
    if not groups:
        return figure
    grid = panels(figure, len(groups), 1, sharex=True, gridspec_kw={"height_ratios": rows})
    for (axes,), (group, inside) in zip(grid, groups.items(), strict=True):
        _slice_panel(axes, group, inside, contest.systems)
    grid[-1][0].set_xlabel("EM, %")
    return figure


def _of(group: str, every: Sequence[Slice]) -> list[Slice]:
    return [one for one in every if one.group == group]


def _as_it_is(_: Slice) -> int:
    return 0


# Numbers rise; thirds come as they are read; all else as it is, the biggest first.
_RANK: dict[str, Callable[[Slice], int]] = {
    "answer length": lambda one: int(one.name.split()[0]),
    "windows": lambda one: int(one.name.split()[0]),
    "answer position": lambda one: ("first", "middle", "last").index(one.name.split()[0]),
}


def _slice_panel(
    axes: Axes, group: str, inside: Sequence[Slice], systems: Sequence[System]
) -> None:
    step = 0.6 / max(1, len(systems))
    for place, system in enumerate(systems):
        exact = system.final("exact")
        one = look(place)
        for row, kind in enumerate(inside):
            at = row + (place - (len(systems) - 1) / 2) * step
            score = slice_score(kind, exact)
            axes.plot([100 * end for end in score.interval], [at, at], color=one.colour)
            axes.plot(100 * score.mean, at, one.marker, color=one.colour, markersize=5)
    axes.set_title(group, loc="left")
    axes.set_xlim(-2, 102)
    label_rows(axes, [f"{kind.name} ({len(kind)})" for kind in inside])


def cost(contest: Contest) -> Figure | None:
    """EM against training time and memory, for systems that were trained here."""
    trained = [system for system in contest.systems if system.first.budget is not None]
    return _cost(contest, trained) if trained else None


@drawing
def _cost(contest: Contest, trained: Sequence[System]) -> Figure:
    kinds = {
        "train_seconds": ("training, s", 1.0),
        "predict_seconds": ("predicting, s", 1.0),
        "peak_memory_bytes": ("peak memory, GiB", 2**30),
    }
    key = [
        key_line(system.label, color=look(place).colour, marker=look(place).marker, linestyle="")
        for place, system in enumerate(trained)
    ]
    figure = blank("Quality and cost", contest.title, 3.0, key)
    row_of_panels = panels(figure, 1, len(kinds), sharey=True)[0]
    for axes, (name, (label, unit)) in zip(row_of_panels, kinds.items(), strict=True):
        for place, system in enumerate(trained):
            spent = [getattr(one.report.budget, name) / unit for one in system.records]
            one = look(place)
            mean = statistics.fmean(spent), statistics.fmean(system.values("exact"))
            axes.plot(*mean, one.marker, color=one.colour, markersize=8)
        low, high = axes.get_xlim()
        axes.set(xlabel=label, xlim=(0, max(high, low + 1e-9) * 1.1))
    row_of_panels[0].set_ylabel("EM, %")
    row_of_panels[0].margins(y=0.15)
    return figure
