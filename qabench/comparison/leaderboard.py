"""Leaderboards: the systems of a contest, beside the lines that need no head."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from qabench.base.numbers import fixed
from qabench.benchmarks.sources import golds_by_people
from qabench.comparison.columns import DEFAULT_COLUMNS, Column, columns
from qabench.comparison.contests import Contest, System
from qabench.comparison.differences import Differences, Question, differences
from qabench.comparison.notes import BEST_EPOCH, budget_mark, notes
from qabench.comparison.paired import MARGIN
from qabench.comparison.verdicts import conclusions
from qabench.errors import ReportError
from qabench.reports.report import Report
from qabench.scoring.records import Record
from qabench.scoring.scores import Score


@dataclass(frozen=True, slots=True)
class Cell:
    """Mean over seeds, and their standard deviation where there are several."""

    mean: float
    deviation: float | None
    decimals: int

    @classmethod
    def of(cls, values: Sequence[float], decimals: int) -> Cell | None:
        """The cell of these values; ``None`` without any."""
        if not values:
            return None
        spread = statistics.stdev(values) if len(values) > 1 else None
        return cls(statistics.fmean(values), spread, decimals)

    def __str__(self) -> str:
        numbers = [self.mean] if self.deviation is None else [self.mean, self.deviation]
        return " ± ".join(fixed(one, self.decimals) for one in numbers)


@dataclass(frozen=True, slots=True)
class Row:
    """A system, or a line that needs no head.

    Attributes:
        label: of the system, marked where its budget differs from that of the first rows.
        seeds: of its runs; empty for a line that needs no head.
        cells: one for each column.
    """

    label: str
    seeds: tuple[int, ...]
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One contest as a table.

    Attributes:
        title: benchmark, questions and data fingerprint.
        columns: what the cells are.
        rows: ranked within each budget, then the lines that need no head.
        notes: what a reader must know about these runs.
        differences: of the systems, on every measure.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    differences: Differences = field(default_factory=Differences)

    @property
    def conclusions(self) -> tuple[str, ...]:
        """What the differences show, in words."""
        return conclusions(self.differences)


@dataclass(frozen=True, slots=True)
class Layout:
    """What a leaderboard shows and how it ranks.

    Attributes:
        columns: their names.
        sort: name of the column to rank by.
        unequal_budgets: rank and compare systems of different budgets against each other.
        baseline: compare only with the system of this label or name.
        statistics: whether to compare at all.
        margin: how far apart systems may be that are called equal, in points.
    """

    columns: tuple[str, ...] = DEFAULT_COLUMNS
    sort: str = "em"
    unequal_budgets: bool = False
    baseline: str | None = None
    statistics: bool = True
    margin: float = 100 * MARGIN

    @property
    def question(self) -> Question:
        """What is asked of the systems."""
        return Question(self.unequal_budgets, self.baseline, self.margin)


def tables(contests: Sequence[Contest], layout: Layout | None = None) -> list[Table]:
    """One table for each contest, so that scores on different data are never in one table.

    Raises:
        ReportError: the layout names a column or a baseline that does not exist.
    """
    layout = layout or Layout()
    records = (record for one in contests for system in one.systems for record in system.records)
    metrics = sorted({key for record in records for key in record.report.metrics})
    shown, (by,) = columns(layout.columns, metrics), columns([layout.sort], metrics)
    baseline = layout.baseline
    if baseline is not None and not any(contest.find(baseline) for contest in contests):
        raise ReportError(f"No system is named {baseline!r}; the first column shows the names.")
    made = [_table(contest, shown, by, layout.unequal_budgets) for contest in contests]
    if not layout.statistics:
        return made
    return [
        replace(table, differences=differences(contest, layout.question))
        for table, contest in zip(made, contests, strict=True)
    ]


def _table(contest: Contest, shown: tuple[Column, ...], by: Column, unequal_budgets: bool) -> Table:
    classes = (contest.systems,) if unequal_budgets else contest.budgets
    several = len(contest.systems) > 1
    rows = [
        _row(system, shown, budget_mark(system, place, unequal_budgets) if several else "")
        for place, systems in enumerate(classes)
        for system in sorted(systems, key=lambda one: _rank(one, by))
    ]
    halves = tuned["halves"] if (tuned := contest.first.scores.tuned) else "articles"
    marks = dict.fromkeys(column.note.format(halves=halves) for column in shown if column.note)
    return Table(
        title=contest.title,
        columns=shown,
        rows=(*rows, *_headless_rows(contest, shown)),
        notes=(*notes(contest, unequal_budgets), *marks),
    )


def _rank(system: System, by: Column) -> tuple[float, str]:
    values = _values(system.records, by)
    if not values:
        return float("inf"), system.label
    return statistics.fmean(values) * (-1 if by.more_is_better else 1), system.label


def _values(records: Iterable[Record], column: Column) -> list[float]:
    found = (column.value(record.report) for record in records)
    return [value for value in found if value is not None]


def _row(system: System, shown: Sequence[Column], mark: str) -> Row:
    cells = tuple(Cell.of(_values(system.records, column), column.decimals) for column in shown)
    best = f" {BEST_EPOCH}" if system.keeps_best_epoch else ""
    return Row(f"{mark} {system.label}{best}".strip(), system.seeds, cells)


def _headless_rows(contest: Contest, shown: Sequence[Column]) -> Iterator[Row]:
    for line in _headless_lines(contest.first):
        values = (line.value(column) for column in shown)
        cells = tuple(
            None if value is None else Cell(value, None, column.decimals)
            for value, column in zip(values, shown, strict=True)
        )
        yield Row(line.label, (), cells)


@dataclass(frozen=True, slots=True)
class _Headless:
    """A line that needs no head: its official scores on all questions, and on the test half."""

    label: str
    official: Mapping[str, float]
    test: Mapping[str, float]

    def value(self, column: Column) -> float | None:
        return self.official.get(column.official, self.test.get(column.test))


def _headless_lines(report: Report) -> Iterator[_Headless]:
    scores = report.scores
    tuned = scores.tuned or {}
    yield _Headless("always null", scores.always_null, tuned.get("always_null", {}))
    yield _Headless("random span", scores.random_span, tuned.get("random_span", {}))
    if scores.human is not None and golds_by_people(report.settings):
        found = {f"HasAns_{score}": scores.human[score] for score in Score}
        yield _Headless(f"human ({scores.human['questions']:.0f} questions)", found, {})
