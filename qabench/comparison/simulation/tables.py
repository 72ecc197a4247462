"""What simulations show, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from qabench.base.arrays import Doubles
from qabench.comparison.paired import ALPHA, Outcome, SystemScores, compare_all
from qabench.comparison.planning import Pair
from qabench.comparison.simulation.answers import QUESTIONS, Scene, block
from qabench.comparison.simulation.trials import SEEDS, Trial, trials


@dataclass(frozen=True, slots=True)
class Cell:
    """Comparisons of one scene with one number of seeds.

    Attributes:
        scene: what was simulated.
        misses: share of 95 % intervals that leave the truth out, in percent; where the truth is
            that heads are equal, the share of false claims.
        width: mean half width by 1.96 true standard errors.
        ideal: the same of Student's interval that knows the true variances.
    """

    scene: Scene
    misses: float
    width: float
    ideal: float


@dataclass(frozen=True, slots=True)
class Level:
    """All cells of a grid with one number of seeds."""

    HEADERS = ("seeds", "false claims %, worst", "mean", "width / ideal, mean", "least", "greatest")
    ROW_HEADERS = (
        "units",
        "article effect",
        "seed effect",
        "seeds",
        "false claims %",
        "width",
        "ideal",
    )

    seeds: tuple[int, int]
    count: int
    cells: tuple[Cell, ...]

    @property
    def label(self) -> str:
        """Such as ``3 v 2``."""
        return f"{self.seeds[0]} v {self.seeds[1]}"

    @property
    def worst(self) -> float:
        """False claims in the worst cell, in percent."""
        return max(one.misses for one in self.cells)

    @property
    def width(self) -> float:
        """Mean over cells of the width by the ideal one."""
        return float(np.mean([one.width / one.ideal for one in self.cells]))

    def summary(self) -> tuple[str, ...]:
        """One row."""
        ratios = [one.width / one.ideal for one in self.cells]
        mean = float(np.mean([one.misses for one in self.cells]))
        numbers = (self.worst, mean), (self.width, min(ratios), max(ratios))
        return (self.label, *(f"{n:.1f}" for n in numbers[0]), *(f"{n:.2f}" for n in numbers[1]))

    def rows(self) -> list[tuple[str, ...]]:
        """A row for each cell."""
        return [
            (
                one.scene.layout,
                f"{one.scene.article:g}",
                f"{one.scene.seed:g}",
                self.label,
                f"{one.misses:.1f}",
                f"{one.width:.2f}",
                f"{one.ideal:.2f}",
            )
            for one in self.cells
        ]


def levels(
    scenes: Sequence[Scene], count: int, seeds: Sequence[tuple[int, int]] = SEEDS
) -> list[Level]:
    """How often heads that are equal are said to differ, and how wide intervals are."""
    cells: dict[tuple[int, int], list[Cell]] = {pair: [] for pair in seeds}
    for scene in scenes:
        made = _by_seeds(scene, count, seeds)
        for pair in seeds:
            cells[pair].append(_cell(scene, pair, made[pair]))
    return [Level(pair, count, tuple(found)) for pair, found in cells.items()]


def _by_seeds(
    scene: Scene, count: int, seeds: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], list[Trial]]:
    found: dict[tuple[int, int], list[Trial]] = {pair: [] for pair in seeds}
    for pair, one in trials(scene, count, seeds):
        found[pair].append(one)
    return found


def _cell(scene: Scene, seeds: tuple[int, int], made: Sequence[Trial]) -> Cell:
    errors = _joined(made, "errors")
    # Widths vary little, and take most of the time.
    halves = _joined(made[::4], "halves")
    return Cell(
        scene,
        100 * float(np.mean([one.misses() for one in made])),
        float(halves.mean() / errors.std()) / 1.96,
        _ideal(scene, seeds, made),
    )


def _joined(made: Sequence[Trial], name: str) -> Doubles:
    return np.concatenate([getattr(one, name) for one in made])


def _ideal(scene: Scene, seeds: tuple[int, int], made: Sequence[Trial]) -> float:
    """Student's quantile by 1.96, with Satterthwaite's degrees of freedom for true variances."""
    sampling = _joined(made, "sampling").mean()
    spread = _joined(made, "spread").mean(axis=0)
    own = np.zeros(2)
    if scene.seed and min(seeds) > 1:
        both = max(spread.sum() - _joined(made, "chance").mean(), 0)
        own = both * spread / spread.sum()
    quantiles = []
    for one in made:
        inverse = (sampling**2 / one.freedom) + sum(
            part**2 / (count - 1) for part, count in zip(own, seeds, strict=True) if count > 1
        )
        freedom = (sampling + own.sum()) ** 2 / inverse
        quantiles.append(float(stdtrit(freedom, 1 - ALPHA / 2)))
    return float(np.mean(quantiles)) / 1.96


@dataclass(frozen=True, slots=True)
class Table:
    """Headers, and rows of text."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


# Scenes between the extremes for what takes a look at each comparison.
TYPICAL = tuple(
    Scene(layout, article, seed)
    for layout in ("5", "12", "40", "uneven 12", "none")
    for article in (0.0, 0.3, 0.8)
    for seed in (0.0, 0.08, 0.25)
)
_PLANNED = ((1, 1), (3, 3), (5, 5))


def power(count: int, scenes: Sequence[Scene] = TYPICAL) -> Table:
    """How often a true difference of the printed size is found: 0.8 is what is claimed."""
    powers: dict[tuple[int, int], list[float]] = {pair: [] for pair in _PLANNED}
    for scene in scenes:
        for pair, made in _by_seeds(scene, count, _PLANNED).items():
            printed = np.median([size for one in made for size in _detectable(pair, one)])
            found = _joined(made, "errors") + printed > _joined(made, "halves")
            powers[pair].append(float(found.mean()))
    rows = tuple(
        (f"{a} v {b}", *(f"{f(found):.2f}" for f in (min, np.mean, max)))
        for (a, b), found in powers.items()
    )
    return Table(("seeds", "power, least", "mean", "greatest"), rows)


def _detectable(seeds: tuple[int, int], made: Trial) -> list[float]:
    own = np.maximum(made.spread.sum(axis=1) - made.chance, 0) * (min(seeds) > 1)
    sizes = []
    for sampling, chance, part, half in zip(
        made.sampling, made.chance, own, made.halves, strict=True
    ):
        pair = Pair(0.0, QUESTIONS, sampling, chance, part, *seeds, QUESTIONS, made.freedom)
        sizes.append(pair.detectable(half))
    return [one for one in sizes if one is not None]


def equality(count: int, scenes: Sequence[Scene] = TYPICAL) -> Table:
    """How often "equal within the margin" is said where the difference is just the margin, and 0.

    Margins are in true standard errors: with a smaller one nothing can be called equal.
    """
    margins = (3, 4, 6)
    rows = []
    for pair in ((1, 1), (2, 2), (3, 3), (5, 5)):
        false: list[list[float]] = [[] for _ in margins]
        right: list[list[float]] = [[] for _ in margins]
        for scene in scenes:
            made = _by_seeds(scene, count, [pair])[pair]
            errors, halves = _joined(made, "errors"), _joined(made, "halves_equal")
            for place, margin in enumerate(margins):
                size = margin * errors.std()
                false[place].append(100 * float((np.abs(size + errors) + halves < size).mean()))
                right[place].append(100 * float((np.abs(errors) + halves < size).mean()))
        row = [f"{pair[0]} v {pair[1]}", f"{max(map(max, false)):.1f}"]
        rows.append((*row, *(f"{np.mean(one):.0f}" for one in right)))
    headers = ("seeds", "falsely equal %, worst", *(f"rightly, margin {m} se" for m in margins))
    return Table(headers, tuple(rows))


def families(count: int) -> Table:
    """Five equal heads: how often any of ten pairs is said to differ; and three good, two bad."""
    rows = []
    for layout, seeds, article, seed in (
        ("12", 3, 0.3, 0.08),
        ("40", 3, 0.3, 0.25),
        ("none", 5, 0.0, 0.08),
        ("40", 5, 0.3, 0.25),
        ("40", 2, 0.3, 0.08),
    ):
        scene = Scene(layout, article, seed, heads=5)
        random = np.random.default_rng([seeds, len(layout)])
        wrong = apart = total = 0
        for _ in range(-(-count // 10)):
            made = block(scene, 10, random)
            for scores in made.scores[:, :, :seeds].astype(np.float64).swapaxes(0, 1):
                systems = [
                    SystemScores(str(head), one, tuple(range(seeds)))
                    for head, one in enumerate(scores)
                ]
                found = compare_all(systems, made.units)
                wrong += any(one.decided for one in found)
                apart += sum(
                    one.decided != (one.interval[0] > 0 or one.interval[1] < 0)
                    for one in found
                    if one.outcome is not Outcome.IDENTICAL
                )
                total += 1
        rows.append(
            (
                layout,
                str(seeds),
                f"{article:g}",
                f"{seed:g}",
                f"{100 * wrong / total:.1f}",
                str(apart),
            )
        )
    headers = (
        "units",
        "seeds",
        "article effect",
        "seed effect",
        "any false claim %",
        "disagreements",
    )
    return Table(headers, tuple(rows))
