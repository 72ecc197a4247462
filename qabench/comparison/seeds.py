"""What the choice of training seeds adds to the error of a difference of two systems.

A system's runs differ in their means by the seeds' own effect and by chance on single questions.
The chance is measured well, from all questions. The seeds' own effect is not: there are two, three
or five seeds. So three things are pooled as far as the data do not say otherwise. Spreads over
seeds of the two systems are alike (the log of their ratio is normal around 0); spreads of a
report's other systems are like theirs; and a seed may do the same to both systems (it decides the
order of the training windows, and their subset), so that part of its effect cancels. The
correlation has a prior with most of its weight at 0, since a wrong claim costs more than a wide
interval. Without the pooling this is the two-way analysis of variance (Searle, Casella &
McCulloch 1992, *Variance Components*, chapter 4). ``python -m qabench.comparison.simulation``
shows how often the verdicts that come of it are wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qabench.base.arrays import Doubles, Longs
from qabench.comparison.pivots import Mixture, chi_squares

# Standard deviation of the log of the ratio of two systems' standard deviations over seeds: 95 %
# within a factor of 10 either way. With unequal numbers of seeds a difference of spreads misleads
# more, and less is assumed.
_RATIO, _RATIO_UNEQUAL = 1.2, 2.0
_RATIOS = np.linspace(-2.4, 2.4, 9)
_CORRELATIONS = np.array([0.0, 0.35, 0.65, 0.85, 0.95])
_CORRELATION_WEIGHTS = np.array([0.7, 0.075, 0.075, 0.075, 0.075])
_CHI_NODES = 36
# Logs of standard deviations; scores from 0 to 1 have none greater than a half.
_SPREADS = np.linspace(math.log(1e-6), math.log(0.5), 61)
_NO_SPREAD = 1e-20


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """What the runs of K systems, R in all, say of seeds.

    Attributes:
        rows: of each system, the row of each of its seeds.
        means: (R,) mean score of each run.
        centred: (R, N) scores of each run less their mean.
    """

    rows: tuple[dict[int, int], ...]
    means: Doubles
    centred: Doubles

    @classmethod
    def of(cls, scores: Sequence[Doubles], seeds: Sequence[Sequence[int]]) -> Runs:
        """The runs of K systems, from the (S, N) scores and the seeds of each."""
        ends = np.cumsum([len(one) for one in seeds]).tolist()
        starts = [0, *ends[:-1]]
        rows = tuple(
            dict(zip(of_one, range(start, end), strict=True))
            for of_one, start, end in zip(seeds, starts, ends, strict=True)
        )
        every = np.concatenate(scores)
        means = every.mean(axis=1)
        return cls(rows, means, every - means[:, None])

    def squares(self, rows: Sequence[int], others: Sequence[int] | None = None) -> float:
        """Sum of squares of run means around their mean; of products, with the paired others."""
        left, right = (self.means[list(one)] for one in (rows, rows if others is None else others))
        return float((left - left.mean()) @ (right - right.mean()))

    def noise(self, rows: Sequence[int], others: Sequence[int] | None = None) -> float:
        """Chance's part of the variance of one run mean; of a covariance, with the others."""
        count, questions = len(rows), self.centred.shape[1]
        if count < 2 or questions < 2:
            return 0.0
        left = self.centred[list(rows)]
        right = left if others is None else self.centred[list(others)]
        together = float(left.sum(axis=0) @ right.sum(axis=0)) / count
        own = float(np.einsum("sn,sn->", left, right)) - together
        return float(own / (count - 1) / questions / (questions - 1))


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the runs of P pairs of systems say; all pairs have the same numbers of seeds.

    Attributes:
        seeds_a, seeds_b: seeds of each system, at least 2.
        common: seeds that both have and that are held against each other, 0 or at least 2.
        squares: (P, 3) sums of squares of a and of b, and of products, over common seeds.
        rest: (P, 2) what is left of the sums of squares of a and of b over all their seeds.
        chance: (P,) the part of chance in the variance of the difference of means.
        prior: (P, T) log-likelihood of each of ``_SPREADS``, from the other systems.
    """

    seeds_a: int
    seeds_b: int
    common: int
    squares: Doubles
    rest: Doubles
    chance: Doubles
    prior: Doubles

    @property
    def ratio(self) -> float:
        """Standard deviation of the prior of the log ratio of spreads."""
        return _RATIO if self.seeds_a == self.seeds_b else _RATIO_UNEQUAL


def seed_variance(runs: Runs, pairs: Longs) -> tuple[Mixture, Doubles]:
    """The seeds' own variance of the differences of P pairs, and chance's part (P,) beside it.

    Args:
        runs: of all systems of a report, whose spreads are pooled.
        pairs: (P, 2) numbers of the systems.

    A pair with a system of one seed has no such variance: its difference is about these runs.
    """
    groups: dict[tuple[int, int, int], list[int]] = {}
    for place, (a, b) in enumerate(pairs.tolist()):
        common = len(runs.rows[a].keys() & runs.rows[b].keys())
        key = (len(runs.rows[a]), len(runs.rows[b]), common if common > 1 else 0)
        groups.setdefault(key, []).append(place)
    likelihoods = _likelihoods(runs)
    found: list[tuple[list[int], Mixture]] = []
    chance = np.zeros(len(pairs))
    for (seeds_a, seeds_b, _), places in groups.items():
        evidence = _evidence(runs, pairs[places], likelihoods)
        chance[places] = evidence.chance
        mixture = Mixture.nothing(len(places))
        if min(seeds_a, seeds_b) > 1:
            mixture = posterior(evidence)
        found.append((places, mixture))
    return _together(found, len(pairs)), chance


def _together(parts: Sequence[tuple[list[int], Mixture]], pairs: int) -> Mixture:
    width = max((part.values.shape[1] for _, part in parts), default=1)
    values, weights = np.zeros((pairs, width)), np.zeros((pairs, width))
    for places, part in parts:
        values[places, : part.values.shape[1]] = part.values
        weights[places, : part.weights.shape[1]] = part.weights
    return Mixture(values, weights)


def _evidence(runs: Runs, pairs: Longs, likelihoods: Doubles) -> Evidence:
    squares, rest, chance = [], [], []
    others = likelihoods.sum(axis=0) - likelihoods[pairs].sum(axis=1)
    noise = [runs.noise(list(rows.values())) for rows in runs.rows]
    for a, b in pairs.tolist():
        left, right = runs.rows[a], runs.rows[b]
        shared = sorted(left.keys() & right.keys())
        shared = shared if len(shared) > 1 else []
        at_a, at_b = [left[seed] for seed in shared], [right[seed] for seed in shared]
        of = [0.0, 0.0, 0.0]
        if shared:
            of = [runs.squares(at_a), runs.squares(at_b), runs.squares(at_a, at_b)]
        every_a, every_b = list(left.values()), list(right.values())
        squares.append(of)
        rest.append([runs.squares(every_a) - of[0], runs.squares(every_b) - of[1]])
        both = runs.noise(at_a, at_b) * len(shared) if shared else 0.0
        own = noise[a] / len(left) + noise[b] / len(right)
        chance.append(own - 2 * both / (len(left) * len(right)))
    return Evidence(
        len(left),
        len(right),
        len(shared),
        np.array(squares),
        np.maximum(rest, 0.0),
        np.array(chance),
        others * (len(runs.rows) > 2),
    )


def _likelihoods(runs: Runs) -> Doubles:
    """(K, T) what each system says of the typical spread; zeros for one of a single seed."""
    found = np.zeros((len(runs.rows), len(_SPREADS)))
    for system, rows in enumerate(runs.rows):
        if len(rows) > 1:
            squares = np.array(runs.squares(list(rows.values())))
            found[system] = spread_likelihood(squares, len(rows) - 1)
    return found


def spread_likelihood(squares: Doubles, freedom: int) -> Doubles:
    """(..., T) log-likelihood of each typical spread, from (...,) a system's sums of squares.

    The system's own spread lies around the typical one.
    """
    logs = _SPREADS[:, None] + _RATIOS * _RATIO / math.sqrt(2)
    squares = squares[..., None, None] + _NO_SPREAD
    likelihood = -freedom * logs - squares * np.exp(-2 * logs) / 2
    top = likelihood.max(axis=(-2, -1), keepdims=True)
    found: Doubles = np.log(np.exp(likelihood - top) @ _normal(_RATIOS) + 1e-300)
    return found


def _normal(z: Doubles) -> Doubles:
    density = np.exp(-(z**2) / 2)
    found: Doubles = density / density.sum()
    return found


def posterior(evidence: Evidence) -> Mixture:
    """The seeds' own variance of the difference of means.

    Given the ratio of spreads and the correlation, the sum of squares in units of the spread is
    chi-square; both are summed over with prior times likelihood. Axes: pair, ratio, correlation,
    chi-square.
    """
    one = evidence
    common = one.common
    correlations, weights = _CORRELATIONS, _CORRELATION_WEIGHTS
    if not common:
        correlations, weights = correlations[:1], np.ones(1)
    apart = (evidence.ratio * _RATIOS)[:, None]
    up, down, together = np.exp(apart), np.exp(-apart), correlations[None, :]
    free = 1 - together**2
    aa, bb, ab = (one.squares[:, place, None, None] for place in range(3))
    rest_a, rest_b = (one.rest[:, place, None, None] for place in range(2))
    squares = (aa * down + bb * up - 2 * together * ab) / free + rest_a * down + rest_b * up
    squares = squares + _NO_SPREAD
    freedom = one.seeds_a + one.seeds_b - 2
    likelihood = (
        -max(common - 1, 0) / 2 * np.log(free)
        - apart / 2 * (one.seeds_a - one.seeds_b)
        - freedom / 2 * np.log(squares)
        + np.log(_normal(_RATIOS))[:, None]
        + np.log(weights)[None, :]
    )
    chi, chi_weights = chi_squares(freedom, _CHI_NODES)
    spreads = squares[..., None] / chi
    likely = np.exp(likelihood - likelihood.max(axis=(1, 2), keepdims=True))
    likely = likely[..., None] * chi_weights * _prior(one, spreads)
    share = up / one.seeds_a + down / one.seeds_b
    share = share - 2 * together * common / (one.seeds_a * one.seeds_b)
    own = np.maximum(spreads * share[..., None] - one.chance[:, None, None, None], 0)
    pairs = len(own)
    flat = likely.reshape(pairs, -1)
    return Mixture(own.reshape(pairs, -1), flat / flat.sum(axis=1, keepdims=True)).reduced()


def _prior(evidence: Evidence, spreads: Doubles) -> Doubles:
    """What the report's other systems say of these variances over seeds, of the same shape."""
    if not evidence.prior.any():
        return np.ones(spreads.shape)
    prior = np.exp(evidence.prior - evidence.prior.max(axis=1, keepdims=True))
    # The mean log of two spreads that lie around the typical one.
    near = np.exp(-(((_SPREADS[:, None] - _SPREADS) / (evidence.ratio / 2)) ** 2) / 2)
    density = prior @ (near / near.sum(axis=1, keepdims=True))
    step = _SPREADS[1] - _SPREADS[0]
    place = (np.log(spreads) / 2 - _SPREADS[0]) / step
    place = np.clip(place, 0, len(_SPREADS) - 1.001)
    low = place.astype(np.intp)
    row = np.arange(len(spreads))[:, None, None, None]
    part = place - low
    found: Doubles = density[row, low] * (1 - part) + density[row, low + 1] * part + 1e-12
    return found
