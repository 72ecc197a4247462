"""McNemar's exact test: do two trained models differ, or could chance have done it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qabench.comparison.contests import System
from qabench.scoring.scores import Score


@dataclass(frozen=True, slots=True)
class McNemar:
    """Exact McNemar test of two runs.

    Attributes:
        only_a, only_b: questions that only one of the runs answers right.
        p_value: two-sided.
    """

    only_a: int
    only_b: int
    p_value: float


def mcnemar(exact_a: ArrayLike, exact_b: ArrayLike) -> McNemar:
    """Exact two-sided McNemar test for the EM of two runs, (N,) zeros and ones each.

    If both were equally good, each question that only one answers right would be either's with
    probability 1/2 (McNemar 1947): a binomial test. It is about two trained models and says
    nothing about their heads.

    Raises:
        ValueError: a score is neither 0 nor 1, or the shapes differ.
    """
    a, b = np.asarray(exact_a), np.asarray(exact_b)
    if a.shape != b.shape or not (np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all()):
        raise ValueError("McNemar's test takes two arrays of zeros and ones of the same shape")
    only_a, only_b = int((a > b).sum()), int((b > a).sum())
    return McNemar(only_a, only_b, _sign_test(only_a, only_b))


def _sign_test(first: int, second: int) -> float:
    """2 P(X <= the fewer), X binomial with probability 1/2, in whole numbers; at most 1."""
    trials = first + second
    ways = below = 1
    for chosen in range(min(first, second)):
        ways = ways * (trials - chosen) // (chosen + 1)
        below += ways
    return min(1.0, 2 * below / (1 << trials))


def mcnemar_by_seed(a: System, b: System) -> Mapping[int, McNemar]:
    """McNemar's test for each seed that both systems have, rising.

    Their p-values are not combined, since the runs share the questions.

    Raises:
        ReportError: results by question are missing.
    """
    left, right = ({one.seed: one.final(Score.EM) for one in side.records} for side in (a, b))
    return {seed: mcnemar(left[seed], right[seed]) for seed in left if seed in right}
