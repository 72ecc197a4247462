"""What a leaderboard's differences amount to, in words."""

from __future__ import annotations

from collections.abc import Sequence

from qabench.comparison import all_against, all_pairs
from qabench.contests import Contest, Score, System
from qabench.statistics import Comparison
from qabench.verdicts import detectable, verdict

_METRICS: dict[str, Score] = {"EM": "exact", "F1": "f1"}


def conclusions(
    contest: Contest, *, unequal_budgets: bool = False, baseline: str | None = None
) -> tuple[str, ...]:
    """One sentence for each pair of systems and metric, and what a reader must know of them.

    Args:
        contest: systems on the same questions.
        unequal_budgets: compare systems of different budgets, too.
        baseline: label or plugin name of the one system to compare with, if the contest has it;
            ``None``: compare all pairs.

    Raises:
        ReportError: results by question are missing, or several systems have the baseline's name.
    """
    against = None if baseline is None else contest.find(baseline)
    if baseline is not None and against is None:
        return ()
    classes = (contest.systems,) if unequal_budgets else contest.budgets
    lines: list[str] = []
    notes: dict[str, None] = {}
    for systems in classes:
        if len(systems) < 2 or (against and against not in systems):
            continue
        for metric in _METRICS:
            pairs = _pairs(systems, metric, against)
            for pair in pairs:
                words = verdict(pair, metric)
                lines.append(f"{metric}: {words.text}.")
                notes |= dict.fromkeys(f"  {note}." for note in words.notes)
            if limit := detectable(pairs, metric):
                notes[f"  {limit}."] = None
    return (*lines, *notes)


def _pairs(
    systems: Sequence[System], metric: str, baseline: System | None
) -> tuple[Comparison, ...]:
    score = _METRICS[metric]
    if baseline is None:
        return all_pairs(systems, score)
    others = [one for one in systems if one is not baseline]
    return all_against(baseline, others, score)
