"""Comparisons of the first two heads of made-up blocks, many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from qabench.base.arrays import Doubles
from qabench.comparison.paired import ALPHA
from qabench.comparison.pivots import Mixture, Pivot
from qabench.comparison.seeds import Evidence, posterior, spread_likelihood
from qabench.comparison.simulation.answers import Block, Scene, block

SEEDS = ((1, 1), (2, 2), (3, 3), (5, 5), (3, 2), (5, 2))
_BLOCK = 50


@dataclass(frozen=True, eq=False)
class Trial:
    """C comparisons.

    Attributes:
        errors: (C,) estimated less true difference.
        pivot: of those errors.
        sampling, chance: (C,) variance over questions; chance's part of it.
        spread: (C, 2) variance of each mean over seeds, chance within.
        freedom: of ``sampling``.
    """

    errors: Doubles
    pivot: Pivot
    sampling: Doubles
    chance: Doubles
    spread: Doubles
    freedom: float

    @cached_property
    def halves(self) -> Doubles:
        """(C,) half widths of the 95 % intervals."""
        return self.pivot.half_widths(ALPHA)

    @cached_property
    def halves_equal(self) -> Doubles:
        """(C,) half widths of the 90 % intervals, which decide equality."""
        return self.pivot.half_widths(2 * ALPHA)

    def misses(self) -> float:
        """Share of the intervals that leave the truth out; for equal heads, of false claims."""
        return float((self.pivot.p_values(np.abs(self.errors)) <= ALPHA).mean())


def trials(
    scene: Scene, count: int, seeds: Sequence[tuple[int, int]] = SEEDS, number: int = 0
) -> Iterator[tuple[tuple[int, int], Trial]]:
    """At least so many comparisons of a scene with each numbers of seeds.

    Args:
        scene: what to simulate.
        count: comparisons.
        seeds: of the first and of the second head.
        number: of the random stream, which differs from scene to scene.
    """
    name = repr(scene).encode()
    random = np.random.default_rng([number, *np.frombuffer(name, np.uint8).tolist()])
    for _ in range(-(-count // _BLOCK)):
        made = block(scene, _BLOCK, random)
        for pair in seeds:
            yield pair, trial(made, *pair)


def trial(made: Block, seeds_a: int, seeds_b: int) -> Trial:
    """Compare the first two heads of a block; further heads have as many seeds as the second."""
    units = made.units
    scores = [made.scores[0, :, :seeds_a], *made.scores[1:, :, :seeds_b]]
    by_question = [one.mean(axis=1, dtype=np.float64) for one in scores[:2]]
    difference = by_question[0] - by_question[1]
    sampling = units.variance(units.sums(difference))
    evidence, spread = _evidence(scores, seeds_a, seeds_b)
    seeds = Mixture.nothing(len(difference)) if min(seeds_a, seeds_b) == 1 else posterior(evidence)
    pivot = Pivot.of(sampling, units.freedom, seeds)
    truth = made.truth_of_runs if seeds_a == seeds_b == 1 else made.truth
    return Trial(
        errors=difference.mean(axis=1) - truth,
        pivot=pivot,
        sampling=sampling,
        chance=evidence.chance,
        spread=spread,
        freedom=units.freedom,
    )


def _evidence(scores: Sequence[Doubles], seeds_a: int, seeds_b: int) -> tuple[Evidence, Doubles]:
    """What :mod:`~qabench.comparison.seeds` makes of one pair, for (C, S, N) scores at once."""
    every = [one.astype(np.float64) for one in scores]
    means = [one.mean(axis=2) for one in every]
    deviations = [one - one.mean(axis=1, keepdims=True) for one in means]
    total = [(one**2).sum(axis=1) for one in deviations]
    common = min(seeds_a, seeds_b) if min(seeds_a, seeds_b) > 1 else 0
    left, right = (_centred(one[:, :common]) for one in means[:2])
    squares = np.stack([(left**2).sum(1), (right**2).sum(1), (left * right).sum(1)], axis=1)
    own = [_noise(one, one) / one.shape[1] for one in every[:2]]
    both = _noise(every[0][:, :common], every[1][:, :common]) * common
    prior = sum(
        (spread_likelihood(one, seeds_b - 1) for one in total[2:]), start=np.zeros((len(left), 1))
    )
    evidence = Evidence(
        seeds_a,
        seeds_b,
        common,
        squares,
        np.maximum(np.stack(total[:2], axis=1) - squares[:, :2], 0),
        own[0] + own[1] - 2 * both / (seeds_a * seeds_b),
        prior,
    )
    counts = (seeds_a, seeds_b)
    spread = [one / max(count - 1, 1) / count for one, count in zip(total[:2], counts, strict=True)]
    return evidence, np.stack(spread, axis=1)


def _centred(values: Doubles) -> Doubles:
    """(C, S) values less each row's mean."""
    if not values.shape[1]:
        return values
    found: Doubles = values - values.mean(axis=1, keepdims=True)
    return found


def _noise(left: Doubles, right: Doubles) -> Doubles:
    """(C,) chance's part of the covariance of run means, from (C, S, N) scores of paired runs."""
    count, questions = left.shape[1:]
    if count < 2:
        return np.zeros(len(left))
    residuals = []
    for one in (left, right):
        centred = one - one.mean(axis=2, keepdims=True)
        residuals.append(centred - centred.mean(axis=1, keepdims=True))
    products = (residuals[0] * residuals[1]).sum(axis=(1, 2))
    found: Doubles = products / (count - 1) / questions / (questions - 1)
    return found
