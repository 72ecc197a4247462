"""Is one system better than another, are they equal, or is it undecided? Paired comparisons.

Every question is answered by both systems, so differences are taken question by question. Two
things vary: which questions were asked (:mod:`~qabench.comparison.units`), and the seeds of the
trainings (:mod:`~qabench.comparison.seeds`). Both variances are estimated from few values, which
:mod:`~qabench.comparison.pivots` accounts for. Intervals hold together over all comparisons that
are made together (:mod:`~qabench.comparison.families`): "better" is said exactly where the interval
leaves 0 out. Everything is in closed form: the same data give the same verdict.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from typing import Literal

import numpy as np

from qabench.base.arrays import Bools, Doubles, Longs
from qabench.comparison.families import Family
from qabench.comparison.pivots import Mixture, Pivot, chi_squares
from qabench.comparison.planning import Pair, Rules, needed_questions, needed_seeds
from qabench.comparison.seeds import Runs, seed_variance
from qabench.comparison.units import Units

ALPHA = 0.05
# One point of EM or F1.
MARGIN = 0.01
# Sums of thirds differ in the last digits: equal means must still be seen as equal.
_DECIMALS = 12


class Outcome(StrEnum):
    """What a comparison shows of its first system."""

    BETTER = "better"
    WORSE = "worse"
    EQUAL = "equal within the margin"
    UNDECIDED = "undecided"
    IDENTICAL = "identical"


@dataclass(frozen=True, slots=True, eq=False)
class SystemScores:
    """One system's scores on every question.

    Attributes:
        name: what to call the system.
        scores: (S, N) float64: a row for each seed, the questions in the same order for all
            systems that are compared. EM and F1 go from 0 to 1.
        seeds: (S,) the seed of each row, all different.

    Raises:
        ValueError: the shape is another, a score is not finite, or seeds repeat.
    """

    name: str
    scores: Doubles
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.scores.ndim != 2 or not self.scores.size:
            raise ValueError(f"{self.name}: scores are (seeds, questions), not {self.scores.shape}")
        if len(set(self.seeds)) != len(self.scores):
            raise ValueError(f"{self.name}: seeds {self.seeds} for {len(self.scores)} rows")
        if not np.isfinite(self.scores).all():
            raise ValueError(f"{self.name}: scores must be finite")

    def only(self, questions: Bools) -> SystemScores:
        """The scores on the questions where the (N,) mask is true, such as those of a slice."""
        return replace(self, scores=self.scores[:, questions])


@dataclass(frozen=True, slots=True)
class Sample:
    """What a comparison is a sample of.

    Attributes:
        questions: N.
        units, kind: how many units were drawn, and of what kind.
        fixed: what the result holds for, such as "these 3 articles", where it holds for no others.
    """

    questions: int
    units: int
    kind: str
    fixed: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference of two systems' means over seeds and questions, as fractions of 1.

    Attributes:
        a, b: names; a positive difference says that ``a`` is better.
        seeds_a, seeds_b: runs of each.
        common_seeds: seeds of both that were held against each other.
        about: ``heads``, or ``runs`` where a system has one seed only: then the result is about
            these trained models, and other seeds may give another.
        sample: of questions.
        family: how many comparisons hold together, of which this is one.
        correction: whose; empty for a single comparison.
        alpha: how often the family may err.
        margin: how far apart equal systems may be.
        difference: mean of ``a`` minus mean of ``b``.
        interval: of the difference, at confidence 1 - ``alpha`` for the whole family.
        own_interval: for this pair only.
        p_value: two-sided, for this pair only.
        adjusted_p_value: for the family; at most ``alpha`` exactly where the interval leaves 0 out.
        standard_error: of the difference, over questions and, between heads, over seeds.
        detectable: true difference that such a sample would show with probability 0.8, never less
            than half the interval; ``None`` where nothing varies, and between heads of fewer than
            three seeds.
        outcome: what it shows.
        needed_seeds: seeds of each that would likely decide it, where more seeds would.
        needed_questions: questions of this kind that would likely decide it, where they would.
    """

    a: str
    b: str
    seeds_a: int
    seeds_b: int
    common_seeds: int
    about: Literal["heads", "runs"]
    sample: Sample
    family: int
    correction: str
    alpha: float
    margin: float
    difference: float
    interval: tuple[float, float]
    own_interval: tuple[float, float]
    p_value: float
    adjusted_p_value: float
    standard_error: float
    detectable: float | None
    outcome: Outcome
    needed_seeds: int | None
    needed_questions: int | None

    @property
    def decided(self) -> bool:
        """Whether it says which is better."""
        return self.outcome in (Outcome.BETTER, Outcome.WORSE)

    def mirrored(self) -> Comparison:
        """The same comparison seen from ``b``."""
        turned = {Outcome.BETTER: Outcome.WORSE, Outcome.WORSE: Outcome.BETTER}
        return replace(
            self,
            a=self.b,
            b=self.a,
            seeds_a=self.seeds_b,
            seeds_b=self.seeds_a,
            difference=_negative(self.difference),
            interval=(_negative(self.interval[1]), _negative(self.interval[0])),
            own_interval=(_negative(self.own_interval[1]), _negative(self.own_interval[0])),
            outcome=turned.get(self.outcome, self.outcome),
        )


def compare_all(
    systems: Sequence[SystemScores], units: Units, *, margin: float = MARGIN, alpha: float = ALPHA
) -> tuple[Comparison, ...]:
    """Compare every two systems, in the order of the systems.

    Args:
        systems: at least two, on the same N questions.
        units: of those questions.
        margin: how far apart systems may be that are called equal.
        alpha: how often any comparison may err.

    Raises:
        ValueError: the systems have not the same questions.
    """
    pairs = list(combinations(range(len(systems)), 2))
    return _compare(systems, pairs, units, Family("pairs", len(systems)), margin, alpha)


def compare_with(
    baseline: SystemScores,
    systems: Sequence[SystemScores],
    units: Units,
    *,
    margin: float = MARGIN,
    alpha: float = ALPHA,
) -> tuple[Comparison, ...]:
    """Compare each system with one other; arguments and errors as for :func:`compare_all`."""
    pairs = [(place, len(systems)) for place in range(len(systems))]
    family = Family("baseline", len(systems))
    return _compare([*systems, baseline], pairs, units, family, margin, alpha)


def interval_of_mean(
    system: SystemScores, units: Units, alpha: float = ALPHA
) -> tuple[float, float]:
    """Interval of one system's mean over such questions and seeds, at confidence 1 - ``alpha``.

    With one seed it is about that run.
    """
    runs = Runs.of([system.scores], [system.seeds])
    mean = float(system.scores.mean())
    rows = list(runs.rows[0].values())
    own = 0.0
    if len(rows) > 1:
        between = runs.squares(rows) / (len(rows) - 1)
        own = max(0.0, between - runs.noise(rows)) / len(rows)
    sampling = units.variance(units.sums(system.scores.mean(axis=0)))
    seeds = _own_variance(own, len(rows) - 1)
    pivot = Pivot.of(np.array([float(sampling)]), units.freedom, seeds)
    half = float(pivot.half_widths(alpha)[0])
    return mean - half, mean + half


def _own_variance(own: float, freedom: int) -> Mixture:
    if not own or not freedom:
        return Mixture.nothing(1)
    chi, weights = chi_squares(freedom, 36)
    return Mixture((own * freedom / chi)[None], weights[None]).reduced()


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """What P pairs have in common, as arrays with a row for each.

    Attributes:
        differences: (P,) of means, not negative.
        differing: (P,) questions on which the means over seeds differ.
        sampling: (P,) variance over samples of questions; chance on single questions is in it.
        chance: (P,) that chance's part.
        seeds: the seeds' own variance.
        seeds_mean: (P,) an estimate of it without prior.
    """

    differences: Doubles
    differing: Longs
    sampling: Doubles
    chance: Doubles
    seeds: Mixture
    seeds_mean: Doubles


def _compare(
    systems: Sequence[SystemScores],
    pairs: Sequence[tuple[int, int]],
    units: Units,
    family: Family,
    margin: float,
    alpha: float,
) -> tuple[Comparison, ...]:
    if any(one.scores.shape[1] != len(units.codes) for one in systems):
        raise ValueError("the systems and the units are not of the same questions")
    if not pairs:
        return ()
    # The better one first, so that swapping two systems negates the result to the last digit.
    means = [(float(one.scores.mean().round(_DECIMALS)), one.name) for one in systems]
    swapped = [means[a] < means[b] for a, b in pairs]
    ordered = [pair[::-1] if turned else pair for pair, turned in zip(pairs, swapped, strict=True)]
    measured = _measure(systems, np.array(ordered), units)
    found = _judged(systems, ordered, measured, units, Rules(family, margin, alpha))
    return tuple(
        one.mirrored() if turned else one for one, turned in zip(found, swapped, strict=True)
    )


def _measure(systems: Sequence[SystemScores], pairs: Longs, units: Units) -> _Measured:
    by_question = np.stack([one.scores.mean(axis=0) for one in systems]).round(_DECIMALS)
    sums = units.sums(by_question)
    runs = Runs.of([one.scores for one in systems], [one.seeds for one in systems])
    seeds, chance = seed_variance(runs, pairs)
    differing, sampling = np.empty(len(pairs), np.int64), np.empty(len(pairs))
    for place, (a, b) in enumerate(pairs.tolist()):
        differing[place] = np.count_nonzero(by_question[a] != by_question[b])
        sampling[place] = units.variance(sums[a] - sums[b])
    means = by_question.mean(axis=1)
    differences = (means[pairs[:, 0]] - means[pairs[:, 1]]).round(_DECIMALS)
    spread = _spread(runs)
    total = spread[pairs].sum(axis=1)
    own = np.where((spread[pairs] > 0).all(axis=1), np.maximum(total - chance, 0), 0)
    return _Measured(np.maximum(differences, 0), differing, sampling, chance, seeds, own)


def _spread(runs: Runs) -> Doubles:
    """(K,) variance of each system's mean over seeds, from its runs; 0 for one seed."""
    found = np.zeros(len(runs.rows))
    for system, rows in enumerate(runs.rows):
        count = len(rows)
        if count > 1:
            found[system] = runs.squares(list(rows.values())) / (count - 1) / count
    return found


def _judged(
    systems: Sequence[SystemScores],
    pairs: Sequence[tuple[int, int]],
    measured: _Measured,
    units: Units,
    rules: Rules,
) -> list[Comparison]:
    family, alpha = rules.family, rules.alpha
    pivot = Pivot.of(measured.sampling, units.freedom, measured.seeds)
    own = pivot.half_widths(alpha)
    wide = pivot.half_widths(family.level(alpha)) if family.size > 1 else own
    # Two one-sided tests, each at alpha.
    equal = pivot.half_widths(family.level(2 * alpha))
    p_values = pivot.p_values(measured.differences)
    sample = Sample(
        len(units.codes), len(units), units.kind, None if units.fixed is None else str(units.fixed)
    )
    found = []
    for place, (a, b) in enumerate(pairs):
        pair = Pair(
            difference=float(measured.differences[place]),
            differing=int(measured.differing[place]),
            sampling=float(measured.sampling[place]),
            chance=float(measured.chance[place]),
            own=float(measured.seeds_mean[place]),
            seeds_a=len(systems[a].seeds),
            seeds_b=len(systems[b].seeds),
            questions=len(units.codes),
            freedom=units.freedom,
        )
        widths = _Widths(*(float(one[place]) for one in (own, wide, equal)))
        found.append(
            _comparison(systems[a], systems[b], pair, widths, float(p_values[place]), sample, rules)
        )
    return found


@dataclass(frozen=True, slots=True)
class _Widths:
    """Half widths of intervals: for the pair only, for the family, and for equality."""

    own: float
    family: float
    equal: float


def _comparison(
    a: SystemScores,
    b: SystemScores,
    pair: Pair,
    widths: _Widths,
    p_value: float,
    sample: Sample,
    rules: Rules,
) -> Comparison:
    difference, alpha = pair.difference, rules.alpha
    # What a test of signs could reach at best: a handful of questions proves nothing.
    least = min(1.0, 2 * 0.5**pair.differing)
    own = max(widths.own, _least_half_width(alpha, pair.questions))
    if least > alpha:
        own = max(own, difference)
    wide = max(widths.family, _least_half_width(rules.family.level(alpha), pair.questions))
    if rules.family.adjusted(least) > alpha:
        wide = max(wide, difference)
    p_value = min(max(p_value, least), 1.0)
    # Rounding must not part the p-value from the interval.
    adjusted = rules.family.adjusted(p_value)
    better = difference > wide
    adjusted = min(adjusted, alpha) if better else max(adjusted, math.nextafter(alpha, 1))
    equal = max(widths.equal, _least_half_width(alpha, pair.questions))
    outcome = Outcome.UNDECIDED
    if _identical(a, b):
        outcome = Outcome.IDENTICAL
    elif better:
        outcome = Outcome.BETTER
    elif difference + equal < rules.margin:
        outcome = Outcome.EQUAL
    open_still = outcome is Outcome.UNDECIDED
    return Comparison(
        a=a.name,
        b=b.name,
        seeds_a=pair.seeds_a,
        seeds_b=pair.seeds_b,
        common_seeds=len(set(a.seeds) & set(b.seeds)),
        about="heads" if pair.heads else "runs",
        sample=sample,
        family=rules.family.size,
        correction=rules.family.method,
        alpha=alpha,
        margin=rules.margin,
        difference=difference,
        interval=_around(difference, wide),
        own_interval=_around(difference, own),
        p_value=p_value,
        adjusted_p_value=min(1.0, adjusted),
        standard_error=pair.error,
        detectable=None if outcome is Outcome.IDENTICAL else pair.detectable(wide),
        outcome=outcome,
        needed_seeds=needed_seeds(pair, rules) if open_still else None,
        needed_questions=needed_questions(pair, rules) if open_still else None,
    )


def _identical(a: SystemScores, b: SystemScores) -> bool:
    if a.scores.shape != b.scores.shape:
        return False
    left, right = (one.scores[np.argsort(one.seeds)] for one in (a, b))
    return bool(np.array_equal(left, right))


def _least_half_width(level: float, questions: int) -> float:
    """What even questions without any difference leave open: the rule of three, at any level."""
    return -math.log(level) / questions


def _around(difference: float, half: float) -> tuple[float, float]:
    """An interval of a difference of means, which is never beyond 1."""
    return max(difference - half, -1.0), min(difference + half, 1.0)


def _negative(value: float) -> float:
    """Without a negative zero."""
    return -value if value else value
