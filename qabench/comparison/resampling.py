"""How much a mean over questions and seeds would vary: resamples and variances.

Both work on units: the questions themselves, or the articles where questions of one article are
kept together. A unit counts with the sum of its questions' values and with their number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

# Numbers drawn at once: bounds the memory at some 16 MiB, whatever the questions and resamples.
_CHUNK = 2**20
# Of a variance: what sums of many thousand numbers may be off by, and more.
_ROUNDING = 1e-12


def resampled_means(
    values: Floats, units: Longs, resamples: int, random: np.random.Generator
) -> Floats:
    """(R,) float64: means of R resamples of the units, as many as there are, with replacement.

    Args:
        values: (N,) one value a question.
        units: (N,) the unit of each question, 0 to C - 1, each used.
        resamples: R.
        random: where the draws come from; the order of the questions changes nothing.
    """
    sums, sizes = np.bincount(units, values), np.bincount(units).astype(np.float64)
    order = np.lexsort((sizes, sums))
    sums, sizes = sums[order], sizes[order]
    alike = bool((sizes == sizes[0]).all())
    means = np.empty(resamples)
    step = max(1, _CHUNK // len(sums))
    for first in range(0, resamples, step):
        rows = min(step, resamples - first)
        drawn = random.integers(len(sums), size=(rows, len(sums)))
        questions = len(values) if alike else sizes[drawn].sum(axis=1)
        means[first : first + rows] = sums[drawn].sum(axis=1) / questions
    return means


def sampling_variance(values: Floats, units: Longs) -> float:
    """Variance of the mean of ``values`` (N,) over samples of units; 0 where there is one unit.

    The usual linearised variance of a ratio (Cochran 1977, *Sampling Techniques*, section 9A.2),
    which is the sample variance by N where each question is its own unit.
    """
    residuals = np.bincount(units, values - values.mean())
    count = len(residuals)
    if count == 1:
        return 0.0
    return float(residuals @ residuals) / len(values) ** 2 * count / (count - 1)


def seed_variance(scores: Floats, units: Longs) -> float:
    """Variance of the mean over seeds that is the seeds' own; 0 for a single seed.

    The analysis-of-variance estimate for seeds crossed with questions (Searle, Casella &
    McCulloch 1992, *Variance Components*, chapter 4): the variance between the seeds' means, less
    the part that chance on single questions puts there, and never below 0.

    Args:
        scores: (S, N) a row for each seed.
        units: (N,) the unit of each question.
    """
    seeds = len(scores)
    if seeds == 1:
        return 0.0
    means = scores.mean(axis=1)
    residuals = scores - scores.mean(axis=0)
    by_chance = sum(sampling_variance(row, units) for row in residuals) / (seeds - 1)
    between = float(means.var(ddof=1))
    own = between - by_chance
    # What rounding leaves of a difference that is 0 has a square root that is not so small.
    return own / seeds if own > _ROUNDING * between else 0.0
