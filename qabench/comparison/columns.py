"""The columns of a leaderboard: one table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from qabench.errors import ReportError
from qabench.reports.report import Report
from qabench.scoring.scores import Score


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the leaderboard.

    Attributes:
        name: what ``--columns`` calls it.
        header: what is printed above it.
        value: the number of one run; ``None`` where it has none.
        decimals: how many are shown.
        more_is_better: how ``--sort`` ranks by it.
        official: its key in the official scores; lines that need no head have a number there too.
        test: the same in the official scores of the test half.
        note: what a mark in its header means; ``{halves}`` stands for articles or contexts.
    """

    name: str
    header: str
    value: Callable[[Report], float | None]
    decimals: int = 2
    more_is_better: bool = True
    official: str = ""
    test: str = ""
    note: str = ""


def _score(name: str, score: Score, kind: str = "") -> Column:
    key = f"{kind}_{score}" if kind else str(score)
    header = f"{kind} {score.label}".strip()
    return Column(name, header, lambda report: report.scores.official.get(key), official=key)


def _test(name: str, score: Score) -> Column:
    def value(report: Report) -> float | None:
        return report.scores.tuned["official"][score] if report.scores.tuned else None

    note = "† at the threshold whose EM was best on the other half of the {halves}"
    return Column(name, f"test {score.label}†", value, test=str(score), note=note)


def _best(name: str, score: Score) -> Column:
    def value(report: Report) -> float | None:
        return report.scores.official.get(f"best_{score}")

    note = "* at the threshold tuned on the scored questions themselves: optimistic"
    return Column(name, f"best {score.label}*", value, note=note)


def _cost(name: str, header: str, key: str, decimals: int, more_is_better: bool = False) -> Column:
    def value(report: Report) -> float | None:
        return getattr(report.budget, key) if report.budget else None

    return Column(name, header, value, decimals, more_is_better)


def _metric(key: str) -> Column:
    def value(report: Report) -> float | None:
        return report.metrics[key].value if key in report.metrics else None

    return Column(key, key.rpartition("/")[2], value, 3)


COLUMNS = (
    _score("em", Score.EM),
    _score("f1", Score.F1),
    _score("has_em", Score.EM, "HasAns"),
    _score("has_f1", Score.F1, "HasAns"),
    _score("no_em", Score.EM, "NoAns"),
    _test("test_em", Score.EM),
    _test("test_f1", Score.F1),
    _best("best_em", Score.EM),
    _best("best_f1", Score.F1),
    _cost("train_s", "train s", "train_seconds", 0),
    _cost("predict_s", "predict s", "predict_seconds", 1),
    _cost("tokens_s", "tokens/s", "tokens_per_second", 0, more_is_better=True),
    _cost("parameters", "head parameters", "head_parameters", 0),
)
DEFAULT_COLUMNS = (
    *("em", "f1", "has_em", "has_f1", "no_em"),
    *("test_em", "test_f1", "best_em", "train_s"),
)


def columns(names: Sequence[str], metrics: Iterable[str] = ()) -> tuple[Column, ...]:
    """The columns of those names.

    Args:
        names: as ``--columns`` takes them.
        metrics: keys of plugins' metrics, which are columns too.

    Raises:
        ReportError: a name is unknown.
    """
    known = {column.name: column for column in (*COLUMNS, *map(_metric, metrics))}
    for name in names:
        if name not in known:
            raise ReportError(
                f"There is no column {name!r}; there are {', '.join(known)} (--columns em,f1)."
            )
    return tuple(known[name] for name in names)
