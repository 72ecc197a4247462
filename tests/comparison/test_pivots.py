"""The distribution of an error whose variance is estimated."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from qabench.comparison.pivots import Mixture, Pivot, chi_squares


@pytest.mark.parametrize("freedom", [1, 2, 3.7, 8, 40, 200, 6000])
def test_without_seeds_it_is_students(freedom):
    pivot = Pivot.of(np.array([0.0004]), freedom, Mixture.nothing(1))
    for size in (0.01, 0.04, 0.09):
        expected = 2 * scipy.stats.t.sf(size / 0.02, freedom)
        assert pivot.p_values(np.array([size])) == pytest.approx(expected, rel=0.02, abs=1e-6)


@pytest.mark.parametrize("level", [0.2, 0.05, 0.01, 1e-4])
def test_half_widths_are_where_the_p_value_is_the_level(level):
    seeds = Mixture(np.array([[0.0, 1e-4], [0.0, 1e-2]]), np.array([[0.5, 0.5], [0.9, 0.1]]))
    pivot = Pivot.of(np.array([1e-4, 4e-4]), 11, seeds)
    np.testing.assert_allclose(pivot.p_values(pivot.half_widths(level)), level, rtol=1e-6)


def test_a_mixture_reduced_keeps_its_weight_and_nearly_its_values():
    random = np.random.default_rng(0)
    values = 10 ** random.uniform(-9, -1, (2, 4000))
    weights = random.random((2, 4000))
    weights /= weights.sum(axis=1, keepdims=True)
    reduced = Mixture(values, weights).reduced()
    assert reduced.values.shape[1] < 350
    np.testing.assert_allclose(reduced.weights.sum(axis=1), 1)
    means = [(one.values * one.weights).sum(axis=1) for one in (Mixture(values, weights), reduced)]
    np.testing.assert_allclose(means[1], means[0])


@pytest.mark.parametrize("freedom", [2, 3, 8, 30])
def test_nodes_of_chi_square_have_its_quantiles(freedom):
    values, weights = chi_squares(freedom, 36)
    for share in (0.025, 0.5, 0.975):
        below = weights[values <= scipy.stats.chi2.ppf(share, freedom)].sum()
        assert below == pytest.approx(share, abs=0.12)
    assert (values * weights).sum() == pytest.approx(freedom, rel=1e-3)


def test_an_error_that_does_not_vary_is_no_error():
    pivot = Pivot.of(np.array([0.0]), 9, Mixture.nothing(1))
    assert pivot.half_widths(0.05)[0] < 1e-12
    assert pivot.p_values(np.array([0.1]))[0] == 0
