"""Verdicts on made-up runs whose true difference is known; the whole grid is a command."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from qabench.comparison.paired import SystemScores, compare_all
from qabench.comparison.pivots import Pivot
from qabench.comparison.simulation.__main__ import main
from qabench.comparison.simulation.answers import QUESTIONS, Scene, block
from qabench.comparison.simulation.tables import equality, families, levels, power
from qabench.comparison.simulation.trials import SEEDS, trial, trials
from qabench.comparison.units import Units

COUNT = 600
# Where today's rule failed most: few articles, few seeds, effects that matter.
SCENES = [
    Scene("5", 0.8, 0.08),
    Scene("12", 0.8, 0.25),
    Scene("12", 0.3, 0.25, "F1"),
    Scene("uneven 12", 0.8, 0.0),
    Scene("40", 0.3, 0.25),
    Scene("40", 0.3, 0.25, correlation=0.8),
    Scene("none", 0.3, 0.25),
]


def limit(share: float, trials: int) -> float:
    """The greatest percentage that chance alone gives for a true share, nearly always."""
    return 100 * (share + 3.3 * np.sqrt(share * (1 - share) / trials))


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_equal_heads_are_said_to_differ_at_most_six_times_in_a_hundred(scene):
    for level in levels([scene], COUNT):
        assert level.worst <= limit(0.06, COUNT), level.label


def test_intervals_hold_a_true_difference():
    for level in levels([dataclasses.replace(SCENES[1], shift=0.4)], COUNT):
        assert level.worst <= limit(0.06, COUNT), level.label


def test_units_that_are_taken_for_independent_are_caught():
    """The check can fail: questions of one article as a sample of their own."""
    random, misses = np.random.default_rng(1), []
    for _ in range(4):
        made = block(Scene("12", 0.8, 0.08), 50, random)
        apart = dataclasses.replace(made, units=Units("questions", np.arange(QUESTIONS)))
        misses.append(trial(apart, 3, 3).misses())
    assert np.mean(misses) > 0.25


def test_seeds_that_are_ignored_are_caught():
    """The check can fail: a variance over questions only."""
    scene, misses = Scene("40", 0.3, 0.25), []
    for _, one in trials(scene, 200, [(3, 3)]):
        only = Pivot.of(one.sampling, one.freedom, type(one.pivot.variance).nothing(50))
        misses.append((only.p_values(np.abs(one.errors)) <= 0.05).mean())
    assert np.mean(misses) > 0.15


def test_intervals_are_not_much_wider_than_they_must_be():
    scenes = [Scene(layout, 0.3, 0.08) for layout in ("5", "12", "40", "none")]
    widths = {level.seeds: level.width for level in levels(scenes, 200)}
    assert widths[5, 5] < 1.25
    assert widths[3, 3] < 1.5
    assert widths[2, 2] < 2.2
    shared = levels([dataclasses.replace(one, heads=5) for one in scenes], 200, [(2, 2)])
    assert shared[0].width < widths[2, 2]


def test_a_difference_of_the_printed_size_is_found_about_four_times_in_five():
    scenes = [Scene("12", 0.3, 0.08), Scene("40", 0.0, 0.25), Scene("none", 0.3, 0.0)]
    for _, least, _, greatest in power(400, scenes).rows:
        assert float(least) > 0.62
        assert float(greatest) < 0.93


def test_heads_that_differ_by_the_margin_are_rarely_called_equal():
    for _, worst, *_ in equality(400, [Scene("12", 0.3, 0.08), Scene("none", 0.3, 0.25)]).rows:
        assert float(worst) <= limit(0.06, 400)


def test_no_pair_of_a_family_is_said_to_differ_too_often():
    for *_, share, disagreements in families(40).rows:
        assert float(share) <= limit(0.06, 40)
        assert disagreements == "0"


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_many_comparisons_at_once_are_those_of_one_at_a_time(seeds):
    made = block(Scene("uneven 8", 0.3, 0.08, heads=3), 4, np.random.default_rng(0))
    at_once = trial(made, *seeds)
    counts = (seeds[0], seeds[1], seeds[1])
    for place in range(4):
        systems = [
            SystemScores(
                str(head), made.scores[head, place, :count].astype(float), tuple(range(count))
            )
            for head, count in enumerate(counts)
        ]
        first = compare_all(systems, made.units)[0]
        half = (first.own_interval[1] - first.own_interval[0]) / 2
        assert at_once.halves[place] == pytest.approx(half, rel=1e-4)


def test_the_command_prints_every_table(capsys):
    main(["--replications", "50", "--quick"])
    printed = capsys.readouterr().out
    for title in ("EM: ", "F1: ", "Power at", "Equal within", "Five heads"):
        assert title in printed
