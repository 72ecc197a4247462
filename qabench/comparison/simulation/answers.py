"""Made-up scores of heads, with known true differences.

A head answers a question well where the sum of its effects and noise is above 0: the question's
difficulty and its article's, which all heads share; the head's own way with the question and with
the article; its seed; and noise on each seed and question. The spreads are those that make EM, its
differences and their variances look like those of real heads on 1,000 questions of SQuAD.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from scipy.special import ndtri

from qabench.base.arrays import Doubles, Longs, Singles
from qabench.comparison.units import Units

QUESTIONS = 1000
MOST_SEEDS = 5
# In logits: mean; article; question; question by head; noise beside the logistic one.
_MEAN, _ARTICLE, _QUESTION, _OWN, _NOISE = 0.6, 0.5, 1.5, 0.7, 0.7

Metric = Literal["EM", "F1"]
# Number of units, and the standard deviation of the log of their sizes.
LAYOUTS = {
    "5": (5, 0.0),
    "8": (8, 0.0),
    "12": (12, 0.0),
    "20": (20, 0.0),
    "40": (40, 0.0),
    "uneven 8": (8, 0.7),
    "uneven 12": (12, 0.7),
    "uneven 40": (40, 0.7),
    "none": (QUESTIONS, 0.0),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """What differs from one simulation to the next; effects are in logits.

    Attributes:
        layout: a key of ``LAYOUTS``.
        article: spread over articles of the difference of two heads.
        seed: spread over seeds of each head.
        metric: EM, or F1, which gives part of a point just below the threshold.
        shift: how much better the first head is.
        ratio: how many times more than the first's the second head's seeds spread.
        correlation: of what a seed does to two heads.
        heads: how many there are; all but the first are equally good.
    """

    layout: str
    article: float
    seed: float
    metric: Metric = "EM"
    shift: float = 0.0
    ratio: float = 1.0
    correlation: float = 0.0
    heads: int = 2


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """C replications of a scene on the same sizes of units.

    Attributes:
        scores: (K, C, S, N) float32 in 0 to 1: heads, replications, seeds, questions.
        units: of the N questions.
        truth: of the first two heads, over all seeds and questions.
        truth_of_runs: (C,) the same for the runs of the first seed.
    """

    scores: Singles
    units: Units
    truth: float
    truth_of_runs: Doubles


def block(scene: Scene, count: int, random: np.random.Generator) -> Block:
    """Draw so many replications of a scene."""
    codes = _codes(scene.layout, random)
    units = int(codes.max()) + 1
    normal = random.standard_normal

    def effects(spread: float, *shape: int) -> Singles:
        return np.float32(spread) * normal(shape, dtype=np.float32)

    shared = (
        _MEAN + effects(_ARTICLE, count, units)[:, codes] + effects(_QUESTION, count, QUESTIONS)
    )
    common = normal((count, MOST_SEEDS))
    scores, seeds = [], []
    for head in range(scene.heads):
        own = effects(scene.article / math.sqrt(2), count, units)[:, codes]
        own += shared + effects(_OWN / math.sqrt(2), count, QUESTIONS)
        own += np.float32(_shift(scene, head))
        mixed = math.sqrt(scene.correlation) * common
        mixed += math.sqrt(1 - scene.correlation) * normal((count, MOST_SEEDS))
        seeds.append(_spread(scene, head) * mixed)
        logits = _noise()[
            random.integers(0, 65536, (count, MOST_SEEDS, QUESTIONS), dtype=np.uint16)
        ]
        logits += own[:, None] + seeds[-1][:, :, None].astype(np.float32)
        scores.append(_score(logits, scene.metric))
    quantiles = _normals(200)
    first, second = (
        _mean_scores(scene, _shift(scene, head) + _spread(scene, head) * quantiles).mean()
        for head in (0, 1)
    )
    runs = [_mean_scores(scene, _shift(scene, head) + seeds[head][:, 0]) for head in (0, 1)]
    units_of_all = Units("articles", codes)
    return Block(np.stack(scores), units_of_all, float(first - second), runs[0] - runs[1])


def _shift(scene: Scene, head: int) -> float:
    return scene.shift if head == 0 else 0.0


def _spread(scene: Scene, head: int) -> float:
    return scene.seed * (scene.ratio if head == 1 else 1.0)


def _score(logits: Singles, metric: Metric) -> Singles:
    if metric == "EM":
        return (logits > 0).astype(np.float32)
    partial: Singles = np.clip(1 + logits / 1.5, 0, 1).astype(np.float32)
    return partial


def _codes(layout: str, random: np.random.Generator) -> Longs:
    """(N,) int64 unit of each question; every unit has one at least."""
    units, spread = LAYOUTS[layout]
    if not spread:
        return np.arange(QUESTIONS) % units
    sizes = random.lognormal(0, spread, units)
    rest = random.choice(units, QUESTIONS - units, p=sizes / sizes.sum())
    return np.concatenate([np.arange(units), rest])


@cache
def _noise() -> Singles:
    """65,536 equally likely values of logistic and normal noise together, the smallest first."""
    random = np.random.default_rng(0)
    ranks = (np.arange(2**21) + 0.5) / 2**21
    logistic = random.permutation(np.log(ranks / (1 - ranks)))
    values = logistic + _NOISE * random.standard_normal(2**21)
    return np.sort(values)[16::32].astype(np.float32)


def _normals(count: int) -> Doubles:
    """(count,) equally likely values of a standard normal variable."""
    return np.asarray(ndtri((np.arange(count) + 0.5) / count), np.float64)


def _mean_scores(scene: Scene, shifts: Doubles) -> Doubles:
    """The mean score over all questions of heads that are this much better, by interpolation."""
    grid, means = _means(scene.metric, scene.article)
    return np.interp(shifts, grid, means)


@cache
def _means(metric: Metric, article: float) -> tuple[Doubles, Doubles]:
    spread = math.sqrt(_ARTICLE**2 + _QUESTION**2 + article**2 / 2 + _OWN**2 / 2)
    logits = _MEAN + spread * _normals(400)[:, None] + _noise()[82::164][:400]
    grid = np.linspace(-2, 2, 81)
    means = [
        _score((logits + one).astype(np.float32), metric).mean(dtype=np.float64) for one in grid
    ]
    return grid, np.array(means)
