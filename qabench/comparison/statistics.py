"""Is one head better than another, or could chance have done it? Paired tests and intervals.

Every question is answered by both heads, so the tests look at differences question by question.
Two things vary: which questions were asked, and the seed of the training.

*Questions* are resampled with replacement (the bootstrap), or whole articles, whose questions are
not independent of each other. The interval is the percentile interval: the mean of a bounded
difference has a nearly symmetric distribution, so there is hardly a skewness for BCa to correct,
and BCa is undefined where all differences are equal.

*Seeds* are paired where both systems were trained with the same seeds, as runs of one seed see
the training windows in the same order; else the runs of the two are independent. This is the rule
of the multi-bootstrap (Sellam et al. 2022, "The MultiBERTs", section 4), and like there questions
and seeds vary jointly. But two or three seeds are too few to resample: their spread comes out too
small (in simulations with three seeds that matter much, 73 % of the 95 % intervals of the plain
multi-bootstrap held the true difference). So the part of the seeds is drawn from Student's t with
S - 1 degrees of freedom, scaled by the seeds' own estimated variance, and added to each
resample's mean, which is the usual way (Behrens-Fisher) to add a mean whose variance is estimated
from few values. With a single seed that variation cannot be measured, and the result says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qabench.comparison.resampling import (
    Floats,
    Longs,
    resampled_means,
    sampling_variance,
    seed_variance,
)
from qabench.data.halves import article_codes

RESAMPLES = 10_000
ALPHA = 0.05
POWER = 0.8
# Sums of thirds differ in the last digits: equal means must still be seen as equal.
_DECIMALS = 12


@dataclass(frozen=True, slots=True, eq=False)
class SystemScores:
    """One system's scores (EM or F1) on every question.

    Attributes:
        name: what to call the system in a verdict.
        scores: (S, N) float64, 0 to 1: a row for each seed, the questions in the same order for
            all systems that are compared.
        seeds: (S,) the seed of each row, all different.

    Raises:
        ValueError: the shape is another, a score is outside 0 to 1, or seeds repeat.
    """

    name: str
    scores: Floats
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.scores.ndim != 2 or not self.scores.size:
            raise ValueError(f"{self.name}: scores are (seeds, questions), not {self.scores.shape}")
        if len(set(self.seeds)) != len(self.scores):
            raise ValueError(f"{self.name}: seeds {self.seeds} for {len(self.scores)} rows")
        # A comparison with nan is false, so this finds nan as well.
        if not ((self.scores >= 0) & (self.scores <= 1)).all():
            raise ValueError(f"{self.name}: scores must be from 0 to 1")

    def only(self, questions: NDArray[np.bool_]) -> SystemScores:
        """The scores on the questions where the (N,) mask is true, such as those of a slice."""
        return replace(self, scores=self.scores[:, questions])

    def by_seed(self) -> Floats:
        """(S, N) the scores with the seeds in ascending order."""
        return self.scores[np.argsort(self.seeds)]


@dataclass(frozen=True, slots=True)
class McNemar:
    """Exact McNemar test of two runs.

    Attributes:
        only_a, only_b: questions that only the one run has right.
        p_value: two-sided.
    """

    only_a: int
    only_b: int
    p_value: float


def mcnemar(exact_a: ArrayLike, exact_b: ArrayLike) -> McNemar:
    """Exact two-sided McNemar test for the EM of two single runs, (N,) zeros and ones each.

    If both were equally good, each question that only one has right would be either's with
    probability 1/2 (McNemar 1947): a binomial test. It is about two trained models and says
    nothing of their heads; for several seeds see :func:`mcnemar_by_seed` and :func:`compare`.

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


def mcnemar_by_seed(a: SystemScores, b: SystemScores) -> Mapping[int, McNemar]:
    """McNemar's test for each seed that both systems have, ascending.

    Their p-values are not combined, since the runs share the questions; the test for the mean
    over seeds is :func:`compare`.
    """
    return {
        seed: mcnemar(a.scores[a.seeds.index(seed)], b.scores[b.seeds.index(seed)])
        for seed in sorted(set(a.seeds) & set(b.seeds))
    }


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference of two systems' means over seeds and questions, as fractions of 1.

    Attributes:
        a, b: names; a positive difference says that ``a`` is better.
        difference: mean of ``a`` minus mean of ``b``.
        interval: of the difference, at confidence 1 - ``alpha``, for this pair alone.
        p_value: two-sided, for this pair alone; at most ``alpha`` just where the interval leaves
            0 out.
        adjusted_p_value: after Holm over all ``pairs``.
        pairs: how many pairs were compared together.
        alpha: significance level.
        standard_error: of the difference, over questions (or articles) and measured seeds.
        smallest_detectable: difference that this sample would show with probability 0.8;
            ``None`` where nothing varies. With few seeds that matter it is rather more.
        questions: N.
        units: how many were resampled: articles, or questions.
        differing: units on which the means over seeds differ.
        identical: every score of every seed is the same.
        seeds_a, seeds_b: runs of each.
        paired_seeds: whether runs of the same seed were held against each other.
    """

    a: str
    b: str
    difference: float
    interval: tuple[float, float]
    p_value: float
    adjusted_p_value: float
    pairs: int
    alpha: float
    standard_error: float
    smallest_detectable: float | None
    questions: int
    units: int
    differing: int
    identical: bool
    seeds_a: int
    seeds_b: int
    paired_seeds: bool

    @property
    def significant(self) -> bool:
        """Whether the difference is more than chance would do, after Holm."""
        return self.adjusted_p_value <= self.alpha

    @property
    def testable(self) -> bool:
        """Whether enough units differ for any result to be significant."""
        return _smallest_p_value(self.differing) <= self.alpha

    def mirrored(self) -> Comparison:
        """The same comparison seen from ``b``."""
        return replace(
            self,
            a=self.b,
            b=self.a,
            difference=-self.difference,
            interval=(-self.interval[1], -self.interval[0]),
            seeds_a=self.seeds_b,
            seeds_b=self.seeds_a,
        )


def compare(
    a: SystemScores,
    b: SystemScores,
    *,
    articles: Sequence[str | None] | None = None,
    resamples: int = RESAMPLES,
    alpha: float = ALPHA,
    seed: int = 0,
) -> Comparison:
    """Compare two systems over the same questions; the module's text says how.

    The p-value is twice the smaller share of resamples on either side of 0, the sample itself
    counted as one (Davison & Hinkley 1997, *Bootstrap Methods and their Application*, section
    4.4), and never below 2 * 0.5^d for d differing units, which is what a test of their signs
    could reach at best: a handful of questions proves nothing, even if the bootstrap, which can
    only repeat them, sees no variation. Where d is that small the interval is made to hold 0.

    Args:
        a: one system.
        b: the other; swapping them negates the result.
        articles: (N,) article of each question, to resample whole articles; with fewer than
            some 30 of them intervals come out somewhat too narrow.
        resamples: at least 2 / alpha - 1.
        alpha: 1 - confidence.
        seed: of the resampling.

    Raises:
        ValueError: the systems have not the same number of questions, or too few resamples.
    """
    questions = a.scores.shape[1]
    if b.scores.shape[1] != questions or (articles is not None and len(articles) != questions):
        raise ValueError(f"{a.name}, {b.name} and articles are not of the same questions")
    if resamples + 1 < 2 / alpha:
        raise ValueError(f"{resamples} resamples cannot reach alpha {alpha}")
    units = np.arange(questions) if articles is None else article_codes(articles)
    random = np.random.default_rng(seed)
    # The better one first, so that swapping the systems negates the result to the last digit.
    if a.scores.mean() < b.scores.mean():
        return _compared(b, a, units, resamples, alpha, random).mirrored()
    return _compared(a, b, units, resamples, alpha, random)


@dataclass(frozen=True, slots=True, eq=False)
class _Differences:
    """Scores whose means over seeds add up to the difference of two systems.

    Attributes:
        sides: (S, N) each: one of differences where seeds are paired, else one of each system.
        units: (N,) the unit of each question.
    """

    sides: Sequence[Floats]
    units: Longs

    @classmethod
    def of(cls, a: SystemScores, b: SystemScores, units: Longs) -> _Differences:
        if set(a.seeds) == set(b.seeds):
            return cls([a.by_seed() - b.by_seed()], units)
        return cls([a.by_seed(), -b.by_seed()], units)

    def by_question(self) -> Floats:
        means: Floats = np.stack([side.mean(axis=0) for side in self.sides]).sum(axis=0)
        return means.round(_DECIMALS)

    def seed_variances(self) -> list[float]:
        return [seed_variance(side, self.units) for side in self.sides]

    def resampled(self, resamples: int, random: np.random.Generator) -> Floats:
        """(R,) differences as other questions and other seeds might have given them, sorted."""
        drawn = resampled_means(self.by_question(), self.units, resamples, random)
        for side, variance in zip(self.sides, self.seed_variances(), strict=True):
            if variance:
                drawn += math.sqrt(variance) * random.standard_t(len(side) - 1, resamples)
        return np.sort(np.round(drawn, _DECIMALS).clip(-1, 1))


def _compared(
    a: SystemScores,
    b: SystemScores,
    units: Longs,
    resamples: int,
    alpha: float,
    random: np.random.Generator,
) -> Comparison:
    differences = _Differences.of(a, b, units)
    by_question = differences.by_question()
    differing = len(np.unique(units[by_question != 0]))
    drawn = differences.resampled(resamples, random)
    p_value = max(_smallest_p_value(differing), _p_value(drawn))
    low, high = _interval(drawn, alpha)
    if _smallest_p_value(differing) > alpha:
        low, high = min(low, 0.0), max(high, 0.0)
    variance = sampling_variance(by_question, units) + sum(differences.seed_variances())
    error = math.sqrt(variance)
    return Comparison(
        a=a.name,
        b=b.name,
        difference=float(by_question.mean()),
        interval=(low, high),
        p_value=p_value,
        adjusted_p_value=p_value,
        pairs=1,
        alpha=alpha,
        standard_error=error,
        smallest_detectable=smallest_detectable_difference(error, alpha) if error else None,
        questions=len(by_question),
        units=int(units.max()) + 1,
        differing=differing,
        identical=np.array_equal(a.by_seed(), b.by_seed()),
        seeds_a=len(a.seeds),
        seeds_b=len(b.seeds),
        paired_seeds=len(differences.sides) == 1,
    )


def _smallest_p_value(differing: int) -> float:
    return min(1.0, 2 * 0.5**differing)


def _interval(drawn: Floats, alpha: float) -> tuple[float, float]:
    """The percentile interval of sorted (R,) values, so that it agrees with the p-value."""
    rank = math.floor(alpha / 2 * (len(drawn) + 1) + 1e-9)
    return float(drawn[rank - 1]), float(drawn[-rank])


def _p_value(drawn: Floats) -> float:
    fewer = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return min(1.0, 2 * (1 + fewer) / (len(drawn) + 1))


def smallest_detectable_difference(
    standard_error: float, alpha: float = ALPHA, power: float = POWER
) -> float:
    """The true difference that a two-sided test at ``alpha`` finds with probability ``power``.

    In the unit of the standard error of the paired difference, by the normal approximation: (z of
    1 - alpha/2 + z of power) times the standard error.
    """
    z = NormalDist().inv_cdf
    return (z(1 - alpha / 2) + z(power)) * standard_error


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p-values adjusted for being several (Holm 1979), in the order given.

    The smallest is multiplied by their number, the next by one less, and so on; none becomes
    smaller than one before it, nor greater than 1.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    ascending = sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank, place in enumerate(ascending):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return tuple(adjusted)


def compare_all(
    systems: Sequence[SystemScores],
    *,
    articles: Sequence[str | None] | None = None,
    resamples: int = RESAMPLES,
    alpha: float = ALPHA,
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """Compare every pair of systems on one metric, with Holm's correction over all pairs.

    Arguments as for :func:`compare`; pairs in the order of the systems. The interval of a pair is
    not widened for there being several.

    Raises:
        ValueError: as for :func:`compare`; or too few resamples for so many pairs.
    """
    pairs = list(combinations(systems, 2))
    if resamples + 1 < 2 * len(pairs) / alpha:
        raise ValueError(
            f"{resamples} resamples cannot reach alpha {alpha} over {len(pairs)} pairs"
        )
    compared = [
        compare(a, b, articles=articles, resamples=resamples, alpha=alpha, seed=seed)
        for a, b in pairs
    ]
    adjusted = holm([one.p_value for one in compared])
    return tuple(
        replace(one, pairs=len(pairs), adjusted_p_value=p)
        for one, p in zip(compared, adjusted, strict=True)
    )
