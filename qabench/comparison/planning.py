"""What a sample can show, and how much more of it would likely decide a comparison."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

from scipy.special import ndtri

from qabench.comparison.families import Family

POWER = 0.8
_Z_POWER = float(ndtri(POWER))
# Nobody trains more seeds, or writes more questions, to settle one comparison.
MOST_SEEDS, MOST_TIMES = 30, 50


@dataclass(frozen=True, slots=True)
class Rules:
    """How comparisons are judged: the family, the margin of equality, and how often it may err."""

    family: Family
    margin: float
    alpha: float


@dataclass(frozen=True, slots=True)
class Pair:
    """What is estimated of two systems' difference, as fractions of 1 and their squares.

    Attributes:
        difference: of the means, not negative.
        differing: questions on which the means over seeds differ.
        sampling: variance over samples of questions; chance on single questions is in it.
        chance: the part of it that seeds on single questions put there.
        own: the seeds' own variance.
        seeds_a, seeds_b: of each system.
        questions: N.
        freedom: degrees of freedom of ``sampling``.
    """

    difference: float
    differing: int
    sampling: float
    chance: float
    own: float
    seeds_a: int
    seeds_b: int
    questions: int
    freedom: float

    @property
    def heads(self) -> bool:
        """Whether both have several seeds, so that it is about heads and not about runs."""
        return min(self.seeds_a, self.seeds_b) > 1

    @property
    def error(self) -> float:
        """Standard error of the difference."""
        return math.sqrt(self.sampling + self.own)

    @property
    def _inverse_freedom(self) -> float:
        """1 by the degrees of freedom of the squared error (Satterthwaite)."""
        seeds = self.own + self.chance if self.heads else 0.0
        total = self.sampling + seeds
        if not total:
            return 0.0
        found = (self.sampling / total) ** 2 / self.freedom if self.freedom else 0.0
        if seeds:
            found += (seeds / total) ** 2 / (self.seeds_a + self.seeds_b - 2)
        return found

    def detectable(self, half_width: float) -> float | None:
        """The true difference that is found with probability 0.8.

        The estimate less half its interval is about normal, and the interval's own spread counts.
        ``None`` where nothing varies, or where two seeds do not tell how wide intervals get.
        """
        if not self.error or (self.heads and min(self.seeds_a, self.seeds_b) < 3):
            return None
        inverse = min(self._inverse_freedom, 2.0)
        # The median of a variance's estimate lies below it (Wilson & Hilferty 1931).
        typical = half_width / math.pow(1 - 2 * inverse / 9, 1.5)
        spread = math.sqrt(self.error**2 + typical**2 * inverse / 2)
        return max(half_width, typical + _Z_POWER * spread)

    def with_seeds(self, seeds: int) -> Pair:
        """As it would likely be with so many seeds of each."""
        now = 2 / (1 / self.seeds_a + 1 / self.seeds_b)
        chance = self.chance * now / seeds
        return replace(
            self,
            sampling=max(self.sampling - self.chance + chance, 0.0),
            chance=chance,
            own=self.own * now / seeds,
            seeds_a=seeds,
            seeds_b=seeds,
        )

    def with_questions(self, times: float) -> Pair:
        """As it would likely be with so many times the questions, in as many times the units."""
        return replace(
            self,
            sampling=self.sampling / times,
            chance=self.chance / times,
            questions=round(self.questions * times),
            freedom=self.freedom * times,
        )

    def likely_decided(self, rules: Rules) -> bool:
        """Whether such a difference would be called better, or equal, with probability 0.8."""
        reach = _Z_POWER * self.error
        apart = self._half_width(rules.family.level(rules.alpha)) + reach
        alike = self._half_width(rules.family.level(2 * rules.alpha)) + reach
        return self.difference >= apart or self.difference + alike <= rules.margin

    def _half_width(self, level: float) -> float:
        """By the first terms of Student's quantile in 1 by the degrees of freedom."""
        z = _quantile(level)
        return self.error * (z + (z**3 + z) / 4 * self._inverse_freedom)


@lru_cache(maxsize=512)
def _quantile(level: float) -> float:
    return -float(ndtri(level / 2))


def needed_seeds(pair: Pair, rules: Rules) -> int | None:
    """How many seeds of each would likely decide it; ``None`` where no reasonable number would."""
    if not pair.heads:
        return None
    for seeds in range(max(pair.seeds_a, pair.seeds_b) + 1, MOST_SEEDS + 1):
        if pair.with_seeds(seeds).likely_decided(rules):
            return seeds
    return None


def needed_questions(pair: Pair, rules: Rules) -> int | None:
    """How many questions would likely decide it, to two digits; ``None`` as above."""
    if not pair.with_questions(MOST_TIMES).likely_decided(rules):
        return None
    low, high = 1.0, float(MOST_TIMES)
    while high / low > 1.01:
        middle = math.sqrt(low * high)
        if pair.with_questions(middle).likely_decided(rules):
            high = middle
        else:
            low = middle
    exact = pair.questions * high
    unit = int(math.pow(10, max(0, math.floor(math.log10(exact)) - 1)))
    return math.ceil(exact / unit) * unit
