"""Two systems side by side: differences, kinds of error, slices, flipped questions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from qabench.base.arrays import Bools, Doubles
from qabench.comparison.contests import System
from qabench.comparison.mcnemar import McNemar, mcnemar_by_seed
from qabench.comparison.plugin_slices import every_slice
from qabench.comparison.resampling import sampling_variance, seed_variance
from qabench.comparison.slices import Slice
from qabench.comparison.statistics import Comparison, SystemScores, compare, compare_all, holm
from qabench.data.examples import QAExample
from qabench.data.halves import article_codes
from qabench.scoring.losses import Fault, faults
from qabench.scoring.scores import Score


def scores_of(system: System, score: Score) -> SystemScores:
    """A system's final scores by seed and question."""
    return SystemScores(system.label, system.final(score), system.seeds)


def all_pairs(systems: Sequence[System], score: Score) -> tuple[Comparison, ...]:
    """Every pair of a contest's systems, with Holm's correction over all pairs.

    Raises:
        ReportError: results by question are missing.
    """
    articles = articles_of(systems[0].records[0].outcomes.examples)
    return compare_all([scores_of(one, score) for one in systems], articles=articles)


def all_against(
    baseline: System, systems: Sequence[System], score: Score
) -> tuple[Comparison, ...]:
    """Every system against a baseline, with Holm's correction over only these pairs.

    Raises:
        ReportError: results by question are missing.
    """
    articles = articles_of(baseline.records[0].outcomes.examples)
    other = scores_of(baseline, score)
    found = [compare(scores_of(one, score), other, articles=articles) for one in systems]
    adjusted = holm([one.p_value for one in found])
    return tuple(
        replace(one, pairs=len(found), adjusted_p_value=p)
        for one, p in zip(found, adjusted, strict=True)
    )


def mean_interval(system: System, score: Score) -> tuple[float, float]:
    """95 % interval of a system's mean over such questions (or articles) and seeds, 0 to 1."""
    scores = scores_of(system, score).by_seed()
    articles = articles_of(system.records[0].outcomes.examples)
    units = np.arange(scores.shape[1]) if articles is None else article_codes(articles)
    by_question: Doubles = scores.mean(axis=0)
    variance = sampling_variance(by_question, units) + seed_variance(scores, units)
    mean, half = float(by_question.mean()), NormalDist().inv_cdf(0.975) * math.sqrt(variance)
    return max(0.0, mean - half), min(1.0, mean + half)


def articles_of(examples: Sequence[QAExample]) -> list[str] | None:
    """(N,) the article of each question, to resample whole ones; ``None``: they are too few."""
    titles = [one.title for one in examples]
    return titles if len(set(titles)) >= _ENOUGH_ARTICLES else None


# With fewer articles their resampled intervals are too narrow.
_ENOUGH_ARTICLES = 30


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
    overall: tuple[Difference, ...]
    by_seed: tuple[tuple[int, McNemar], ...]
    faults: tuple[tuple[str, float, float], ...]
    losses: tuple[tuple[str, float, float], ...]
    ceilings: tuple[tuple[str, float, float], ...]
    by_slice: tuple[Difference, ...]
    flips: tuple[Flip, ...]


def side_by_side(a: System, b: System) -> SideBySide:
    """Compare two systems of one contest.

    Raises:
        ReportError: results by question are missing.
    """
    found = a.records[0].outcomes
    kinds = every_slice(found.examples, found.windows)
    return SideBySide(
        a=a,
        b=b,
        equal_budgets=a.budget is not None and a.budget == b.budget,
        overall=tuple(_overall(a, b, kinds)),
        by_seed=tuple(mcnemar_by_seed(a, b).items()),
        faults=tuple(_faults(a, b)),
        losses=_means(a, b, "losses"),
        ceilings=_means(a, b, "ceilings"),
        by_slice=tuple(sorted(_by_slice(a, b, kinds), key=_clearness, reverse=True)),
        flips=tuple(_flips(a, b)),
    )


def _overall(a: System, b: System, kinds: Sequence[Slice]) -> Iterator[Difference]:
    masks = {"": np.ones(len(kinds[0].mask), np.bool_)}
    masks |= {f"{one.name} ": one.mask for one in kinds if one.group == _HALVES}
    for prefix, mask in masks.items():
        for score in Score:
            yield _difference(f"{prefix}{score.label}", a, b, score, mask)


def _by_slice(a: System, b: System, kinds: Sequence[Slice]) -> Iterator[Difference]:
    for one in kinds:
        # A slice of all questions says nothing new.
        if one.group != _HALVES and not one.mask.all():
            yield _difference(f"{one.group}: {one.name}", a, b, Score.EM, one.mask)


_HALVES = "answerability"


def _difference(name: str, a: System, b: System, score: Score, mask: Bools) -> Difference:
    left, right = (scores_of(one, score).only(mask) for one in (a, b))
    examples = a.records[0].outcomes.examples
    articles = articles_of([one for one, chosen in zip(examples, mask, strict=True) if chosen])
    return Difference(
        name=name,
        questions=int(mask.sum()),
        a=100 * float(left.scores.mean()),
        b=100 * float(right.scores.mean()),
        comparison=compare(left, right, articles=articles),
    )


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
