"""Null thresholds: the score at every one of them, and the best.

A question is nulled (answered with "") where its null odds are greater than the threshold, and
then scores 1 if it has no answer, else 0; otherwise its answer scores what it scores. Questions
with equal null odds switch together, so every score here is one that some threshold really gives.
A threshold tuned on the questions that it is reported on is optimistic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qabench.base.arrays import Bools, Doubles, Longs

# Sums in another order differ in the last digits; scores nearer than this are equally good.
_SAME = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """The mean score at every threshold: a step function.

    Attributes:
        edges: (K + 1,) rising; step k holds for thresholds from ``edges[k]`` up to, but not
            including, ``edges[k + 1]``. The first is -inf (all nulled), the others are the K
            distinct null odds; from the last one on every question is answered.
        scores: (K + 1,) mean score on each step, 0 to 1.
    """

    edges: Doubles
    scores: Doubles

    def best(self) -> float:
        """A threshold with the highest mean score.

        The middle of the widest stretch of best thresholds, the lowest of equally wide ones: the
        choice that depends least on small changes of the null odds. If only an endless stretch is
        best, its end: just below the lowest null odds (all nulled) or the highest (none nulled).
        """
        best = self.scores >= self.scores.max() - _SAME
        first = np.flatnonzero(best & ~np.concatenate(([False], best[:-1])))
        last = np.flatnonzero(best & ~np.concatenate((best[1:], [False])))
        low, high = self.edges[first], np.append(self.edges, np.inf)[last + 1]
        finite = np.isfinite(low) & np.isfinite(high)
        if not finite.any():
            return float(low[-1] if np.isfinite(low[-1]) else np.nextafter(high[0], -np.inf))
        low, high = low[finite], high[finite]
        widest = int((high - low).argmax())
        middle = low[widest] / 2 + high[widest] / 2
        # Between neighbouring floats there is no middle, and the upper one is not on the stretch.
        return float(middle if low[widest] <= middle < high[widest] else low[widest])


def sweep(null_odds: Doubles, score_if_answered: Doubles, has_answer: Bools) -> Sweep:
    """The mean EM or F1 at every threshold.

    Args:
        null_odds: (N,) evidence for no answer, in the head's unit.
        score_if_answered: (N,) 0 to 1, EM or F1 of the best non-null answer; an unanswerable
            question has 0, but 1 where that answer is empty anyway.
        has_answer: (N,) whether the question has an answer.

    Raises:
        ValueError: there is no question, shapes differ, or null odds are not finite.
    """
    groups = _by_odds(null_odds, score_if_answered, has_answer)
    answered = np.concatenate(([0.0], np.cumsum(groups.score)))
    nulled = groups.unanswerable.sum() - np.concatenate(([0], np.cumsum(groups.unanswerable)))
    edges = np.concatenate(([-np.inf], groups.odds))
    return Sweep(edges, (answered + nulled) / len(null_odds))


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """Questions of equal null odds: (K,) rising odds, and sums over the questions of each."""

    odds: Doubles
    questions: Longs
    unanswerable: Longs
    score: Doubles
    answerable_score: Doubles


def _by_odds(null_odds: Doubles, score_if_answered: Doubles, has_answer: Bools) -> _Groups:
    if not len(null_odds) == len(score_if_answered) == len(has_answer) > 0:
        raise ValueError(
            "null odds, scores and has_answer must be of the same questions, and not empty"
        )
    if not np.isfinite(null_odds).all():
        raise ValueError("null odds must be finite")
    odds, group = np.unique(np.asarray(null_odds, np.float64), return_inverse=True)
    questions = np.bincount(group)
    return _Groups(
        odds=odds,
        questions=questions,
        unanswerable=questions - np.bincount(group[has_answer], minlength=len(odds)),
        score=np.bincount(group, score_if_answered).astype(np.float64),
        answerable_score=np.bincount(group, score_if_answered * has_answer).astype(np.float64),
    )


@dataclass(frozen=True, slots=True, eq=False)
class PrecisionRecall:
    """Precision and recall of answering, as in the official script.

    Attributes:
        precision: (K,) at each distinct null odds as threshold, rising: the score of the answerable
            questions that are answered, by questions answered.
        recall: (K,) the same score, by answerable questions.
    """

    precision: Doubles
    recall: Doubles


def precision_recall(
    null_odds: Doubles, score_if_answered: Doubles, has_answer: Bools
) -> PrecisionRecall:
    """The precision-recall curve; arguments as for :func:`sweep`.

    Raises:
        ValueError: as for :func:`sweep`, or no question has an answer, so that there is no recall.
    """
    groups = _by_odds(null_odds, score_if_answered, has_answer)
    if not has_answer.any():
        raise ValueError("without an answerable question there is no recall")
    found = np.cumsum(groups.answerable_score)
    return PrecisionRecall(
        precision=found / np.cumsum(groups.questions), recall=found / np.count_nonzero(has_answer)
    )


@dataclass(frozen=True, slots=True, eq=False)
class RiskCoverage:
    """How wrong the answered questions are, by how many are answered (Geifman & El-Yaniv 2017,
    "Selective Classification for Deep Neural Networks").

    Attributes:
        coverage: (K,) at each distinct null odds as threshold, rising to 1: the share of all
            questions that are answered.
        risk: (K,) 1 - mean score of the answered questions, with or without a gold answer.
    """

    coverage: Doubles
    risk: Doubles


def risk_coverage(
    null_odds: Doubles, score_if_answered: Doubles, has_answer: Bools
) -> RiskCoverage:
    """The risk-coverage curve; arguments and errors as for :func:`sweep`."""
    groups = _by_odds(null_odds, score_if_answered, has_answer)
    answered = np.cumsum(groups.questions)
    return RiskCoverage(
        coverage=answered / len(null_odds), risk=1 - np.cumsum(groups.score) / answered
    )
