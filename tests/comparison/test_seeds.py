"""What the choice of seeds adds to the error of a difference."""

from __future__ import annotations

import numpy as np
import pytest

from qabench.comparison.seeds import Runs, seed_variance

PAIR = np.array([[0, 1]])


def runs_of(*scores, seeds=None):
    every = [np.asarray(one, float) for one in scores]
    return Runs.of(every, seeds or [tuple(range(len(one))) for one in every])


def slow_chance(scores):
    """Variance of one run's mean by chance on questions: analysis of variance, by hand."""
    seeds, questions = scores.shape
    residuals = scores - scores.mean(0) - scores.mean(1)[:, None] + scores.mean()
    return (residuals**2).sum() / (seeds - 1) / (questions - 1) / questions


def test_chance_is_that_of_the_two_way_analysis_of_variance():
    random = np.random.default_rng(0)
    scores = random.random((4, 50))
    assert runs_of(scores).noise([0, 1, 2, 3]) == pytest.approx(slow_chance(scores))


def test_spread_less_chance_is_right_on_average():
    random = np.random.default_rng(2)
    own, chance, seeds = 0.2, 0.5, 4
    estimates = []
    for _ in range(2000):
        scores = random.normal(0, own, (seeds, 1)) + random.normal(0, 1, 60)
        found = runs_of(scores + random.normal(0, chance, (seeds, 60)))
        rows = list(range(seeds))
        estimates.append(found.squares(rows) / (seeds - 1) - found.noise(rows))
    assert np.mean(estimates) == pytest.approx(own**2, rel=0.08)


def test_chance_that_two_runs_of_a_seed_share_is_a_covariance():
    random = np.random.default_rng(3)
    noise = random.normal(0, 0.5, (3, 400))
    found = runs_of(noise, noise)
    rows = [0, 1, 2]
    assert found.noise(rows, [3, 4, 5]) == pytest.approx(found.noise(rows))
    _, chance = seed_variance(found, PAIR)
    assert chance[0] == pytest.approx(0, abs=1e-12)


def mean_variance(*scores, seeds=None):
    mixture, _ = seed_variance(runs_of(*scores, seeds=seeds), PAIR)
    return float((mixture.values * mixture.weights).sum())


def likely(*scores, share=0.5, seeds=None):
    """A quantile of the variance."""
    mixture, _ = seed_variance(runs_of(*scores, seeds=seeds), PAIR)
    order = np.argsort(mixture.values[0])
    place = np.searchsorted(np.cumsum(mixture.weights[0][order]), share)
    return mixture.values[0][order][place]


def test_a_single_seed_has_no_variance_of_its_own():
    random = np.random.default_rng(4)
    assert mean_variance(random.random((1, 30)), random.random((5, 30))) == 0


def test_the_more_runs_differ_the_greater_is_the_variance():
    random = np.random.default_rng(5)
    noise = random.random((2, 3, 200)) * 0.1
    level = np.array([[-1.0], [0.0], [1.0]])
    sizes = [
        likely(noise[0] + size * level, noise[1] - size * level) for size in (0.0, 0.02, 0.05, 0.2)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < 1e-4
    # Both means over three seeds vary by 0.2^2 / 3; four degrees of freedom leave much open.
    assert 2 * 0.04 / 3 < sizes[-1] < 2 * 2 * 0.04 / 3


def test_seeds_that_move_both_alike_are_paired_only_where_they_are_the_same():
    random = np.random.default_rng(6)
    noise = random.random((2, 6, 200)) * 0.05
    level = np.linspace(-0.1, 0.1, 6)[:, None]
    both = (noise[0] + level, noise[1] + level)
    apart = [tuple(range(6)), tuple(range(6, 12))]
    assert likely(*both) < likely(*both, seeds=apart) / 2
    # Only two of them are common.
    some = [tuple(range(6)), (4, 5, 6, 7, 8, 9)]
    assert likely(*both) < likely(*both, seeds=some)


def test_a_third_system_changes_what_is_believed_of_two_seeds():
    random = np.random.default_rng(7)
    noise = random.random((3, 2, 400)) * 0.01
    level = np.array([[-1.0], [1.0]])
    pair = (noise[0] + 0.01 * level, noise[1] - 0.01 * level)
    steady, shaky = noise[2], noise[2] + 0.2 * level
    assert likely(*pair, steady, share=0.9) < likely(*pair, shaky, share=0.9)


@pytest.mark.parametrize("questions", [2, 11, 301])
def test_seeds_that_differ_in_one_question_have_next_to_no_variance_of_their_own(questions):
    for place in range(questions):
        scores = np.zeros((2, questions))
        scores[0, place] = 0.25
        found = runs_of(scores)
        own = found.squares([0, 1]) - found.noise([0, 1])
        assert own == pytest.approx(0, abs=1e-15)
