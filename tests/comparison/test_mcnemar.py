"""McNemar's test is the exact binomial test of the questions that only one run answers right."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from support.made_up import QUESTIONS, write_run

from qabench.comparison.contests import gather
from qabench.comparison.mcnemar import McNemar, mcnemar, mcnemar_by_seed


def run_with(both: int, only_a: int, only_b: int, none: int):
    return (
        [1] * both + [1] * only_a + [0] * only_b + [0] * none,
        [1] * both + [0] * only_a + [1] * only_b + [0] * none,
    )


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (1, 0), (0, 1), (4, 4), (9, 2), (30, 55)])
def test_it_is_the_binomial_test_of_the_discordant_questions(only_a, only_b):
    found = mcnemar(*run_with(7, only_a, only_b, 4))
    trials = only_a + only_b
    expected = scipy.stats.binomtest(only_a, trials).pvalue if trials else 1
    assert (found.only_a, found.only_b) == (only_a, only_b)
    assert found.p_value == pytest.approx(expected, rel=1e-9)


def test_six_against_none_is_two_in_sixty_four():
    assert mcnemar([1] * 6, [0] * 6).p_value == 2 / 64


def test_it_is_exact_for_as_many_questions_as_a_dev_set_has():
    found = mcnemar(*run_with(5000, 950, 800, 5123))
    assert found.p_value == pytest.approx(scipy.stats.binomtest(950, 1750).pvalue, rel=1e-9)


@pytest.mark.parametrize(("a", "b"), [([0.5], [1]), ([1, 0], [1]), ([1], [2]), ([np.nan], [1])])
def test_it_takes_only_pairs_of_zeros_and_ones(a, b):
    with pytest.raises(ValueError, match="zeros and ones"):
        mcnemar(a, b)


def test_runs_of_the_same_seed_are_compared_and_other_seeds_left_out(tmp_path):
    first, second = np.arange(QUESTIONS) < 100, np.arange(QUESTIONS) < 90
    for name, seeds in (("a", {1: first, 2: second, 3: first}), ("b", {2: first, 1: second})):
        for seed, right in seeds.items():
            write_run(tmp_path, name, seed, right)
    (contest,) = gather([tmp_path])
    a, b = (next(one for one in contest.systems if one.label == name) for name in "ab")
    found = mcnemar_by_seed(a, b)
    assert list(found) == [1, 2]
    assert (found[1].only_a, found[1].only_b) == (10, 0)
    assert found[2] == McNemar(0, 10, 2 / 2**10)
