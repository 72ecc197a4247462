"""Two systems side by side: differences, kinds of error, slices, flipped questions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from qabench.comparison.contests import System
from qabench.comparison.plugin_slices import every_slice
from qabench.comparison.resampling import sampling_variance, seed_variance
from qabench.comparison.statistics import (
    Comparison,
    McNemar,
    SystemScores,
    compare,
    compare_all,
    holm,
    mcnemar,
)
from qabench.data.examples import QAExample
from qabench.data.halves import article_codes
from qabench.scoring.losses import faults
from qabench.scoring.records import Score

Floats = NDArray[np.float64]


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
    """Every system against a baseline, with Holm's correction over these pairs alone.

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
    by_question: Floats = scores.mean(axis=0)
    variance = sampling_variance(by_question, units) + seed_variance(scores, units)
    mean, half = float(by_question.mean()), NormalDist().inv_cdf(0.975) * math.sqrt(variance)
    return max(0.0, mean - half), min(1.0, mean + half)


def articles_of(examples: Sequence[QAExample]) -> list[str] | None:
    """(N,) the article of each question, to be resampled whole; ``None``: too few for that."""
    titles = [one.title for one in examples]
    return titles if len(set(titles)) >= _ENOUGH_ARTICLES else None


# With fewer the intervals of resampled articles come out too narrow.
_ENOUGH_ARTICLES = 30


@dataclass(frozen=True, slots=True)
class Difference:
    """One score of both systems, in percent, and how far apart they are.

    Attributes:
        name: the score, or the slice that it is on.
        questions: how many there are.
        a, b: means over seeds and questions.
        comparison: of the two, 0 to 1.
    """

    name: str
    questions: int
    a: float
    b: float
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Flip:
    """A question that the systems answer with different success.

    Attributes:
        example: the question.
        a, b: share of the seeds that are an exact match.
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
        equal_budgets: whether they were trained alike.
        overall: EM and F1 of all questions, and of those with and without answer.
        by_seed: McNemar's test of the two runs of each seed that both have.
        faults: share of questions with each kind of error, in percent, of a and of b.
        losses: points of EM that each owner lost, of a and of b.
        ceilings: the best EM still possible at each step, of a and of b; empty where unknown.
        by_slice: EM of the slices, the clearest difference first.
        flips: questions on which they differ, the largest difference first.
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
    exact = (a.final("exact"), b.final("exact"))
    kinds = every_slice(found.examples, found.windows)
    halves = {one.name: one.mask for one in kinds if one.group == "answerability"}
    everything = np.ones(len(found), np.bool_)
    masks = {"": everything, **{f"{name} ": mask for name, mask in halves.items()}}
    headers: dict[str, Score] = {"EM": "exact", "F1": "f1"}
    overall = [
        _difference(f"{prefix}{header}", a, b, score, mask)
        for prefix, mask in masks.items()
        for header, score in headers.items()
    ]
    by_slice = [
        _difference(f"{one.group}: {one.name}", a, b, "exact", one.mask)
        for one in kinds
        if one.group != "answerability" and not one.mask.all()
    ]
    return SideBySide(
        a=a,
        b=b,
        equal_budgets=a.budget is not None and a.budget == b.budget,
        overall=tuple(overall),
        by_seed=tuple(_by_seed(a, b)),
        faults=tuple(_faults(a, b)),
        losses=_means(a, b, "losses"),
        ceilings=_means(a, b, "ceilings"),
        by_slice=tuple(sorted(by_slice, key=_clearness, reverse=True)),
        flips=tuple(_flips(a, b, *exact)),
    )


def _difference(
    name: str, a: System, b: System, score: Score, mask: NDArray[np.bool_]
) -> Difference:
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


def _by_seed(a: System, b: System) -> list[tuple[int, McNemar]]:
    left = dict(zip(a.seeds, a.final("exact"), strict=True))
    right = dict(zip(b.seeds, b.final("exact"), strict=True))
    return [(seed, mcnemar(left[seed], right[seed])) for seed in left if seed in right]


def _faults(a: System, b: System) -> list[tuple[str, float, float]]:
    shares = []
    for system in (a, b):
        of_seeds = [
            faults(one.outcomes, one.report.scores.null_threshold) for one in system.records
        ]
        shares.append(
            {
                fault: 100 * float(np.mean([one[fault].mean() for one in of_seeds]))
                for fault in of_seeds[0]
            }
        )
    return [(str(fault), shares[0][fault], shares[1][fault]) for fault in shares[0]]


def _means(a: System, b: System, name: str) -> tuple[tuple[str, float, float], ...]:
    """Entries of a part of the reports' scores, mean over seeds; none where a run lacks it."""
    sides = [[getattr(one.report.scores, name) for one in side.records] for side in (a, b)]
    if any(one is None for side in sides for one in side):
        return ()
    return tuple(
        (key, *(float(np.mean([one[key] for one in side])) for side in sides))
        for key in sides[0][0]
    )


def _flips(a: System, b: System, exact_a: Floats, exact_b: Floats) -> list[Flip]:
    left, right = exact_a.mean(axis=0), exact_b.mean(axis=0)
    difference = np.abs(left - right)
    order = np.argsort(-difference, kind="stable")
    answers = [_final_answers(system) for system in (a, b)]
    examples = a.records[0].outcomes.examples
    return [
        Flip(examples[i], float(left[i]), float(right[i]), answers[0][i], answers[1][i])
        for i in order[difference[order] > 0].tolist()
    ]


def _final_answers(system: System) -> Sequence[str]:
    record = system.records[0]
    nulled = record.outcomes.abstains(record.report.scores.null_threshold)
    return [
        "" if null else text for null, text in zip(nulled, record.outcomes.answers, strict=True)
    ]
