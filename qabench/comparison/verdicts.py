"""A comparison of two systems in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from qabench.comparison.contests import Contest, System
from qabench.comparison.side_by_side import all_against, all_pairs
from qabench.comparison.statistics import Comparison
from qabench.scoring.scores import Score

Outcome = Literal["better", "worse", "no evidence", "identical", "too few"]
FEW_ARTICLES = 30


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison shows.

    Attributes:
        outcome: of the first system against the second; ``no evidence`` is not ``the same``.
        text: one sentence.
        notes: what a reader must know besides, a sentence each.
    """

    outcome: Outcome
    text: str
    notes: tuple[str, ...]


def verdict(comparison: Comparison, metric: str) -> Verdict:
    """Put a comparison into words.

    Args:
        comparison: of fractions; the words have points, 0 to 100.
        metric: such as ``EM``.
    """
    outcome = _outcome(comparison)
    return Verdict(outcome, _text(comparison, outcome, metric), tuple(_notes(comparison)))


def detectable(comparisons: Sequence[Comparison], metric: str) -> str | None:
    """What differences the sample could show, in words; ``None`` where nothing varies."""
    found = [one.smallest_detectable for one in comparisons if one.smallest_detectable is not None]
    if not found:
        return None
    low, high = (f"{100 * end:.1f}" for end in (min(found), max(found)))
    span = low if low == high else f"{low} to {high}"
    return f"the smallest difference that such a sample would likely show is {span} {metric}"


def _outcome(comparison: Comparison) -> Outcome:
    if comparison.identical:
        return "identical"
    if comparison.significant:
        return "better" if comparison.difference > 0 else "worse"
    return "no evidence" if comparison.testable else "too few"


def _text(comparison: Comparison, outcome: Outcome, metric: str) -> str:
    a, b = comparison.a, comparison.b
    low, high = (_signed(100 * end) for end in comparison.interval)
    interval = f"{100 * (1 - comparison.alpha):g} % interval {low} … {high}"
    if outcome == "identical":
        return f"{a} and {b} have the same {metric} on every question"
    if outcome == "no evidence":
        return (
            f"no evidence of a difference between {a} and {b}: {interval} {metric}, "
            f"{_p_value(comparison)}"
        )
    if outcome == "too few":
        unit = "questions" if comparison.units == comparison.questions else "articles"
        return (
            f"too few differences to compare {a} and {b}: their {metric} differs on "
            f"{comparison.differing} of {comparison.units} {unit}"
        )
    if outcome == "worse":
        return _text(comparison.mirrored(), "better", metric)
    return (
        f"{a} is better than {b} by {100 * comparison.difference:.1f} {metric} "
        f"({interval}, {_p_value(comparison)})"
    )


def _notes(comparison: Comparison) -> list[str]:
    notes = []
    runs = ((comparison.a, comparison.seeds_a), (comparison.b, comparison.seeds_b))
    single = [name for name, seeds in runs if seeds == 1]
    if single:
        notes.append(
            f"{' and '.join(single)}: one seed, so that variation over seeds is not measured; "
            f"another seed may give another verdict"
        )
    if comparison.units < comparison.questions and comparison.units < FEW_ARTICLES:
        notes.append(f"only {comparison.units} articles: the interval is likely too narrow")
    return notes


def _signed(points: float) -> str:
    """One decimal with its sign; a rounded 0 has none."""
    text = f"{points:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def _p_value(comparison: Comparison) -> str:
    p = comparison.adjusted_p_value
    text = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    if comparison.pairs == 1:
        return text
    return f"{text} after Holm over {comparison.pairs} pairs"


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
        for score in Score:
            pairs = _pairs(systems, score, against)
            for pair in pairs:
                words = verdict(pair, score.label)
                lines.append(f"{score.label}: {words.text}.")
                notes |= dict.fromkeys(f"  {note}." for note in words.notes)
            if limit := detectable(pairs, score.label):
                notes[f"  {limit}."] = None
    return (*lines, *notes)


def _pairs(
    systems: Sequence[System], score: Score, baseline: System | None
) -> tuple[Comparison, ...]:
    if baseline is None:
        return all_pairs(systems, score)
    others = [one for one in systems if one is not baseline]
    return all_against(baseline, others, score)
