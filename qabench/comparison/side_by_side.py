"""Two systems side by side: differences, kinds of error, slices, flipped questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qabench.base.arrays import Bools
from qabench.comparison.contests import System
from qabench.comparison.differences import Differences, compare_two
from qabench.comparison.mcnemar import McNemar, mcnemar_by_seed
from qabench.comparison.measures import FINAL
from qabench.comparison.paired import MARGIN, Comparison, SystemScores, compare_all
from qabench.comparison.plugin_slices import every_slice
from qabench.comparison.slices import Slice
from qabench.comparison.units import units_of
from qabench.data.examples import QAExample
from qabench.scoring.losses import Fault, faults
from qabench.scoring.scores import Score


@dataclass(frozen=True, slots=True)
class Difference:
    """One score of both systems, in percent, and how far apart they are.

    Attributes:
        name: the score, or the slice.
        questions: how many.
        a, b: means over seeds and questions, in percent.
        comparison: of the two, as fractions of 1.
    """

    name: str
    questions: int
    a: float
    b: float
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Flip:
    """A question that one system answers right more often than the other.

    Attributes:
        example: the question.
        a, b: share of the seeds with an exact match, 0 to 1.
        answer_a, answer_b: the answer of each system's first seed, "" for none.
    """

    example: QAExample
    a: float
    b: float
    answer_a: str
    answer_b: str


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Everything that tells two systems apart.

    Attributes:
        a, b: the systems.
        equal_budgets: whether both were trained on the same, known budget.
        differences: on every measure.
        overall: EM and F1 of all questions, and of those with and without answer.
        by_seed: McNemar's test of the two runs of each seed that both have, rising.
        faults: share of questions with each kind of error, in percent, of a and of b.
        losses: points of EM that each owner lost, of a and of b.
        ceilings: the best EM still possible at each step, of a and of b; empty where unknown.
        by_slice: EM of the slices, the clearest difference first.
        flips: questions on which they differ, the biggest difference first.
    """

    a: System
    b: System
    equal_budgets: bool
    differences: Differences
    overall: tuple[Difference, ...]
    by_seed: tuple[tuple[int, McNemar], ...]
    faults: tuple[tuple[str, float, float], ...]
    losses: tuple[tuple[str, float, float], ...]
    ceilings: tuple[tuple[str, float, float], ...]
    by_slice: tuple[Difference, ...]
    flips: tuple[Flip, ...]


def side_by_side(a: System, b: System, margin: float = 100 * MARGIN) -> SideBySide:
    """Compare two systems of one contest.

    Args:
        a: one system.
        b: the other.
        margin: how far apart systems may be that are called equal, in points.

    Raises:
        ReportError: results by question are missing.
    """
    found = a.records[0].outcomes
    kinds = every_slice(found.examples, found.windows)
    sides = {score: _Sides.of(a, b, score, margin / 100) for score in Score}
    return SideBySide(
        a=a,
        b=b,
        equal_budgets=a.budget is not None and a.budget == b.budget,
        differences=compare_two(a, b, margin),
        overall=tuple(_overall(sides, kinds)),
        by_seed=tuple(mcnemar_by_seed(a, b).items()),
        faults=tuple(_faults(a, b)),
        losses=_means(a, b, "losses"),
        ceilings=_means(a, b, "ceilings"),
        by_slice=tuple(sorted(_by_slice(sides[Score.EM], kinds), key=_clearness, reverse=True)),
        flips=tuple(_flips(a, b)),
    )


@dataclass(frozen=True, slots=True)
class _Sides:
    """Both systems' final scores on all questions."""

    a: SystemScores
    b: SystemScores
    examples: Sequence[QAExample]
    margin: float

    @classmethod
    def of(cls, a: System, b: System, score: Score, margin: float) -> _Sides:
        examples = a.records[0].outcomes.examples
        return cls(FINAL[score].of(a), FINAL[score].of(b), examples, margin)

    def on(self, name: str, mask: Bools) -> Difference:
        """The difference on the questions where the (N,) mask is true."""
        left, right = self.a.only(mask), self.b.only(mask)
        units = units_of([self.examples[place] for place in np.flatnonzero(mask).tolist()])
        (comparison,) = compare_all([left, right], units, margin=self.margin)
        mean_a, mean_b = (100 * float(one.scores.mean()) for one in (left, right))
        return Difference(name, int(mask.sum()), mean_a, mean_b, comparison)


def _overall(sides: dict[Score, _Sides], kinds: Sequence[Slice]) -> Iterator[Difference]:
    masks = {"": np.ones(len(kinds[0].mask), np.bool_)}
    masks |= {f"{one.name} ": one.mask for one in kinds if one.group == _HALVES}
    for prefix, mask in masks.items():
        for score, of_score in sides.items():
            yield of_score.on(f"{prefix}{score.label}", mask)


def _by_slice(sides: _Sides, kinds: Sequence[Slice]) -> Iterator[Difference]:
    for one in kinds:
        # A slice of all questions says nothing new.
        if one.group != _HALVES and not one.mask.all():
            yield sides.on(f"{one.group}: {one.name}", one.mask)


_HALVES = "answerability"


def _clearness(one: Difference) -> float:
    """The difference in standard errors: a few questions that happen to differ are not clear."""
    error = one.comparison.standard_error
    return abs(one.comparison.difference) / error if error else 0.0


def _faults(a: System, b: System) -> Iterator[tuple[str, float, float]]:
    left, right = (
        [faults(one.outcomes, one.null_threshold) for one in side.records] for side in (a, b)
    )
    for fault in Fault:
        of_a, of_b = (100 * float(np.mean([one[fault] for one in side])) for side in (left, right))
        yield str(fault), of_a, of_b


def _means(a: System, b: System, name: str) -> tuple[tuple[str, float, float], ...]:
    """A family of the reports' scores, mean over seeds; empty where a run lacks it."""
    sides = [[getattr(one.report.scores, name) for one in side.records] for side in (a, b)]
    if any(one is None for side in sides for one in side):
        return ()
    return tuple(
        (key, *(float(np.mean([one[key] for one in side])) for side in sides))
        for key in sides[0][0]
    )


def _flips(a: System, b: System) -> Iterator[Flip]:
    left, right = (side.final(Score.EM).mean(axis=0) for side in (a, b))
    difference = np.abs(left - right)
    order = np.argsort(-difference, kind="stable")
    answers_a, answers_b = (side.records[0].final_answers for side in (a, b))
    examples = a.records[0].outcomes.examples
    for i in order[difference[order] > 0].tolist():
        yield Flip(examples[i], float(left[i]), float(right[i]), answers_a[i], answers_b[i])
