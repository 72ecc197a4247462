"""Several comparisons made together: what one of them must show so that all hold at once.

Every verdict of a family holds with the family's confidence, and so does every interval: a verdict
and its interval are one statement. The level of a single comparison is Tukey's where all pairs of
K systems are compared, and Dunnett's where K systems are compared with one (Hochberg & Tamhane
1987, *Multiple Comparison Procedures*, chapters 3 and 5), both as for many degrees of freedom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

_NODES = np.linspace(-8.5, 8.5, 1201)
_DENSITY = np.exp(-(_NODES**2) / 2)
_DENSITY /= _DENSITY.sum()


@dataclass(frozen=True, slots=True)
class Family:
    """The comparisons that are made together.

    Attributes:
        kind: ``pairs``: every two of the systems; ``baseline``: each system with one other.
        systems: how many systems are compared, without the baseline.
    """

    kind: Literal["pairs", "baseline"]
    systems: int

    @property
    def size(self) -> int:
        """How many comparisons there are."""
        return math.comb(self.systems, 2) if self.kind == "pairs" else self.systems

    @property
    def method(self) -> str:
        """Whose correction it is; empty for a single comparison, which needs none."""
        if self.size == 1:
            return ""
        return "Tukey" if self.kind == "pairs" else "Dunnett"

    def adjusted(self, p_value: float) -> float:
        """The probability that the family's smallest p-value is as small by chance, at most 1.

        Never more than Bonferroni's, which is as good where the p-value is tiny.
        """
        if self.size == 1 or p_value >= 1:
            return min(p_value, 1.0)
        bound = min(1.0, self.size * p_value)
        # Differences of the integral from 1 have no digits left down there.
        return bound if p_value < 1e-9 else min(bound, _chance(self, -float(ndtri(p_value / 2))))

    def level(self, alpha: float) -> float:
        """The level of one comparison at which the family errs with probability ``alpha``."""
        return _level(self, alpha)


def _chance(family: Family, z: float) -> float:
    """P(any |difference| of the family is over ``z`` standard errors), all systems being equal."""
    reach = z * math.sqrt(2)
    if family.kind == "pairs":
        inside = ndtr(_NODES) - ndtr(_NODES - reach)
        return 1 - family.systems * float(_DENSITY @ inside ** (family.systems - 1))
    inside = ndtr(_NODES + reach) - ndtr(_NODES - reach)
    return 1 - float(_DENSITY @ inside**family.systems)


@lru_cache(maxsize=512)
def _level(family: Family, alpha: float) -> float:
    if family.size == 1:
        return alpha
    low, high = math.log(alpha / family.size), math.log(alpha)
    # Bisection to the last digits; the lower end is Bonferroni's and always holds.
    for _ in range(60):
        middle = (low + high) / 2
        if family.adjusted(math.exp(middle)) <= alpha:
            low = middle
        else:
            high = middle
    return math.exp(low)
