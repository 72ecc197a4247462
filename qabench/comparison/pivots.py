"""The distribution of an estimate's error whose variance is itself only estimated.

The error is a normal variable with a random variance, which gives a generalised pivot (Weerahandi
1993, "Generalized confidence intervals", JASA 88; with the priors used here also the posterior of
Box & Tiao 1973, *Bayesian Inference in Statistical Analysis*). The distribution of the variance is
a :class:`Mixture` of a few values with weights, so that no random numbers are needed. All arrays
have a row for each of P pairs of systems.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import erfc

from qabench.base.arrays import Doubles

# A mean of scores between 0 and 1 has no greater variance, and none below matters.
_GREATEST, _LEAST = 0.5, 1e-12
_BINS_PER_E = 12
_NEGLIGIBLE = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Values of a variance and how likely each is.

    Attributes:
        values: (P, M) float64, not negative.
        weights: (P, M) float64, of sum 1 in each row.
    """

    values: Doubles
    weights: Doubles

    @classmethod
    def nothing(cls, pairs: int) -> Mixture:
        """A variance that is 0 for certain."""
        return cls(np.zeros((pairs, 1)), np.ones((pairs, 1)))

    def reduced(self) -> Mixture:
        """The same with near values merged: at most twelve for each factor of e."""
        values = np.minimum(self.values, _GREATEST)
        pairs, bins = len(values), int(math.log(_GREATEST / _LEAST) * _BINS_PER_E) + 2
        with np.errstate(divide="ignore"):
            place = np.log(values / _LEAST) * _BINS_PER_E + 1
        flat = np.maximum(place, 0).astype(np.intp) + bins * np.arange(pairs)[:, None]
        size = pairs * bins
        place = flat.ravel()
        weights, sums = (
            np.bincount(place, one.ravel(), size).astype(np.float64).reshape(pairs, bins)
            for one in (self.weights, self.weights * values)
        )
        means: Doubles = sums / np.maximum(weights, 1e-300)
        kept = (weights > _NEGLIGIBLE).any(axis=0)
        return Mixture(means[:, kept], weights[:, kept])


@dataclass(frozen=True, slots=True, eq=False)
class Pivot:
    """The distribution of the errors of P estimates, symmetric around 0."""

    variance: Mixture

    @classmethod
    def of(cls, sampling: Doubles, freedom: float, seeds: Mixture) -> Pivot:
        """The error of a mean over questions and seeds.

        Args:
            sampling: (P,) estimated variance over samples of questions.
            freedom: its degrees of freedom.
            seeds: variance over seeds.
        """
        if freedom <= 0:
            return cls(seeds)
        chi, weights = chi_squares(freedom, 28 if freedom < 60 else 12)
        values = (sampling[:, None] * freedom / chi)[:, :, None] + seeds.values[:, None, :]
        both = weights[None, :, None] * seeds.weights[:, None, :]
        pairs = len(sampling)
        return cls(Mixture(values.reshape(pairs, -1), both.reshape(pairs, -1)).reduced())

    def p_values(self, sizes: Doubles) -> Doubles:
        """(P,) probability of an error of at least these (P,) sizes, either way."""
        tails = _tails(sizes[:, None] / self._deviations)
        found: Doubles = (self.variance.weights * tails).sum(axis=1)
        return found

    def half_widths(self, level: float) -> Doubles:
        """(P,) the sizes that errors exceed with probability ``level``: Newton's method on logs."""
        weights, deviations = self.variance.weights, self._deviations
        sizes: Doubles = 2 * (weights * deviations).sum(axis=1)
        for _ in range(60):
            z = sizes[:, None] / deviations
            p = np.maximum((weights * _tails(z)).sum(axis=1), 1e-300)
            density = (weights * z * np.exp(-z * z / 2)).sum(axis=1) * math.sqrt(2 / math.pi)
            step = np.log(p / level) * p / np.maximum(density, 1e-300)
            sizes = sizes * np.exp(np.clip(step, -1, 1))
            if np.abs(step).max() < 1e-10:
                break
        return sizes

    @property
    def _deviations(self) -> Doubles:
        found: Doubles = np.sqrt(np.maximum(self.variance.values, 1e-300))
        return found


@lru_cache(maxsize=256)
def chi_squares(freedom: float, nodes: int) -> tuple[Doubles, Doubles]:
    """(M,) values of chi-square and their (M,) weights: the trapezoid rule in its logarithm."""
    if freedom > 5000:
        return np.array([freedom]), np.ones(1)
    low = math.log(freedom) - 5.5 * math.sqrt(2 / freedom) - 24 / freedom
    high = math.log(freedom + 6 * math.sqrt(2 * freedom) + 16)
    logs = np.linspace(low, high, nodes)
    density = freedom / 2 * logs - np.exp(logs) / 2
    weights = np.exp(density - density.max())
    return np.exp(logs), weights / weights.sum()


def _tails(z: Doubles) -> Doubles:
    """P(|Z| >= z) of a standard normal Z, for z >= 0."""
    found: Doubles = erfc(z / math.sqrt(2))
    return found
