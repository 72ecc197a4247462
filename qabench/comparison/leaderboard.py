"""Tables of contests: systems on the same questions, the lines that need no head beside them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from qabench.base.terminal import safe
from qabench.benchmarks.sources import golds_by_people
from qabench.comparison.contests import Contest, System
from qabench.comparison.verdicts import conclusions
from qabench.errors import ReportError
from qabench.reports.report import Report, ReportScores
from qabench.scoring.records import Record


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the leaderboard.

    Attributes:
        name: what ``--columns`` calls it.
        header: what stands above it.
        value: the number of one run; ``None`` where it has none.
        digits: decimals shown.
        falling: whether more is better.
    """

    name: str
    header: str
    value: Callable[[Report], float | None]
    digits: int = 2
    falling: bool = True


def _official(key: str) -> Callable[[Report], float | None]:
    return lambda report: report.scores.official.get(key)


def _tuned(key: str) -> Callable[[Report], float | None]:
    def value(report: Report) -> float | None:
        return report.scores.tuned["official"].get(key) if report.scores.tuned else None

    return value


def _budget(key: str) -> Callable[[Report], float | None]:
    return lambda report: getattr(report.budget, key) if report.budget else None


COLUMNS = (
    Column("em", "EM", _official("exact")),
    Column("f1", "F1", _official("f1")),
    Column("has_em", "HasAns EM", _official("HasAns_exact")),
    Column("has_f1", "HasAns F1", _official("HasAns_f1")),
    Column("no_em", "NoAns EM", _official("NoAns_exact")),
    Column("test_em", "test EM†", _tuned("exact")),
    Column("test_f1", "test F1†", _tuned("f1")),
    Column("best_em", "best EM*", _official("best_exact")),
    Column("best_f1", "best F1*", _official("best_f1")),
    Column("train_s", "train s", _budget("train_seconds"), 0, False),
    Column("predict_s", "predict s", _budget("predict_seconds"), 1, False),
    Column("tokens_s", "tokens/s", _budget("tokens_per_second"), 0),
    Column("parameters", "head parameters", _budget("head_parameters"), 0, False),
)
DEFAULT_COLUMNS = (
    *("em", "f1", "has_em", "has_f1", "no_em"),
    *("test_em", "test_f1", "best_em", "train_s"),
)
FOOTNOTES = {
    "test_em": "† at the threshold tuned on the other half of the articles",
    "best_em": "* at the threshold tuned on the scored questions themselves: optimistic",
}
UNEQUAL = "≠"


def _metric(key: str) -> Column:
    def value(report: Report) -> float | None:
        return report.metrics[key].value if key in report.metrics else None

    return Column(key, key.rpartition("/")[2], value, 3)


def columns(names: Sequence[str], metrics: Iterable[str] = ()) -> tuple[Column, ...]:
    """The columns of those names.

    Args:
        names: as ``--columns`` takes them.
        metrics: keys of plugins' metrics, which are columns too.

    Raises:
        ReportError: there is no such column.
    """
    known = {column.name: column for column in (*COLUMNS, *map(_metric, metrics))}
    for name in names:
        if name not in known:
            raise ReportError(
                f"There is no column {name!r}; there are {', '.join(known)} (--columns em,f1)."
            )
    return tuple(known[name] for name in names)


@dataclass(frozen=True, slots=True)
class Cell:
    """Mean over seeds, and their standard deviation where there are several."""

    mean: float
    deviation: float | None
    digits: int

    @classmethod
    def of(cls, values: Sequence[float], digits: int) -> Cell | None:
        """The cell of those values; ``None`` for none."""
        if not values:
            return None
        spread = statistics.stdev(values) if len(values) > 1 else None
        return cls(statistics.fmean(values), spread, digits)

    def __str__(self) -> str:
        mean = f"{self.mean:.{self.digits}f}"
        return mean if self.deviation is None else f"{mean} ± {self.deviation:.{self.digits}f}"


@dataclass(frozen=True, slots=True)
class Row:
    """A system, or a line that needs no head.

    Attributes:
        label: of the system, marked where its budget differs from the first rows'.
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
        notes: what a reader must know of these runs.
        conclusions: what the differences amount to.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    conclusions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """What a leaderboard shows, and how it ranks.

    Attributes:
        columns: their names.
        sort: name of the column to rank by.
        unequal_budgets: rank and compare systems of different budgets against each other.
        baseline: compare with the system of this label or name alone.
        statistics: whether to compare at all.
    """

    columns: tuple[str, ...] = DEFAULT_COLUMNS
    sort: str = "em"
    unequal_budgets: bool = False
    baseline: str | None = None
    statistics: bool = True


def tables(contests: Sequence[Contest], layout: Layout | None = None) -> list[Table]:
    """One table for each contest, so that scores on different data never meet.

    Raises:
        ReportError: the layout names a column or a baseline that does not exist.
    """
    layout = layout or Layout()
    records = (record for one in contests for system in one.systems for record in system.records)
    metrics = sorted({key for record in records for key in record.report.metrics})
    shown, (by,) = columns(layout.columns, metrics), columns([layout.sort], metrics)
    baseline = layout.baseline
    if baseline is not None and not any(contest.find(baseline) for contest in contests):
        raise ReportError(f"No system is named {baseline!r}; the first column has the names.")
    made = [_table(contest, shown, by, layout.unequal_budgets) for contest in contests]
    if not layout.statistics:
        return made
    return [
        replace(table, conclusions=_conclusions(contest, layout))
        for table, contest in zip(made, contests, strict=True)
    ]


def _conclusions(contest: Contest, layout: Layout) -> tuple[str, ...]:
    try:
        return conclusions(
            contest, unequal_budgets=layout.unequal_budgets, baseline=layout.baseline
        )
    except ReportError as error:
        return (f"! not compared: {error}",)


def _table(contest: Contest, shown: tuple[Column, ...], by: Column, unequal_budgets: bool) -> Table:
    classes = (contest.systems,) if unequal_budgets else contest.budgets
    rows = [
        _row(system, shown, place > 0)
        for place, systems in enumerate(classes)
        for system in sorted(systems, key=lambda one: _rank(one, by))
    ]
    names = {column.name for column in shown}
    notes = [
        *_budget_notes(contest, unequal_budgets),
        *_seed_notes(contest),
        *(one.note for one in contest.unfinished),
        *_benchmark_notes(contest),
        *(text for name, text in FOOTNOTES.items() if name in names),
    ]
    return Table(contest.title, shown, (*rows, *_headless_rows(contest, shown)), tuple(notes))


def _rank(system: System, by: Column) -> tuple[float, str]:
    values = _values(system.records, by)
    if not values:
        return float("inf"), system.label
    return statistics.fmean(values) * (-1 if by.falling else 1), system.label


def _values(records: Iterable[Record], column: Column) -> list[float]:
    found = (column.value(record.report) for record in records)
    return [value for value in found if value is not None]


def _row(system: System, shown: Sequence[Column], unequal: bool) -> Row:
    cells = tuple(Cell.of(_values(system.records, column), column.digits) for column in shown)
    return Row(f"{UNEQUAL} {system.label}" if unequal else system.label, system.seeds, cells)


def _headless_rows(contest: Contest, shown: Sequence[Column]) -> list[Row]:
    scores = contest.first.scores
    rows = [
        _headless_row("always null", scores.always_null, shown),
        _headless_row("random span", scores.random_span, shown),
    ]
    if scores.human is not None and golds_by_people(contest.first.settings):
        people = {"HasAns_exact": scores.human["exact"], "HasAns_f1": scores.human["f1"]}
        label = f"human ({scores.human['questions']:.0f} questions)"
        rows.append(_headless_row(label, people, shown))
    return rows


_KEYS = {
    "em": "exact",
    "f1": "f1",
    "has_em": "HasAns_exact",
    "has_f1": "HasAns_f1",
    "no_em": "NoAns_exact",
}


def _headless_row(label: str, keys: Mapping[str, float], shown: Sequence[Column]) -> Row:
    values = (keys.get(_KEYS.get(column.name, "")) for column in shown)
    cells = (None if one is None else Cell(one, None, 2) for one in values)
    return Row(label, (), tuple(cells))


def _budget_notes(contest: Contest, unequal_budgets: bool) -> list[str]:
    if len(contest.budgets) == 1:
        return []
    what = "epochs, training questions, windows or encoder weights"
    if unequal_budgets:
        return [f"! ranked although {what} are not equal"]
    return [
        f"{UNEQUAL} trained on another budget ({what}) than the first rows, so not ranked against "
        f"them (--allow-unequal-budgets ranks them all the same)"
    ]


def _seed_notes(contest: Contest) -> list[str]:
    notes = {
        f"! {system.label} seed {record.seed}: {safe(warning)}"
        for system in contest.systems
        for record in system.records
        for warning in record.report.warnings
    }
    notes |= {
        f"! {system.label} seed {record.seed}: diverged, EM {_exact(record.report.scores):.2f} "
        f"where the other seeds have {statistics.fmean(others):.2f}"
        for system in contest.systems
        for record in system.records
        if (others := [_exact(one.report.scores) for one in system.records if one is not record])
        and _diverged(record.report.scores, others)
    }
    return sorted(notes)


def _exact(scores: ReportScores) -> float:
    return scores.official["exact"]


def _diverged(scores: ReportScores, others: Sequence[float]) -> bool:
    """No better than a line that needs no head, where the median seed is."""
    line = max(scores.always_null["exact"], scores.random_span["exact"])
    return _exact(scores) <= line < statistics.median(others)


def _benchmark_notes(contest: Contest) -> list[str]:
    reports = [record.report for system in contest.systems for record in system.records]
    return sorted({safe(report.settings.get("note", "")) for report in reports} - {""})
