"""Every comparison of a contest's systems, made once for tables, figures and page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from qabench.comparison.contests import Contest, System
from qabench.comparison.measures import MEASURES, Measure
from qabench.comparison.paired import MARGIN, Comparison, compare_all, compare_with
from qabench.comparison.units import Units, units_of
from qabench.data.examples import QAExample
from qabench.errors import ReportError


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a contest's systems.

    Attributes:
        unequal_budgets: compare systems of different budgets, too.
        baseline: label or plugin name of the one system to compare with, if the contest has it;
            ``None``: compare all pairs.
        margin: how far apart systems may be that are called equal, in points.
    """

    unequal_budgets: bool = False
    baseline: str | None = None
    margin: float = 100 * MARGIN


@dataclass(frozen=True, slots=True)
class Measured:
    """The comparisons on one measure; those of systems on equal budgets are one family."""

    measure: Measure
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """What a contest's systems are compared on.

    Attributes:
        measured: in the order of ``MEASURES``; those that do not fit the systems are left out.
        problem: why nothing could be compared; empty where it could.
    """

    measured: tuple[Measured, ...] = ()
    problem: str = ""

    def on(self, measure: Measure) -> tuple[Comparison, ...]:
        """The comparisons on a measure."""
        return next((one.comparisons for one in self.measured if one.measure is measure), ())


def differences(contest: Contest, question: Question) -> Differences:
    """Compare a contest's systems on every measure.

    A contest whose results by question are missing has a problem in place of comparisons: its
    table is shown all the same.

    Raises:
        ReportError: several systems have the baseline's name.
    """
    baseline = None if question.baseline is None else contest.find(question.baseline)
    if question.baseline is not None and baseline is None:
        return Differences()
    classes = (contest.systems,) if question.unequal_budgets else contest.budgets
    asked = [one for one in classes if len(one) > 1 and (baseline is None or baseline in one)]
    try:
        found = [
            Measured(measure, _compared(measure, asked, baseline, question.margin / 100))
            for measure in MEASURES
        ]
    except ReportError as error:
        return Differences(problem=str(error))
    return Differences(tuple(one for one in found if one.comparisons))


def compare_two(a: System, b: System, margin: float) -> Differences:
    """Compare two systems on every measure that fits both.

    Args:
        a: one system.
        b: the other.
        margin: how far apart systems may be that are called equal, in points.

    Raises:
        ReportError: results by question are missing.
    """
    found = [
        Measured(measure, _compared(measure, [(a, b)], None, margin / 100)) for measure in MEASURES
    ]
    return Differences(tuple(one for one in found if one.comparisons))


def _compared(
    measure: Measure, classes: Sequence[Sequence[System]], baseline: System | None, margin: float
) -> tuple[Comparison, ...]:
    found: list[Comparison] = []
    for systems in classes:
        fitting = [one for one in systems if measure.fits(one)]
        if len(fitting) < 2 or (baseline is not None and baseline not in fitting):
            continue
        units = units_for(measure, fitting[0])
        if baseline is None:
            found += compare_all([measure.of(one) for one in fitting], units, margin=margin)
        else:
            others = [measure.of(one) for one in fitting if one is not baseline]
            found += compare_with(measure.of(baseline), others, units, margin=margin)
    return tuple(found)


def units_for(measure: Measure, system: System) -> Units:
    """The units of the questions that count."""
    outcomes = system.records[0].outcomes
    counted = measure.mask(outcomes)
    return _units(outcomes.examples, counted.tobytes())


# Several measures count the same questions, and articles are counted in Python.
@lru_cache(maxsize=4)
def _units(examples: tuple[QAExample, ...], counted: bytes) -> Units:
    return units_of([one for one, is_in in zip(examples, counted, strict=True) if is_in])
