"""What a reader must know about the runs of a contest, a line each."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from qabench.base.numbers import percent
from qabench.base.terminal import safe
from qabench.comparison.contests import Contest, System
from qabench.reports.report import ReportScores
from qabench.scoring.records import Record
from qabench.scoring.scores import NULL_THRESHOLD, Score

UNEQUAL, UNKNOWN, BEST_EPOCH = "≠", "?", "‡"
_BUDGET = "epochs, kept epoch, training questions, windows or encoder weights"


def notes(contest: Contest, unequal_budgets: bool) -> Iterator[str]:
    """Unequal budgets, warnings, diverged seeds, copies, runs left out, what the benchmark says.

    Args:
        contest: systems on the same questions.
        unequal_budgets: whether systems of different budgets are ranked against each other.
    """
    yield from _budgets(contest, unequal_budgets)
    yield from _best_epochs(contest)
    yield from _thresholds(contest)
    every = [(system, record) for system in contest.systems for record in system.records]
    yield from sorted({line for one in every for line in (*_warnings(*one), *_divergence(*one))})
    yield from _copies(contest)
    yield from (one.note for one in contest.unfinished)
    yield from (one.note for one in contest.unread)
    yield from sorted({safe(one.report.settings.get("note", "")) for _, one in every} - {""})


def budget_mark(system: System, place: int, unequal_budgets: bool) -> str:
    """The mark of a row whose budget is not that of the first rows, or unknown.

    Args:
        system: of the row.
        place: of its class of equal budgets, 0 for the first.
        unequal_budgets: whether systems of different budgets are ranked against each other.
    """
    if unequal_budgets:
        return ""
    if system.budget is None:
        return UNKNOWN
    return UNEQUAL if place > 0 else ""


def _budgets(contest: Contest, unequal_budgets: bool) -> Iterator[str]:
    if len(contest.budgets) == 1:
        return
    if unequal_budgets:
        yield f"! ranked although {_BUDGET} are not equal, or unknown"
        return
    anyway = "(--allow-unequal-budgets ranks them anyway)"
    known = [systems for systems in contest.budgets if systems[0].budget is not None]
    if len(known) > 1:
        yield (
            f"{UNEQUAL} trained on another budget ({_BUDGET}) than the first rows, so not ranked "
            f"against them {anyway}"
        )
    if len(known) < len(contest.budgets):
        yield f"{UNKNOWN} of unknown budget ({_BUDGET}), so ranked against no other {anyway}"


def _best_epochs(contest: Contest) -> Iterator[str]:
    if any(system.keeps_best_epoch for system in contest.systems):
        yield (
            f"{BEST_EPOCH} of the epoch that was best on the tune half: EM and F1, which count "
            f"that half too, are optimistic; test EM is not"
        )


def _thresholds(contest: Contest) -> Iterator[str]:
    """Null thresholds that are not the default, and of which systems where they differ."""
    of = {one.label: one.first.scores.null_threshold for one in contest.systems if _abstains(one)}
    different = sorted(set(of.values()))
    if len(different) > 1:
        named = ", ".join(f"{label} {threshold:g}" for label, threshold in of.items())
        yield f"! null thresholds differ, and so does when a system abstains: {safe(named)}"
    elif different and different[0] != NULL_THRESHOLD:
        yield f"EM and F1 at null threshold {different[0]:g} (the default is {NULL_THRESHOLD:g})"


def _abstains(system: System) -> bool:
    """Whether the null threshold means anything to it."""
    return system.first.scores.tuned is not None or "best_exact" in system.first.scores.official


def _warnings(system: System, record: Record) -> Iterator[str]:
    for warning in record.report.warnings:
        yield f"! {system.label} seed {record.seed}: {safe(warning)}"


def _copies(contest: Contest) -> Iterator[str]:
    """Runs of several seeds or heads that are one training."""
    every = [(system.label, record) for system in contest.systems for record in system.records]
    for place, (label, record) in enumerate(every):
        for other, earlier in every[:place]:
            if record.report.is_training_of(earlier.report):
                yield (
                    f"! {label} seed {record.seed} and {other} seed {earlier.seed} are one "
                    f"training: the same weights or losses, so one of them is a copy"
                )
                break


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
