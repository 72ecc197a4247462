"""What a reader must know about the runs of a contest, a line each."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from qabench.base.numbers import percent
from qabench.base.terminal import safe
from qabench.comparison.contests import Contest, System
from qabench.reports.report import ReportScores
from qabench.scoring.records import Record
from qabench.scoring.scores import Score

UNEQUAL = "≠"


def notes(contest: Contest, unequal_budgets: bool) -> Iterator[str]:
    """Unequal budgets, warnings, diverged seeds, unfinished runs, what the benchmark says.

    Args:
        contest: systems on the same questions.
        unequal_budgets: whether systems of different budgets are ranked against each other.
    """
    yield from _budgets(contest, unequal_budgets)
    every = [(system, record) for system in contest.systems for record in system.records]
    yield from sorted({line for one in every for line in (*_warnings(*one), *_divergence(*one))})
    yield from (one.note for one in contest.unfinished)
    yield from sorted({safe(one.report.settings.get("note", "")) for _, one in every} - {""})


def _budgets(contest: Contest, unequal_budgets: bool) -> Iterator[str]:
    if len(contest.budgets) == 1:
        return
    what = "epochs, training questions, windows or encoder weights"
    if unequal_budgets:
        yield f"! ranked although {what} are not equal"
    else:
        yield (
            f"{UNEQUAL} trained on another budget ({what}) than the first rows, so not ranked "
            f"against them (--allow-unequal-budgets ranks them anyway)"
        )


def _warnings(system: System, record: Record) -> Iterator[str]:
    for warning in record.report.warnings:
        yield f"! {system.label} seed {record.seed}: {safe(warning)}"


def _divergence(system: System, record: Record) -> Iterator[str]:
    exact = _exact(record.report.scores)
    others = [_exact(one.report.scores) for one in system.records if one is not record]
    if others and exact <= _line(record.report.scores) < statistics.median(others):
        mean = statistics.fmean(others)
        yield (
            f"! {system.label} seed {record.seed}: diverged, EM {percent(exact)} where the other "
            f"seeds have {percent(mean)}"
        )


def _exact(scores: ReportScores) -> float:
    return scores.official[Score.EM]


def _line(scores: ReportScores) -> float:
    """The best EM of the lines that need no head."""
    return max(scores.always_null[Score.EM], scores.random_span[Score.EM])
