"""Comparisons in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qabench.base.numbers import MINUS, interval, p_phrase, unsigned
from qabench.comparison.differences import Differences, Measured
from qabench.comparison.measures import Measure
from qabench.comparison.paired import Comparison, Outcome

# More sentences than this are not read; the JSON has all comparisons.
MOST_SENTENCES = 10


def verdict(comparison: Comparison, unit: str) -> str:
    """One sentence, without its full stop.

    Args:
        comparison: of fractions; the words have points, 0 to 100.
        unit: such as ``EM``.
    """
    one = comparison.mirrored() if comparison.outcome is Outcome.WORSE else comparison
    if one.outcome is Outcome.IDENTICAL:
        return f"{one.a} and {one.b} have the same {unit} on every question"
    a, b = _names(one)
    spread = interval(100 * one.interval[0], 100 * one.interval[1])
    where = f" on {one.sample.fixed}" if one.sample.fixed else ""
    if one.outcome is Outcome.BETTER:
        by = unsigned(100 * one.difference)
        verb = "are" if a.startswith("these") else "is"
        p = p_phrase(one.adjusted_p_value)
        return f"{a} {verb} better than {b}{where} by {by} {unit} ({spread}, {p})"
    if one.outcome is Outcome.EQUAL:
        return f"{a} and {b} are equal{where} within {100 * one.margin:g} {unit} ({spread})"
    p = p_phrase(one.adjusted_p_value)
    return f"undecided between {a} and {b}{where}: {spread} {unit}, {p}{_needed(one)}"


def _names(one: Comparison) -> tuple[str, str]:
    if one.about == "heads":
        return one.a, one.b
    return _runs(one.a, one.seeds_a), _runs(one.b, one.seeds_b)


def _runs(name: str, seeds: int) -> str:
    return f"this run of {name}" if seeds == 1 else f"these {seeds} runs of {name}"


def _needed(one: Comparison) -> str:
    found = []
    if one.needed_seeds is not None:
        found.append(f"{one.needed_seeds} seeds each")
    if one.needed_questions is not None:
        found.append(f"{one.needed_questions:,} questions")
    return f"; about {' or '.join(found)} would likely decide it" if found else ""


def sentences(measured: Measured) -> Iterator[str]:
    """A sentence for each comparison; of many, those of the best system come first and are kept."""
    every = measured.comparisons
    shown = every[:MOST_SENTENCES]
    for one in shown:
        yield f"{measured.measure.label}: {verdict(one, measured.measure.unit)}."
    if len(every) > len(shown):
        decided = sum(one.decided for one in every)
        yield (
            f"{measured.measure.label}: {len(every) - len(shown)} more pairs, {decided} of "
            f"{len(every)} decided; --format json has all of them, --baseline those of one system."
        )


def conclusions(found: Differences) -> tuple[str, ...]:
    """What a contest's differences show: sentences on final answers, then what to know of them."""
    if found.problem:
        return (f"! not compared: {found.problem}",)
    final = [one for one in found.measured if one.measure.asked == "final answers"]
    lines = [line for one in final for line in sentences(one)]
    return (*lines, *dict.fromkeys(f"  {note}." for note in _notes(final)))


def _notes(final: Sequence[Measured]) -> Iterator[str]:
    every = [one for measured in final for one in measured.comparisons]
    if not every:
        return
    yield _about_intervals(every[0])
    for measured in final:
        if limit := detectable(measured):
            yield limit
    if any(one.about == "runs" for one in every):
        yield (
            "a verdict about runs holds for these trained models only; heads need at least 2 seeds "
            "each, better 3"
        )
    if any(one.about == "heads" and one.seeds_a != one.seeds_b for one in every):
        yield (
            "with unequal numbers of seeds an interval is too narrow where the head of fewer seeds "
            "varies over seeds much more; run the same seeds"
        )
    fixed = dict.fromkeys(one.sample.fixed for one in every if one.sample.fixed)
    for what in fixed:
        yield f"with so few of them, results are of {what} only, and others may give another"


def _about_intervals(one: Comparison) -> str:
    sample = one.sample
    of = f"{sample.units:,} {sample.kind}"
    if one.family == 1:
        return f"{_confidence(one)} interval over {of} and all seeds"
    return (
        f"{_confidence(one)} intervals over {of} and all seeds, and p-values, hold together for "
        f"{one.family} pairs ({one.correction})"
    )


def _confidence(one: Comparison) -> str:
    return f"{100 * (1 - one.alpha):g} %"


def detectable(measured: Measured) -> str | None:
    """What differences the sample could show, in words; ``None`` where that is unknown."""
    found = [one.detectable for one in measured.comparisons if one.detectable is not None]
    if not found:
        return None
    low, high = (unsigned(100 * end) for end in (min(found), max(found)))
    span = low if low == high else f"{low} to {high}"
    unit = measured.measure.unit
    return f"the smallest difference that such a sample would likely show is {span} {unit}"


def mark(comparison: Comparison) -> str:
    """A comparison in a cell: its interval, and a word for what it shows of the first system."""
    if comparison.outcome is Outcome.IDENTICAL:
        return "same"
    spread = interval(100 * comparison.interval[0], 100 * comparison.interval[1])
    words = {Outcome.BETTER: " better", Outcome.WORSE: " worse", Outcome.EQUAL: " equal"}
    return spread + words.get(comparison.outcome, "")


WORDS = "better, worse: the first system; equal: within the margin; no word: undecided"


def located(found: Differences) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Headers and rows of a table that shows where each difference lies: a row for each pair.

    Empty without questions that abstaining could be told apart on.
    """
    if not any(one.measure.abstaining for one in found.measured):
        return (), ()
    measures: list[Measure] = [one.measure for one in found.measured]
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for measured in found.measured:
        for one in measured.comparisons:
            cells.setdefault((one.a, one.b), {})[measured.measure.key] = mark(one)
    headers = ("difference of", *(one.label for one in measures))
    rows = tuple(
        (f"{a} {MINUS} {b}", *(row.get(one.key, "–") for one in measures))
        for (a, b), row in cells.items()
    )
    return headers, rows[:MOST_SENTENCES]
